import { NTP_UNIX_OFFSET } from '../../base/ntp64.js';

/**
 * What the server remembers for interleaved replies (RFC 9769): for a reply's receive stamp, when that reply really
 * left. A hash table in shared memory, in buckets of places that lie together: a request costs one cache line for what
 * is found and one for what is added. An entry that was used makes room at once. A full bucket lends from its neighbour;
 * where both are full the oldest gives way.
 *
 * Transmit stamps are kept as cooked time, on the scale on which the same reply's receive stamp was served: T2 and
 * T3 of one exchange then belong together whatever happens to the clock's correction before the next request.
 * A step makes the exchange itself stale; clear() then voids all entries.
 */
const PLACE_WORDS = 4;
const PLACE_BYTES = PLACE_WORDS * 4;
/** Word offsets inside a place. */
const P = {
  /** Key: the receive stamp as it was sent. Its lowest bit is always set, so a low word of 0 is an empty place. */
  RX_HI: 0,
  RX_LO: 1,
  /** Cooked transmit stamp: nanoseconds (30 bits), above them the state. */
  TX: 2,
  /** From the top: generation (20 bits), age of clear() (8), seconds of the transmit stamp after the receive stamp (4, signed). */
  NOTE: 3,
} as const;

const NSEC_BITS = 30;
const NSEC_MASK = (1 << NSEC_BITS) - 1;
/** States: PENDING, then 1 + kind of the transmit stamp (daemon, kernel, hardware). */
const PENDING = 0;
/** Nanoseconds of a doubled stamp: an entry that is there to be found by its next twin, and nothing else. */
const DOUBLED = NSEC_MASK;

const SECOND_BITS = 4;
const MAX_SECONDS = (1 << (SECOND_BITS - 1)) - 1;
const AGE_BITS = 8;
const AGES = (1 << AGE_BITS) - 1;
const GENERATION_SHIFT = SECOND_BITS + AGE_BITS;
const GENERATION_BITS = 32 - GENERATION_SHIFT;

const HEAD_WORDS = 16;
/** Entries that could be found, and how often clear() was called, from 1 to AGES and round. */
const HELD = 0;
const AGE = 1;
/** Words to look through from a bucket: its own until one is full for the first time, then its neighbour's, too. */
const REACH = 2;

const BUCKET = 16;
const BUCKET_WORDS = BUCKET * PLACE_WORDS;
/** Places for each entry that there is to be room for: buckets fill unevenly. */
const SPARE = 2;

export const interleaveBytes = (entries: number): number => HEAD_WORDS * 4 + entries * SPARE * PLACE_BYTES;

export const NONE = 0;

/**
 * Entries are named by numbers: a place and how often it was given away. A number is never −1 or −2: users may give
 * those a meaning of their own.
 */
export class InterleaveRing {
  private readonly head: Int32Array;
  private readonly words: Int32Array;
  private readonly places: number;
  private readonly buckets: number;
  private readonly placeBits: number;
  /** Generations go from 1 to this. */
  private readonly generations: number;

  /** `entries`: a power of two, at least 256. */
  constructor(
    buffer: SharedArrayBuffer | ArrayBuffer,
    readonly entries: number,
  ) {
    this.places = entries * SPARE;
    this.buckets = this.places / BUCKET;
    this.placeBits = 31 - Math.clz32(this.places);
    this.generations = (1 << Math.min(GENERATION_BITS, 32 - this.placeBits)) - 2;
    this.head = new Int32Array(buffer, 0, HEAD_WORDS);
    this.words = new Int32Array(buffer, HEAD_WORDS * 4, this.places * PLACE_WORDS);
    if (this.head[AGE] === 0) {
      this.head[AGE] = 1;
      this.head[REACH] = BUCKET_WORDS;
    }
  }

  /** Replies whose clients may still come for their transmit stamps. */
  get held(): number {
    return this.head[HELD]!;
  }

  /** Whole seconds between the oldest and the newest receive stamp held. Looks at every place: for reports. */
  get spanSeconds(): number {
    let first = 0;
    let least = 0;
    let most = 0;
    let any = false;
    for (let place = 0; place < this.places; place++) {
      if (!this.holds(place * PLACE_WORDS)) continue;
      const hi = this.words[place * PLACE_WORDS + P.RX_HI]!;
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
    const { words } = this;
    const first = this.bucket(rxHi, rxLo);
    const reach = this.head[REACH]!;
    for (let i = 0; i < reach; i += PLACE_WORDS) {
      const at = first ^ i;
      if (words[at + P.RX_LO] === rxLo && words[at] === rxHi && this.holds(at)) return this.number(at);
    }
    return NONE;
  }

  /**
   * Adds an entry without a transmit stamp and returns its number. A receive stamp that is already held voids the
   * older entry and gets none: nobody could tell the two replies apart (RFC 9769, 2).
   */
  add(rxHi: number, rxLo: number): number {
    const { words, head } = this;
    const first = this.bucket(rxHi, rxLo);
    let free = -1;
    for (let i = 0; i < head[REACH]!; i += PLACE_WORDS) {
      const at = first ^ i;
      if (!this.holds(at)) {
        if (free < 0) free = at;
      } else if (words[at + P.RX_LO] === rxLo && words[at] === rxHi) {
        words[at + P.TX] = DOUBLED;
        return NONE;
      }
    }
    if (free >= 0) {
      head[HELD]!++;
      return this.take(free, rxHi, rxLo);
    }
    if (head[REACH] === BUCKET_WORDS) {
      head[REACH] = 2 * BUCKET_WORDS;
      return this.add(rxHi, rxLo);
    }
    return this.take(this.oldest(first), rxHi, rxLo);
  }

  private take(at: number, rxHi: number, rxLo: number): number {
    const { words } = this;
    const generation = ((words[at + P.NOTE]! >>> GENERATION_SHIFT) % this.generations) + 1;
    words[at + P.RX_HI] = rxHi;
    words[at + P.RX_LO] = rxLo;
    words[at + P.TX] = PENDING << NSEC_BITS;
    words[at + P.NOTE] = (generation << GENERATION_SHIFT) | (this.head[AGE]! << SECOND_BITS);
    return this.number(at);
  }

  /**
   * Sets or refines the transmit stamp of an entry that still counts: seconds since 1970 modulo 2^32. `kind`: 0 daemon,
   * 1 kernel, 2 hardware; `nsec`: −1e9…3e9. One that is many seconds away from the receive stamp belongs to something else.
   */
  setTransmit(number: number, sec: number, nsec: number, kind: number): void {
    const { words } = this;
    const at = this.placeOf(number);
    if (!this.isNamed(at, number) || words[at + P.TX] === DOUBLED) return;
    const carry = nsec < 0 ? -1 : nsec >= 2e9 ? 2 : nsec >= 1e9 ? 1 : 0;
    const after = (sec + carry + NTP_UNIX_OFFSET - words[at + P.RX_HI]!) | 0;
    if (after > MAX_SECONDS || after < -MAX_SECONDS) return;
    words[at + P.TX] = ((1 + kind) << NSEC_BITS) | (nsec - carry * 1e9);
    words[at + P.NOTE] = ((words[at + P.NOTE]! >> SECOND_BITS) << SECOND_BITS) | (after & ((1 << SECOND_BITS) - 1));
  }

  /** Kind of the transmit stamp; negative when there is none to be used. */
  kind(number: number): number {
    return number === NONE ? -1 : (this.words[this.placeOf(number) + P.TX]! >>> NSEC_BITS) - 1;
  }

  /** Seconds since 1970, as a signed word. */
  transmitSec(number: number): number {
    const at = this.placeOf(number);
    const after = (this.words[at + P.NOTE]! << (32 - SECOND_BITS)) >> (32 - SECOND_BITS);
    return (this.words[at + P.RX_HI]! - NTP_UNIX_OFFSET + after) | 0;
  }

  transmitNsec(number: number): number {
    return this.words[this.placeOf(number) + P.TX]! & NSEC_MASK;
  }

  /** One use an entry. */
  use(number: number): void {
    const at = this.placeOf(number);
    if (!this.isNamed(at, number)) return;
    this.words[at + P.RX_LO] = 0;
    this.head[HELD]!--;
  }

  /** Voids everything: the clock was stepped. */
  clear(): void {
    this.head[HELD] = 0;
    if (this.head[AGE] === AGES) this.words.fill(0);
    this.head[AGE] = (this.head[AGE]! % AGES) + 1;
  }

  private oldest(first: number): number {
    const { words } = this;
    let oldest = first;
    for (let i = 0; i < 2 * BUCKET_WORDS; i += PLACE_WORDS) {
      const at = first ^ i;
      const later = (words[at]! - words[oldest]!) | 0;
      const older = later < 0 || (later === 0 && words[at + P.RX_LO]! >>> 0 < words[oldest + P.RX_LO]! >>> 0);
      if (older) oldest = at;
    }
    return oldest;
  }

  private holds(at: number): boolean {
    return this.words[at + P.RX_LO] !== 0 && ((this.words[at + P.NOTE]! >>> SECOND_BITS) & AGES) === this.head[AGE];
  }

  private number(at: number): number {
    return ((this.words[at + P.NOTE]! >>> GENERATION_SHIFT) << this.placeBits) | (at / PLACE_WORDS);
  }

  private placeOf(number: number): number {
    return (number & (this.places - 1)) * PLACE_WORDS;
  }

  private isNamed(at: number, number: number): boolean {
    return this.holds(at) && this.number(at) === number;
  }

  /** Receive stamps of one moment differ in the upper bits of the fraction: multiply, fold the top. */
  private bucket(rxHi: number, rxLo: number): number {
    const x = Math.imul(rxLo ^ Math.imul(rxHi, 0x85ebca6b), 0x9e3779b1);
    return ((x ^ (x >>> 15)) & (this.buckets - 1)) * BUCKET_WORDS;
  }
}
