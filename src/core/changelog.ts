import { add, type Instant, instant } from '../base/time.js';
import type { Seconds } from '../base/units.js';
import { type ClockChange, offsetShift, timeShift } from './sample.js';

/** s; beyond this ns since the first change would not be exact in a float64 (2^53 ns are 104 days). */
const FAR: Seconds = 1e6;

/**
 * Changes of the cooked clock in the order in which they were made. The clock changes every second, most measurements
 * are looked at once a poll or never again: so holders of history note how many changes there were when they took a
 * measurement in, and have it carried over the rest when somebody looks. The result is to the bit what following each
 * change at once would give.
 */
export class ChangeLog {
  private changes: ClockChange[] = [];
  /** Instants of the changes as ns since the first of them. */
  private ats: number[] = [];
  private origin: Instant = instant(0n);
  private far = false;
  /** What `carry` and `carryCount` came to. */
  time: Instant = instant(0n);
  count = 0;
  offset: Seconds = 0;

  get length(): number {
    return this.changes.length;
  }

  at(i: number): ClockChange {
    return this.changes[i]!;
  }

  push(change: ClockChange): void {
    if (this.changes.length === 0) this.origin = change.at;
    this.changes.push(change);
    this.ats.push(Number(change.at - this.origin));
    this.far ||= Math.abs(change.doffset) > FAR || Math.abs(this.ats.at(-1)!) > FAR * 1e9;
  }

  clear(): void {
    this.changes = [];
    this.ats = [];
    this.far = false;
  }

  /** A measurement's cooked time and offset, carried over the changes from number `from` on: see `time`, `offset`. */
  carry(time: Instant, offset: Seconds, from = 0): void {
    const start = Number(time - this.origin);
    if (this.far || Math.abs(start) > FAR * 1e9) {
      this.carryFar(time, offset, from);
      return;
    }
    this.follow(start, offset, from);
    this.time = instant(this.origin + BigInt(this.count));
  }

  /** The same for a time that is given in ns since `origin`, where all of it is within reach (see `isNear`): see `count`. */
  carryCount(count: number, offset: Seconds, origin: Instant): void {
    const between = Number(this.origin - origin);
    this.follow(count - between, offset, 0);
    this.count += between;
  }

  /** Are the changes, and an instant, near enough to one another for `carryCount`? */
  isNear(origin: Instant): boolean {
    return !this.far && Math.abs(Number(this.origin - origin)) < FAR * 1e9;
  }

  private follow(start: number, offset: Seconds, from: number): void {
    const { changes, ats } = this;
    let count = start;
    let value = offset;
    for (let i = from; i < changes.length; i++) {
      const change = changes[i]!;
      const shift = change.doffset - ((ats[i]! - count) / 1e9) * change.dfreq;
      if (change.kind !== 'leap') value -= shift;
      const whole = Math.trunc(shift);
      count += whole * 1e9 + Math.round((shift - whole) * 1e9);
    }
    this.count = count;
    this.offset = value;
  }

  private carryFar(time: Instant, offset: Seconds, from: number): void {
    this.time = time;
    this.offset = offset;
    for (let i = from; i < this.changes.length; i++) {
      const change = this.changes[i]!;
      this.offset += offsetShift(change, this.time);
      this.time = add(this.time, timeShift(change, this.time));
    }
  }
}
