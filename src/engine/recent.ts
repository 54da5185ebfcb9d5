import { add } from '../base/time.js';
import type { Measured } from '../core/refclock/types.js';
import { type ClockChange, offsetShift, timeShift } from '../core/sample.js';

/** Measurements kept a source. */
const KEPT = 8;

const NONE: readonly Measured[] = [];

/** The last measurements of each source, to warm the estimator up when a source is selected. */
export class RecentMeasurements {
  private readonly lists = new Map<number, Measured[]>();

  push(m: Measured): void {
    const list = this.lists.get(m.source);
    if (list === undefined) {
      this.lists.set(m.source, [m]);
      return;
    }
    list.push(m);
    if (list.length > KEPT) list.shift();
  }

  /** Oldest first. Entries are replaced when the clock changes: look each one up when its turn comes. */
  of(source: number): readonly Measured[] {
    return this.lists.get(source) ?? NONE;
  }

  rebase(change: ClockChange): void {
    for (const list of this.lists.values()) rebaseMeasured(list, change);
  }

  /** The source is gone. */
  drop(source: number): void {
    this.lists.delete(source);
  }

  clear(): void {
    this.lists.clear();
  }
}

/** Moves measurements to the scale of the changed clock, in place. */
export const rebaseMeasured = (list: Measured[], change: ClockChange): void => {
  for (const [i, m] of list.entries()) {
    const { time, offset } = m.sample;
    const sample = {
      ...m.sample,
      time: add(time, timeShift(change, time)),
      offset: offset + offsetShift(change, time),
    };
    list[i] = { ...m, sample };
  }
};
