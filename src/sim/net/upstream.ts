import { toNtp64 } from '../../base/ntp64.js';
import { add, type Instant } from '../../base/time.js';
import type { Effect } from '../../engine/events.js';
import { MODE } from '../../wire/ntp/header.js';
import { formatPacket, type NtpPacket, parsePacket } from '../../wire/ntp/packet.js';
import type { Host } from '../host.js';

export type RequestEffect = Extract<Effect, { kind: 'ntp-send' }>;

/** What the daemon wants of its peers. */
export type PeerEffect = Extract<Effect, { kind: 'ntp-peer-send' | 'ntp-peers' }>;

/** The NTP servers of a world, and the network to them. */
export interface Upstream {
  start(host: Host): void;
  /** A request of the daemon leaves now. */
  request(effect: RequestEffect): void;
  /** A packet to a peer leaves now, or the peers are others. */
  peer?(effect: PeerEffect): void;
  /** Name resolution: to be answered with an `ntp-resolved` event. */
  resolve(name: string): void;
}

/** What a synchronised stratum-1 server says to a request that it receives at `receive` and answers at `transmit`. */
export const serverReply = (request: NtpPacket, receive: Instant, transmit: Instant): NtpPacket => ({
  leap: 0,
  version: request.version,
  mode: MODE.SERVER,
  stratum: 1,
  pollLog2: request.pollLog2,
  precisionLog2: -25,
  rootDelay: 0,
  rootDispersion: 1e-6,
  refId: 0x47505300,
  reference: toNtp64(add(transmit, -1)),
  origin: request.transmit,
  receive: toNtp64(receive),
  transmit: toNtp64(transmit),
});

/** The daemon's own end: what its kernel stamps when a request leaves. */
export const tellSent = (host: Host, effect: RequestEffect, t: number): void => {
  const { source, serial } = effect;
  const time = host.clock.realtime();
  host.at(t, { run: () => host.post({ kind: 'ntp-sent', source, serial, time, stamp: 'kernel' }) });
};

/** The reply comes in now. */
export const tellReply = (host: Host, source: number, reply: NtpPacket): void =>
  host.post({
    kind: 'ntp-reply',
    source,
    bytes: formatPacket(reply),
    time: host.clock.realtime(),
    stamp: 'kernel',
    authentic: false,
    local: undefined,
  });

export const requestOf = (effect: RequestEffect): NtpPacket => parsePacket(effect.bytes)!;
