import { addMono, type Mono } from '../base/time.js';

/** Measurements that are polls of their own before the regular interval begins: a first fix by the third pulse. */
const EARLY_POLLS = 4;

/** When each source is to be polled: early on with every measurement, later every 2^poll seconds. */
export class PollTimers {
  private readonly intervals: readonly number[];
  private readonly nextAt: Mono[];
  private readonly earlyLeft: number[];

  constructor(pollLog2: readonly number[], now: Mono) {
    this.intervals = pollLog2.map((p) => 2 ** p);
    this.nextAt = this.intervals.map((s) => addMono(now, s));
    this.earlyLeft = this.intervals.map((s) => (s > 1 ? EARLY_POLLS : 0));
  }

  /** Every source waits a whole interval from `now` on. */
  restart(now: Mono): void {
    for (let i = 0; i < this.nextAt.length; i++) this.nextAt[i] = addMono(now, this.intervals[i]!);
  }

  /** s; 0 for a source that is not polled here. */
  interval(source: number): number {
    return this.intervals[source] ?? 0;
  }

  early(source: number): boolean {
    return this.earlyLeft[source]! > 0;
  }

  polled(source: number, hadSample: boolean, now: Mono): void {
    // Nor need one that was silent.
    if (!hadSample) this.earlyLeft[source] = this.intervals[source]! > 1 ? EARLY_POLLS : 0;
    else if (this.earlyLeft[source]! > 0) this.earlyLeft[source]!--;
    this.nextAt[source] = addMono(now, this.intervals[source]!);
  }

  due(now: Mono): number[] {
    const list: number[] = [];
    for (let i = 0; i < this.nextAt.length; i++) if (this.nextAt[i]! <= now) list.push(i);
    return list;
  }

  next(): Mono | undefined {
    let first: Mono | undefined;
    for (const at of this.nextAt) if (first === undefined || at < first) first = at;
    return first;
  }
}
