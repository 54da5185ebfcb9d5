import type { Prng } from '../base/prng.js';
import type { Frequency, Seconds } from '../base/units.js';

/** The free-running rate error of a clock, constant over each true second: `next(k)` = during [k, k+1), k = 0, 1, 2 … */
export interface Oscillator {
  next(k: number): Frequency;
}

export interface OscillatorModel {
  /** Rate error at the start, s/s; positive = fast. */
  readonly frequency: Frequency;
  /** Random-walk frequency: standard deviation of the step a second, s/s per √s. */
  readonly wander: Frequency;
  /** White frequency noise: standard deviation a second, s/s. */
  readonly white?: Frequency;
  /** Daily, hourly … temperature as a sine of the frequency; `phase` at the start, rad, random unless given. */
  readonly temperature?: { readonly amplitude: Frequency; readonly period: Seconds; readonly phase?: number };
  /** Steps of the temperature: the frequency follows as 1 − exp(−t / tau). */
  readonly steps?: readonly { readonly at: Seconds; readonly by: Frequency; readonly tau: Seconds }[];
  /** Sudden changes that stay. */
  readonly jumps?: readonly { readonly at: Seconds; readonly by: Frequency }[];
}

/** A sum of error models, as in clknetsim: each part is simple, their sum looks like a quartz. */
export class ModelOscillator implements Oscillator {
  private walk: Frequency;
  private readonly phase: number;

  constructor(
    private readonly model: OscillatorModel,
    private readonly rng: Prng,
  ) {
    this.walk = model.frequency;
    this.phase = model.temperature?.phase ?? 2 * Math.PI * rng.uniform();
  }

  next(k: number): Frequency {
    const { model, rng } = this;
    this.walk += model.wander * rng.normal();
    let f = this.walk;
    if (model.white !== undefined) f += model.white * rng.normal();
    if (model.temperature !== undefined) {
      f += model.temperature.amplitude * Math.sin((2 * Math.PI * k) / model.temperature.period + this.phase);
    }
    for (const { at, by, tau } of model.steps ?? []) if (k >= at) f += by * (1 - Math.exp((at - k) / tau));
    for (const jump of model.jumps ?? []) if (k >= jump.at) f += jump.by;
    return f;
  }
}
