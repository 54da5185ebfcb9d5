import type { KeyStream } from '../../base/keystream.js';
import { addMono, type Instant, type Mono } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';
import { MODE } from '../../wire/ntp/header.js';
import { ZERO_STAMP } from '../../wire/ntp/packet.js';
import { correctionAt } from '../clockview.js';
import type { ServerState } from './state.js';
import { statePacket } from './statepacket.js';

/** Directive `broadcast`. */
export interface BroadcastOptions {
  readonly interval: Seconds;
  /** A broadcast, multicast or plain address. */
  readonly address: string;
  readonly port: number;
}

/** A packet to nobody in particular; its transmit stamp is the moment of sending: raw + `correction` s. */
export interface BroadcastPacket {
  readonly address: string;
  readonly port: number;
  readonly bytes: Uint8Array;
  readonly correction: Seconds;
}

const VERSION = 4;
/** s from the start to the first packet. */
const FIRST: Seconds = 1;
/** s: what is configured shorter would be a flood. */
const SHORTEST: Seconds = 1;
/** Random share of the interval, so that servers on one network do not march in step. */
const SPREAD = 0.02;

/** Sends the state of our clock to whoever listens (RFC 5905, 3, mode 5). */
export class Broadcasts {
  private readonly list: { readonly options: BroadcastOptions; next: Mono }[];

  constructor(
    options: readonly BroadcastOptions[],
    private readonly random: KeyStream,
    now: Mono,
  ) {
    this.list = options.map((o) => ({ options: o, next: addMono(now, FIRST) }));
  }

  next(): Mono | undefined {
    let next: Mono | undefined;
    for (const b of this.list) if (next === undefined || b.next < next) next = b.next;
    return next;
  }

  /** Packets that are due. `state`: what clients are told; `raw`: now, `cooked`: the same as they see it. */
  due(now: Mono, raw: Instant, cooked: Instant, state: () => ServerState): readonly BroadcastPacket[] {
    return this.list.flatMap((b) => {
      if (b.next > now) return [];
      const { address, port } = b.options;
      const interval = Math.max(SHORTEST, b.options.interval);
      b.next = addMono(now, interval * (1 + SPREAD * (this.random.uniform() - 0.5)));
      const served = state();
      const bytes = statePacket(served, cooked, {
        version: VERSION,
        mode: MODE.BROADCAST,
        pollLog2: Math.round(Math.log2(interval)),
        origin: ZERO_STAMP,
        receive: ZERO_STAMP,
        transmit: ZERO_STAMP,
      });
      return [{ address, port, bytes, correction: correctionAt(served.view, raw) }];
    });
  }
}
