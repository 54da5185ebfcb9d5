import type { Seconds } from '../../base/units.js';

/** Correction to be slewed, in standard deviations of the estimate, from which on it is taken out faster. */
const SIGNIFICANT = 4;
/** s. The fastest: within one pulse. */
const SHORTEST: Seconds = 1;

/**
 * Time constant with which what the raw clock lacks (cooked − raw = `pending`) is slewed. Corrections within the
 * estimate's own uncertainty `sd` take the configured `tau`, for a quiet frequency; a real error goes out sooner.
 */
export const steeringTime = (pending: Seconds, sd: Seconds, tau: Seconds): Seconds => {
  const excess = Math.abs(pending) / (SIGNIFICANT * sd);
  return excess <= 1 ? tau : Math.max(Math.min(tau, SHORTEST), tau / excess);
};
