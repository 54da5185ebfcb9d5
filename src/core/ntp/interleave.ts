import { NTP_UNIX_OFFSET } from '../../base/ntp64.js';

/**
 * What the server remembers for interleaved replies (RFC 9769): for a reply's receive stamp, when that reply really
 * left. A hash table in shared memory whose entries come from a stack of free ones, the last used on top: however large
 * the table may be, what a few clients use lies together and stays in the processor's caches. So does the index, which
 * begins small and doubles with the entries that are held; entries stay where they are. When there are no more, the
 * oldest of a few gives way, others of them each time: as if the oldest of all did.
 *
 * Transmit stamps are kept as cooked time, on the scale on which the same reply's receive stamp was served: T2 and
 * T3 of one exchange then belong together whatever happens to the clock's correction before the next request.
 * A step makes the exchange itself stale; clear() then voids all entries.
 *
 * Links are written in such an order that a thread that is stopped at any point leaves no ring of them behind, at worst
 * an entry that nobody finds.
 */
const ENTRY_WORDS = 5;
/** Word offsets inside an entry. */
const E = {
  /** Key: the receive stamp as it was sent. Its lowest bit is always set, so a low word of 0 is a free entry. */
  RX_HI: 0,
  RX_LO: 1,
  /** Cooked transmit stamp: nanoseconds (30 bits), above them the state. */
  TX: 2,
  /** From the top: generation (28 bits), seconds of the transmit stamp after the receive stamp (4, signed). */
  NOTE: 3,
  /** The next of its chain, or of the free ones; counted from 1, 0 = none. */
  NEXT: 4,
} as const;

const NSEC_BITS = 30;
const NSEC_MASK = (1 << NSEC_BITS) - 1;
/** States: PENDING, then 1 + kind of the transmit stamp (daemon, kernel, hardware). */
const PENDING = 0;
/** Nanoseconds of a doubled stamp: an entry that is there to be found by its next twin, and nothing else. */
const DOUBLED = NSEC_MASK;

const SECOND_BITS = 4;
const MAX_SECONDS = (1 << (SECOND_BITS - 1)) - 1;
const GENERATION_BITS = 32 - SECOND_BITS;

const HEAD_WORDS = 16;
/** Entries that are held; the last one that became free (from 1); entries that were ever used. */
const HELD = 0;
const FREE = 1;
const TOUCHED = 2;
/** Chains in use, less one. 0: a new table. */
const MASK = 3;
/** Where the next search for an old entry begins. */
const CURSOR = 4;

const LEAST_CHAINS = 256;
/** Entries for each client that there is to be room for: one that lost a reply leaves its entry behind. */
const SPARE = 2;
/** Entries of which the oldest gives way. */
const SAMPLE = 16;

export const interleaveBytes = (clients: number): number => 4 * (HEAD_WORDS + clients + clients * SPARE * ENTRY_WORDS);

export const NONE = 0;

/**
 * Entries are named by numbers: a place and how often it was given away. A number is never −1 or −2: users may give
 * those a meaning of their own.
 */
export class InterleaveRing {
  private readonly head: Int32Array;
  /** First entry of each chain, from 1. */
  private readonly chains: Int32Array;
  private readonly words: Int32Array;
  private readonly places: number;
  private readonly placeBits: number;
  /** Generations go from 1 to this. */
  private readonly generations: number;

  /** `clients`: a power of two, at least 256. */
  constructor(
    buffer: SharedArrayBuffer | ArrayBuffer,
    readonly clients: number,
  ) {
    this.places = clients * SPARE;
    this.placeBits = 31 - Math.clz32(this.places);
    this.generations = 2 ** Math.min(GENERATION_BITS, 32 - this.placeBits) - 2;
    this.head = new Int32Array(buffer, 0, HEAD_WORDS);
    this.chains = new Int32Array(buffer, HEAD_WORDS * 4, clients);
    this.words = new Int32Array(buffer, (HEAD_WORDS + clients) * 4, this.places * ENTRY_WORDS);
    if (this.head[MASK] === 0) this.head[MASK] = LEAST_CHAINS - 1;
  }

  /** Replies whose clients may still come for their transmit stamps. */
  get held(): number {
    return this.head[HELD]!;
  }

  /** Whole seconds between the oldest and the newest receive stamp held. Looks at every place: for reports. */
  get spanSeconds(): number {
    const { words } = this;
    let first = 0;
    let least = 0;
    let most = 0;
    let any = false;
    for (let place = 0; place < this.head[TOUCHED]!; place++) {
      const at = place * ENTRY_WORDS;
      if (words[at + E.RX_LO] === 0) continue;
      const hi = words[at + E.RX_HI]!;
      if (!any) first = hi;
      any = true;
      // Differences to one of them: seconds go round.
      least = Math.min(least, (hi - first) | 0);
      most = Math.max(most, (hi - first) | 0);
    }
    return most - least;
  }

  /**
   * Number of the entry for a receive stamp (two signed words), NONE when it is not held. A doubled one is found too. What
   * the number says may be read until the next call of add().
   */
  find(rxHi: number, rxLo: number): number {
    const place = this.search(hashStamp(rxHi, rxLo) & this.head[MASK]!, rxHi, rxLo);
    return place < 0 ? NONE : this.number(place);
  }

  private search(chain: number, rxHi: number, rxLo: number): number {
    const { words } = this;
    for (let place = this.chains[chain]! - 1; place >= 0; place = words[place * ENTRY_WORDS + E.NEXT]! - 1) {
      const at = place * ENTRY_WORDS;
      if (words[at + E.RX_LO] === rxLo && words[at + E.RX_HI] === rxHi) return place;
    }
    return -1;
  }

  /**
   * Adds an entry without a transmit stamp and returns its number. A receive stamp that is already held voids the
   * older entry and gets none: nobody could tell the two replies apart (RFC 9769, 2).
   */
  add(rxHi: number, rxLo: number): number {
    const { words, head } = this;
    const hash = hashStamp(rxHi, rxLo);
    const twin = this.search(hash & head[MASK]!, rxHi, rxLo);
    if (twin >= 0) {
      words[twin * ENTRY_WORDS + E.TX] = DOUBLED;
      return NONE;
    }
    if (head[HELD]! > head[MASK]! && head[MASK]! < this.chains.length - 1) this.lengthen();
    const place = this.take();
    const at = place * ENTRY_WORDS;
    const last = words[at + E.NOTE]! >>> SECOND_BITS;
    const generation = last === this.generations ? 1 : last + 1;
    words[at + E.RX_HI] = rxHi;
    words[at + E.TX] = PENDING << NSEC_BITS;
    words[at + E.NOTE] = generation << SECOND_BITS;
    words[at + E.RX_LO] = rxLo;
    this.link(place, hash & head[MASK]!);
    head[HELD]!++;
    return this.number(place);
  }

  private link(place: number, chain: number): void {
    this.words[place * ENTRY_WORDS + E.NEXT] = this.chains[chain]!;
    this.chains[chain] = place + 1;
  }

  private chainOf(place: number): number {
    const at = place * ENTRY_WORDS;
    return hashStamp(this.words[at + E.RX_HI]!, this.words[at + E.RX_LO]!) & this.head[MASK]!;
  }

  private lengthen(): void {
    const { head } = this;
    head[MASK] = head[MASK]! * 2 + 1;
    this.chains.fill(0, 0, head[MASK]! + 1);
    for (let place = 0; place < head[TOUCHED]!; place++) {
      if (this.words[place * ENTRY_WORDS + E.RX_LO] !== 0) this.link(place, this.chainOf(place));
    }
  }

  /** A place out of the free ones, or a new one, or one that gives way. */
  private take(): number {
    const { head } = this;
    if (head[FREE] === 0) {
      if (head[TOUCHED]! < this.places) return head[TOUCHED]!++;
      this.release(this.oldest());
    }
    const place = head[FREE]! - 1;
    head[FREE] = this.words[place * ENTRY_WORDS + E.NEXT]!;
    return place;
  }

  private oldest(): number {
    const { words, head } = this;
    const first = head[CURSOR]!;
    head[CURSOR] = (first + SAMPLE) % this.places;
    let oldest = first;
    for (let place = first + 1; place < first + SAMPLE; place++) {
      const [at, than] = [place * ENTRY_WORDS, oldest * ENTRY_WORDS];
      const later = (words[at + E.RX_HI]! - words[than + E.RX_HI]!) | 0;
      const sooner = words[at + E.RX_LO]! >>> 0 < words[than + E.RX_LO]! >>> 0;
      if (later < 0 || (later === 0 && sooner)) oldest = place;
    }
    return oldest;
  }

  private release(place: number): void {
    const { words, chains, head } = this;
    const at = place * ENTRY_WORDS;
    const next = words[at + E.NEXT]!;
    const chain = this.chainOf(place);
    let before = chains[chain]! - 1;
    if (before === place) {
      chains[chain] = next;
    } else {
      while (before >= 0 && words[before * ENTRY_WORDS + E.NEXT] !== place + 1) {
        before = words[before * ENTRY_WORDS + E.NEXT]! - 1;
      }
      if (before >= 0) words[before * ENTRY_WORDS + E.NEXT] = next;
    }
    words[at + E.RX_LO] = 0;
    words[at + E.NEXT] = head[FREE]!;
    head[FREE] = place + 1;
    head[HELD]!--;
  }

  /**
   * Sets or refines the transmit stamp of an entry that still counts: seconds since 1970 modulo 2^32. `kind`: 0 daemon,
   * 1 kernel, 2 hardware; `nsec`: −1e9…3e9. One that is many seconds away from the receive stamp belongs to something else.
   */
  setTransmit(number: number, sec: number, nsec: number, kind: number): void {
    const { words } = this;
    const at = this.placeOf(number) * ENTRY_WORDS;
    if (!this.isNamed(number) || words[at + E.TX] === DOUBLED) return;
    const carry = nsec < 0 ? -1 : nsec >= 2e9 ? 2 : nsec >= 1e9 ? 1 : 0;
    const after = (sec + carry + NTP_UNIX_OFFSET - words[at + E.RX_HI]!) | 0;
    if (after > MAX_SECONDS || after < -MAX_SECONDS) return;
    words[at + E.TX] = ((1 + kind) << NSEC_BITS) | (nsec - carry * 1e9);
    words[at + E.NOTE] = ((words[at + E.NOTE]! >> SECOND_BITS) << SECOND_BITS) | (after & ((1 << SECOND_BITS) - 1));
  }

  /** Kind of the transmit stamp; negative when there is none to be used. */
  kind(number: number): number {
    return number === NONE ? -1 : (this.words[this.placeOf(number) * ENTRY_WORDS + E.TX]! >>> NSEC_BITS) - 1;
  }

  /** Seconds since 1970, as a signed word. */
  transmitSec(number: number): number {
    const at = this.placeOf(number) * ENTRY_WORDS;
    const after = (this.words[at + E.NOTE]! << (32 - SECOND_BITS)) >> (32 - SECOND_BITS);
    return (this.words[at + E.RX_HI]! - NTP_UNIX_OFFSET + after) | 0;
  }

  transmitNsec(number: number): number {
    return this.words[this.placeOf(number) * ENTRY_WORDS + E.TX]! & NSEC_MASK;
  }

  /** One use an entry. */
  use(number: number): void {
    if (this.isNamed(number)) this.release(this.placeOf(number));
  }

  /** Voids everything: the clock was stepped. The places' generations stay, so that older numbers name nothing. */
  clear(): void {
    const { head, words } = this;
    this.chains.fill(0);
    head[FREE] = 0;
    for (let place = head[TOUCHED]! - 1; place >= 0; place--) {
      const at = place * ENTRY_WORDS;
      words[at + E.RX_LO] = 0;
      words[at + E.NEXT] = head[FREE]!;
      head[FREE] = place + 1;
    }
    head[HELD] = 0;
    head[MASK] = LEAST_CHAINS - 1;
  }

  private number(place: number): number {
    return ((this.words[place * ENTRY_WORDS + E.NOTE]! >>> SECOND_BITS) << this.placeBits) | place;
  }

  private placeOf(number: number): number {
    return number & (this.places - 1);
  }

  private isNamed(number: number): boolean {
    const place = this.placeOf(number);
    return this.words[place * ENTRY_WORDS + E.RX_LO] !== 0 && this.number(place) === number;
  }
}

/** Receive stamps of one moment differ in the upper bits of the fraction: multiply, fold the top. */
const hashStamp = (rxHi: number, rxLo: number): number => {
  const x = Math.imul(rxLo ^ Math.imul(rxHi, 0x85ebca6b), 0x9e3779b1);
  return x ^ (x >>> 15);
};
