import type { Instant } from '../../base/time.js';
import type { Frequency, Seconds } from '../../base/units.js';
import type { Finding } from '../sources/types.js';

/** reset: knows nothing · converging: phase known, frequency not yet · tracking · holdover: no reference any more. */
export type DisciplineMode = 'reset' | 'converging' | 'tracking' | 'holdover';

/** One measurement of the selected source: a pulse or a poll. */
export interface Measurement {
  /** Cooked time at which it was taken. */
  readonly time: Instant;
  /** Positive = the cooked clock is slow. */
  readonly offset: Seconds;
  /** The source's own idea of its white noise (1 sd); the estimator learns the true figure, this is where it starts. */
  readonly sigma: Seconds;
  /** Variance of this measurement over that of an ordinary one of its source, where the source knows it (delays). */
  readonly relative?: number | undefined;
  readonly source: number;
  /** Cooked − raw at `time`, what is still to be slewed: counts for `makestep`. 0 when absent. */
  readonly pending?: Seconds;
  /** Polling interval of a source that is measured more often than it is polled: `maxchange` counts polls. 0 when absent. */
  readonly interval?: Seconds;
}

/**
 * What the cooked clock has to be changed by, at the measurement's time. The caller applies it there and then tells
 * everybody through `rebase`; what it does not apply stays in the estimate and comes with the next correction.
 */
export interface Correction {
  /** False: the measurement was not believed, nothing is to be changed. */
  readonly accepted: boolean;
  /** In words, also for accepted ones. */
  readonly reason: string;
  /** Add to the cooked clock. */
  readonly doffset: Seconds;
  /** Add to the cooked clock's rate. */
  readonly dfreq: Frequency;
  /** `makestep` lets the raw clock jump to the cooked one now. */
  readonly step: boolean;
  /** `maxchange` ends the daemon: exit code and reason. */
  readonly exit: { readonly code: number; readonly reason: string } | undefined;
  readonly facts: readonly Finding[];
}

/** How wrong the cooked clock can be. */
export interface ErrorBound {
  /** Half-width that holds the true error 99.9 % of the time, without the source's own root distance. */
  readonly halfWidth: Seconds;
  /** 1 sd of the cooked clock's error at `now`. */
  readonly sd: Seconds;
  /** Root dispersion of the clock itself at `now` (add that of the source, and what no averaging takes out). */
  readonly dispersion: Seconds;
  /** s/s by which `dispersion` grows at most within the next minute, if no measurement comes. */
  readonly dispersionRate: Frequency;
  /** The part of `dispersion` that stands there because the source insists on another time and is not believed. */
  readonly disputed: Seconds;
}

/** Figures for the tracking report. Offsets positive = clock was slow; frequencies positive = added to the rate. */
export interface TrackingFigures {
  readonly lastOffset: Seconds;
  readonly rmsOffset: Seconds;
  readonly skewPpm: number;
  readonly residualFreqPpm: number;
  /** Seconds between the last two accepted updates. */
  readonly updateInterval: Seconds;
  readonly updates: number;
}
