/** Makes a median absolute deviation comparable with a standard deviation (normal distribution). */
export const MAD_TO_SIGMA = 1.4826;

/** The last N numbers, kept in order of size as well: medians without sorting at each new one. */
export class SortedWindow {
  private readonly ring: Float64Array;
  private readonly sorted: Float64Array;
  private next = 0;
  private n = 0;

  constructor(length: number) {
    this.ring = new Float64Array(length);
    this.sorted = new Float64Array(length);
  }

  get length(): number {
    return this.n;
  }

  /** Takes in a number that is one; the oldest makes room. */
  push(value: number): void {
    const { ring, sorted } = this;
    if (this.n === ring.length) this.remove(ring[this.next]!);
    ring[this.next] = value;
    this.next = (this.next + 1) % ring.length;
    const i = this.place(value);
    sorted.copyWithin(i + 1, i, this.n);
    sorted[i] = value;
    this.n++;
  }

  /** Multiplies all of them by a factor above zero. */
  scale(factor: number): void {
    for (const list of [this.ring, this.sorted]) for (let i = 0; i < list.length; i++) list[i]! *= factor;
  }

  clear(): void {
    this.n = 0;
    this.next = 0;
  }

  /** The upper one of the two in the middle of an even number; NaN for none. */
  get upperMedian(): number {
    return this.n === 0 ? Number.NaN : this.sorted[this.n >> 1]!;
  }

  /** NaN for none. */
  get median(): number {
    const { n, sorted } = this;
    if (n === 0) return Number.NaN;
    const middle = n >> 1;
    return n % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  }

  /** Robust standard deviation about a given centre: the median distance from it, found from the inside out. */
  spreadAbout(centre: number): number {
    const { n, sorted } = this;
    if (n === 0) return Number.NaN;
    let right = this.place(centre);
    let left = right - 1;
    let before = 0;
    let last = 0;
    for (let i = 0; i <= n >> 1; i++) {
      const below = left >= 0 ? Math.abs(sorted[left]! - centre) : Number.POSITIVE_INFINITY;
      const above = right < n ? Math.abs(sorted[right]! - centre) : Number.POSITIVE_INFINITY;
      before = last;
      last = Math.min(below, above);
      if (below <= above) left--;
      else right++;
    }
    return MAD_TO_SIGMA * (n % 2 === 1 ? last : (before + last) / 2);
  }

  /** Index of the first number that is not smaller. */
  private place(value: number): number {
    let low = 0;
    let high = this.n;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sorted[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private remove(value: number): void {
    const i = this.place(value);
    this.sorted.copyWithin(i, i + 1, this.n);
    this.n--;
  }
}
