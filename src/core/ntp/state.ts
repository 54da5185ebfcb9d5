import { REFID_UNSYNC, type RefId } from '../../base/refid.js';
import type { Instant } from '../../base/time.js';
import type { Frequency, Leap, Seconds } from '../../base/units.js';
import { type ClockView, IDENTITY_VIEW } from '../clockview.js';

/** What the server tells its clients about itself (RFC 5905 system variables), plus how raw becomes cooked. */
export interface ServerState {
  /** 3 = not synchronised. */
  readonly leap: Leap;
  /** 1…15; 16 when not synchronised (0 on the wire). */
  readonly stratum: number;
  readonly refId: RefId;
  /** Cooked time of the last update. */
  readonly referenceTime: Instant;
  readonly rootDelay: Seconds;
  /** At `dispersionAt`; grows by `dispersionRate` from there. */
  readonly rootDispersion: Seconds;
  readonly dispersionAt: Instant;
  readonly dispersionRate: Frequency;
  /** log2 s. */
  readonly precision: number;
  readonly view: ClockView;
}

/** Of a program that serves nobody. */
export const NO_SERVER: ServerState = {
  leap: 3,
  stratum: 16,
  refId: REFID_UNSYNC,
  referenceTime: 0n as Instant,
  rootDelay: 1,
  rootDispersion: 1,
  dispersionAt: 0n as Instant,
  dispersionRate: 0,
  precision: -20,
  view: IDENTITY_VIEW,
};
