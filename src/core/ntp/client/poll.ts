import type { Seconds } from '../../../base/units.js';

/** Score moved by a request without an answer: a silent server is asked less, the one that the clock follows not so soon. */
const SILENCE = 0.25;
const SILENCE_FOLLOWED = 0.1;
/** Below one second only servers that are near are asked. */
const SUBSECOND_MAX_DELAY: Seconds = 0.01;

/** Chooses the polling interval between minpoll and maxpoll, as chrony does (algorithms-notes 9). */
export class PollControl {
  poll: number;
  score = 0;

  /** All log2 s but `target`, samples. */
  constructor(
    public min: number,
    public max: number,
    public target: number,
  ) {
    this.poll = min;
  }

  /**
   * A good sample. `error`: |foretold − measured offset|; `distance`: peer distance (delay/2 + dispersion);
   * `samples`: how many statistics rest on.
   */
  good(error: Seconds, distance: Seconds, samples: number): void {
    if (error > distance) {
      // The clock moved more than the network explains: look sooner.
      this.move(-Math.log2(error / Math.max(distance, 1e-9)));
      return;
    }
    const step = (samples / this.target - 1) / this.target;
    this.move(step < 0 ? 2 * step : step);
  }

  silent(followed: boolean): void {
    this.move(followed ? SILENCE_FOLLOWED : SILENCE);
  }

  /** Raises the interval, for a server that asks for it. */
  atLeast(poll: number): void {
    if (poll > this.poll) this.poll = poll;
    if (poll > this.max) this.max = poll;
  }

  setMin(min: number): void {
    this.min = min;
    this.max = Math.max(min, this.max);
    this.poll = Math.max(this.poll, min);
  }

  setMax(max: number): void {
    this.max = max;
    this.min = Math.min(max, this.min);
    this.poll = Math.min(this.poll, max);
  }

  /** Seconds to the next request. `delay`: shortest round trip known and answered lately, undefined = none. */
  interval(delay: Seconds | undefined): Seconds {
    const near = delay !== undefined && delay <= SUBSECOND_MAX_DELAY;
    return 2 ** (near ? this.poll : Math.max(0, this.poll));
  }

  private move(by: number): void {
    this.score += by;
    if (this.score >= 1) {
      this.poll += Math.trunc(this.score);
      this.score -= Math.trunc(this.score);
    } else if (this.score < 0) {
      this.poll += Math.trunc(this.score) - 1;
      this.score -= Math.trunc(this.score) - 1;
    }
    if (this.poll < this.min || this.poll > this.max) this.score = 0;
    this.poll = Math.min(this.max, Math.max(this.min, this.poll));
  }
}
