import type { Frequency, Seconds } from '../../base/units.js';
import { fitLine } from '../sources/regress.js';

/** Refused measurements that make a case for a jump of the frequency. */
const CASE = 5;
/** They are judged in blocks of this many; only the first can show a jump, later ones are too far from its beginning. */
const BLOCK = 16;
/** A case must be this tight around its line, in sigmas of the source. */
const TIGHT = 4;
/** Standard errors of the slope that make it real. */
const REAL = 3;
/** Expected deviations that an agreement may have had. */
const GATE = 6;
/** Standard errors within which a mean counts as zero. */
const ZERO = 2.5;
/** The same where the line does not leave zero, and a clock may have run away this many times as fast at first … */
const SURE = 6;
const RUN = 3;
/** … after noise had spoilt its phase by this much, s. */
const SPOILT = 1e-4;
/** The largest sudden change of frequency that is believed. */
const MAX_JUMP: Frequency = 100e-6;

export type Diagnosis =
  | { readonly kind: 'none' }
  /** They lie on a line that starts where the clock was last right: the oscillator runs at another rate now. */
  | { readonly kind: 'frequency'; readonly jump: Frequency }
  /** They lie on a line far from the clock, which runs away from them: its frequency was spoilt, and its phase with it. */
  | { readonly kind: 'lost'; readonly slope: Frequency }
  /** They scatter around the clock by this much: it is right, the source has become noisy. */
  | { readonly kind: 'noise'; readonly sigma: Seconds };

const NONE: Diagnosis = { kind: 'none' };

/**
 * What refused measurements have in common. An oscillator cannot jump in phase, so a train that is off by a constant
 * stays refused however long it lasts; one that runs away from the last agreement is the clock's own doing.
 */
export class Dispute {
  private times: Seconds[] = [];
  private errors: Seconds[] = [];
  private blocks = 0;

  settle(): void {
    this.times = [];
    this.errors = [];
    this.blocks = 0;
  }

  /**
   * One more in a row was refused.
   *
   * @param error measured minus predicted, s.
   * @param elapsed s since the last believed measurement.
   * @param sd of the prediction, s.
   * @param sigma white noise of the source, s.
   */
  add(error: Seconds, elapsed: Seconds, sd: Seconds, sigma: Seconds): Diagnosis {
    this.times.push(elapsed);
    this.errors.push(error);
    const jump = this.blocks === 0 ? this.jump(sd, sigma) : undefined;
    if (jump !== undefined) return { kind: 'frequency', jump };
    if (this.times.length < BLOCK) return NONE;
    const lost = this.lost(sigma);
    if (lost !== undefined) return { kind: 'lost', slope: lost };
    const noise = this.noise();
    this.settle();
    this.blocks = 1;
    return noise === undefined ? NONE : { kind: 'noise', sigma: noise };
  }

  private jump(sd: Seconds, sigma: Seconds): Frequency | undefined {
    const n = this.times.length;
    if (n < CASE) return undefined;
    const line = fitLine(this.times, this.errors, new Array<number>(n).fill(1));
    const slope = Math.abs(line.slope);
    if (line.sd > TIGHT * sigma || slope < REAL * line.slopeSd || slope > MAX_JUMP) return undefined;
    // The line must leave zero between the last agreement (itself only as good as the gate) and the first refusal.
    const first = this.times[0]!;
    const middle = line.intercept + (line.slope * first) / 2;
    return Math.abs(middle) < GATE * Math.hypot(sd, sigma) + (slope * first) / 2 + REAL * line.interceptSd
      ? line.slope
      : undefined;
  }

  /** A wrong train keeps its distance; a clock with a wrong frequency got where it is by running away. */
  private lost(sigma: Seconds): Frequency | undefined {
    const line = fitLine(this.times, this.errors, new Array<number>(this.times.length).fill(1));
    const slope = Math.abs(line.slope);
    if (line.sd > TIGHT * sigma || slope < SURE * line.slopeSd || slope > MAX_JUMP) return undefined;
    const away = Math.abs(this.errors.at(-1)!);
    return away < RUN * slope * this.times.at(-1)! + SPOILT ? line.slope : undefined;
  }

  /** Their standard deviation, if their mean is zero. */
  private noise(): Seconds | undefined {
    const mean = this.errors.reduce((a, b) => a + b) / BLOCK;
    const variance = this.errors.reduce((a, b) => a + (b - mean) ** 2, 0) / (BLOCK - 1);
    return mean * mean < (ZERO * ZERO * variance) / BLOCK ? Math.sqrt(variance) : undefined;
  }
}
