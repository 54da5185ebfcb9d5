/** The reference: a causal Kalman filter that is told the noise, with an ideal actuator, on the very same trace. */
import type { Trace } from '../../src/sim/traces.js';

/** Clock error at each second before its pulse is used, s: what an ideal discipline leaves. */
export const referenceErrors = (trace: Trace, wander: number, sigma: number): Float64Array => {
  const { rows, initial_offset_s: start } = trace.scenario;
  const errors = new Float64Array(rows);
  let [x, f] = [0, 0];
  // Covariance of phase and frequency.
  let [xx, xf, ff] = [0.05 ** 2, 0, 2e-5 ** 2];
  let free = start;
  for (let k = 1; k <= rows; k++) {
    if (k > 1) {
      free += trace.value('freq', k - 1)!;
      x += f;
      xx += 2 * xf + ff;
      xf += ff;
      ff += wander * wander;
    }
    errors[k - 1] = free - x;
    const noise = trace.value('pps_noise', k);
    if (noise === undefined) continue;
    const s = xx + sigma * sigma;
    const innovation = free + noise - x;
    const [gx, gf] = [xx / s, xf / s];
    x += gx * innovation;
    f += gf * innovation;
    ff -= gf * xf;
    xf *= 1 - gx;
    xx *= 1 - gx;
  }
  return errors;
};

/** Overlapping Allan deviation of a phase record at one point a second (IEEE Std 1139). */
export const allanDeviation = (phase: ArrayLike<number>, tau: number): number => {
  const terms = phase.length - 2 * tau;
  let sum = 0;
  for (let i = 0; i < terms; i++) sum += (phase[i]! - 2 * phase[i + tau]! + phase[i + 2 * tau]!) ** 2;
  return Math.sqrt(sum / (2 * terms)) / tau;
};
