import type { Seconds } from '../../base/units.js';
import { MS_PER_DAY, type WrittenDate } from './calendar.js';
import type { NmeaSentence } from './nmea.js';

/** What one sentence or message says about time, before the epoch it belongs to is put together. */
export interface TimedRecord {
  /** For reports: 'RMC', 'PVT'. */
  readonly from: string;
  /** Tells one talker's sentences from another's: 'GPRMC'. */
  readonly key: string;
  /** ms since midnight UTC; 86 400 000 and more inside a leap second; undefined when the field is empty. */
  readonly msOfDay: number | undefined;
  readonly date: WrittenDate | undefined;
  /** Does the receiver vouch for it? Undefined: this sentence cannot say. */
  readonly fix: boolean | undefined;
  /** 'alone': date, time and validity in one; the epoch is settled by it. */
  readonly weight: 'alone' | 'part';
  readonly accuracy?: Seconds;
}

export type TimedReject = 'fields' | 'time' | 'date' | 'status';

const TIME = /^([01]\d|2[0-3])([0-5]\d)([0-5]\d|60)(?:\.(\d{0,9}))?$/;

/** hhmmss[.f…] to ms of day. `undefined` for an empty field, 'time' for anything that is no time. */
export const parseTime = (field: string): number | undefined | 'time' => {
  if (field === '') return undefined;
  const m = TIME.exec(field);
  if (m === null) return 'time';
  const [, h, min, s, f = ''] = m;
  // :60 is a leap second, and that stands at 23:59 only; the month's end is looked at when the date is known.
  if (s === '60' && (h !== '23' || min !== '59')) return 'time';
  // Cut, not rounded: .9999 is still this second.
  return (Number(h) * 60 + Number(min)) * 60_000 + Number(s) * 1000 + Number(f.slice(0, 3).padEnd(3, '0'));
};

export const isLeapSecond = (msOfDay: number): boolean => msOfDay >= MS_PER_DAY;

const parseShortDate = (field: string): WrittenDate | undefined | 'date' => {
  if (field === '') return undefined;
  const m = /^(\d\d)(\d\d)(\d\d)$/.exec(field);
  if (m === null) return 'date';
  return plausible({ day: Number(m[1]), month: Number(m[2]), year: Number(m[3]), twoDigits: true });
};

const plausible = (d: WrittenDate): WrittenDate | 'date' =>
  d.month >= 1 && d.month <= 12 && d.day >= 1 && d.day <= 31 ? d : 'date';

/** NMEA 4.1 positioning modes that carry time: Autonomous, Differential, Float and fixed RTK, Precise. */
const TIME_MODES = /[ADFPR]/;

/**
 * Status A, and no mode that is guessed (E), set by hand (M), simulated (S) or no fix (N). NMEA 4.1's navigational
 * status is not used: V there means "this equipment does not judge navigation", and u-blox, Quectel and Telit send it
 * with every good fix.
 */
const statusFix = (status: string, mode: string | undefined): boolean | 'status' => {
  if (status !== 'A' && status !== 'V') return 'status';
  return status === 'A' && (mode === undefined || mode === '' || /^[ADFPR]$/.test(mode));
};

const rmc = (f: readonly string[]): Parts | TimedReject => {
  if (f.length < 9 || f.length > 14) return 'fields';
  const fix = statusFix(f[1]!, f[11]);
  if (fix === 'status') return fix;
  const date = parseShortDate(f[8]!);
  return date === 'date' ? date : { time: f[0]!, date, fix, weight: 'alone' };
};

const zda = (f: readonly string[]): Parts | TimedReject => {
  if (f.length < 4 || f.length > 6) return 'fields';
  const [time, day, month, year] = f as [string, string, string, string];
  if (day === '' && month === '' && year === '') return { time, date: undefined, fix: undefined, weight: 'part' };
  if (!/^\d{1,2}$/.test(day) || !/^\d{1,2}$/.test(month) || !/^\d{4}$/.test(year)) return 'date';
  const date = plausible({ day: Number(day), month: Number(month), year: Number(year), twoDigits: false });
  return date === 'date' ? date : { time, date, fix: undefined, weight: 'part' };
};

/** Quality 0 none, 6 estimated, 7 by hand, 8 simulated; empty says nothing. */
const gga = (f: readonly string[]): Parts | TimedReject => {
  if (f.length < 9 || f.length > 16) return 'fields';
  const quality = f[5]!;
  if (!/^\d?$/.test(quality)) return 'status';
  return { time: f[0]!, fix: quality === '' ? undefined : !/[0678]/.test(quality), weight: 'part' };
};

const gll = (f: readonly string[]): Parts | TimedReject => {
  if (f.length < 6 || f.length > 7) return 'fields';
  const fix = statusFix(f[5]!, f[6]);
  return fix === 'status' ? fix : { time: f[4]!, fix, weight: 'part' };
};

/** One mode letter a constellation: one good one is enough. */
const gns = (f: readonly string[]): Parts | TimedReject => {
  if (f.length < 10 || f.length > 13) return 'fields';
  const mode = f[5]!;
  if (!/^[A-Z]*$/.test(mode)) return 'status';
  return { time: f[0]!, fix: mode === '' ? undefined : TIME_MODES.test(mode), weight: 'part' };
};

interface Parts {
  readonly time: string;
  readonly date?: WrittenDate | undefined;
  readonly fix: boolean | undefined;
  readonly weight: 'alone' | 'part';
}

const DECODERS: ReadonlyMap<string, (fields: readonly string[]) => Parts | TimedReject> = new Map([
  ['RMC', rmc],
  ['ZDA', zda],
  ['GGA', gga],
  ['GLL', gll],
  ['GNS', gns],
]);

/** What a sentence says about time; undefined when it is of a type that is not asked. */
export const timedFromNmea = (sentence: NmeaSentence): TimedRecord | TimedReject | undefined => {
  const parts = DECODERS.get(sentence.type)?.(sentence.fields);
  if (parts === undefined || typeof parts === 'string') return parts;
  const msOfDay = parseTime(parts.time);
  if (msOfDay === 'time') return msOfDay;
  const { date, fix, weight } = parts;
  return { from: sentence.type, key: sentence.talker + sentence.type, msOfDay, date, fix, weight };
};

/**
 * GPS − UTC from PUBX,04. Undefined for another sentence, an empty field, or the suffix D: the firmware's built-in
 * value, used until the almanac has told the real one.
 */
export const leapFromPubx = (sentence: NmeaSentence): number | undefined => {
  if (sentence.talker !== 'P' || sentence.type !== 'UBX' || sentence.fields[0] !== '04') return undefined;
  const leap = sentence.fields[5];
  return leap !== undefined && /^\d{1,2}$/.test(leap) ? Number(leap) : undefined;
};
