/**
 * Files that say when UTC had leap seconds: the list that NIST and the IETF publish (leap-seconds.list) and compiled
 * time zones of the `right` kind (TZif, RFC 9636). Both come out as the same table.
 */
import { sha1 } from '../base/sha1.js';
import { fromUnix, type Instant } from '../base/time.js';

/** From `at` (a midnight UTC) on, TAI − UTC is `taiUtc` seconds. */
export interface LeapEntry {
  readonly at: Instant;
  readonly taiUtc: number;
}

export interface LeapTable {
  /** Oldest first; at least one. */
  readonly entries: readonly LeapEntry[];
  /** Until then it is complete; undefined = the file does not say. */
  readonly expires: Instant | undefined;
}

/** A table, or in words why there is none. */
export type LeapFileResult = { readonly table: LeapTable } | { readonly problem: string };

/** TAI − UTC when leap seconds began, 1972-01-01. */
const TAI_UTC_1972 = 10;
const BEGIN_1972 = 63_072_000;
/** Seconds between the epochs of NTP (1900) and Unix (1970). */
const NTP_UNIX = 2_208_988_800;
/** Some 27 in the first 45 years; a file with more than this is no list of leap seconds. */
const MAX_ENTRIES = 256;
/** Seconds since 1900 that a list may hold: till the year 3000. */
const MAX_NTP = 35_000_000_000;
const DAY = 86_400;

const bad = (problem: string): LeapFileResult => ({ problem });

/** Leap seconds are single, and come at a midnight, one after the other. */
const check = (entries: readonly LeapEntry[], expires: Instant | undefined): LeapFileResult => {
  if (entries.length === 0) return bad('it has no entries');
  for (const [i, { at, taiUtc }] of entries.entries()) {
    if ((at / 1_000_000_000n) % BigInt(DAY) !== 0n) return bad(`entry ${i + 1} is not at a midnight`);
    const before = entries[i - 1];
    if (before === undefined) continue;
    if (at <= before.at) return bad(`entry ${i + 1} is not later than the one before`);
    if (Math.abs(taiUtc - before.taiUtc) !== 1) return bad(`entry ${i + 1} is not one second from the one before`);
  }
  return { table: { entries, expires } };
};

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** The five words of `#h`; writers drop leading zeros. */
const sameHash = (words: readonly string[], digits: string): boolean => {
  const real = sha1(ascii(digits));
  return words.length === 5 && words.every((w, i) => /^[0-9a-f]{1,8}$/i.test(w) && Number.parseInt(w, 16) === real[i]);
};

/** A whole number of seconds since 1900. */
const ntpSeconds = (word: string): number | undefined => {
  const value = /^\d{1,11}$/.test(word) ? Number(word) : undefined;
  return value === undefined || value > MAX_NTP ? undefined : value;
};

/**
 * The list of NIST and the IETF: lines `NTP-SECONDS TAI-UTC [# comment]`, `#$` date of issue, `#@` date of expiry and
 * `#h` the SHA-1 over the digits of all of these, in this order. Without `#h` nothing is checked by it; without `#@`
 * there is no table.
 */
export const parseLeapList = (text: string): LeapFileResult => {
  const entries: LeapEntry[] = [];
  let issued = '';
  let expiry = '';
  let digits = '';
  let hash: readonly string[] | undefined;
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/);
    const [first = '', second = ''] = words;
    if (first === '#$') issued = second;
    else if (first === '#@') expiry = second;
    else if (first === '#h') hash = words.slice(1);
    if (first === '' || first.startsWith('#')) continue;
    const at = ntpSeconds(first);
    if (at === undefined || !/^\d{1,4}$/.test(second)) return bad(`not an entry: ${line.slice(0, 40)}`);
    if (words.length > 2 && !words[2]!.startsWith('#')) return bad(`not an entry: ${line.slice(0, 40)}`);
    if (entries.length >= MAX_ENTRIES) return bad('it is too long');
    entries.push({ at: fromUnix(at - NTP_UNIX), taiUtc: Number(second) });
    digits += first + second;
  }
  if (hash !== undefined && !sameHash(hash, issued + expiry + digits)) return bad('its checksum (#h) is wrong');
  const expires = expiry === '' ? undefined : ntpSeconds(expiry);
  if (expiry !== '' && expires === undefined) return bad('its date of expiry (#@) is not a number');
  const result = check(entries, expires === undefined ? undefined : fromUnix(expires - NTP_UNIX));
  // Nobody would be told when it gets old.
  return 'table' in result && expires === undefined ? bad('it has no date of expiry (#@)') : result;
};

const HEADER = 44;

/** Counts of a TZif header, in its order, and the size of the data behind it. */
const header = (view: DataView, at: number, timeSize: 4 | 8) => {
  if (at + HEADER > view.byteLength || view.getUint32(at) !== 0x545a6966) return undefined;
  const [isut, isstd, leaps, times, types, chars] = [0, 1, 2, 3, 4, 5].map((i) => view.getUint32(at + 20 + 4 * i)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const beforeLeaps = times * (timeSize + 1) + types * 6 + chars;
  const size = beforeLeaps + leaps * (timeSize + 4) + isstd + isut;
  return { version: view.getUint8(at + 4), leaps, leapsAt: at + HEADER + beforeLeaps, end: at + HEADER + size };
};

/**
 * The leap seconds of a compiled time zone (`right/UTC`). A record of version 4 that repeats the correction before it
 * is the date of expiry (RFC 9636, 3.2).
 */
export const parseTzif = (bytes: Uint8Array): LeapFileResult => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = header(view, 0, 4);
  if (first === undefined) return bad('it is not a compiled time zone (TZif)');
  // Version 1 has 32-bit times only; later ones repeat everything with 64 bits.
  const wide = first.version >= 0x32;
  const found = wide ? header(view, first.end, 8) : first;
  if (found === undefined || found.end > view.byteLength) return bad('it is cut short');
  if (found.leaps === 0) return bad('it has no leap seconds');
  if (found.leaps > MAX_ENTRIES) return bad('it is too long');
  const entries: LeapEntry[] = [{ at: fromUnix(BEGIN_1972), taiUtc: TAI_UTC_1972 }];
  let expires: Instant | undefined;
  let before = 0;
  for (let i = 0; i < found.leaps; i++) {
    const at = found.leapsAt + i * (wide ? 12 : 8);
    const occurrence = wide ? view.getBigInt64(at) : BigInt(view.getInt32(at));
    const correction = view.getInt32(at + (wide ? 8 : 4));
    // Occurrences count the leap seconds before them; a deleted second is over where it would have begun.
    const utc = fromUnix(occurrence - BigInt(Math.min(before, correction)));
    if (correction === before && i === found.leaps - 1) expires = utc;
    else entries.push({ at: utc, taiUtc: TAI_UTC_1972 + correction });
    before = correction;
  }
  return check(entries, expires);
};
