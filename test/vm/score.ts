/** Figures of a record of CLOCK_REALTIME − true UTC. */
import type { Point, Result, Verdict } from './scenario.js';

const LOCKED_NS = 1000;
const STAYS_S = 30;

const sizes = (points: readonly Point[], from: number, to: number): number[] =>
  points.filter(([t]) => t >= from && t < to).map(([, error]) => Math.abs(error));

/** The part `q` of all is at most this; NaN without any. */
export const quantileOf = (values: readonly number[], q: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
};

/** The part `q` of all errors is at most this, ns; NaN without any. */
export const quantile = (points: readonly Point[], q: number, from: number, to = Number.POSITIVE_INFINITY): number =>
  quantileOf(sizes(points, from, to), q);

/** Root of the mean square, ns. */
export const rms = (points: readonly Point[], from: number, to = Number.POSITIVE_INFINITY): number => {
  const all = sizes(points, from, to);
  return Math.sqrt(all.reduce((sum, x) => sum + x * x, 0) / all.length);
};

/** Seconds from the daemon's start until the clock is within 1 µs and stays so for 30 s; Infinity when it never is. */
export const lockedAfter = (points: readonly Point[]): number => {
  let since: number | undefined;
  for (const [t, error] of points) {
    if (Math.abs(error) > LOCKED_NS) since = undefined;
    else since ??= t;
    if (since !== undefined && t - since >= STAYS_S) return since;
  }
  return Number.POSITIVE_INFINITY;
};

export const ns = (value: number): string =>
  Math.abs(value) < 10_000 ? `${value.toFixed(0)} ns` : `${(value / 1000).toFixed(1)} µs`;

/** All points of several runs. */
export const pooled = (results: readonly Result[]): Point[] => results.flatMap(({ points }) => points);

/** Is the 99 % quantile of ours at most `ratio` times theirs? */
export const p99Against = (
  ours: readonly Result[],
  theirs: readonly Result[],
  ratio: number,
  from: number,
): Verdict => {
  const [a, b] = [ours, theirs].map((results) => quantile(pooled(results), 0.99, from)) as [number, number];
  const seen = `${ns(a)} against ${ns(b)}`;
  return { text: `p99 from ${from} s at most ${ratio} of chronyd's`, ok: a <= ratio * b, seen };
};

export const p99Within = (ours: readonly Result[], limit: number, from: number, to?: number): Verdict => {
  const seen = quantile(pooled(ours), 0.99, from, to);
  const when = to === undefined ? `from ${from} s` : `from ${from} to ${to} s`;
  return { text: `p99 ${when} within ${ns(limit)}`, ok: seen <= limit, seen: ns(seen) };
};

/** Of the slowest of them. */
export const slowestLock = (results: readonly Result[]): number =>
  Math.max(...results.map(({ points }) => lockedAfter(points)));

export const lockedWithin = (ours: readonly Result[], limit: number): Verdict => {
  const seen = slowestLock(ours);
  return { text: `within 1 µs after at most ${limit} s`, ok: seen <= limit, seen: `${seen.toFixed(1)} s` };
};
