/**
 * A measurement whose noise has a sharp early edge: interrupts are served late, never early. The noise is
 * mu·(1 − E) + g with E exponential of mean 1 and g Gaussian, in units in which its whole variance is 1; its mean is 0,
 * as a constant latency cannot be told from the offset itself. Given a Gaussian belief about the phase, the posterior
 * is a truncated Gaussian; its exact mean and variance are handed back (assumed-density filtering, Maybeck 1982, 12.7).
 */

/** Gaussian part of the noise over the exponential part. */
const KAPPA = 0.1;
const MU = 1 / Math.sqrt(1 + KAPPA * KAPPA);
const GAUSSIAN = KAPPA * KAPPA * MU * MU;

/** Log evidence of a single measurement, at the least: one early pulse must not silence the hypothesis for ever. */
const LEAST_LOG = -20;

const LOG_SQRT_2PI = 0.5 * Math.log(2 * Math.PI);

/** Table of the normal hazard phi/Q and of log Q, from −FAR to FAR. */
const FAR = 8;
const PER_UNIT = 64;
const HAZARD = new Float64Array(2 * FAR * PER_UNIT + 1);
const LOG_Q = new Float64Array(2 * FAR * PER_UNIT + 1);

/** phi(a)/Q(a): series of the integral near 0, Laplace's continued fraction above. */
const hazardOf = (a: number): number => {
  const phi = Math.exp(-0.5 * a * a - LOG_SQRT_2PI);
  if (a > 2.5) {
    let c = a;
    for (let k = 40; k >= 1; k--) c = a + k / c;
    return c;
  }
  if (a < -2.5) {
    const h = hazardOf(-a);
    return phi / (1 - phi / h);
  }
  let term = a;
  let sum = a;
  for (let k = 1; k < 60; k++) {
    term *= (a * a) / (2 * k + 1);
    sum += term;
  }
  return phi / (0.5 - phi * sum);
};

for (let i = 0; i < HAZARD.length; i++) {
  const a = i / PER_UNIT - FAR;
  HAZARD[i] = hazardOf(a);
  LOG_Q[i] = -0.5 * a * a - LOG_SQRT_2PI - Math.log(HAZARD[i]!);
}

/** Result of `late`, overwritten by each call: nothing is allocated a measurement. */
export const posterior = { gain: 0, keep: 1, log: 0 };

/**
 * @param e innovation (measured minus predicted offset; late pulses give negative ones), in sigma.
 * @param p variance of the predicted phase, in sigma².
 */
export const late = (e: number, p: number): void => {
  const s = p + GAUSSIAN;
  const sd = Math.sqrt(s);
  const a = (e - MU + s / MU) / sd;
  let h: number;
  let logQ: number;
  if (a >= FAR) {
    h = a + 1 / a;
    logQ = -0.5 * a * a - LOG_SQRT_2PI - Math.log(h);
  } else if (a <= -FAR) {
    h = 0;
    logQ = 0;
  } else {
    const at = (a + FAR) * PER_UNIT;
    const i = Math.floor(at);
    const w = at - i;
    h = HAZARD[i]! * (1 - w) + HAZARD[i + 1]! * w;
    logQ = LOG_Q[i]! * (1 - w) + LOG_Q[i + 1]! * w;
  }
  const moved = sd * h - s / MU;
  const variance = s * Math.max(1e-3, 1 + a * h - h * h);
  posterior.gain = moved / s;
  posterior.keep = (s * GAUSSIAN + p * variance) / (s * s);
  posterior.log = Math.max(LEAST_LOG, -Math.log(MU) - 1 + e / MU + s / (2 * MU * MU) + logQ);
};
