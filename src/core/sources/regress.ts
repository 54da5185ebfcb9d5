/** Weighted straight-line regression with a runs test on the residuals: how long is the past still a straight line? */

/** Fewest points for a line with an error. */
export const MIN_POINTS = 3;
/** Longest series of residuals tested for runs. */
export const MAX_RESIDUALS = 128;

/**
 * Share of fair-coin series that have so few runs. A series of n signs has 1 + Binomial(n − 1, 1/2) runs (Wald and
 * Wolfowitz 1940, for equal chances). Residuals of a fitted line change sign a little more often than coins, so
 * 7.65 % of coins is about 5 % of lines; it gives chrony's critical counts (8: 2, 16: 5, 32: 12, 64: 26, 128: 55).
 */
const LEVEL = 0.0765;

/** Largest number of runs that makes n residuals suspicious. */
const computeCritical = (n: number): number => {
  let term = 2 ** -(n - 1);
  let sum = 0;
  for (let k = 0; k < n; k++) {
    sum += term;
    if (sum > LEVEL) return k;
    term *= (n - 1 - k) / (k + 1);
  }
  return n;
};

const CRITICAL: readonly number[] = Array.from({ length: MAX_RESIDUALS + 1 }, (_, n) =>
  n < 2 ? 0 : computeCritical(n),
);

export const criticalRuns = (residuals: number): number => CRITICAL[Math.min(residuals, MAX_RESIDUALS)]!;

/** Student's t, two-sided 99.9 %, by degrees of freedom 1…40 (any printed table). */
const T_999 = [
  636.6, 31.6, 12.92, 8.61, 6.869, 5.959, 5.408, 5.041, 4.781, 4.587, 4.437, 4.318, 4.221, 4.14, 4.073, 4.015, 3.965,
  3.922, 3.883, 3.85, 3.819, 3.792, 3.768, 3.745, 3.725, 3.707, 3.69, 3.674, 3.659, 3.646, 3.633, 3.622, 3.611, 3.601,
  3.591, 3.582, 3.574, 3.566, 3.558, 3.551,
];

export const studentT = (dof: number): number => T_999[dof - 1] ?? 3.5;

/** Number of stretches of equal sign. */
export const countRuns = (residuals: readonly number[]): number => {
  let runs = 0;
  let previous: boolean | undefined;
  for (const r of residuals) {
    const positive = r >= 0;
    if (positive !== previous) runs++;
    previous = positive;
  }
  return runs;
};

/** y = intercept + slope·x; x is 0 at the newest point. */
export interface Line {
  readonly intercept: number;
  readonly slope: number;
  readonly interceptSd: number;
  readonly slopeSd: number;
  /** Standard deviation of a point, at the mean weight. */
  readonly sd: number;
}

/** @param w variances of the points relative to each other (1 = the best). At least MIN_POINTS points. */
export const fitLine = (x: readonly number[], y: readonly number[], w: readonly number[]): Line => {
  const n = x.length;
  let weights = 0;
  let xs = 0;
  let ys = 0;
  for (let i = 0; i < n; i++) {
    weights += 1 / w[i]!;
    xs += x[i]! / w[i]!;
    ys += y[i]! / w[i]!;
  }
  const xMean = xs / weights;
  const yMean = ys / weights;
  let spread = 0;
  let cross = 0;
  for (let i = 0; i < n; i++) {
    spread += (x[i]! - xMean) ** 2 / w[i]!;
    cross += ((x[i]! - xMean) * (y[i]! - yMean)) / w[i]!;
  }
  const slope = cross / spread;
  const intercept = yMean - slope * xMean;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (y[i]! - intercept - slope * x[i]!) ** 2 / w[i]!;
  const variance = squares / (n - 2);
  return {
    intercept,
    slope,
    interceptSd: Math.sqrt(variance / weights + (xMean * xMean * variance) / spread),
    slopeSd: Math.sqrt(variance / spread),
    sd: Math.sqrt((variance * n) / weights),
  };
};

export interface BestLine extends Line {
  /** Points before this index no longer fit and should be dropped. */
  readonly start: number;
  readonly runs: number;
  readonly dof: number;
}

/**
 * The longest straight recent past. Points are oldest first; those before `first` only lend their residuals to the
 * runs test (at most as many as are in the fit). The oldest point is dropped as long as the residuals have
 * suspiciously few runs and more than `minPoints` are left. Undefined with fewer than MIN_POINTS points.
 */
export const bestLine = (
  x: readonly number[],
  y: readonly number[],
  w: readonly number[],
  first: number,
  minPoints: number,
): BestLine | undefined => {
  const n = x.length;
  for (let start = first; n - start >= MIN_POINTS; start++) {
    const line = fitLine(x.slice(start), y.slice(start), w.slice(start));
    const from = Math.max(0, start - (n - start));
    const residuals: number[] = [];
    for (let i = from; i < n; i++) residuals.push(y[i]! - line.intercept - line.slope * x[i]!);
    const runs = countRuns(residuals.slice(start - from));
    const last = n - start <= Math.max(MIN_POINTS, minPoints);
    if (last || countRuns(residuals) > criticalRuns(residuals.length))
      return { ...line, start, runs, dof: n - start - 2 };
  }
  return undefined;
};
