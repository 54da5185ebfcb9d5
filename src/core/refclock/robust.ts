import type { Seconds } from '../../base/units.js';
import { MAD_TO_SIGMA } from '../window.js';

/** NaN for none. */
export const medianOf = (values: readonly number[]): number => {
  const n = values.length;
  if (n === 0) return Number.NaN;
  // A typed array sorts numbers as numbers, and several times faster than with a comparison.
  const sorted = new Float64Array(values).sort();
  const mid = n >> 1;
  return n % 2 === 1 ? sorted[mid]! : (sorted[mid - 1]! + sorted[mid]!) / 2;
};

/** Robust standard deviation about a given centre. */
export const spreadAbout = (values: readonly number[], centre: number): number =>
  MAD_TO_SIGMA * medianOf(values.map((v) => Math.abs(v - centre)));

/** Brings x into [−period/2, +period/2) by whole periods. */
export const fold = (x: Seconds, period: Seconds): Seconds => {
  const y = x - period * Math.floor(x / period + 0.5);
  return y >= period / 2 ? y - period : y;
};

/** The value that is x plus whole periods and lies nearest to `target`. */
export const nearest = (x: Seconds, target: Seconds, period: Seconds): Seconds =>
  x + period * Math.round((target - x) / period);

/** Median and spread of values known only inside one second: they may straddle the second's edge. */
export const circular = (values: readonly Seconds[]): { centre: Seconds; spread: Seconds } => {
  const first = values[0] ?? 0;
  const unwrapped = values.map((v) => fold(v - first, 1));
  const middle = medianOf(unwrapped);
  const centre = first + middle;
  return { centre: centre - Math.floor(centre), spread: spreadAbout(unwrapped, middle) };
};
