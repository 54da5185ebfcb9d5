import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Instant } from '../../base/time.js';
import { BUILT_IN, selfCheck } from '../../core/discipline/leaptable.js';
import { messageOf, plainReason } from '../../devices/retry.js';
import type { NamedLeapTable } from '../../engine/leapdata.js';
import { type LeapFileResult, type LeapTable, parseLeapList, parseTzif } from '../../wire/leapfile.js';

/** Bytes; the list has 5 thousand, a time zone a few. */
const MAX_SIZE = 1 << 18;
const LIST = 'leap-seconds.list';

export interface LeapSources {
  /** Directive leapseclist. */
  readonly list: string | undefined;
  /** Directive leapsectz. */
  readonly timezone: string | undefined;
  /** Folder of the tz database. */
  readonly zoneinfo: string;
}

type Say = (severity: 'info' | 'warn' | 'error', name: string, text: string) => void;

/** A table, or why there is none, and what failed. */
type Loaded = { readonly table: LeapTable } | { readonly problem: string; readonly failed: 'open' | 'parse' | 'check' };

interface Candidate {
  readonly name: string;
  readonly path: string;
  readonly parse: (bytes: Uint8Array) => LeapFileResult;
  readonly using: string;
  readonly failed: string;
  /** It is a list: chronyd says first what it could not do with it. */
  readonly list: boolean;
  /** What nobody asked for is not missed. */
  readonly asked: boolean;
}

const list = (path: string, asked: boolean): Candidate => ({
  name: `leap second list ${path}`,
  path,
  parse: (bytes) => parseLeapList(Buffer.from(bytes).toString('latin1')),
  using: `Using leap second list ${path}`,
  failed: `Leap second list ${path} failed check, ignoring`,
  list: true,
  asked,
});

const timezone = (name: string, zoneinfo: string): Candidate => ({
  name: `timezone ${name}`,
  path: join(zoneinfo, name),
  parse: (bytes) => withExpiry(parseTzif(bytes), join(zoneinfo, LIST)),
  using: `Using ${name} timezone to obtain leap second data`,
  failed: `Timezone ${name} failed leap second check, ignoring`,
  list: false,
  asked: true,
});

/** A compiled zone seldom says until when it is complete; the list of the same tz database does. */
const withExpiry = (result: LeapFileResult, listPath: string): LeapFileResult => {
  if (!('table' in result) || result.table.expires !== undefined) return result;
  const { table } = result;
  const beside = load(list(listPath, false));
  const sibling = 'table' in beside ? beside.table : BUILT_IN;
  const equal =
    sibling.entries.length === table.entries.length &&
    sibling.entries.every((e, i) => e.at === table.entries[i]!.at && e.taiUtc === table.entries[i]!.taiUtc);
  return equal ? { table: { ...table, expires: sibling.expires } } : result;
};

function load({ path, parse }: Candidate): Loaded {
  let bytes: Uint8Array;
  try {
    if (statSync(path).size > MAX_SIZE) return { problem: 'it is too large', failed: 'parse' };
    bytes = readFileSync(path);
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return { problem: absent ? 'it is not there' : plainReason(messageOf(error)), failed: 'open' };
  }
  const result = parse(bytes);
  if (!('table' in result)) return { ...result, failed: 'parse' };
  const wrong = selfCheck(result.table);
  return wrong === undefined ? result : { problem: wrong, failed: 'check' };
}

/** Where tz databases are kept on Linux; the C library looks at TZDIR, too. */
export const ZONEINFO = process.env['TZDIR'] ?? '/usr/share/zoneinfo';

const isFresh = ({ expires }: LeapTable, now: Instant): boolean => expires === undefined || now < expires;

/**
 * The leap second table of the configuration: the list, then the time zone, then what the system has and what the
 * program knows, each of which must know 2012. The first that is not expired; when all are, the one that was good for
 * longest. Undefined when the configuration asks for none.
 */
export const readLeapTable = (sources: LeapSources, now: Instant, say: Say): NamedLeapTable | undefined => {
  if (sources.list === undefined && sources.timezone === undefined) return undefined;
  const candidates = [
    ...(sources.list === undefined ? [] : [list(sources.list, true)]),
    ...(sources.timezone === undefined ? [] : [timezone(sources.timezone, sources.zoneinfo)]),
    list(join(sources.zoneinfo, LIST), false),
  ];
  const good: (NamedLeapTable & { using: string })[] = [];
  for (const candidate of candidates) {
    const result = load(candidate);
    if ('table' in result) good.push({ name: candidate.name, table: result.table, using: candidate.using });
    else if (candidate.asked) {
      const first = candidate.list && result.failed !== 'check' ? `Failed to ${result.failed} leap seconds list` : '';
      if (first !== '') say('error', 'leap.unread', `${first} ${candidate.path}`);
      say('warn', 'leap.refused', `${candidate.failed} (${result.problem})`);
    }
  }
  good.push({ name: 'built-in leap second table', table: BUILT_IN, using: 'Using built-in leap second table' });
  const latest = [...good].sort((a, b) => Number((b.table.expires ?? 0n) - (a.table.expires ?? 0n)))[0]!;
  const { using, ...named } = good.find(({ table }) => isFresh(table, now)) ?? latest;
  say('info', 'leap.using', using);
  return named;
};

/** ms. Lists change twice a year. */
const REREAD = 12 * 3600 * 1000;

/** Reads the table now and twice a day, and hands over what is new. */
export class LeapFiles {
  private last = '';
  private lastSaid = '';

  constructor(
    private readonly sources: LeapSources,
    private readonly now: () => Instant,
    private readonly say: Say,
    private readonly use: (named: NamedLeapTable) => void,
  ) {}

  /** Returns the way to end it. */
  start(): () => void {
    this.read();
    const timer = setInterval(() => this.read(), REREAD);
    timer.unref();
    return () => clearInterval(timer);
  }

  read(): void {
    const said: Parameters<Say>[] = [];
    const named = readLeapTable(this.sources, this.now(), (...words) => said.push(words));
    // What has been said once is news only when it changes.
    const words = said.map(([, , text]) => text).join('\n');
    if (words !== this.lastSaid) for (const s of said) this.say(...s);
    this.lastSaid = words;
    if (named === undefined) return;
    const key = JSON.stringify(named, (_k, v: unknown) => (typeof v === 'bigint' ? v.toString() : v));
    if (key === this.last) return;
    this.last = key;
    this.use(named);
  }
}
