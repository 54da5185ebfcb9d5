import type { RefId } from '../../base/refid.js';
import type { Instant } from '../../base/time.js';
import type { Frequency, Leap, Seconds } from '../../base/units.js';
import type { ClockView } from '../clockview.js';

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
