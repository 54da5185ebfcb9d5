/** A straight line through few points of which some are wrong. */
import { countRuns, criticalRuns } from './sources/regress.js';

/** Points that the runs test leaves in any case. */
const MIN_POINTS = 3;

export interface RobustLine {
  readonly at0: number;
  readonly slope: number;
  /** Points before this index no longer lie on it. */
  readonly start: number;
  /** Stretches of residuals of equal sign. */
  readonly runs: number;
}

/**
 * The straight line with the least sum of absolute distances: one slip does not bend it. Such a line goes through two of
 * the points, and with some tens of points all pairs can be tried. The oldest points are left out as long as the signs
 * of the residuals show that the past was not straight. At least one point.
 */
export const robustLine = (x: readonly number[], y: readonly number[]): RobustLine => {
  for (let start = 0; ; start++) {
    const xs = x.slice(start);
    const ys = y.slice(start);
    const line = leastAbsolute(xs, ys);
    const runs = countRuns(xs.map((t, i) => ys[i]! - line.at0 - line.slope * t));
    if (xs.length <= MIN_POINTS || runs > criticalRuns(xs.length)) return { ...line, start, runs };
  }
};

const leastAbsolute = (x: readonly number[], y: readonly number[]): { at0: number; slope: number } => {
  let best = { at0: y.at(-1)!, slope: 0 };
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < x.length; i++) {
    for (let j = i + 1; j < x.length; j++) {
      if (x[i] === x[j]) continue;
      const slope = (y[j]! - y[i]!) / (x[j]! - x[i]!);
      const at0 = y[i]! - slope * x[i]!;
      let sum = 0;
      for (let k = 0; k < x.length && sum < least; k++) sum += Math.abs(y[k]! - at0 - slope * x[k]!);
      if (sum >= least) continue;
      least = sum;
      best = { at0, slope };
    }
  }
  return best;
};
