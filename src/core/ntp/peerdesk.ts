import { parseIp } from '../../base/ip.js';
import { META, SLOT_BYTES, SLOT_DATA, type Verifier } from '../../ports/transport.js';
import { HEADER, HEADER_BYTES, MODE, modeOf, versionOf } from '../../wire/ntp/header.js';
import { newTail, readTail, TAIL } from '../../wire/ntp/tail.js';
import { hashAddress } from '../access/hash.js';
import { type KeyTable, NO_KEY } from './keys.js';

/** A configured peer, or a server that is asked from the port that we serve from. */
export interface PeerEntry {
  /** Index of its source. */
  readonly source: number;
  /** Numeric. */
  readonly address: string;
  readonly port: number;
  /** Id of its key; 0 = none. */
  readonly key: number;
  /** Packets a second that are handed on at most. */
  readonly rate: number;
  /** A server that is asked from this very port (NTP over PTP): its replies are wanted, not packets of a peer. */
  readonly replies?: boolean | undefined;
}

/** What the desk says to a packet. */
export const DESK = {
  /** Not a configured peer's: answered like everybody's. */
  STRANGER: 0,
  /** Handed on. */
  TAKEN: 1,
  /** A peer's, or in its name, and not handed on: too many, or not NTP. */
  DROPPED: 2,
} as const;

interface Row {
  readonly entry: PeerEntry;
  readonly family: number;
  readonly words: readonly [number, number, number, number];
  /** What we sent last: its transmit and its receive stamp. */
  sent: Origin;
  /** Raw second that is being counted in, and packets handed on in it, by class (see admits). */
  second: number;
  readonly taken: [number, number, number];
}

/** Stamps of our last packet to a peer, as signed words: an answer repeats one of them. */
export interface Origin {
  readonly transmitHi: number;
  readonly transmitLo: number;
  readonly receiveHi: number;
  readonly receiveLo: number;
}

const NOTHING_SENT: Origin = { transmitHi: 0, transmitLo: 0, receiveHi: 0, receiveLo: 0 };
/** Classes of packets in the name of a peer, each with a limit of its own. */
const ANSWER = 0;
const OTHER = 1;
const UNSEALED = 2;
const SLOT_WORDS = SLOT_BYTES / 4;
/**
 * Packets a second in the name of a peer with a key that are not sealed with it: they are good for nothing but to be
 * counted, so that a wrong key can be seen.
 */
const UNSEALED_RATE = 1;

/**
 * Packets of configured peers (RFC 5905, modes 1 and 2) go to who keeps their associations, whether they may ask or
 * not. What can be judged at once is: the key, here where the MAC is cheap to check, and how many there are, so that a
 * flood in the name of a peer costs a worker what any flood costs, and nobody else anything.
 */
export class PeerDesk {
  private rows = new Map<number, Row[]>();
  private readonly view: DataView;
  private readonly meta: Uint32Array;
  private readonly tail = newTail();

  /** `hand`: the packet in a slot is `bytes` long without its MAC. */
  constructor(
    slab: ArrayBuffer,
    private readonly seed: number,
    private readonly verifier: Verifier | undefined,
    private readonly hand: (slot: number, source: number, bytes: number, authentic: boolean) => void,
  ) {
    this.view = new DataView(slab);
    this.meta = new Uint32Array(slab);
  }

  /** Replaces all peers. */
  setPeers(entries: readonly PeerEntry[]): void {
    const before = [...this.rows.values()].flat();
    this.rows = new Map();
    for (const entry of entries) {
      const bytes = parseIp(entry.address);
      if (bytes === undefined) continue;
      const family = bytes.length === 4 ? 4 : 6;
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const word = (i: number): number => (i * 4 < bytes.length ? view.getInt32(i * 4) : 0);
      const words = [word(0), word(1), word(2), word(3)] as const;
      const hash = hashAddress(this.seed, family, ...words);
      const sent = before.find((r) => r.entry.source === entry.source)?.sent ?? NOTHING_SENT;
      const row: Row = { entry, family, words, sent, second: 0, taken: [0, 0, 0] };
      this.rows.set(hash, [...(this.rows.get(hash) ?? []), row]);
    }
  }

  /** A packet has left for a peer. */
  sent(source: number, stamps: Origin): void {
    for (const rows of this.rows.values()) for (const row of rows) if (row.entry.source === source) row.sent = stamps;
  }

  /** A packet of mode 1, 2 or 4, at least a header long; anything else is a stranger's. */
  take(slot: number, keys: KeyTable): number {
    const m = slot * SLOT_WORDS;
    const p = slot * SLOT_BYTES + SLOT_DATA;
    const lvm = this.view.getUint8(p);
    const mode = modeOf(lvm);
    if (this.rows.size === 0 || mode === MODE.CLIENT || mode > MODE.SERVER || mode === MODE.RESERVED)
      return DESK.STRANGER;
    const row = this.find(m);
    if (row === undefined || (mode === MODE.SERVER) !== (row.entry.replies === true)) return DESK.STRANGER;
    const { meta, tail } = this;
    const length = meta[m + META.RX_LENGTH]!;
    const version = versionOf(lvm);
    if (version < 1 || version > 4) return DESK.DROPPED;
    readTail(this.view, p, length, version, tail);
    if (tail.kind === TAIL.MALFORMED) return DESK.DROPPED;
    const authentic = row.entry.key !== 0 && this.isSealed(slot, p, length, version, row.entry.key, keys);
    if (!this.admits(row, this.classOf(row, p, authentic), meta[m + META.RX_SEC_LO]!)) return DESK.DROPPED;
    this.hand(slot, row.entry.source, authentic ? tail.macAt - p : length, authentic);
    return DESK.TAKEN;
  }

  private find(m: number): Row | undefined {
    const { meta, view } = this;
    const at = (m + META.SRC_ADDR) * 4;
    const family = meta[m + META.FAMILY]!;
    const w0 = view.getInt32(at);
    const w1 = family === 4 ? 0 : view.getInt32(at + 4);
    const w2 = family === 4 ? 0 : view.getInt32(at + 8);
    const w3 = family === 4 ? 0 : view.getInt32(at + 12);
    return this.rows.get(hashAddress(this.seed, family, w0, w1, w2, w3))?.find(({ family: f, words, entry }) => {
      const same = words[0] === w0 && words[1] === w1 && words[2] === w2 && words[3] === w3;
      return same && f === family && entry.port === meta[m + META.SRC_PORT];
    });
  }

  /** With the very key of this peer: another one of ours is as wrong as none. */
  private isSealed(slot: number, p: number, length: number, version: number, id: number, keys: KeyTable): boolean {
    const { tail, verifier } = this;
    if (tail.kind !== TAIL.MAC || verifier === undefined) return false;
    const at = tail.macAt - p;
    if (at < HEADER_BYTES || this.view.getUint32(p + at) !== id) return false;
    const key = keys.find(id, version, length - at);
    return key !== NO_KEY && verifier.verify(slot, key, at, length - at);
  }

  private classOf({ entry, sent }: Row, p: number, authentic: boolean): number {
    const { view } = this;
    if (entry.key !== 0 && !authentic) return UNSEALED;
    const hi = view.getInt32(p + HEADER.ORIGIN);
    const lo = view.getInt32(p + HEADER.ORIGIN + 4);
    if (hi === 0 && lo === 0) return OTHER;
    const isOurs =
      (hi === sent.transmitHi && lo === sent.transmitLo) || (hi === sent.receiveHi && lo === sent.receiveLo);
    return isOurs ? ANSWER : OTHER;
  }

  /** Who answers us is heard however many others speak in its name. */
  private admits(row: Row, kind: number, second: number): boolean {
    if (row.second !== second) {
      row.second = second;
      row.taken.fill(0);
    }
    return ++row.taken[kind]! <= (kind === UNSEALED ? UNSEALED_RATE : row.entry.rate);
  }
}
