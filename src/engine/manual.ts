import { add, diff, type Instant } from '../base/time.js';
import type { Frequency, Seconds } from '../base/units.js';
import type { ManualSampleReport } from '../core/report/reports.js';
import { robustLine } from '../core/robustline.js';
import { type ClockChange, timeShift } from '../core/sample.js';

/** Times remembered (chrony; the protocol's list has as many slots). */
const MAX_SAMPLES = 16;
/** s between two times set, on the cooked clock: anything less is the same key pressed twice. */
const MIN_SEPARATION: Seconds = 1;
/** 2200: what lies beyond, or before 1970, is a slip of the hand. */
const LATEST = 7_258_118_400n * 1_000_000_000n;

interface Point {
  when: Instant;
  /** Cooked clock minus what it was told, re-based on every correction since. */
  offset: Seconds;
  readonly original: Seconds;
  residual: Seconds;
}

/** What the times set by hand say about the clock now; positive = the clock is fast. */
export interface ManualEstimate {
  readonly offset: Seconds;
  readonly freq: Frequency;
}

/** `manual` and `settime`: the operator is the reference. One time gives the offset, more of them the frequency. */
export class ManualInput {
  private points: Point[] = [];

  constructor(public enabled: boolean) {}

  /** `time`: what the operator says it is; `now`: cooked. Undefined: not a time that can be taken. */
  accept(time: Instant, now: Instant): ManualEstimate | undefined {
    if (time < 0n || time > LATEST) return undefined;
    const last = this.points.at(-1);
    if (last !== undefined && diff(now, last.when) < MIN_SEPARATION) return undefined;
    const offset = diff(now, time);
    this.points.push({ when: now, offset, original: offset, residual: 0 });
    if (this.points.length > MAX_SAMPLES) this.points.shift();
    return this.estimate(now);
  }

  /** What the rest says; undefined: there is no such time. */
  remove(index: number, now: Instant): ManualEstimate | undefined {
    if (index < 0 || index >= this.points.length) return undefined;
    this.points.splice(index, 1);
    return this.points.length > 0 ? this.estimate(now) : { offset: 0, freq: 0 };
  }

  reset(): void {
    this.points = [];
  }

  rebase(change: ClockChange): void {
    if (change.kind === 'unknown') {
      this.reset();
      return;
    }
    for (const p of this.points) {
      const shift = timeShift(change, p.when);
      if (change.kind !== 'leap') p.offset += shift;
      p.when = add(p.when, shift);
    }
  }

  list(): readonly ManualSampleReport[] {
    return this.points.map((p) => ({
      when: p.when,
      slewedOffsetFast: p.offset,
      originalOffsetFast: p.original,
      residual: p.residual,
    }));
  }

  private estimate(now: Instant): ManualEstimate {
    const x = this.points.map((p) => diff(p.when, now));
    const y = this.points.map((p) => p.offset);
    const line = robustLine(x, y);
    for (const [i, p] of this.points.entries()) p.residual = y[i]! - line.at0 - line.slope * x[i]!;
    return { offset: line.at0, freq: line.slope };
  }
}
