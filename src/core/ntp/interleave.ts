/**
 * What the server remembers for interleaved replies (RFC 9769): for a reply's receive stamp, when that reply really
 * left. A ring in shared memory, found through chains from a hash of the receive stamp. The newest entry displaces
 * the oldest; nothing is ever unlinked: entries are named by a running number, and a chain ends at the first number
 * that has left the ring.
 *
 * Transmit stamps are kept as cooked time, on the scale on which the same reply's receive stamp was served: T2 and
 * T3 of one exchange then belong together whatever happens to the clock's correction before the next request.
 * A step makes the exchange itself stale; clear() then voids all entries.
 */
const ENTRY_WORDS = 8;
export const ENTRY_BYTES = ENTRY_WORDS * 4;
/** Word offsets inside an entry. */
const E = {
  /** Key: the receive stamp as it was sent. */
  RX_HI: 0,
  RX_LO: 1,
  /** Cooked transmit stamp, seconds since 1970 modulo 2^32 and nanoseconds. */
  TX_SEC: 2,
  TX_NSEC: 3,
  /** VOID, PENDING, or SENT + kind of the transmit stamp (daemon, kernel, hardware). */
  STATE: 4,
  /** Running number of the next older entry of the same chain. */
  OLDER: 5,
  /** This entry's own number. */
  NUMBER: 6,
} as const;

/** Used, or doubled: never comes back to life. */
const VOID = 0;
/** No transmit stamp yet. */
const PENDING = 1;
const SENT = 2;

const HEAD_WORDS = 16;
/** Number that the next entry gets; 1 is the first. */
const NEXT = 0;
/** Number of the oldest entry that counts (moved up by clear). */
const FLOOR = 1;

/** A chain longer than this is chance or attack; its older entries are given up (the clients get basic replies). */
const MAX_CHAIN = 16;
/** Entries are as many as chains, so a chain holds one on average. */
export const interleaveBytes = (entries: number): number => HEAD_WORDS * 4 + entries * (ENTRY_BYTES + 4);

/** Numbers are signed words that go round, but for NONE and the two below it, which users may give a meaning of their own. */
const LAST_NUMBER = -3;

export const NONE = 0;

export class InterleaveRing {
  private readonly head: Int32Array;
  private readonly words: Int32Array;
  private readonly chains: Int32Array;
  private readonly mask: number;

  /** `entries`: a power of two, at least 256 so that a batch can never overtake itself. */
  constructor(
    buffer: SharedArrayBuffer | ArrayBuffer,
    readonly entries: number,
  ) {
    this.head = new Int32Array(buffer, 0, HEAD_WORDS);
    this.words = new Int32Array(buffer, HEAD_WORDS * 4, entries * ENTRY_WORDS);
    this.chains = new Int32Array(buffer, HEAD_WORDS * 4 + entries * ENTRY_BYTES, entries);
    this.mask = entries - 1;
    if (this.head[NEXT] === 0) {
      this.head[NEXT] = 1;
      this.head[FLOOR] = 1;
    }
  }

  /** Entries held, used ones included (as chrony counts its timestamps). */
  get held(): number {
    return Math.min(this.entries, (this.head[NEXT]! - this.head[FLOOR]!) >>> 0);
  }

  /** Whole seconds between the oldest and the newest receive stamp held. */
  get spanSeconds(): number {
    const { held } = this;
    if (held < 2) return 0;
    const newest = this.at(this.head[NEXT]! - 1);
    const oldest = this.at(this.head[NEXT]! - held);
    return Math.max(0, (this.words[newest + E.RX_HI]! - this.words[oldest + E.RX_HI]!) | 0);
  }

  /** Number of the entry for a receive stamp (two signed words), NONE when it is not held. A void entry is found too. */
  find(rxHi: number, rxLo: number): number {
    let number = this.chains[this.chain(rxHi, rxLo)]!;
    for (let hops = 0; hops < MAX_CHAIN && this.live(number); hops++) {
      const at = this.at(number);
      if (this.words[at + E.RX_LO] === rxLo && this.words[at + E.RX_HI] === rxHi) return number;
      number = this.words[at + E.OLDER]!;
    }
    return NONE;
  }

  /**
   * Adds an entry without a transmit stamp and returns its number. A receive stamp that is already held voids the
   * older entry and gets none: nobody could tell the two replies apart (RFC 9769, 2).
   */
  add(rxHi: number, rxLo: number): number {
    const twin = this.find(rxHi, rxLo);
    if (twin !== NONE) {
      this.use(twin);
      return NONE;
    }
    const number = this.head[NEXT]!;
    this.head[NEXT] = number === LAST_NUMBER ? 1 : number + 1;
    const at = this.at(number);
    const chain = this.chain(rxHi, rxLo);
    const { words } = this;
    words[at + E.RX_HI] = rxHi;
    words[at + E.RX_LO] = rxLo;
    words[at + E.STATE] = PENDING;
    words[at + E.OLDER] = this.chains[chain]!;
    words[at + E.NUMBER] = number;
    this.chains[chain] = number;
    return number;
  }

  /** Sets or refines the transmit stamp of an entry that still counts. `kind`: 0 daemon, 1 kernel, 2 hardware. */
  setTransmit(number: number, sec: number, nsec: number, kind: number): void {
    const at = this.at(number);
    if (!this.live(number) || this.words[at + E.STATE] === VOID) return;
    this.words[at + E.TX_SEC] = sec;
    this.words[at + E.TX_NSEC] = nsec;
    this.words[at + E.STATE] = SENT + kind;
  }

  /** Kind of the transmit stamp; negative when there is none to be used. */
  kind(number: number): number {
    return number === NONE ? -1 : this.words[this.at(number) + E.STATE]! - SENT;
  }

  transmitSec(number: number): number {
    return this.words[this.at(number) + E.TX_SEC]!;
  }

  transmitNsec(number: number): number {
    return this.words[this.at(number) + E.TX_NSEC]!;
  }

  /** One use an entry. */
  use(number: number): void {
    this.words[this.at(number) + E.STATE] = VOID;
  }

  /** Voids everything: the clock was stepped. */
  clear(): void {
    this.head[FLOOR] = this.head[NEXT]!;
  }

  private at(number: number): number {
    return (number & this.mask) * ENTRY_WORDS;
  }

  private live(number: number): boolean {
    if (number === NONE) return false;
    const age = (this.head[NEXT]! - number) >>> 0;
    if (age === 0 || age > this.entries || age > (this.head[NEXT]! - this.head[FLOOR]!) >>> 0) return false;
    return this.words[this.at(number) + E.NUMBER] === number;
  }

  /** Receive stamps of one moment differ in the upper bits of the fraction: multiply, take the top. */
  private chain(rxHi: number, rxLo: number): number {
    const x = Math.imul(rxLo ^ Math.imul(rxHi, 0x85ebca6b), 0x9e3779b1);
    return (x ^ (x >>> 15)) & this.mask;
  }
}
