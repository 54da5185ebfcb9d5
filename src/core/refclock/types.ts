import type { Instant } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';
import type { Severity } from '../../ports/observer.js';
import type { ClockView } from '../clockview.js';
import type { Sample } from '../sample.js';

/** What the manager may know of the clock at the moment it is asked. */
export interface ClockContext {
  /** Cooked time. */
  readonly now: Instant;
  readonly view: ClockView;
  readonly synchronised: boolean;
  /** Root distance of our own clock, without what its source disputes; s. */
  readonly rootDistance: Seconds;
  readonly stratum: number;
  readonly localActive: boolean;
  /** Index of the refclock that is the current reference; undefined: none, or a source on the network. */
  readonly selected: number | undefined;
}

/** One accepted single measurement. */
export interface Measured {
  readonly source: number;
  readonly sample: Sample;
  /** Noise of a single measurement as known now, 1 sigma, s. */
  readonly sigma: Seconds;
  /** Variance of this measurement over that of an ordinary one; absent for reference clocks. */
  readonly relative?: number | undefined;
  /** What no averaging takes out: half the bracket of a reading, the grain of a receiver's pulses; s. Absent = 0. */
  readonly error?: Seconds;
  /** It came from a pulse (time inside the second measured, number of the second carried). */
  readonly pulse: boolean;
}

export interface PollResult {
  /** Did anything usable arrive since the poll before. */
  readonly reached: boolean;
  /** The filtered sample, where there is one. */
  readonly sample: Sample | undefined;
}

/** A Fact without its time: the engine adds it. */
export interface ManagerFact {
  readonly severity: Severity;
  readonly name: string;
  readonly text: string;
  readonly fields?: Readonly<Record<string, string | number | boolean | undefined>>;
}

/** UTC of a TAI instant from a leap table; undefined where the table does not reach. */
export type UtcFromTai = (tai: Instant) => Instant | string | undefined;
