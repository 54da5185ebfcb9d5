import type { Frequency, Seconds } from '../../base/units.js';

/** What is believed about the cooked clock's remaining error. Offsets positive = slow; Sd = one standard deviation. */
export interface Belief {
  /** To be added to the clock. */
  readonly x: Seconds;
  /** To be added to its rate. */
  readonly f: Frequency;
  /** Change of `f`, 1/s. */
  readonly d: number;
  readonly xSd: Seconds;
  readonly fSd: Frequency;
  /** Covariance of x and f, s. */
  readonly xf: number;
  /** Learned white noise of the source in use. */
  readonly sigma: Seconds;
  /** Learned random walk of the frequency, 1/sqrt(s). */
  readonly wander: number;
  /** Learned random walk of the drift, 1/(s·sqrt(s)). */
  readonly drift: number;
  /** Weight, 0…1, of the hypotheses that the noise has a sharp early edge. */
  readonly oneSided: number;
}

/** What a measurement looks like before it is believed. */
export interface Innovation {
  /** Measured minus predicted offset. */
  readonly error: Seconds;
  /** The standard deviation that the estimator expects of `error`. */
  readonly sd: Seconds;
  /** What was made of the measurements before is given up, this one is the first again. */
  readonly anew?: boolean;
}

/**
 * The door behind which the clock model lives. It knows intervals, not instants, and nothing of gates, modes or steps:
 * those belong to the discipline. Calls for each measurement: advance, innovation, then absorb unless it is refused.
 */
export interface Estimator {
  readonly belief: Belief;
  /** Forgets phase and frequency, keeps what was learned about noise. The next measurement sets the phase. */
  restart(freqSd: Frequency): void;
  /** Time passes. `steady` = false: measurements have stayed away, so the drift is not believed any longer. */
  advance(dt: Seconds, steady: boolean): void;
  /**
   * @param sigma the source's claim of its noise: where learning starts for a source not seen before.
   * @param relative for sources that know what each single measurement is worth: its variance over that of an ordinary one.
   */
  innovation(offset: Seconds, source: number, sigma: Seconds, relative?: number): Innovation;
  /** Takes in the measurement last shown to `innovation`. `learn` = false: not typical, says nothing about noise. */
  absorb(learn: boolean): void;
  /** The noise of the source has grown, to about this: what was learned about it counts little from now on. */
  relearn(sigma: Seconds): void;
  /** The source has become far less noisy: what was made of its measurements is too timid and begins anew. */
  quieten(sigma: Seconds): void;
  /** The frequency may have jumped by about this much. */
  inflateFrequency(sd: Frequency): void;
  /** The clock was changed by this much at the present moment of the estimator. */
  shift(x: Seconds, f: Frequency): void;
}
