/** What chrony's log files record, line by line, as values. Times are cooked. */
import type { RefId } from '../../base/refid.js';
import type { Instant } from '../../base/time.js';
import type { Leap, Ppm, Seconds, StampKind } from '../../base/units.js';
import type { SelectOptions, SelectState } from './reports.js';

/** One update of the clock (tracking.log). */
export interface TrackingTrace {
  readonly log: 'tracking';
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
  readonly maxError: Seconds;
}

/** One new estimate of a source (statistics.log). */
export interface StatisticsTrace {
  readonly log: 'statistics';
  readonly at: Instant;
  readonly source: string;
  readonly stdDev: Seconds;
  readonly offsetFast: Seconds;
  readonly offsetSd: Seconds;
  /** s/s against the estimate before. */
  readonly diffFreq: number;
  /** s/s */
  readonly skew: number;
  /** |diffFreq| against the skew before. */
  readonly stress: number;
  readonly samples: number;
  readonly start: number;
  readonly runs: number;
  readonly asymmetry: number;
}

/** A raw sample of a reference clock, or what the filter made of several (`raw` undefined) (refclocks.log). */
export interface RefclockTrace {
  readonly log: 'refclocks';
  readonly at: Instant;
  readonly refid: string;
  /** Positive offsets: the local clock is slow. */
  readonly raw: { readonly sequence: number; readonly pulse: boolean; readonly offset: Seconds } | undefined;
  readonly leap: Leap;
  readonly cookedOffset: Seconds;
  readonly dispersion: Seconds;
}

/** A source as the selection that followed its poll judged it (selection.log). */
export interface SelectionTrace {
  readonly log: 'selection';
  readonly at: Instant;
  readonly source: string;
  readonly state: SelectState;
  readonly authenticated: boolean;
  /** As they stand now, the directive authselectmode included. */
  readonly options: SelectOptions;
  /** Register of the last eight polls. */
  readonly reach: number;
  readonly score: number;
  readonly sinceSample: Seconds;
  readonly lowLimitFast: Seconds;
  readonly highLimitFast: Seconds;
}

/** A reply of an NTP source (measurements.log: those that pass all tests; rawmeasurements: all of them, same file). */
export interface MeasurementTrace {
  readonly log: 'measurements';
  readonly at: Instant;
  readonly source: string;
  readonly leap: Leap;
  readonly stratum: number;
  /** Tests 1 2 3 5 6 7 A B C D in bits 9…0, 1 = passed. */
  readonly tests: number;
  readonly localPollLog2: number;
  readonly remotePollLog2: number;
  readonly pollScore: number;
  /** Positive = the local clock is slow. */
  readonly offset: Seconds;
  readonly peerDelay: Seconds;
  readonly peerDispersion: Seconds;
  readonly rootDelay: Seconds;
  readonly rootDispersion: Seconds;
  readonly refId: RefId;
  /** NTP mode of the packet: 4 server, 1 and 2 peers. */
  readonly mode: number;
  readonly interleaved: boolean;
  readonly txSource: StampKind;
  readonly rxSource: StampKind;
}

/** A compensation of the temperature (tempcomp.log). */
export interface TempcompTrace {
  readonly log: 'tempcomp';
  readonly at: Instant;
  /** In the units of the sensor. */
  readonly temperature: number;
  /** Positive = the clock is made to run faster. */
  readonly compensationPpm: Ppm;
}

/** A measurement of the real-time clock (rtc.log). */
export interface RtcTrace {
  readonly log: 'rtc';
  readonly at: Instant;
  /** RTC minus our time, measured. */
  readonly fast: Seconds;
  /** Enough measurements for the line behind the rest. */
  readonly valid: boolean;
  /** The same, by the line. */
  readonly estimate: Seconds;
  readonly gainPpm: Ppm;
  readonly samples: number;
  readonly runs: number;
  /** s to the next measurement. */
  readonly interval: Seconds;
}

export type Trace =
  | TrackingTrace
  | StatisticsTrace
  | RefclockTrace
  | SelectionTrace
  | MeasurementTrace
  | RtcTrace
  | TempcompTrace;
