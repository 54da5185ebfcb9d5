import { addMono, diffMono, type Mono } from '../base/time.js';
import type { Seconds } from '../base/units.js';
import type { DisciplineMode } from '../core/discipline/discipline.js';
import { steeringTime } from '../core/discipline/steer.js';

/** s between steering updates while a correction is being slewed out. */
export const STEER_INTERVAL: Seconds = 1;
/** s; what is left of a span below this is too short for a correction: the rate would be wild. */
const SHORT: Seconds = 0.2;

/**
 * How fast a correction goes into the kernel. While the clock converges: evenly, so that it is there at the end of a
 * second, whatever the correction's uncertainty; a time constant would leave a third of it each time. Afterwards with
 * the time constant that keeps the frequency quiet.
 */
export class Steering {
  private readonly tau: Seconds;
  private end: Mono | undefined;
  private leaving = false;

  constructor(corrtimeratio: Seconds) {
    this.tau = Math.max(STEER_INTERVAL, corrtimeratio);
  }

  /** The daemon ends: a slew that nobody ends would go on for ever. */
  leave(): void {
    this.leaving = true;
  }

  /** What `pending` is to be divided by for the slew rate, s. `sd`: of the estimate. */
  time(now: Mono, mode: DisciplineMode, pending: Seconds, sd: Seconds): Seconds {
    if (this.leaving) return Number.POSITIVE_INFINITY;
    if (mode !== 'converging') {
      this.end = undefined;
      return steeringTime(pending, sd, this.tau);
    }
    if (this.end === undefined || diffMono(this.end, now) < SHORT) this.end = addMono(now, STEER_INTERVAL);
    return diffMono(this.end, now);
  }

  /** When to look again: a slew that goes on beyond its second would overshoot. */
  wake(now: Mono): Mono {
    const second = addMono(now, STEER_INTERVAL);
    return this.end !== undefined && this.end > now && this.end < second ? this.end : second;
  }
}
