import { REFID_LOCAL, REFID_UNSYNC } from '../base/refid.js';
import type { Instant } from '../base/time.js';
import type { ServerState } from '../core/ntp/state.js';

/** What every state has, whatever the reference. */
type Base = Pick<ServerState, 'precision' | 'view' | 'dispersionAt' | 'dispersionRate'>;

/** The directive `local`: our own clock, served as if it were right. */
export const localState = (base: Base, stratum: number, referenceTime: Instant): ServerState => ({
  ...base,
  leap: 0,
  stratum,
  refId: REFID_LOCAL,
  referenceTime,
  rootDelay: 0,
  rootDispersion: 0,
  dispersionRate: 0,
});

export const unsynchronisedState = (base: Base): ServerState => ({
  ...base,
  leap: 3,
  stratum: 16,
  refId: REFID_UNSYNC,
  referenceTime: 0n as Instant,
  rootDelay: 1,
  rootDispersion: 1,
});
