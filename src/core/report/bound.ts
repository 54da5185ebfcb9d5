import type { Instant } from '../../base/time.js';
import type { Frequency, Seconds } from '../../base/units.js';

/** How wrong the system (raw) clock can be: true time lies in [at − bound, at + bound]. */
export interface BoundReport {
  /** What the system clock says. */
  readonly at: Instant;
  readonly bound: Seconds;
  /** How fast the bound can grow, s/s. */
  readonly drift: Frequency;
  /** unknown: nobody vouches for the bound. */
  readonly status: 'unknown' | 'synchronised' | 'holdover';
}
