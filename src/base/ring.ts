import { assert } from './assert.js';

/** A bounded queue that drops its oldest entry, and counts it, when full. */
export class Ring<T> {
  private readonly items: (T | undefined)[];
  private start = 0;
  private count = 0;
  /** Entries lost to the bound since construction. */
  dropped = 0;

  constructor(readonly capacity: number) {
    assert(Number.isInteger(capacity) && capacity > 0, 'ring capacity');
    this.items = new Array<T | undefined>(capacity);
  }

  get length(): number {
    return this.count;
  }

  push(item: T): void {
    if (this.count === this.capacity) {
      this.start = (this.start + 1) % this.capacity;
      this.count--;
      this.dropped++;
    }
    this.items[(this.start + this.count) % this.capacity] = item;
    this.count++;
  }

  /** Oldest first. */
  at(index: number): T | undefined {
    return index < 0 || index >= this.count ? undefined : this.items[(this.start + index) % this.capacity];
  }

  last(): T | undefined {
    return this.at(this.count - 1);
  }

  shift(): T | undefined {
    if (this.count === 0) return undefined;
    const item = this.items[this.start];
    this.items[this.start] = undefined;
    this.start = (this.start + 1) % this.capacity;
    this.count--;
    return item;
  }

  clear(): void {
    this.items.fill(undefined);
    this.start = 0;
    this.count = 0;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = 0; i < this.count; i++) yield this.items[(this.start + i) % this.capacity] as T;
  }

  /** Replaces every entry: used when a clock change moves stored times. */
  map(change: (item: T) => T): void {
    for (let i = 0; i < this.count; i++) {
      const k = (this.start + i) % this.capacity;
      this.items[k] = change(this.items[k] as T);
    }
  }
}
