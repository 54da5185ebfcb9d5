import { formatIp, type IpBytes } from '../../base/ip.js';
import type { ClientReport } from '../report/reports.js';
import { hashAddress } from './hash.js';

/**
 * The client table: one 64-byte record (a cache line) an address in shared memory. One thread writes, any thread
 * reads reports from it; a report read during a write may be one hit behind, never more.
 *
 * Every address has two buckets of eight records and lives in the emptier one (two choices, and one move of a record
 * to its other bucket, fill a table to 90 % without losing anybody). A bucket is searched through eight one-byte tags, so a look-up costs two cache lines.
 * When both buckets are full the oldest record goes; records of addresses that have proved that they receive our
 * replies go last, so a flood of forged addresses replaces itself and not the clients.
 */
export const RECORD_BYTES = 64;
const WORDS = RECORD_BYTES / 4;
const BUCKET = 8;

/** Word offsets inside a record. */
const R = {
  /** Address, four words of network order read as numbers. */
  ADDRESS: 0,
  /** 0 = free, 4, 6; bit 8 = proven. */
  FAMILY: 4,
  /** Services follow one another: hits, drops, time of the last hit in 1/16 s (modulo 2^32: 8.5 years). */
  SERVICES: 5,
  /** Average interval of each service in a byte: log2 s × 4 + 64; 255 = unknown. */
  INTERVALS: 14,
  /** Bits 0–14: spent units of the token bucket; DROPPED; bits 16–23: average interval after dropped requests, 0 = unknown. */
  LIMITS: 15,
} as const;
const SERVICE_WORDS = 3;
const HITS = 0;
const DROPS = 1;
const LAST = 2;

export const SERVICE = { NTP: 0, NKE: 1, CMD: 2 } as const;
export type Service = (typeof SERVICE)[keyof typeof SERVICE];

/** Parts of the word of limits (NTP only). */
export const SPENT_MASK = 0x7fff;
/** The last request was dropped by the limit. */
export const DROPPED = 0x8000;
const TIMEOUT_SHIFT = 16;

const PROVEN = 0x100;
const UNKNOWN = 255;
/** An interval() that is not known. */
export const INTERVAL_UNKNOWN = UNKNOWN;
const UNKNOWN_REPORT = 127;
const NEVER_AGO = 0xffffffff;

/** Shared counters in front of the records: records in use, records lost to newer ones. */
const HEAD_WORDS = 16;
const USED = 0;
const LOST = 1;

export const clientTableBytes = (records: number): number => HEAD_WORDS * 4 + records * (RECORD_BYTES + 1);

export class ClientTable {
  private readonly head: Uint32Array;
  private readonly words: Uint32Array;
  private readonly tags: Uint8Array;
  private readonly bucketMask: number;

  /** `records`: a power of two, at least 16. `seed`: a random word, the same in every view of one buffer. */
  constructor(
    buffer: SharedArrayBuffer | ArrayBuffer,
    readonly records: number,
    private readonly seed: number,
  ) {
    this.head = new Uint32Array(buffer, 0, HEAD_WORDS);
    this.words = new Uint32Array(buffer, HEAD_WORDS * 4, records * WORDS);
    this.tags = new Uint8Array(buffer, HEAD_WORDS * 4 + records * RECORD_BYTES, records);
    this.bucketMask = records / BUCKET - 1;
  }

  /** Records that had to make room for others (chrony's client log drops). */
  get lost(): number {
    return this.head[LOST]!;
  }

  get used(): number {
    return this.head[USED]!;
  }

  hash(family: number, w0: number, w1: number, w2: number, w3: number): number {
    return hashAddress(this.seed, family, w0, w1, w2, w3);
  }

  /** Record of an address (`hash` from hash()), made when it is new. Allocates nothing. */
  touch(hash: number, family: number, w0: number, w1: number, w2: number, w3: number): number {
    const record = this.search(hash, family, w0, w1, w2, w3);
    if (record >= 0) return record;
    const tag = tagOf(hash);
    const place = this.place(this.first(hash), this.second(hash, tag));
    return this.insert(place, tag, family, w0, w1, w2, w3);
  }

  private search(hash: number, family: number, w0: number, w1: number, w2: number, w3: number): number {
    const tag = tagOf(hash);
    const record = this.find(this.first(hash), tag, family, w0, w1, w2, w3);
    return record >= 0 ? record : this.find(this.second(hash, tag), tag, family, w0, w1, w2, w3);
  }

  private first(hash: number): number {
    return (hash & this.bucketMask) * BUCKET;
  }

  /** The other bucket: an involution, so that a record can be moved by its tag alone. */
  private second(hash: number, tag: number): number {
    return ((hash ^ Math.imul(tag, 0x5bd1e995)) & this.bucketMask) * BUCKET;
  }

  /** Record of an address given as bytes; −1 when it has none. `make`: give it one. */
  lookup(address: IpBytes, make: boolean): number {
    const view = new DataView(address.buffer, address.byteOffset, address.byteLength);
    const family = address.length === 4 ? 4 : 6;
    const word = (i: number): number => (family === 6 || i === 0 ? view.getInt32(4 * i) : 0);
    const [w0, w1, w2, w3] = [word(0), word(1), word(2), word(3)];
    const hash = this.hash(family, w0, w1, w2, w3);
    return make ? this.touch(hash, family, w0, w1, w2, w3) : this.search(hash, family, w0, w1, w2, w3);
  }

  private find(bucket: number, tag: number, family: number, w0: number, w1: number, w2: number, w3: number): number {
    for (let i = bucket; i < bucket + BUCKET; i++) {
      if (this.tags[i] === tag && this.holds(i, family, w0, w1, w2, w3)) return i;
    }
    return -1;
  }

  private holds(record: number, family: number, w0: number, w1: number, w2: number, w3: number): boolean {
    const { words } = this;
    const at = record * WORDS;
    if ((words[at + R.FAMILY]! & 0xff) !== family || words[at] !== w0 >>> 0) return false;
    if (family === 4) return true;
    return words[at + 1] === w1 >>> 0 && words[at + 2] === w2 >>> 0 && words[at + 3] === w3 >>> 0;
  }

  /** A free record in the emptier of two buckets, else the one that is missed least. */
  private place(a: number, b: number): number {
    let freeA = -1;
    let freeB = -1;
    let countA = 0;
    let countB = 0;
    for (let i = 0; i < BUCKET; i++) {
      if (this.tags[a + i] !== 0) countA++;
      else freeA = a + i;
      if (this.tags[b + i] !== 0) countB++;
      else freeB = b + i;
    }
    if (freeA >= 0 && (countA <= countB || freeB < 0)) return freeA;
    if (freeB >= 0) return freeB;
    const freed = this.head[USED]! < this.records - this.records / 16 ? this.makeRoom(a, b) : -1;
    return freed >= 0 ? freed : this.victim(a, b);
  }

  /** Moves a record of two full buckets to its other bucket; −1 when those are full too. Tried while places are left. */
  private makeRoom(a: number, b: number): number {
    for (let i = 0; i < 2 * BUCKET; i++) {
      const record = i < BUCKET ? a + i : b + i - BUCKET;
      const tag = this.tags[record]!;
      const other = this.second(Math.floor(record / BUCKET), tag);
      const free = this.tags.indexOf(0, other);
      if (free < 0 || free >= other + BUCKET) continue;
      this.words.copyWithin(free * WORDS, record * WORDS, (record + 1) * WORDS);
      this.tags[free] = tag;
      return record;
    }
    return -1;
  }

  private victim(a: number, b: number): number {
    let best = a;
    let bestScore = -1;
    const now = this.newest(a, b);
    for (let i = 0; i < 2 * BUCKET; i++) {
      const record = i < BUCKET ? a + i : b + i - BUCKET;
      const age = (now - this.lastHit(record)) >>> 1;
      const score = (this.words[record * WORDS + R.FAMILY]! & PROVEN) === 0 ? age + 0x80000000 : age;
      if (score > bestScore) {
        bestScore = score;
        best = record;
      }
    }
    this.head[LOST]!++;
    this.head[USED]!--;
    return best;
  }

  private newest(a: number, b: number): number {
    let newest = this.lastHit(a);
    for (let i = 0; i < BUCKET; i++) {
      if (((this.lastHit(a + i) - newest) | 0) > 0) newest = this.lastHit(a + i);
      if (((this.lastHit(b + i) - newest) | 0) > 0) newest = this.lastHit(b + i);
    }
    return newest;
  }

  /** Of any service, 1/16 s. */
  private lastHit(record: number): number {
    const at = record * WORDS + R.SERVICES + LAST;
    const ntp = this.words[at]!;
    const cmd = this.words[at + SERVICE.CMD * SERVICE_WORDS]!;
    return cmd === 0 || (ntp !== 0 && ((ntp - cmd) | 0) > 0) ? ntp : cmd;
  }

  private insert(record: number, tag: number, family: number, w0: number, w1: number, w2: number, w3: number): number {
    const { words } = this;
    const at = record * WORDS;
    words.fill(0, at, at + WORDS);
    words[at] = w0;
    if (family !== 4) {
      words[at + 1] = w1;
      words[at + 2] = w2;
      words[at + 3] = w3;
    }
    words[at + R.FAMILY] = family;
    words[at + R.INTERVALS] = 0xffffffff;
    this.tags[record] = tag;
    this.head[USED]!++;
    return record;
  }

  /** Counts a request that is going to be answered or dropped by a limit. `now`: 1/16 s modulo 2^32. */
  hit(record: number, service: Service, now: number): void {
    const { words } = this;
    const at = record * WORDS + R.SERVICES + service * SERVICE_WORDS;
    if (words[at + HITS]! !== 0) this.interpose(record, service, (now - words[at + LAST]!) | 0);
    words[at + HITS]!++;
    // 0 stands for "never".
    words[at + LAST] = now === 0 ? 1 : now;
  }

  drop(record: number, service: Service): void {
    this.words[record * WORDS + R.SERVICES + service * SERVICE_WORDS + DROPS]!++;
  }

  /** The address has answered with something that only a receiver of our replies can know. */
  prove(record: number): void {
    this.words[record * WORDS + R.FAMILY]! |= PROVEN;
  }

  /** Time of the last NTP hit, 1/16 s modulo 2^32 as a signed word (not boxed on its way out); 0 = none. */
  lastNtp(record: number): number {
    return this.words[record * WORDS + R.SERVICES + LAST]! | 0;
  }

  /** The word of limits: SPENT_MASK, DROPPED; the rest must be kept. */
  limits(record: number): number {
    return this.words[record * WORDS + R.LIMITS]! | 0;
  }

  setLimits(record: number, limits: number): void {
    this.words[record * WORDS + R.LIMITS] = limits;
  }

  /** Average interval between NTP requests, and between one that was dropped and the next: 4·log2 s + 64, or INTERVAL_UNKNOWN. */
  interval(record: number): number {
    return this.words[record * WORDS + R.INTERVALS]! & 0xff;
  }

  timeoutInterval(record: number): number {
    const stored = (this.words[record * WORDS + R.LIMITS]! >>> TIMEOUT_SHIFT) & 0xff;
    return stored === 0 ? UNKNOWN : stored;
  }

  /** Averages an interval in: with those after an answer, or with those after none. */
  private interpose(record: number, service: Service, interval: number): void {
    const { words } = this;
    const at = record * WORDS;
    if (service === SERVICE.NTP && (words[at + R.LIMITS]! & DROPPED) !== 0) {
      const next = averaged(this.timeoutInterval(record), interval);
      words[at + R.LIMITS] = (words[at + R.LIMITS]! & ~(0xff << TIMEOUT_SHIFT)) | (next << TIMEOUT_SHIFT);
      return;
    }
    const shift = service * 8;
    const word = words[at + R.INTERVALS]!;
    words[at + R.INTERVALS] = (word & ~(0xff << shift)) | (averaged((word >>> shift) & 0xff, interval) << shift);
  }

  /**
   * Report of the record at `index` (0…records−1), undefined when it is free. `now`: 1/16 s modulo 2^32.
   */
  report(index: number, now: number): ClientReport | undefined {
    const { words } = this;
    const at = index * WORDS;
    const family = words[at + R.FAMILY]! & 0xff;
    if (this.tags[index] === 0 || family === 0) return undefined;
    const count = (service: Service, what: number): number => words[at + R.SERVICES + service * SERVICE_WORDS + what]!;
    const ago = (service: Service): number =>
      count(service, LAST) === 0 ? NEVER_AGO : Math.max(0, (now - count(service, LAST)) | 0) >>> 4;
    const interval = (service: Service): number => reportInterval((words[at + R.INTERVALS]! >>> (service * 8)) & 0xff);
    return {
      address: formatIp(this.address(index)),
      ntpHits: count(SERVICE.NTP, HITS),
      nkeHits: count(SERVICE.NKE, HITS),
      cmdHits: count(SERVICE.CMD, HITS),
      ntpDrops: count(SERVICE.NTP, DROPS),
      nkeDrops: count(SERVICE.NKE, DROPS),
      cmdDrops: count(SERVICE.CMD, DROPS),
      ntpIntervalLog2: interval(SERVICE.NTP),
      nkeIntervalLog2: interval(SERVICE.NKE),
      cmdIntervalLog2: interval(SERVICE.CMD),
      ntpTimeoutIntervalLog2: reportInterval(this.timeoutInterval(index)),
      lastNtpAgo: ago(SERVICE.NTP),
      lastNkeAgo: ago(SERVICE.NKE),
      lastCmdAgo: ago(SERVICE.CMD),
    };
  }

  /** Address of a record as bytes. */
  address(index: number): IpBytes {
    const at = index * WORDS;
    return addressBytes(this.words[at + R.FAMILY]! & 0xff, this.words.subarray(at, at + 4));
  }

  /** Zeroes hits and drops of a record (from another thread a hit of that moment may be lost). */
  reset(index: number): void {
    const at = index * WORDS;
    for (let service = 0; service < 3; service++) {
      this.words[at + R.SERVICES + service * SERVICE_WORDS + HITS] = 0;
      this.words[at + R.SERVICES + service * SERVICE_WORDS + DROPS] = 0;
    }
  }
}

/** An average moved a quarter of the way (at least one step of 1/4 in log2) to a new interval. */
const averaged = (old: number, interval: number): number => {
  const measured = quarterLog2(interval) + 64;
  const change = measured - old;
  return old === UNKNOWN ? measured : old + (change >> 2) + (change > 0 && change < 4 ? 1 : 0);
};

/** One byte of the hash, never 0 (a free place). */
const tagOf = (hash: number): number => ((hash >>> 24) % 255) + 1;

/** 4·log2 of an interval in 1/16 s, as 4·log2(s), from its leading bits (error below 0.1 in log2); under 1/16 s: −20. */
const quarterLog2 = (interval: number): number => {
  if (interval < 1) return -20;
  const n = 31 - Math.clz32(interval);
  const next = n >= 2 ? (interval >>> (n - 2)) & 3 : (interval << (2 - n)) & 3;
  return 4 * n + next - 16;
};

const reportInterval = (stored: number): number =>
  // Adding 0 turns −0 into 0.
  stored === UNKNOWN ? UNKNOWN_REPORT : Math.round((stored - 64) / 4) + 0;

/** Time of a hit in the table's unit, from whole seconds and nanoseconds. */
export const tableTime = (sec: number, nsec: number): number => (sec * 16 + Math.floor(nsec / 62_500_000)) | 0;

const addressBytes = (family: number, words: Uint32Array): Uint8Array => {
  const bytes = new Uint8Array(family === 4 ? 4 : 16);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < bytes.length / 4; i++) view.setUint32(4 * i, words[i]!);
  return bytes;
};
