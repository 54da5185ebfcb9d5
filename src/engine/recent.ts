import { add } from '../base/time.js';
import { ChangeLog } from '../core/changelog.js';
import type { Measured } from '../core/refclock/types.js';
import { type ClockChange, offsetShift, timeShift } from '../core/sample.js';

/** Measurements kept a source. */
const KEPT = 8;
/** Changes of the clock kept until somebody looks at the measurements. */
const MAX_CHANGES = 256;

const NONE: readonly Measured[] = [];

interface Entry {
  measured: Measured;
  /** Changes of the log that it has followed. */
  followed: number;
}

/** The last measurements of each source, to warm the estimator up when a source is selected. */
export class RecentMeasurements {
  private readonly lists = new Map<number, Entry[]>();
  private readonly changes = new ChangeLog();

  push(measured: Measured): void {
    const entry = { measured, followed: this.changes.length };
    const list = this.lists.get(measured.source);
    if (list === undefined) {
      this.lists.set(measured.source, [entry]);
      return;
    }
    list.push(entry);
    if (list.length > KEPT) list.shift();
  }

  has(source: number): boolean {
    return this.lists.has(source);
  }

  /** Oldest first, as they stand now: the next change of the clock makes them stale, so look each one up when its turn comes. */
  of(source: number): readonly Measured[] {
    return this.lists.get(source)?.map((entry) => this.follow(entry)) ?? NONE;
  }

  /** The last of them, as it stands now. */
  last(source: number): Measured | undefined {
    const entry = this.lists.get(source)?.at(-1);
    return entry && this.follow(entry);
  }

  rebase(change: ClockChange): void {
    if (this.lists.size === 0) return;
    this.changes.push(change);
    if (this.changes.length < MAX_CHANGES) return;
    for (const list of this.lists.values()) {
      for (const entry of list) {
        this.follow(entry);
        entry.followed = 0;
      }
    }
    this.changes.clear();
  }

  /** The source is gone. */
  drop(source: number): void {
    this.lists.delete(source);
  }

  clear(): void {
    this.lists.clear();
    this.changes.clear();
  }

  private follow(entry: Entry): Measured {
    const { changes } = this;
    const { measured } = entry;
    if (entry.followed === changes.length) return measured;
    changes.carry(measured.sample.time, measured.sample.offset, entry.followed);
    const { time, offset } = changes;
    entry.measured = { ...measured, sample: { ...measured.sample, time, offset } };
    entry.followed = changes.length;
    return entry.measured;
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
