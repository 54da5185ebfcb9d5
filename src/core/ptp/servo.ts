import type { Frequency, Seconds } from '../../base/units.js';

/** What is to be done to a clock: set it forward by `step` s (0 = no step), and let it run `freq` faster than by itself. */
export interface ServoAction {
  readonly step: Seconds;
  readonly freq: Frequency;
}

/** s. At the start more than this is stepped: slewing it would take minutes. */
const FIRST_STEP: Seconds = 20e-6;
/** s. Later only what cannot be a measurement: somebody set one of the clocks. */
const STEP: Seconds = 1e-3;
/** Of an offset that are made up for in a second, and that go into the frequency for good. Settles within ten samples. */
const PROPORTIONAL = 0.7;
const INTEGRAL = 0.3;
/** s. Two samples closer together than this say nothing about a rate. */
const SHORTEST: Seconds = 1e-3;

/** Makes a clock follow another: a proportional-integral controller that begins with the frequency it finds. */
export class PhcServo {
  private state: 'first' | 'second' | 'locked' = 'first';
  private drift: Frequency;
  private last: Seconds = 0;

  /** `freq`: as the clock is set now; `max`: its limit. */
  constructor(
    freq: Frequency,
    private readonly max: Frequency,
  ) {
    this.drift = this.clamp(freq);
  }

  /** True while offsets are small because they are controlled. */
  get locked(): boolean {
    return this.state === 'locked';
  }

  /** `offset`: of the clock against what it follows, positive = it is ahead; `interval`: s since the last sample. */
  sample(offset: Seconds, interval: Seconds): ServoAction {
    const before = this.state;
    // Nobody knows how it has run: after a pause, say.
    if (before !== 'first' && interval < SHORTEST) return { step: 0, freq: this.drift };
    if (before === 'second') this.learn(offset, interval);
    if (Math.abs(offset) > (before === 'locked' ? STEP : FIRST_STEP)) {
      // Stepped from the first sample or out of the blue: the rate is looked at afterwards.
      this.state = before === 'second' ? 'locked' : 'second';
      this.last = 0;
      return { step: -offset, freq: this.drift };
    }
    this.last = offset;
    this.state = before === 'first' ? 'second' : 'locked';
    if (before === 'first') return { step: 0, freq: this.drift };
    const rate = offset / interval;
    this.drift = this.clamp(this.drift - INTEGRAL * rate);
    return { step: 0, freq: this.clamp(this.drift - PROPORTIONAL * rate) };
  }

  /** Between the first two samples the clock ran with `drift`: what the offset grew by is wrong with it. */
  private learn(offset: Seconds, interval: Seconds): void {
    this.drift = this.clamp(this.drift - (offset - this.last) / interval);
  }

  private clamp(freq: Frequency): Frequency {
    return Math.max(-this.max, Math.min(this.max, freq));
  }
}
