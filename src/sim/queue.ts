import { assert } from '../base/assert.js';
import type { Seconds } from '../base/units.js';

/**
 * True time inside a world: seconds since the world began, float64. The grain is 15 ps after a day and 0.12 ns after ten,
 * below the nanosecond that any port shows.
 */
export type TrueTime = Seconds;

/** Something that happens at a moment of true time and may ask to happen again. */
export interface Task {
  run(t: TrueTime): void;
}

interface Entry {
  at: TrueTime;
  seq: number;
  task: Task;
}

/** A world that holds more than this many pending tasks is leaking: twins keep one or two each. */
const MAX_PENDING = 10_000;

/** Binary heap ordered by (time, order of asking): equal times run in the order in which they were asked for. */
export class EventQueue {
  private readonly heap: Entry[] = [];
  private seq = 0;

  get length(): number {
    return this.heap.length;
  }

  /** Time of the next task; Infinity when there is none. */
  get nextAt(): TrueTime {
    return this.heap.length > 0 ? this.heap[0]!.at : Number.POSITIVE_INFINITY;
  }

  push(at: TrueTime, task: Task): void {
    assert(this.heap.length < MAX_PENDING, 'simulation queue is bounded');
    assert(at >= 0, 'tasks lie in the future of the world');
    const { heap } = this;
    const entry: Entry = { at, seq: this.seq++, task };
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (before(heap[parent]!, entry)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = entry;
  }

  /** Takes the next task out; the caller runs it. */
  pop(): Task {
    const { heap } = this;
    const top = heap[0];
    assert(top !== undefined, 'pop of an empty queue');
    const last = heap.pop()!;
    if (heap.length > 0) this.sink(last);
    return top.task;
  }

  private sink(entry: Entry): void {
    const { heap } = this;
    const n = heap.length;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= n) break;
      if (child + 1 < n && before(heap[child + 1]!, heap[child]!)) child++;
      if (before(entry, heap[child]!)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = entry;
  }
}

const before = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.seq < b.seq);
