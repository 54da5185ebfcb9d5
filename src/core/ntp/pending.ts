import { NONE } from './interleave.js';

/** Words of a pending reply: id, socket, ring entry, raw T3 and cooked T3 (seconds, nanoseconds), what was added to it. */
const WORDS = 8;
const P = { ID: 0, SOCKET: 1, ENTRY: 2, RAW_SEC: 3, RAW_NSEC: 4, COOKED_SEC: 5, COOKED_NSEC: 6, ADDED: 7 } as const;
/** Replies that wait for their stamp: the queue is emptied every batch (64), so 1024 is many batches of patience. */
const LEAST = 1024;
const KIND_BITS = 2;

/** Replies whose transmit stamp was asked for, found by the socket's stamp counter. */
export class PendingStamps {
  private readonly words: Int32Array;
  private readonly mask: number;

  /** `atOnce`: replies that may wait for their stamps (`maxtxbuffers`: cards that are slow to tell); more displace the oldest. */
  constructor(atOnce = 0) {
    let slots = LEAST;
    while (slots < atOnce) slots *= 2;
    this.words = new Int32Array(slots * WORDS);
    this.mask = slots - 1;
  }

  /** `kind` and `addedNs`: of the latency (LateTruth) and the noise that the cooked T3 contains. */
  put(
    socket: number,
    id: number,
    entry: number,
    rawSec: number,
    rawNsec: number,
    sec: number,
    nsec: number,
    kind: number,
    addedNs: number,
  ): void {
    const at = this.at(socket, id);
    const { words } = this;
    words[at + P.ID] = id;
    words[at + P.SOCKET] = socket;
    words[at + P.ENTRY] = entry;
    words[at + P.RAW_SEC] = rawSec;
    words[at + P.RAW_NSEC] = rawNsec;
    words[at + P.COOKED_SEC] = sec;
    words[at + P.COOKED_NSEC] = nsec;
    words[at + P.ADDED] = (addedNs << KIND_BITS) | kind;
  }

  /** Slot of a reply, −1 when it is unknown; a slot is given out once. */
  take(socket: number, id: number): number {
    const at = this.at(socket, id);
    const { words } = this;
    if (words[at + P.ID] !== (id | 0) || words[at + P.SOCKET] !== socket || words[at + P.ENTRY] === NONE) return -1;
    return at;
  }

  /** `keep`: a better stamp of the same reply will follow. */
  entry(slot: number, keep = false): number {
    const entry = this.words[slot + P.ENTRY]!;
    if (!keep) this.words[slot + P.ENTRY] = NONE;
    return entry;
  }

  /** Nanoseconds from the daemon's T3 to a raw stamp; infinite when it is seconds away. */
  sinceT3(slot: number, rawSec: number, rawNsec: number): number {
    const sec = (rawSec - this.words[slot + P.RAW_SEC]!) | 0;
    if (sec < -1 || sec > 2) return Number.POSITIVE_INFINITY;
    return sec * 1e9 + rawNsec - this.words[slot + P.RAW_NSEC]!;
  }

  cookedSec(slot: number): number {
    return this.words[slot + P.COOKED_SEC]!;
  }

  cookedNsec(slot: number): number {
    return this.words[slot + P.COOKED_NSEC]!;
  }

  kind(slot: number): number {
    return this.words[slot + P.ADDED]! & ((1 << KIND_BITS) - 1);
  }

  addedNs(slot: number): number {
    return this.words[slot + P.ADDED]! >> KIND_BITS;
  }

  private at(socket: number, id: number): number {
    return ((id * 2 + (socket & 1)) & this.mask) * WORDS;
  }
}
