import type { Seconds } from '../../base/units.js';
import type { Innovation } from './estimator.js';

/** Innovations beyond this many expected standard deviations are not believed. */
const LIMIT = 6;
/** The first innovations are taken as they come: nothing is known yet to judge them by. */
const BLIND = 4;
/** Recent innovations whose median scales the gate, so that it holds while sigma is still to be learned. */
const WINDOW = 31;
/** Median of |normal| in standard deviations. */
const NORMAL_MEDIAN = 0.6745;
/**
 * s/s. The most an oscillator is believed to jump in frequency (a knock, a fan). By this the gate opens while
 * measurements are refused: a frequency jump is followed within seconds, a pulse train that is 10 ms off only after
 * more than an hour, because no oscillator moves like that.
 */
const JUMP = 2e-6;
/** Intervals without a believed measurement before the gate starts to open. */
export const GRACE_INTERVALS = 5;

export interface Verdict {
  readonly accepted: boolean;
  readonly reason: string;
  /** Accepted only because the gate had opened: the frequency must be in doubt. */
  readonly stretched: boolean;
}

const OPEN: Verdict = { accepted: true, reason: 'nothing to judge it by yet', stretched: false };
const GOOD: Verdict = { accepted: true, reason: 'as expected', stretched: false };
const STRETCHED: Verdict = { accepted: true, reason: 'frequency may have jumped', stretched: true };

/** Decides whether a measurement is believed, from the estimator's own covariance and what came lately. */
export class Gate {
  private readonly recent: number[] = [];
  private seen = 0;

  /** After a restart of the estimator: the next measurements are taken blindly again. */
  restart(): void {
    this.recent.length = 0;
    this.seen = 0;
  }

  /** @param quiet seconds since the last believed measurement, beyond the grace of a few intervals (0 = within it). */
  judge(innovation: Innovation, quiet: Seconds): Verdict {
    const ratio = Math.abs(innovation.error) / innovation.sd;
    const width = LIMIT * this.scale();
    if (this.seen < WINDOW || ratio <= width) this.remember(ratio);
    if (this.seen <= BLIND) return OPEN;
    if (ratio <= width) return GOOD;
    if (Math.abs(innovation.error) <= width * innovation.sd + JUMP * quiet) return STRETCHED;
    return { accepted: false, reason: `${ratio.toFixed(1)} standard deviations off`, stretched: false };
  }

  /** While young everything counts, later only what was believed: a long wrong train must not become the measure. */
  private remember(ratio: number): void {
    this.seen++;
    this.recent.push(ratio);
    if (this.recent.length > WINDOW) this.recent.shift();
  }

  /** Robust against outliers among the first measurements. Never below 1. */
  private scale(): number {
    if (this.recent.length < 3) return Number.POSITIVE_INFINITY;
    const sorted = [...this.recent].sort((a, b) => a - b);
    return Math.max(1, sorted[sorted.length >> 1]! / NORMAL_MEDIAN);
  }
}
