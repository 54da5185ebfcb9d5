/** How steady sources, clock and oscillator are: `timeball stability`, dashboard, metrics. */
import type { Frequency, Seconds } from '../../base/units.js';

/** Figures at one averaging time. They cover the last three to six days. */
export interface Deviation {
  /** Averaging time, s. */
  readonly tau: Seconds;
  /** Allan deviation, s/s. */
  readonly adev: Frequency;
  /** Time deviation (the modified Allan deviation × tau/√3), s. */
  readonly tdev: Seconds;
  /** Maximum time interval error: the most that phase went up and down within any interval tau, s. */
  readonly mtie: Seconds;
  /** Overlapping differences that `adev` is the mean of, about eight for each independent one. */
  readonly terms: number;
}

/** Distribution of the single residuals. */
export interface Jitter {
  readonly count: number;
  readonly mean: Seconds;
  /** Of the absolute residuals, s; read off the histogram, good to a few percent. */
  readonly p50: Seconds;
  readonly p90: Seconds;
  readonly p99: Seconds;
  readonly max: Seconds;
  /** Bins that are not empty, from the most negative up: lower edge, upper edge (s), residuals. */
  readonly histogram: readonly (readonly [from: Seconds, to: Seconds, count: number])[];
}

export interface SeriesReport {
  /**
   * source: the source against the clock · clock: the clock against whatever source was selected ·
   * oscillator: the oscillator as it would run without us, against the same.
   */
  readonly kind: 'source' | 'clock' | 'oscillator';
  /** Of the source; '' for the other kinds. */
  readonly name: string;
  /** Spacing of the measurements as learned, s; undefined as long as there are too few. */
  readonly interval: Seconds | undefined;
  readonly deviations: readonly Deviation[];
  /** Undefined for the oscillator. */
  readonly jitter: Jitter | undefined;
}

/** What the discipline has learned about noise. */
export interface NoiseReport {
  /** White noise of the selected source, 1 sigma, s. */
  readonly sigma: Seconds;
  /** Random walk of the frequency, 1/√s. */
  readonly wander: number;
  /** Random walk of the drift, 1/(s·√s). */
  readonly drift: number;
  /** Weight (0…1) of the hypotheses that the source's noise has a sharp early edge and a late tail. */
  readonly oneSided: number;
}

export interface StabilityReport {
  readonly series: readonly SeriesReport[];
  readonly noise: NoiseReport;
}
