/** What chrony's log files record, line by line, as values. Times are cooked. */
import type { Instant } from '../../base/time.js';
import type { Leap, Ppm, Seconds } from '../../base/units.js';

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

export type Trace = TrackingTrace | StatisticsTrace | RefclockTrace;
