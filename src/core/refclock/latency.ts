import { diff, type Instant } from '../../base/time.js';
import type { Frequency, Seconds } from '../../base/units.js';
import { SortedWindow } from '../window.js';
import { medianOf } from './robust.js';

/** Messages in the running median: a minute at 1 Hz. */
const WINDOW = 64;
/** Messages from which on the median is used. */
export const LATENCY_ENOUGH = 3;
/** Minute medians kept for the drift: an hour. */
const MINUTES = 60;
/** Minute medians from which on a drift is reported. */
const DRIFT_ENOUGH = 10;
/** s; below it a spread from a handful of messages is luck. */
const SPREAD_FLOOR = 0.002;
/** s; how far a message may stray from a second it is wrong by and still be called wrong by exactly that. */
const WHOLE_TOLERANCE = 0.05;
/** Odd latencies in a row, after which the receiver is taken to have changed its habits. */
const RELEARN = 10;

export type LatencyVerdict = 'usual' | 'whole-second' | 'odd';

/**
 * How long after the second it names a receiver begins to speak: running median, spread and drift. Fed with latencies
 * against pulses whose number is known, so they are not folded into one second and may slide past it.
 */
export class Latency {
  private readonly recent = new SortedWindow(WINDOW);
  private minute: Seconds[] = [];
  private minuteStart: Instant | undefined;
  private readonly minutes: { age: Seconds; median: Seconds }[] = [];
  private elapsed = 0;
  private oddInRow = 0;
  private centre: Seconds | undefined;
  private width: Seconds = 0;

  /** s; undefined until learned. */
  get median(): Seconds | undefined {
    return this.centre;
  }

  /** Robust standard deviation, s. */
  get spread(): Seconds {
    return Math.max(this.width, SPREAD_FLOOR);
  }

  /** Does a latency fit what is known; whole-second: it would, but for an exact number of seconds. */
  judge(latency: Seconds): LatencyVerdict {
    const { centre } = this;
    // Nothing learned yet: the pulse comes first, then the message that names it, before the next pulse.
    if (centre === undefined) return latency > -0.5 && latency < 1.5 ? 'usual' : 'whole-second';
    const seconds = Math.round(latency - centre);
    if (seconds === 0) return Math.abs(latency - centre) <= 0.4 ? 'usual' : 'odd';
    return Math.abs(latency - centre - seconds) <= Math.max(4 * this.spread, WHOLE_TOLERANCE) ? 'whole-second' : 'odd';
  }

  /** An odd latency; true when so many came in a row that the old figure was dropped. */
  odd(): boolean {
    this.oddInRow++;
    if (this.oddInRow < RELEARN) return false;
    this.forget();
    return true;
  }

  add(at: Instant, latency: Seconds): void {
    this.oddInRow = 0;
    this.recent.push(latency);
    if (this.recent.length >= LATENCY_ENOUGH) {
      this.centre = this.recent.median;
      this.width = this.recent.spreadAbout(this.centre);
    }
    this.collect(at, latency);
  }

  /** s/s: Theil and Sen's slope of the minute medians of the last hour. */
  get drift(): Frequency | undefined {
    const n = this.minutes.length;
    if (n < DRIFT_ENOUGH) return undefined;
    const slopes: number[] = [];
    for (let i = 0; i < n; i++) {
      for (let j = i + 1; j < n; j++) {
        const a = this.minutes[i]!;
        const b = this.minutes[j]!;
        slopes.push((b.median - a.median) / (b.age - a.age));
      }
    }
    return medianOf(slopes);
  }

  forget(): void {
    this.recent.clear();
    this.centre = undefined;
    this.width = 0;
    this.oddInRow = 0;
    this.minutes.length = 0;
    this.restart();
  }

  /** The clock was changed: a minute that was under way has lost its start. */
  restart(): void {
    this.minute = [];
    this.minuteStart = undefined;
  }

  private collect(at: Instant, latency: Seconds): void {
    this.minuteStart ??= at;
    const span = diff(at, this.minuteStart);
    if (span >= 60 || span < 0) {
      this.elapsed += Math.max(span, 60);
      if (this.minute.length > 0) this.minutes.push({ age: this.elapsed, median: medianOf(this.minute) });
      if (this.minutes.length > MINUTES) this.minutes.shift();
      this.minute = [];
      this.minuteStart = at;
    }
    if (this.minute.length < WINDOW) this.minute.push(latency);
  }
}
