import type { Seconds } from '../../base/units.js';
import type { Jitter } from '../report/stability.js';

/** Bins a decade; two of them make one of the report. */
const PER_DECADE = 16;
const FROM = -10;
const DECADES = 12;
/** Bins a sign, from 0.1 ns to 100 s; what is smaller or larger falls into the first or last. */
const BINS = PER_DECADE * DECADES;
/** Residuals an epoch: three days at one a second. */
const EPOCH = 2 ** 18;

const edge = (bin: number): Seconds => 10 ** (FROM + bin / PER_DECADE);

class Counts {
  readonly negative = new Uint32Array(BINS);
  readonly positive = new Uint32Array(BINS);
  n = 0;
  sum = 0;
  max = 0;
}

/** Residuals in logarithmic bins of both signs: shape, tails and percentiles of a jitter, in bounded memory. */
export class Histogram {
  private now = new Counts();
  private older = new Counts();

  add(residual: Seconds): void {
    const size = Math.abs(residual);
    if (!Number.isFinite(size)) return;
    const { now } = this;
    const place = size === 0 ? 0 : Math.floor((Math.log10(size) - FROM) * PER_DECADE);
    const bin = Math.min(BINS - 1, Math.max(0, place));
    (residual < 0 ? now.negative : now.positive)[bin]!++;
    now.n++;
    now.sum += residual;
    now.max = Math.max(now.max, size);
    if (now.n === EPOCH) {
      this.older = now;
      this.now = new Counts();
    }
  }

  report(): Jitter | undefined {
    const [a, b] = [this.now, this.older];
    const count = a.n + b.n;
    if (count === 0) return undefined;
    const negative = a.negative.map((n, i) => n + b.negative[i]!);
    const positive = a.positive.map((n, i) => n + b.positive[i]!);
    const max = Math.max(a.max, b.max);
    const quantile = (share: number): Seconds => Math.min(max, quantileOf(negative, positive, share * count));
    return {
      count,
      mean: (a.sum + b.sum) / count,
      p50: quantile(0.5),
      p90: quantile(0.9),
      p99: quantile(0.99),
      max,
      histogram: [...side(negative, -1).reverse(), ...side(positive, 1)],
    };
  }
}

/** Size below which `wanted` residuals lie; inside a bin they are taken as spread evenly over its logarithm. */
const quantileOf = (negative: Uint32Array, positive: Uint32Array, wanted: number): Seconds => {
  let sum = 0;
  for (let bin = 0; bin < BINS; bin++) {
    const n = negative[bin]! + positive[bin]!;
    if (n > 0 && sum + n >= wanted) return edge(bin + (wanted - sum) / n);
    sum += n;
  }
  return edge(BINS);
};

const side = (counts: Uint32Array, sign: 1 | -1): [number, number, number][] => {
  const rows: [number, number, number][] = [];
  for (let bin = 0; bin < BINS; bin += 2) {
    const n = counts[bin]! + counts[bin + 1]!;
    // The first bin reaches down to nothing.
    const low = bin === 0 ? 0 : edge(bin);
    if (n > 0) rows.push(sign > 0 ? [low, edge(bin + 2), n] : [-edge(bin + 2), -low, n]);
  }
  return rows;
};
