/**
 * The mappings of all network cards that stamp, in a SharedArrayBuffer: one writer (the thread that reads the cards' clocks),
 * any number of readers (packet plane), guarded by a sequence lock as the server's snapshot is.
 */
import { instant, split } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';
import type { HwMapping } from './hwclock.js';

/** Interfaces at most; more stay with kernel stamps. */
export const MAX_CARDS = 32;
const HEAD_WORDS = 8;
const ENTRY_WORDS = 24;
export const HW_TABLE_BYTES = (HEAD_WORDS + MAX_CARDS * ENTRY_WORDS) * 4;

/** Head. USED: stamps translated, modulo 2^32. */
const H = { SEQ: 0, COUNT: 1, USED: 2 } as const;
/** Int32 words of an entry. Seconds are the low words: only differences below 68 years are taken. */
const E = { IFINDEX: 0, MAPPED: 1, TX: 2, PHC_SEC: 3, PHC_NSEC: 4, LOCAL_SEC: 5, LOCAL_NSEC: 6 } as const;
/** Float64 words of an entry (from its word 8). */
const F = { RATE: 0, HORIZON_NS: 1, RX_ADD_NS: 2, TX_ADD_NS: 3, NS_A_BYTE: 4 } as const;

/** Bytes of Ethernet, IP and UDP headers, and the check sequence behind the frame. */
const HEADERS4 = 42;
const HEADERS6 = 62;
const CHECK_SEQUENCE = 4;

export interface HwCard {
  readonly ifindex: number;
  /** Transmit stamps are to be expected of it. */
  readonly transmits: boolean;
  readonly mapping: HwMapping | undefined;
  /** A mapping says nothing about stamps farther from it than this. */
  readonly horizon: Seconds;
  readonly rxComp: Seconds;
  readonly txComp: Seconds;
  readonly speedMbps: number;
}

const DEFAULT_MBPS = 1000;

export class HwTableWriter {
  private readonly ints: Int32Array;
  private readonly floats: Float64Array;

  constructor(buffer: SharedArrayBuffer) {
    this.ints = new Int32Array(buffer);
    this.floats = new Float64Array(buffer);
  }

  /** Stamps that the readers have translated so far, modulo 2^32. */
  get used(): number {
    return Atomics.load(this.ints, H.USED);
  }

  write(all: readonly HwCard[]): void {
    const cards = all.slice(0, MAX_CARDS);
    Atomics.add(this.ints, H.SEQ, 1);
    this.ints[H.COUNT] = cards.length;
    for (const [i, card] of cards.entries()) this.put(HEAD_WORDS + i * ENTRY_WORDS, card);
    Atomics.add(this.ints, H.SEQ, 1);
  }

  private put(at: number, card: HwCard): void {
    const { ints, floats } = this;
    const f = at / 2 + 4;
    const { mapping } = card;
    const phc = split(instant(mapping?.phc ?? 0n));
    const local = split(mapping?.local ?? instant(0n));
    ints[at + E.IFINDEX] = card.ifindex;
    ints[at + E.MAPPED] = mapping === undefined ? 0 : 1;
    ints[at + E.TX] = card.transmits ? 1 : 0;
    ints[at + E.PHC_SEC] = Number(BigInt.asIntN(32, phc.sec));
    ints[at + E.PHC_NSEC] = phc.nsec;
    ints[at + E.LOCAL_SEC] = Number(BigInt.asIntN(32, local.sec));
    ints[at + E.LOCAL_NSEC] = local.nsec;
    floats[f + F.RATE] = mapping?.rate ?? 0;
    floats[f + F.HORIZON_NS] = card.horizon * 1e9;
    floats[f + F.RX_ADD_NS] = -card.rxComp * 1e9;
    floats[f + F.TX_ADD_NS] = card.txComp * 1e9;
    floats[f + F.NS_A_BYTE] = 8000 / (card.speedMbps > 0 ? card.speedMbps : DEFAULT_MBPS);
  }
}

/** A reader's private copy, refreshed once a batch; nothing is allocated a stamp. */
export class HwTableReader {
  /** System time of the stamp that was translated last: low word of the seconds since 1970, signed, and ns. */
  sec = 0;
  nsec = 0;
  private readonly shared: Int32Array;
  private readonly ints: Int32Array;
  private readonly floats: Float64Array;
  private seen = 0;

  constructor(buffer: SharedArrayBuffer) {
    this.shared = new Int32Array(buffer);
    const copy = new ArrayBuffer(HW_TABLE_BYTES);
    this.ints = new Int32Array(copy);
    this.floats = new Float64Array(copy);
  }

  refresh(): void {
    for (;;) {
      const before = Atomics.load(this.shared, H.SEQ);
      if (before === this.seen) return;
      if ((before & 1) !== 0) continue;
      this.ints.set(this.shared);
      if (Atomics.load(this.shared, H.SEQ) !== before) continue;
      this.seen = before;
      return;
    }
  }

  /** Is a transmit stamp of this interface's card to be expected? */
  transmits(ifindex: number): boolean {
    const at = this.find(ifindex);
    return at > 0 && this.ints[at + E.TX] === 1 && this.ints[at + E.MAPPED] === 1;
  }

  /**
   * A stamp at the start of a received frame, moved to its end, where the kernel stamps and other servers' stamps are:
   * otherwise two links of unequal speed would look like a delay that is longer one way. `frame`: bytes as the driver
   * counts them; 0 = `payload` and its headers. False: nothing is known of this card now.
   */
  receive(ifindex: number, sec: number, nsec: number, frame: number, payload: number, family: number): boolean {
    const at = this.find(ifindex);
    if (at === 0) return false;
    const bytes = (frame > 0 ? frame : payload + (family === 4 ? HEADERS4 : HEADERS6)) + CHECK_SEQUENCE;
    const f = at / 2 + 4;
    return this.translate(at, sec, nsec, this.floats[f + F.RX_ADD_NS]! + bytes * this.floats[f + F.NS_A_BYTE]!);
  }

  /** A stamp at the start of a frame that was sent. `ifindex` 0: the driver does not tell; with one card it is that one. */
  transmit(ifindex: number, sec: number, nsec: number): boolean {
    const at = ifindex === 0 && this.ints[H.COUNT] === 1 ? HEAD_WORDS : this.find(ifindex);
    return at > 0 && this.translate(at, sec, nsec, this.floats[at / 2 + 4 + F.TX_ADD_NS]!);
  }

  /** One more stamp is used: the cards' clocks are worth reading. */
  countUsed(): void {
    Atomics.add(this.shared, H.USED, 1);
  }

  private translate(at: number, sec: number, nsec: number, more: number): boolean {
    const { ints, floats } = this;
    const f = at / 2 + 4;
    if (ints[at + E.MAPPED] !== 1) return false;
    const elapsed = ((sec - ints[at + E.PHC_SEC]!) | 0) * 1e9 + nsec - ints[at + E.PHC_NSEC]!;
    if (Math.abs(elapsed) > floats[f + F.HORIZON_NS]!) return false;
    const total = ints[at + E.LOCAL_NSEC]! + elapsed + Math.round(elapsed * floats[f + F.RATE]! + more);
    const whole = Math.floor(total / 1e9);
    this.sec = (ints[at + E.LOCAL_SEC]! + whole) | 0;
    this.nsec = total - whole * 1e9;
    return true;
  }

  /** Word of the interface's entry, 0 = none. */
  private find(ifindex: number): number {
    const count = this.ints[H.COUNT]!;
    for (let i = 0; i < count; i++) {
      const at = HEAD_WORDS + i * ENTRY_WORDS;
      if (this.ints[at + E.IFINDEX] === ifindex) return at;
    }
    return 0;
  }
}
