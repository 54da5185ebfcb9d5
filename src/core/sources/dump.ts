import type { RefId } from '../../base/refid.js';
import { diff, fromUnix, type Instant, split } from '../../base/time.js';
import type { Leap } from '../../base/units.js';
import type { Sample } from '../sample.js';

/** Whose history it is. */
export interface DumpedSource {
  /** As the configuration names it. */
  readonly name: string;
  readonly refId: RefId;
  /** Undefined: a reference clock. */
  readonly address?: string | undefined;
  readonly authenticated?: boolean;
}

/** A source's history as it is carried over a restart. */
export interface SourceDump extends DumpedSource {
  readonly reach: number;
  readonly reachSize: number;
  readonly stratum: number;
  readonly leap: Leap;
  /** Oldest first. */
  readonly samples: readonly Sample[];
}

/** More than statistics keep; a longer file is not ours. */
const MAX_SAMPLES = 64;
const MAGIC = 'SRC0';

/** chrony's name of a source's file in `dumpdir`. */
export const dumpFileName = ({ refId, address }: DumpedSource): string =>
  `${address ?? `refid:${refId.toString(16).padStart(8, '0')}`}.dat`;

const nameIn = ({ name, address }: DumpedSource): string => (address === undefined ? '.' : name);

/** printf's `%.6e`: two digits of exponent at least. */
const exponential = (x: number): string => x.toExponential(6).replace(/e([+-])(\d)$/, 'e$10$2');

const seconds = (t: Instant): string => {
  const { sec, nsec } = split(t);
  return `${sec}.${String(nsec).padStart(9, '0')}`;
};

/**
 * chrony's dump file (algorithms-notes 5): header, name ('.' for a reference clock), `auth reach reachsize stratum
 * leap` with the register in octal, `samples asymmetry`, then a line a sample: time, offset and the offset as it was
 * measured (both positive = local clock fast), peer delay and dispersion, root delay and dispersion.
 */
export const formatDump = (dump: SourceDump): string => {
  const line = (s: Sample): string =>
    [
      seconds(s.time),
      ...[-s.offset, -s.offset, s.peerDelay, s.peerDispersion, s.rootDelay, s.rootDispersion].map(exponential),
    ].join(' ');
  const head = [
    MAGIC,
    nameIn(dump),
    `${dump.authenticated === true ? 1 : 0} ${dump.reach.toString(8)} ${dump.reachSize} ${dump.stratum} ${dump.leap}`,
    `${dump.samples.length} 0`,
  ];
  return `${[...head, ...dump.samples.map(line)].join('\n')}\n`;
};

const parseTime = (word: string): Instant | undefined => {
  const match = /^(\d{1,12})\.(\d{9})$/.exec(word);
  return match === null ? undefined : fromUnix(BigInt(match[1]!), Number(match[2]));
};

const parseSample = (line: string, stratum: number, leap: Leap): Sample | undefined => {
  const words = line.trim().split(/\s+/);
  const time = words.length === 7 ? parseTime(words[0]!) : undefined;
  const numbers = words.slice(1).map(Number);
  if (time === undefined || !numbers.every(Number.isFinite)) return undefined;
  const [offsetFast, , peerDelay, peerDispersion, rootDelay, rootDispersion] = numbers as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (peerDispersion < 0 || rootDispersion < 0) return undefined;
  return { time, offset: -offsetFast, peerDelay, peerDispersion, rootDelay, rootDispersion, stratum, leap };
};

const integers = (line: string | undefined, pattern: RegExp): number[] | undefined => {
  const match = pattern.exec(line ?? '');
  return match === null ? undefined : match.slice(1).map((word, i) => Number.parseInt(word, i === 1 ? 8 : 10));
};

/**
 * `now`: cooked; samples out of order or of the future make the file void, and so does another name, or samples that were not
 * authenticated for a source that is. Undefined: not a dump that can be used.
 */
export const parseDump = (text: string, source: DumpedSource, now: Instant): SourceDump | undefined => {
  const lines = text.split('\n');
  const state = integers(lines[2], /^(\d+) ([0-7]{1,3}) (\d{1,2}) (\d{1,2}) ([0-2])$/);
  const count = /^(\d{1,2}) -?\d+$/.exec(lines[3] ?? '');
  if (lines[0] !== MAGIC || lines[1] !== nameIn(source) || state === undefined || count === null) return undefined;
  if ((state[0] === 1) !== (source.authenticated === true)) return undefined;
  const [, reach, reachSize, stratum, leap] = state as [number, number, number, number, Leap];
  const n = Number(count[1]);
  if (n < 1 || n > MAX_SAMPLES || stratum > 15 || reachSize > 8 || reach > 255) return undefined;
  const samples: Sample[] = [];
  for (const line of lines.slice(4, 4 + n)) {
    const sample = parseSample(line, stratum, leap);
    const last = samples.at(-1);
    if (sample === undefined || diff(now, sample.time) < 0) return undefined;
    if (last !== undefined && sample.time <= last.time) return undefined;
    samples.push(sample);
  }
  return samples.length === n ? { ...source, reach, reachSize, stratum, leap, samples } : undefined;
};
