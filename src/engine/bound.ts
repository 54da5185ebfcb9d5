import type { ServerState } from '../core/ntp/state.js';
import type { BoundReport } from '../core/report/bound.js';
import type { TrackingReport } from '../core/report/reports.js';
import type { Now } from './events.js';

/** s; what the kernel says of a clock that nobody has set. */
const UNKNOWN_BOUND = 16;

/**
 * The bound for those who read the system clock and not ours: what is still to be corrected counts as error, and what
 * the system clock's rate differs by (all of it with `-x`, a slew else) as drift, so that it holds even when we stop.
 */
export const errorBound = (state: ServerState, tracking: TrackingReport, now: Now): BoundReport => {
  const drift = state.dispersionRate + Math.abs(state.view.rate);
  const { mode, currentCorrection } = tracking;
  if (state.leap === 3 || mode === 'local' || mode === 'reset') {
    return { at: now.raw, bound: UNKNOWN_BOUND, drift, status: 'unknown' };
  }
  return {
    at: now.raw,
    bound: Math.abs(currentCorrection) + tracking.rootDelay / 2 + tracking.rootDispersion,
    drift,
    status: mode === 'holdover' ? 'holdover' : 'synchronised',
  };
};
