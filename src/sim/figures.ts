import type { Seconds } from '../base/units.js';

/** Plain statistics of a list of errors. */
export interface ErrorFigures {
  readonly count: number;
  readonly rms: Seconds;
  readonly max: Seconds;
  readonly p99: Seconds;
  readonly mean: Seconds;
}

export const errorFigures = (errors: ArrayLike<number>, from = 0, to = errors.length): ErrorFigures => {
  const count = Math.max(0, to - from);
  if (count === 0) return { count: 0, rms: Number.NaN, max: Number.NaN, p99: Number.NaN, mean: Number.NaN };
  const sorted = new Float64Array(count);
  let squares = 0;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const e = errors[from + i]!;
    sorted[i] = Math.abs(e);
    squares += e * e;
    sum += e;
  }
  sorted.sort();
  return {
    count,
    rms: Math.sqrt(squares / count),
    max: sorted[count - 1]!,
    p99: sorted[Math.floor(0.99 * (count - 1))]!,
    mean: sum / count,
  };
};

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  if (n === 0) return Number.NaN;
  return n % 2 === 1 ? sorted[(n - 1) / 2]! : (sorted[n / 2 - 1]! + sorted[n / 2]!) / 2;
};

/** A list of numbers that grows without boxing: one error a second for days. */
export class Series {
  private data = new Float64Array(4096);
  length = 0;

  push(value: number): void {
    if (this.length === this.data.length) {
      const bigger = new Float64Array(2 * this.data.length);
      bigger.set(this.data);
      this.data = bigger;
    }
    this.data[this.length++] = value;
  }

  get values(): Float64Array {
    return this.data.subarray(0, this.length);
  }
}
