import { formatIp, parseIp } from '../base/ip.js';
import { fromUnix, type Instant } from '../base/time.js';
import type { Seconds, StampKind } from '../base/units.js';
import { type KeyTable, NO_KEY } from '../core/ntp/keys.js';
import { type Origin, PeerDesk } from '../core/ntp/peerdesk.js';
import {
  META,
  NO_STAMP,
  type PacketTransport,
  SLOT_BYTES,
  SLOT_DATA,
  STAMP_FOLLOWED,
  TX_FLAG,
  TXSTAMP,
  type Verifier,
} from '../ports/transport.js';
import { HEADER, versionOf } from '../wire/ntp/header.js';
import { FRAMING, type Framing } from '../wire/ptp/framing.js';
import { framedMax, type PtpGate } from './ptpgate.js';

/** A packet to a peer or, with `broadcast`, to whoever listens. */
export interface PeerPacket {
  /** Index of the source, and its number of the packet; −1 for broadcasts, of which nothing is told. */
  readonly source: number;
  readonly serial: number;
  /** Numeric. */
  readonly address: string;
  readonly port: number;
  readonly bytes: Uint8Array;
  /** Id of the key to seal it with; 0 = none. */
  readonly key: number;
  /** Put the moment of sending into it: raw + `correction` s. */
  readonly stamp: boolean;
  readonly correction: Seconds;
  readonly local: string | undefined;
  readonly broadcast: boolean;
  /** The PTP message that it leaves in; undefined = none. */
  readonly framing?: Framing | undefined;
  /** Count of the steps of the raw clock for which `correction` holds (stepGuard). */
  readonly epoch: number;
}

/** What a worker tells of peers. */
export type PeerNews =
  | {
      readonly kind: 'sent';
      readonly source: number;
      readonly serial: number;
      readonly time: Instant;
      readonly stamp: StampKind;
      /** Stamps as they left, with the first news of a packet. */
      readonly stamps?: Origin;
    }
  | { readonly kind: 'failed'; readonly source: number; readonly serial: number; readonly reason: string }
  | {
      readonly kind: 'packet';
      readonly source: number;
      readonly bytes: Uint8Array;
      readonly time: Instant;
      readonly stamp: StampKind;
      readonly authentic: boolean;
      readonly local: string;
      /** The PTP message that it came in, and s that it waited in transparent clocks. */
      readonly framing?: Framing;
      readonly correction?: Seconds;
    };

/** Packets whose stamp may still come. */
const MAX_WAITING = 64;
const KINDS: readonly StampKind[] = ['daemon', 'kernel', 'hardware'];
/** Weight of a new stamp in the expected time from the reading of the clock to the wire; ns beyond which it says nothing. */
const GAIN = 1 / 4;
const MAX_LATENCY = 200_000;

interface Waiting {
  readonly source: number;
  readonly serial: number;
  readonly sec: number;
  readonly nsec: number;
  readonly sealed: boolean;
}

/** Carries packets of peers between the packet plane's sockets and who keeps the associations. */
export class PeerPost {
  readonly desk: PeerDesk;
  private readonly words: Uint32Array;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly waiting = new Map<string, Waiting>();
  /** ns by which packets leave later than their stamp says, plain and sealed. */
  private readonly late: [number, number] = [0, 0];

  /**
   * `families`: of the transport's sockets, in their order; 0 = not for plain packets. `guard`: see stepGuard. `tell` posts news.
   */
  constructor(
    private readonly transport: PacketTransport,
    verifier: Verifier | undefined,
    private readonly families: readonly (4 | 6 | 0)[],
    private readonly guard: Int32Array,
    seed: number,
    private readonly tell: (news: PeerNews) => void,
    private readonly gate?: PtpGate,
  ) {
    this.words = new Uint32Array(transport.slab);
    this.bytes = new Uint8Array(transport.slab);
    this.view = new DataView(transport.slab);
    this.desk = new PeerDesk(transport.slab, seed, verifier, (slot, source, length, authentic) =>
      this.arrived(slot, source, length, authentic),
    );
  }

  /** Between two batches: the slab is free then. */
  send(packet: PeerPacket, keys: KeyTable): void {
    const refusal = this.compose(packet, keys);
    if (refusal === undefined) this.transport.send(1);
    const errno = refusal ?? this.errnoText();
    if (packet.source < 0) return;
    const { source, serial } = packet;
    if (errno !== undefined) this.tell({ kind: 'failed', source, serial, reason: errno });
    else this.left(packet);
  }

  /** A transmit stamp that may be one of a peer's packet. */
  stamped(stamps: Uint32Array, at: number): boolean {
    const key = `${stamps[at + TXSTAMP.SOCKET]}/${stamps[at + TXSTAMP.ID]}`;
    const it = this.waiting.get(key);
    if (it === undefined) return false;
    const followed = (stamps[at + TXSTAMP.KIND]! & STAMP_FOLLOWED) !== 0;
    if (!followed) this.waiting.delete(key);
    const sec = stamps[at + TXSTAMP.SEC_LO]!;
    const nsec = stamps[at + TXSTAMP.NSEC]!;
    const late = ((sec - it.sec) | 0) * 1e9 + nsec - it.nsec;
    if (late < 0 || late > 1e9) return true;
    const sealed = Number(it.sealed) as 0 | 1;
    if (!followed && late <= MAX_LATENCY) this.late[sealed] += (late - this.late[sealed]) * GAIN;
    const { source, serial } = it;
    const stamp = KINDS[Math.min(2, stamps[at + TXSTAMP.KIND]! & ~STAMP_FOLLOWED)]!;
    this.tell({ kind: 'sent', source, serial, time: fromUnix(sec, nsec), stamp });
    return true;
  }

  /** Fills slot 0; a reason when that cannot be. */
  private compose(packet: PeerPacket, keys: KeyTable): string | undefined {
    const { words, bytes } = this;
    const to = parseIp(packet.address);
    if (to === undefined) return `${packet.address} is no address`;
    const family = to.length === 4 ? 4 : 6;
    const framing = packet.framing ?? FRAMING.NONE;
    const framed = framing !== FRAMING.NONE;
    const socket = framed ? (this.gate?.socketOf(family) ?? -1) : this.families.indexOf(family);
    if (socket < 0) return `there is no IPv${family} socket${framed ? ' for PTP' : ''}`;
    if (Atomics.load(this.guard, 0) !== packet.epoch) return 'the clock was stepped meanwhile';
    const slot = packet.key === 0 ? NO_KEY : keys.slotOf(packet.key);
    if (packet.key !== 0 && slot === NO_KEY) return `there is no key ${packet.key}`;
    const mac = slot === NO_KEY ? 0 : keys.macBytes(slot, versionOf(packet.bytes[0]!));
    const length = packet.bytes.length + mac;
    if (length > framedMax(framing)) return 'the packet is too long';
    words.fill(0, 0, SLOT_DATA / 4);
    words[META.SOCKET] = socket;
    words[META.FAMILY] = family;
    words[META.SRC_PORT] = packet.port;
    bytes.set(to, META.SRC_ADDR * 4);
    const from = packet.local === undefined ? undefined : parseIp(packet.local);
    if (from !== undefined && from.length === to.length) bytes.set(from, META.DST_ADDR * 4);
    words[META.TX_LENGTH] = length;
    words[META.TX_KEY] = slot + 1;
    words[META.TX_MAC] = mac;
    words[META.TX_FLAGS] =
      (packet.stamp ? TX_FLAG.STAMP : 0) | (packet.broadcast ? TX_FLAG.BROADCAST : TX_FLAG.WANT_TX);
    words[META.TX_ID] = NO_STAMP;
    this.correct(packet, mac > 0);
    bytes.set(packet.bytes, SLOT_DATA);
    if (framed) this.gate?.frame(0, framing);
    return undefined;
  }

  private correct(packet: PeerPacket, sealed: boolean): void {
    const late = packet.stamp ? this.late[Number(sealed) as 0 | 1] : 0;
    let sec = Math.floor(packet.correction);
    let nsec = Math.round((packet.correction - sec) * 1e9 + late);
    if (nsec >= 1e9) {
      nsec -= 1e9;
      sec++;
    }
    this.words[META.TX_CORR_SEC] = sec;
    this.words[META.TX_CORR_NSEC] = nsec;
  }

  private errnoText(): string | undefined {
    const errno = this.words[META.TX_ERRNO]!;
    return errno === 0 ? undefined : `error ${errno}`;
  }

  /** Keys the packet by its stamp to come, and tells what is known now. */
  private left(packet: PeerPacket): void {
    const { words, view } = this;
    const { source, serial } = packet;
    const sec = words[META.T3_SEC_LO]!;
    const nsec = words[META.T3_NSEC]!;
    const word = (at: number): number => view.getInt32(SLOT_DATA + at);
    const stamps = {
      transmitHi: word(HEADER.TRANSMIT),
      transmitLo: word(HEADER.TRANSMIT + 4),
      receiveHi: word(HEADER.RECEIVE),
      receiveLo: word(HEADER.RECEIVE + 4),
    };
    this.desk.sent(source, stamps);
    this.tell({ kind: 'sent', source, serial, time: fromUnix(sec, nsec), stamp: 'daemon', stamps });
    const id = words[META.TX_ID]!;
    if (id === NO_STAMP) return;
    // Stamps get lost: the oldest ones make room.
    if (this.waiting.size >= MAX_WAITING) this.waiting.delete(this.waiting.keys().next().value!);
    const sealed = packet.key !== 0;
    this.waiting.set(`${words[META.SOCKET]}/${id}`, { source, serial, sec, nsec, sealed });
  }

  private arrived(slot: number, source: number, length: number, authentic: boolean): void {
    const { words } = this;
    const m = (slot * SLOT_BYTES) / 4;
    const start = slot * SLOT_BYTES + SLOT_DATA;
    const family = words[m + META.FAMILY]!;
    const at = (m + META.DST_ADDR) * 4;
    const sec = words[m + META.RX_SEC_LO]! + words[m + META.RX_SEC_HI]! * 4294967296;
    const framing = this.gate?.framing(slot) ?? FRAMING.NONE;
    const correction = this.gate?.correction(slot) ?? 0;
    this.tell({
      ...(framing === FRAMING.NONE ? {} : { framing, correction }),
      kind: 'packet',
      source,
      bytes: this.bytes.slice(start, start + length),
      time: fromUnix(sec, words[m + META.RX_NSEC]!),
      stamp: KINDS[Math.min(2, words[m + META.RX_KIND]!)]!,
      authentic,
      local: formatIp(this.bytes.slice(at, at + (family === 4 ? 4 : 16))),
    });
  }
}

/** The same as an event of the engine. */
export const peerEvent = (news: PeerNews) => {
  const { source } = news;
  if (news.kind === 'packet') {
    const { bytes, time, stamp, authentic, local, correction } = news;
    const reply = { kind: 'ntp-reply', source, bytes, time, stamp, authentic, local } as const;
    return correction === undefined ? reply : { ...reply, correction };
  }
  const { serial } = news;
  if (news.kind === 'failed') return { kind: 'ntp-failed', source, serial, reason: news.reason } as const;
  const { time, stamp, stamps } = news;
  const sent = { kind: 'ntp-sent', source, serial, time, stamp } as const;
  if (stamps === undefined) return sent;
  return { ...sent, transmit: { hi: stamps.transmitHi >>> 0, lo: stamps.transmitLo >>> 0 } };
};
