import type { PeerEntry } from '../core/ntp/peerdesk.js';
import { FRAMING, type Framing } from '../wire/ptp/framing.js';

/** A server that is asked inside PTP messages. */
interface Asked {
  readonly entry: PeerEntry | undefined;
  framing: Framing;
  /** Packets sent since one came. */
  silent: number;
}

/** Packets a second from one server that are handed on. */
const RATE = 64;
/** Packets without an answer after which the other form of message is tried, and once more after as many. */
const PATIENCE = 2;

/**
 * Who is spoken to by the port for PTP messages, and in which form. Which one somebody understands shows in what comes
 * back; until something does, both are tried in turn.
 */
export class PtpAsking {
  private readonly asked = new Map<number, Asked>();

  /** `port`: that of both ends; 0 = there is no NTP over PTP. */
  constructor(private readonly port: number) {}

  concerns(port: number): boolean {
    return this.port !== 0 && port === this.port;
  }

  /** Form of the next packet to a peer. */
  toPeer(source: number): Framing {
    return this.next(this.asked.get(source) ?? this.begin(source, undefined));
  }

  /** Form of the next request to a server; `isNew`: its replies are to be listened for from now on. */
  toServer(to: Omit<PeerEntry, 'rate' | 'replies'>): { readonly framing: Framing; readonly isNew: boolean } {
    const { source, address, port, key } = to;
    const known = this.asked.get(source);
    const isNew = known?.entry === undefined || known.entry.address !== address || known.entry.key !== key;
    const entry = { source, address, port, key, rate: RATE, replies: true };
    return { framing: this.next(isNew ? this.begin(source, entry) : known), isNew };
  }

  heard(source: number, framing: Framing): void {
    const asked = this.asked.get(source);
    if (asked === undefined || framing === FRAMING.NONE) return;
    asked.framing = framing;
    asked.silent = 0;
  }

  /** True: its replies are not wanted any more. */
  forget(source: number): boolean {
    const asked = this.asked.get(source);
    this.asked.delete(source);
    return asked?.entry !== undefined;
  }

  /** Servers whose replies are wanted. */
  entries(): readonly PeerEntry[] {
    return [...this.asked.values()].flatMap(({ entry }) => entry ?? []);
  }

  private begin(source: number, entry: PeerEntry | undefined): Asked {
    const asked: Asked = { entry, framing: FRAMING.ORGANISATION, silent: 0 };
    this.asked.set(source, asked);
    return asked;
  }

  private next(asked: Asked): Framing {
    if (asked.silent >= PATIENCE) {
      asked.framing = asked.framing === FRAMING.ORGANISATION ? FRAMING.EXPERIMENTAL : FRAMING.ORGANISATION;
      asked.silent = 0;
    }
    asked.silent++;
    return asked.framing;
  }
}
