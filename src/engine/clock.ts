import { add, diff, type Instant } from '../base/time.js';
import type { Frequency, Seconds } from '../base/units.js';
import { type ClockView, cook, correctionAt } from '../core/clockview.js';

/** What the actuator can do; undefined = `-x`, nothing. */
export interface ClockControl {
  /** Largest |frequency| the actuator takes, s/s (Linux with ticks: 0.1; frequency alone: 500e-6). */
  readonly maxFrequency: Frequency;
  /** Granularity of the frequency word, s/s (Linux: 2^-16 ppm = 1.526e-11). */
  readonly quantum: Frequency;
  readonly canStep: boolean;
}

/**
 * The cooked clock: raw time, a base rate that makes it true, and a correction not yet in the kernel.
 *
 * The rate of cooked time against the undisciplined oscillator is (1 + base)(1 + compensation). The kernel runs raw time at
 * (1 + kernel), base plus whatever slew takes the correction out. The rest is the view's rate:
 * (1 + rate) = (1 + base)(1 + compensation) / (1 + kernel). Without control kernel stays 0 and the view carries everything.
 */
export class CookedClock {
  view: ClockView;
  /** Rate correction of the oscillator, positive = the oscillator is slow. */
  base: Frequency = 0;
  /** What is added for the oscillator's temperature: not part of base, which stays what was measured without it. */
  private compensation: Frequency = 0;
  /** Rate adjustment in the kernel as last set. */
  kernel: Frequency = 0;

  private readonly control: ClockControl | undefined;
  private readonly maxSlew: Frequency;

  constructor(control: ClockControl | undefined, maxSlew: Frequency, raw: Instant) {
    this.control = control;
    this.maxSlew = maxSlew;
    this.view = { ref: raw, correction: 0, rate: 0 };
  }

  now(raw: Instant): Instant {
    return cook(this.view, raw);
  }

  /** Cooked − raw: what the raw clock still lacks, s. */
  correction(raw: Instant): Seconds {
    return correctionAt(this.view, raw);
  }

  /** Moves the cooked clock by `doffset` from `raw` on and changes its rate. The kernel is not touched. */
  adjust(raw: Instant, doffset: Seconds, dfreq: Frequency): void {
    const correction = this.correction(raw) + doffset;
    this.base = (1 + this.base) * (1 + dfreq) - 1;
    this.reanchor(raw, correction);
  }

  setBase(raw: Instant, base: Frequency): void {
    const correction = this.correction(raw);
    this.base = base;
    this.reanchor(raw, correction);
  }

  /**
   * The oscillator has changed by −`compensation` with its temperature and is made up for: the rate of cooked time
   * stays what it was, and so does every history.
   */
  compensate(raw: Instant, compensation: Frequency): void {
    const correction = this.correction(raw);
    this.compensation = compensation;
    this.reanchor(raw, correction);
  }

  /** The same, where what is made up for becomes part of the rate known by measurement. */
  follow(raw: Instant, dfreq: Frequency): void {
    const correction = this.correction(raw);
    this.base = (1 + this.base) * (1 + dfreq) - 1;
    this.reanchor(raw, correction);
  }

  /**
   * Chooses the kernel rate that takes the correction out with time constant `tau`, limited by maxslewrate.
   * Returns the frequency to set, undefined when nothing changes.
   */
  steer(raw: Instant, tau: Seconds): Frequency | undefined {
    if (this.control === undefined) return undefined;
    const correction = this.correction(raw);
    const slew = Math.max(-this.maxSlew, Math.min(this.maxSlew, correction / tau));
    const { maxFrequency, quantum } = this.control;
    const wanted = this.pace() * (1 + slew) - 1;
    const kernel = Math.round(Math.max(-maxFrequency, Math.min(maxFrequency, wanted)) / quantum) * quantum;
    const changed = kernel !== this.kernel;
    this.kernel = kernel;
    this.reanchor(raw, correction);
    return changed ? kernel : undefined;
  }

  /** Puts the whole correction into the raw clock at once. Returns the step, or undefined when there is no control. */
  step(raw: Instant): { readonly offset: Seconds; readonly raw: Instant } | undefined {
    if (this.control === undefined || !this.control.canStep) return undefined;
    const offset = this.correction(raw);
    const after = add(raw, offset);
    // The ns rounding of the step stays in the view.
    this.view = { ref: after, correction: offset - diff(after, raw), rate: this.view.rate };
    return { offset: diff(after, raw), raw: after };
  }

  /** Somebody else moved the raw clock by `offset`: cooked time goes on undisturbed. `raw` = after the jump. */
  rawJumped(raw: Instant, offset: Seconds): void {
    const before = add(raw, -offset);
    this.reanchor(raw, correctionAt(this.view, before) - offset);
  }

  private reanchor(raw: Instant, correction: Seconds): void {
    this.view = { ref: raw, correction, rate: this.pace() / (1 + this.kernel) - 1 };
  }

  private pace(): number {
    return (1 + this.base) * (1 + this.compensation);
  }
}
