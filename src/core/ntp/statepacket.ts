import { type Ntp64, toNtp64 } from '../../base/ntp64.js';
import { diff, type Instant } from '../../base/time.js';
import { formatPacket, ZERO_STAMP } from '../../wire/ntp/packet.js';
import type { ServerState } from './state.js';

/** What a packet of ours says beside the state of our clock. */
export interface PacketFrame {
  readonly version: number;
  readonly mode: number;
  readonly pollLog2: number;
  readonly origin: Ntp64;
  readonly receive: Ntp64;
  readonly transmit: Ntp64;
}

/** A packet that tells the state of our clock at the cooked time `now`: to peers and to listeners of broadcasts. */
export const statePacket = (state: ServerState, now: Instant, frame: PacketFrame): Uint8Array => {
  const synchronised = state.leap !== 3 && state.stratum > 0 && state.stratum < 16;
  const age = Math.max(0, diff(now, state.dispersionAt));
  return formatPacket({
    ...frame,
    leap: synchronised ? state.leap : 3,
    stratum: synchronised ? state.stratum : 0,
    precisionLog2: state.precision,
    rootDelay: state.rootDelay,
    rootDispersion: state.rootDispersion + age * state.dispersionRate,
    refId: synchronised ? state.refId : 0,
    reference: state.referenceTime === 0n ? ZERO_STAMP : toNtp64(state.referenceTime),
  });
};
