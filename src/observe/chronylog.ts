/**
 * Lines and headings of chrony's log files, column for column (measured with chronyd 4.3): plots and scripts that
 * people have read them. Pure; src/observe/chronyfiles.ts writes them.
 */
import { type Instant, nsInSecond, toIso } from '../base/time.js';
import type {
  MeasurementTrace,
  RefclockTrace,
  RtcTrace,
  SelectionTrace,
  StatisticsTrace,
  TempcompTrace,
  Trace,
  TrackingTrace,
} from '../core/report/traces.js';

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

export const trackingLine = (e: TrackingTrace): string =>
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

export const statisticsLine = (e: StatisticsTrace): string =>
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

export const refclockLine = ({ at, refid, raw, leap, cookedOffset, dispersion }: RefclockTrace): string =>
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

const flag = (on: boolean, letter: string): string => (on ? letter : '-');

export const selectionLine = (e: SelectionTrace): string =>
  [
    date(e.at),
    e.source.padEnd(15),
    e.state,
    flag(e.authenticated, 'A') +
      flag(e.options.noselect, 'N') +
      flag(e.options.prefer, 'P') +
      flag(e.options.trust, 'T') +
      flag(e.options.require, 'R'),
    e.reach.toString(8).padStart(4),
    fixed(e.score, 5, 2),
    ...[e.sinceSample, e.lowLimitFast, e.highLimitFast].map((v) => expo(v, 10, 3)),
  ].join(' ');

const STAMP_LETTERS = { daemon: 'D', kernel: 'K', hardware: 'H' } as const;

export const measurementLine = (e: MeasurementTrace): string => {
  const tests = e.tests.toString(2).padStart(10, '0');
  return [
    date(e.at),
    e.source.padEnd(15),
    LEAP_LETTERS[e.leap],
    int(e.stratum, 2),
    `${tests.slice(0, 3)} ${tests.slice(3, 6)} ${tests.slice(6)} `,
    int(e.localPollLog2, 2),
    int(e.remotePollLog2, 2),
    fixed(e.pollScore, 4, 2),
    ...[e.offset, e.peerDelay, e.peerDispersion, e.rootDelay, e.rootDispersion].map((v) => expo(v, 10, 3)),
    (e.refId >>> 0).toString(16).toUpperCase().padStart(8, '0'),
    `${e.mode}${e.interleaved ? 'I' : 'B'}`,
    STAMP_LETTERS[e.txSource],
    STAMP_LETTERS[e.rxSource],
  ].join(' ');
};

export const rtcLine = (e: RtcTrace): string =>
  [
    date(e.at),
    fixed(e.fast, 14, 6),
    `${e.valid ? 1 : 0} `,
    `${fixed(e.estimate, 14, 6)} `,
    `${fixed(e.gainPpm, 12, 3)} `,
    `${int(e.samples, 2)} `,
    int(e.runs, 2),
    int(e.interval, 4),
  ].join(' ');

export const tempcompLine = (e: TempcompTrace): string =>
  [date(e.at), expo(e.temperature, 11, 4), expo(e.compensationPpm, 11, 4)].join(' ');

/** The line of an entry in its file. */
export const lineOf = (trace: Trace): string => {
  switch (trace.log) {
    case 'tracking':
      return trackingLine(trace);
    case 'statistics':
      return statisticsLine(trace);
    case 'refclocks':
      return refclockLine(trace);
    case 'selection':
      return selectionLine(trace);
    case 'measurements':
      return measurementLine(trace);
    case 'rtc':
      return rtcLine(trace);
    case 'tempcomp':
      return tempcompLine(trace);
  }
};

export type ChronyLogName = Trace['log'];

export const COLUMNS: Readonly<Record<ChronyLogName, string>> = {
  tracking:
    '   Date (UTC) Time     IP Address   St   Freq ppm   Skew ppm     Offset L Co  Offset sd Rem. corr. Root delay Root disp. Max. error',
  statistics:
    "   Date (UTC) Time     IP Address    Std dev'n Est offset  Offset sd  Diff freq   Est skew  Stress  Ns  Bs  Nr  Asym",
  selection: '   Date (UTC) Time     IP Address   S EOpts Reach Score Last sample  Low end   High end',
  measurements:
    '   Date (UTC) Time     IP Address   L St 123 567 ABCD  LP RP Score    Offset  Peer del. Peer disp.  Root del. Root disp. Refid     MTxRx',
  rtc: '   Date (UTC) Time   RTC fast (s) Val   Est fast (s)   Slope (ppm)  Ns  Nr Meas',
  tempcomp: '   Date (UTC) Time        Temp.       Comp.',
  refclocks: '   Date (UTC) Time         Refid  DP L P  Raw offset   Cooked offset      Disp.',
};

/** The heading between two rules as long as itself. */
export const banner = (name: ChronyLogName): string => {
  const rule = '='.repeat(COLUMNS[name].length);
  return `${rule}\n${COLUMNS[name]}\n${rule}`;
};
