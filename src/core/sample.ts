import type { Instant } from '../base/time.js';
import type { Frequency, Leap, Seconds } from '../base/units.js';

/**
 * One measurement of one source in cooked time, as statistics and selection take it (chrony's NTP_Sample).
 * offset: positive = the local clock is slow, add to correct.
 */
export interface Sample {
  /** Cooked time of the measurement. */
  readonly time: Instant;
  readonly offset: Seconds;
  readonly peerDelay: Seconds;
  readonly peerDispersion: Seconds;
  readonly rootDelay: Seconds;
  readonly rootDispersion: Seconds;
  readonly stratum: number;
  readonly leap: Leap;
}

/**
 * How the cooked clock was changed: every holder of history re-bases on it.
 * `doffset` = seconds added to the cooked clock at `at` (positive = moved forward); `dfreq` = change of its rate
 * (positive = runs faster from `at` on).
 */
export interface ClockChange {
  /** Cooked time of the change, on the old scale. */
  readonly at: Instant;
  readonly doffset: Seconds;
  readonly dfreq: Frequency;
  /**
   * adjust: a correction decided by us, history stays valid and is re-based. step: the same by a declared jump.
   * unknown: somebody else moved the clock, history is void. leap: the clock's reading jumped by a leap second and UTC
   * with it: stored times move, stored offsets stay. scale: the clock goes over to the local time of another source, which
   * lies elsewhere; nothing is learned from it about the clock.
   */
  readonly kind: 'adjust' | 'step' | 'unknown' | 'leap' | 'scale';
}

/** What the changed clock would have read at an instant of the past: add this to a stored cooked time. */
export const timeShift = (change: ClockChange, t: Instant): Seconds =>
  change.doffset - (Number(change.at - t) / 1e9) * change.dfreq;

/** What to add to an offset stored for an instant of the past. */
export const offsetShift = (change: ClockChange, t: Instant): Seconds =>
  change.kind === 'leap' ? 0 : -timeShift(change, t);
