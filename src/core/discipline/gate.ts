import type { Seconds } from '../../base/units.js';
import { SortedWindow } from '../window.js';
import type { Innovation } from './estimator.js';

/** Innovations beyond this many expected standard deviations are not believed. */
const LIMIT = 6;
/** The first innovations are taken as they come: nothing is known yet to judge them by. */
const BLIND = 4;
/** Recent innovations whose median scales the gate, so that it holds while sigma is still to be learned. */
const WINDOW = 31;
/** Median of |normal| in standard deviations. */
const NORMAL_MEDIAN = 0.6745;
/** s/s. Frequency change that an oscillator may have gone through unseen, in a time without any measurement. */
const UNSEEN = 2e-6;
/** A median this far below the expected shows that sigma was learned from outliers: the median is believed. */
const HEAVY_TAILED = 1 / 3;
const HEAVY_MARGIN = 2;
/** As long as a wrong claim can be the reason for small ratios instead, the median is not believed in that direction. */
const HEAVY_WINDOW = 16;

export interface Verdict {
  readonly accepted: boolean;
  readonly reason: string;
  /** Accepted only because nothing was seen for a while: the frequency must be in doubt. */
  readonly stretched: boolean;
}

const OPEN: Verdict = { accepted: true, reason: 'nothing to judge it by yet', stretched: false };
const GOOD: Verdict = { accepted: true, reason: 'as expected', stretched: false };
const STRETCHED: Verdict = { accepted: true, reason: 'possible after a gap', stretched: true };

/** Decides whether a measurement is believed, from the estimator's own covariance and what came lately. */
export class Gate {
  private readonly recent = new SortedWindow(WINDOW);
  private seen = 0;
  private before: Seconds = 0;

  /** After a restart of the estimator: the next measurements are taken blindly again. */
  restart(): void {
    this.recent.clear();
    this.seen = 0;
  }

  /** Less is expected from now on, by this factor: ratios that were small by the old measure grow, at most to the usual. */
  rescale(factor: number): void {
    const scale = this.recent.upperMedian / NORMAL_MEDIAN;
    if (factor > 1 && scale < 1) this.recent.scale(Math.min(factor, 1 / scale));
  }

  /** @param unseen seconds without any measurement since the last believed one. */
  judge(innovation: Innovation, unseen: Seconds): Verdict {
    const ratio = Math.abs(innovation.error) / innovation.sd;
    const width = LIMIT * this.scale();
    const change = Math.abs(innovation.error - this.before) / (Math.SQRT2 * innovation.sd);
    this.before = innovation.error;
    if (unseen === 0) this.remember(ratio, change, ratio <= width);
    if (this.seen <= BLIND) return OPEN;
    if (ratio <= width) return GOOD;
    if (Math.abs(innovation.error) <= width * innovation.sd + UNSEEN * unseen) return STRETCHED;
    return { accepted: false, reason: `${ratio.toFixed(1)} standard deviations off`, stretched: false };
  }

  /**
   * A wrong train must not become the measure. While young those count, too, that were not believed, as the claimed noise
   * may be far too small; but only as much as they scatter, which a train that is off by a constant does not, and never as
   * proof of less noise.
   */
  private remember(ratio: number, change: number, believed: boolean): void {
    if (!believed && this.seen >= WINDOW) return;
    this.seen++;
    this.recent.push(believed ? ratio : Math.min(ratio, Math.max(change, NORMAL_MEDIAN)));
  }

  /** What the estimator's own figure has to be multiplied with; robust against outliers among the first. */
  private scale(): number {
    if (this.recent.length < 3) return Number.POSITIVE_INFINITY;
    const scale = this.recent.upperMedian / NORMAL_MEDIAN;
    const heavy = scale < HEAVY_TAILED && this.recent.length >= HEAVY_WINDOW;
    return heavy ? HEAVY_MARGIN * scale : Math.max(1, scale);
  }
}
