/** Compensation of a quartz for its temperature, by a model that the user has measured (directive tempcomp). */
import type { Ppm } from '../../base/units.js';

export type TempcompModel =
  /** ppm = k0 + k1·(T − t0) + k2·(T − t0)² */
  | { readonly kind: 'quadratic'; readonly t0: number; readonly k0: number; readonly k1: number; readonly k2: number }
  /** Two points or more, by rising temperature; straight lines between and beyond them. */
  | { readonly kind: 'points'; readonly points: readonly TempcompPoint[] };

export type TempcompPoint = readonly [temperature: number, ppm: Ppm];

/** No quartz needs more: a larger figure is a broken sensor or a wrong model, and not applied. */
export const TEMPCOMP_LIMIT: Ppm = 10;

/** A line needs two. */
export const MIN_POINTS = 2;
const MAX_POINTS = 4096;

const interpolate = (points: readonly TempcompPoint[], temperature: number): Ppm => {
  const next = points.findIndex(([t]) => t >= temperature);
  const right = next < 0 ? points.length - 1 : Math.max(1, next);
  const [t1, c1] = points[right - 1]!;
  const [t2, c2] = points[right]!;
  return c1 + ((temperature - t1) * (c2 - c1)) / (t2 - t1);
};

/** Positive = the clock has to be made faster. May be beyond the limit. */
export const compensationPpm = (model: TempcompModel, temperature: number): Ppm => {
  if (model.kind === 'points') return interpolate(model.points, temperature);
  const dt = temperature - model.t0;
  return model.k0 + dt * (model.k1 + dt * model.k2);
};

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i;

/** The number that a sensor file begins with, as the kernel writes it; undefined = none. */
export const parseTemperature = (text: string): number | undefined => {
  const word = text.trim().split(/\s/, 1)[0] ?? '';
  const value = NUMBER.test(word) ? Number(word) : Number.NaN;
  return Number.isFinite(value) ? value : undefined;
};

/**
 * A file of points: `TEMPERATURE PPM` a line, by rising temperature, and what else the line says; empty lines and # are
 * passed over. Undefined: a line is not a point. There may be too few of them (MIN_POINTS).
 */
export const parseTempcompPoints = (text: string): readonly TempcompPoint[] | undefined => {
  const points: TempcompPoint[] = [];
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/);
    if (words[0] === '' || words[0]!.startsWith('#')) continue;
    const [temperature, ppm] = words.slice(0, 2).map(parseTemperature);
    if (temperature === undefined || ppm === undefined) return undefined;
    if (points.length > 0 && temperature <= points.at(-1)![0]) return undefined;
    if (points.length >= MAX_POINTS) return undefined;
    points.push([temperature, ppm]);
  }
  return points;
};
