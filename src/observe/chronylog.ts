/**
 * Lines and headings of chrony's log files, column for column (measured with chronyd 4.3): plots and scripts that
 * people have read them. Pure; src/observe/chronyfiles.ts writes them.
 */
import { type Instant, nsInSecond, toIso } from '../base/time.js';
import type { Leap, Ppm, Seconds } from '../base/units.js';

/** C's `%W.Pe`: JavaScript writes the exponent with as few digits as it needs, C with two or more. */
export const expo = (value: number, width: number, precision: number): string => {
  const [mantissa, exponent] = value.toExponential(precision).split('e');
  // NaN and the infinities have no exponent.
  if (exponent === undefined) return String(value).toLowerCase().replace('inity', '').padStart(width);
  return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`.padStart(width);
};

const fixed = (value: number, width: number, precision: number): string => value.toFixed(precision).padStart(width);
const int = (value: number, width: number): string => String(value).padStart(width);

/** `YYYY-MM-DD HH:MM:SS` */
const date = (at: Instant): string => toIso(at, 0).slice(0, 19).replace('T', ' ');
const micros = (at: Instant): string => String(Math.floor(nsInSecond(at) / 1000)).padStart(6, '0');
const LEAP_LETTERS = ['N', '+', '-', '?'] as const;

/** One update of the clock. */
export interface TrackingEntry {
  readonly at: Instant;
  /** Address or refid; '' when not synchronised. */
  readonly reference: string;
  readonly stratum: number;
  /** Positive = the clock gains. */
  readonly frequencyFastPpm: Ppm;
  readonly skewPpm: Ppm;
  /** Positive = the clock was ahead. */
  readonly offsetFast: Seconds;
  readonly leap: Leap;
  readonly combined: number;
  readonly offsetSd: Seconds;
  /** Still to be slewed away. */
  readonly remaining: Seconds;
  readonly rootDelay: Seconds;
  readonly rootDispersion: Seconds;
  /** Greatest error of the clock since the update before. */
  readonly maxError: Seconds;
}

export const trackingLine = (e: TrackingEntry): string =>
  [
    date(e.at),
    (e.reference === '' ? '0.0.0.0' : e.reference).padEnd(15),
    int(e.stratum, 2),
    fixed(e.frequencyFastPpm, 10, 3),
    fixed(e.skewPpm, 10, 3),
    expo(e.offsetFast, 10, 3),
    LEAP_LETTERS[e.leap],
    int(e.combined, 2),
    ...[e.offsetSd, e.remaining, e.rootDelay, e.rootDispersion, e.maxError].map((v) => expo(v, 10, 3)),
  ].join(' ');

/** One new estimate of a source. */
export interface StatisticsEntry {
  readonly at: Instant;
  /** Address or refid. */
  readonly source: string;
  readonly stdDev: Seconds;
  /** Positive = the local clock is ahead. */
  readonly offsetFast: Seconds;
  readonly offsetSd: Seconds;
  /** s/s against the estimate before. */
  readonly diffFreq: number;
  /** s/s */
  readonly skew: number;
  /** |diffFreq| against the skew before. */
  readonly stress: number;
  readonly samples: number;
  /** Samples that were dropped by the runs test in this estimate. */
  readonly start: number;
  readonly runs: number;
  readonly asymmetry: number;
}

export const statisticsLine = (e: StatisticsEntry): string =>
  [
    date(e.at),
    e.source.padEnd(15),
    ...[e.stdDev, e.offsetFast, e.offsetSd, e.diffFreq, e.skew].map((v) => expo(v, 10, 3)),
    expo(e.stress, 7, 1),
    int(e.samples, 3),
    int(e.start, 3),
    int(e.runs, 3),
    fixed(e.asymmetry, 5, 2),
  ].join(' ');

/** A raw sample of a reference clock, or what the filter made of several (`raw` undefined). */
export interface RefclockEntry {
  /** Cooked time of the sample. */
  readonly at: Instant;
  readonly refid: string;
  /** Positive offsets: the local clock is slow. */
  readonly raw: { readonly sequence: number; readonly pulse: boolean; readonly offset: Seconds } | undefined;
  readonly leap: Leap;
  readonly cookedOffset: Seconds;
  readonly dispersion: Seconds;
}

export const refclockLine = ({ at, refid, raw, leap, cookedOffset, dispersion }: RefclockEntry): string =>
  [
    `${date(at)}.${micros(at)}`,
    refid.padEnd(5),
    raw === undefined ? '  -' : int(raw.sequence, 3),
    LEAP_LETTERS[leap],
    raw === undefined ? '-' : raw.pulse ? '1' : '0',
    raw === undefined ? '      -      ' : expo(raw.offset, 13, 6),
    expo(cookedOffset, 13, 6),
    expo(dispersion, 10, 3),
  ].join(' ');

export type ChronyLogName = 'tracking' | 'statistics' | 'refclocks';

export const COLUMNS: Readonly<Record<ChronyLogName, string>> = {
  tracking:
    '   Date (UTC) Time     IP Address   St   Freq ppm   Skew ppm     Offset L Co  Offset sd Rem. corr. Root delay Root disp. Max. error',
  statistics:
    "   Date (UTC) Time     IP Address    Std dev'n Est offset  Offset sd  Diff freq   Est skew  Stress  Ns  Bs  Nr  Asym",
  refclocks: '   Date (UTC) Time         Refid  DP L P  Raw offset   Cooked offset      Disp.',
};

/** The heading between two rules as long as itself. */
export const banner = (name: ChronyLogName): string => {
  const rule = '='.repeat(COLUMNS[name].length);
  return `${rule}\n${COLUMNS[name]}\n${rule}`;
};
