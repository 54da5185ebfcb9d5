import { diff, type Instant, instant } from '../../base/time.js';
import type { Frequency, Seconds } from '../../base/units.js';
import type { ClockChange } from '../sample.js';
import { MAD_TO_SIGMA } from '../window.js';
import { medianOf } from './robust.js';

/** Changed in place: every correction of the clock touches every point. */
interface Point {
  /** s since the track's base: short spans, so that a float holds the nanoseconds. */
  at: Seconds;
  offset: Seconds;
}

/** Points kept: half a minute at 1 Hz, long enough for a noise figure, short enough to follow a warming oscillator. */
const KEEP = 33;
/** Points from which on slope and noise are more than luck. */
const ENOUGH = 5;
/** Slope and noise are medians over half a minute: looking at them at every fourth point is often enough. */
const LEARN_EVERY = 4;
/** s; a longer pause makes the old points worthless for prediction. */
const STALE = 64;
/** s; beyond it a float64 offset has lost the nanoseconds. */
const FAR = 1000;

/**
 * The last accepted offsets of one source: where the next one is expected, and how noisy single ones are. Medians
 * throughout, so that a few wild points move neither.
 */
export class OffsetTrack {
  private points: Point[] = [];
  private base: Instant = instant(0n);
  private slope: Frequency = 0;
  private noise: Seconds | undefined;
  private unlearned = 0;

  /** `initial`: noise (1 sigma) to assume while nothing is measured. */
  constructor(private readonly initial: Seconds) {}

  add(time: Instant, offset: Seconds): void {
    const last = this.points.at(-1);
    if (last !== undefined && diff(time, this.base) - last.at > STALE) this.clear();
    if (this.points.length === 0) this.base = time;
    if (this.points.length >= KEEP) this.points.shift();
    this.points.push({ at: diff(time, this.base), offset });
    if (this.points.length <= ENOUGH || ++this.unlearned >= LEARN_EVERY) this.learn();
  }

  /** Undefined until there is something to predict from. */
  predict(time: Instant): Seconds | undefined {
    const last = this.points.at(-1);
    if (last === undefined || this.points.length < ENOUGH) return undefined;
    const dt = diff(time, this.base) - last.at;
    return dt > STALE ? undefined : last.offset + this.slope * dt;
  }

  /** 1 sigma of a single measurement, from the differences of successive ones (free of slow wander). */
  get sigma(): Seconds {
    return this.noise ?? this.initial;
  }

  /** The noise figure rests on few points and may be too small by luck. */
  get isYoung(): boolean {
    return this.points.length < KEEP / 2;
  }

  get known(): boolean {
    return this.noise !== undefined;
  }

  /** Forgets the points, keeps the noise figure. */
  clear(): void {
    this.points = [];
    this.slope = 0;
  }

  rebase(change: ClockChange): void {
    if (change.kind === 'unknown' || Math.abs(change.doffset) > FAR) {
      this.clear();
      return;
    }
    const at = diff(change.at, this.base);
    for (const p of this.points) {
      const shift = change.doffset - (at - p.at) * change.dfreq;
      p.at += shift;
      if (change.kind !== 'leap') p.offset -= shift;
    }
    // Earlier points now lie as if the clock had always run at its new rate: the slope moves by exactly that.
    this.slope -= change.dfreq;
  }

  private learn(): void {
    this.unlearned = 0;
    const n = this.points.length;
    if (n < ENOUGH) return;
    const dts: number[] = [];
    const steps: number[] = [];
    for (let i = 1; i < n; i++) {
      dts.push(this.points[i]!.at - this.points[i - 1]!.at);
      steps.push(this.points[i]!.offset - this.points[i - 1]!.offset);
    }
    this.slope = medianOf(steps.map((d, i) => d / dts[i]!));
    const slope = this.slope;
    this.noise = (MAD_TO_SIGMA * medianOf(steps.map((d, i) => Math.abs(d - slope * dts[i]!)))) / Math.SQRT2;
  }
}
