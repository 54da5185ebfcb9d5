import type { BoundReport } from '../core/report/bound.js';
import type { Engine } from './engine.js';
import type { Now } from './events.js';

/** s; what the kernel says of a clock that nobody has set. */
const UNKNOWN_BOUND = 16;

/**
 * The bound for those who read the system clock and not ours: what is still to be corrected counts as error, and what
 * the system clock's rate differs by (all of it with `-x`, a slew else) as drift, so that it holds even when we stop.
 */
export const errorBound = (engine: Engine, now: Now): BoundReport => {
  const { mode, leap, currentCorrection, rootDelay, rootDispersion } = engine.tracking(now);
  // Nobody goes on learning when we have stopped: then the configured ageing holds.
  const ageing = Math.max(engine.serverState(now).dispersionRate, engine.maxClockError);
  const drift = ageing + Math.abs(engine.clock.view.rate);
  if (leap === 3 || mode === 'local' || mode === 'reset') {
    return { at: now.raw, bound: UNKNOWN_BOUND, drift, status: 'unknown' };
  }
  return {
    at: now.raw,
    bound: Math.abs(currentCorrection) + rootDelay / 2 + rootDispersion,
    drift,
    status: mode === 'holdover' ? 'holdover' : 'synchronised',
  };
};
