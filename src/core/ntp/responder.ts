import { NTP_UNIX_OFFSET, nsecToFraction, toShort } from '../../base/ntp64.js';
import {
  META,
  SLOT_BYTES,
  SLOT_DATA,
  STAMP_FOLLOWED,
  TX_FLAG,
  TXSTAMP,
  TXSTAMP_WORDS,
  type Verifier,
} from '../../ports/transport.js';
import { HEADER, HEADER_BYTES, MODE, modeOf, NO_REPLY, packLvm, replyMode, versionOf } from '../../wire/ntp/header.js';
import { newTail, putCorrections, putMonoRoot, readTail, TAIL } from '../../wire/ntp/tail.js';
import { type ClientTable, SERVICE, tableTime } from '../access/clients.js';
import { hashAddress, mix } from '../access/hash.js';
import { LIMIT, RateLimiter, type RateLimitOptions } from '../access/ratelimit.js';
import type { AccessTree } from '../access/tree.js';
import { COUNTER } from './counters.js';
import { type InterleaveRing, NONE } from './interleave.js';
import { KeyTable, NO_KEY } from './keys.js';
import { LateTruth, latencyKind } from './latetruth.js';
import { DESK, type PeerDesk } from './peerdesk.js';
import { PendingStamps } from './pending.js';
import type { SnapshotReader } from './snapshot.js';

const SLOT_WORDS = SLOT_BYTES / 4;

/** What a responder looks into. Without clients and ring (`noclientlog`) it keeps nothing about anybody. */
export interface ResponderTables {
  readonly access: AccessTree;
  readonly clients: ClientTable | undefined;
  readonly ring: InterleaveRing | undefined;
  readonly counters: Float64Array;
}

/** Requests of mode 6: who may ask, and where the request in a slot goes. It is answered elsewhere, or not at all. */
export interface ControlDesk {
  admits(family: number, w0: number, w1: number, w2: number, w3: number): boolean;
  /** False: too many. */
  take(slot: number): boolean;
}

/** What a responder does beyond plain answers. */
export interface ResponderOptions {
  readonly limit?: RateLimitOptions | undefined;
  readonly verifier?: Verifier | undefined;
  readonly control?: ControlDesk | undefined;
  /** Who gets the packets of configured peers. */
  readonly peers?: PeerDesk | undefined;
  /** A transmit stamp of a packet that is not the responder's. */
  readonly otherStamp?: ((words: Uint32Array, at: number) => boolean) | undefined;
  /** Replies that may wait for their transmit stamps; undefined = 1024. */
  readonly txBuffers?: number | undefined;
  /** Correct T3 by what transmit stamps tell (default), or not (to measure the gain). */
  readonly lateTruth?: boolean | undefined;
  /** s that the request in a slot waited in transparent clocks; undefined: nobody can tell (`ptpport 0`). */
  readonly correction?: ((slot: number) => number) | undefined;
}

/** COOKIE of a reply whose transmit stamp only tells how long sending takes; of one that is timed without a stamp. */
const SAMPLE = -1;
const TIMED = -2;
/** µs: a request that waited longer is not answered any more; its sender has given up or asks again. */
const STALE_US = 1_000_000;
/** µs by which a receive stamp may lie ahead of the clock (hardware stamps are translated); more: the clock was set back. */
const AHEAD_US = -1000;
/** s for which something from before a step may lie in a socket: as long as a request may wait, and one. */
const LINGER = 2;
const COUNTED = -1;
const RATE_CODE = 0x52415445; // 'RATE'

/**
 * A jump of the cooked clock above this, s, is a step: exchanges from before it are not completed. Smaller changes
 * are adjustments, and an exchange begun before one is finished on the scale on which it was begun.
 */
const STEP = 1e-3;
/** A transmit stamp later than this after the daemon's own, ns, belongs to something else. */
const MAX_TX_LATENCY = 1e9;

/**
 * The server's side of NTP: answers requests in place in the slab. Synchronous, total on any input, allocates nothing
 * per packet: every judgement about a packet is made here and nowhere else.
 *
 * For each batch: serve(n), then the transport sends, then sent(n), then txStamps() with what the error queue held.
 *
 * Halves of NTP64 stamps are held as signed words: numbers above 2^31 would be boxed on the way through a call.
 *
 * Receive stamps carry a mark in the bits below the clock's precision: a keyed function of the address and the stamp,
 * and the lowest bit set. So they cannot be guessed, and only a client that has received a stamp of ours can bring it
 * back in the interleaved form: state for interleaving is not kept for anybody else (RFC 9769, 2; spoofed floods).
 */
export class Responder {
  private readonly view: DataView;
  private readonly meta: Uint32Array;
  private readonly tail = newTail();
  private readonly pending: PendingStamps;
  private readonly seed: number;
  private readonly markSeed: number;
  /** State of the generator for bits of transmit stamps below the precision; never 0. */
  private random: number;

  /** Facts of the batch, from the snapshot. */
  private leap = 3;
  private stratum = 0;
  private refId = 0;
  private rootDelay = 0;
  private rootDispersion = 0;
  private dispersion = 0;
  private refHi = 0;
  private refLo = 0;
  /** Bits of a fraction below the precision, without the lowest (the mark of receive stamps). */
  private fuzzMask = 0;
  /** 2^precision in ns. */
  private fuzzNs = 0;
  /** Correction in force at the end of the last batch, to see steps. */
  private lastCorrection = Number.NaN;
  private lastRate = 0;
  private lastSec = 0;

  /** Of the packet at hand: source address as four words (signed, so that none is boxed), its hash, its client record. */
  private family = 4;
  private a0 = 0;
  private a1 = 0;
  private a2 = 0;
  private a3 = 0;
  private hash = 0;
  private record = 0;
  private rxHi = 0;
  private rxLo = 0;
  private corrSec = 0;
  private corrNsec = 0;
  /** Slot of its key, the bytes of its MAC; NO_KEY and 0 without. */
  private key = NO_KEY;
  private mac = 0;
  private slot = 0;
  private keys = new KeyTable([]);
  private readonly limiter: RateLimiter | undefined;
  private readonly minPoll: number;
  private readonly late = new LateTruth();

  /** `seed` and `markSeed`: random words; clients and marks must not be predictable from outside. */
  constructor(
    slab: ArrayBuffer,
    private readonly tables: ResponderTables,
    private readonly snapshot: SnapshotReader,
    seed: number,
    markSeed: number,
    private readonly options: ResponderOptions = {},
  ) {
    this.view = new DataView(slab);
    this.pending = new PendingStamps(options.txBuffers);
    this.meta = new Uint32Array(slab);
    this.seed = seed | 0;
    this.markSeed = markSeed | 0;
    this.random = (seed ^ markSeed) | 1;
    const { limit } = options;
    const { clients } = tables;
    this.limiter = limit === undefined || clients === undefined ? undefined : new RateLimiter(limit, clients);
    this.minPoll = this.limiter === undefined ? -128 : limit!.interval;
  }

  /** From the next request on. */
  setKeys(keys: KeyTable): void {
    this.keys = keys;
  }

  /** Decides on slots 0…n−1: TX_LENGTH 0 = no reply, else the reply stands in the slot. */
  serve(n: number): void {
    if (n === 0) return;
    this.beginBatch();
    this.late.begin(n);
    const stepping = this.snapshot.stepping;
    const { counters } = this.tables;
    counters[COUNTER.received]! += n;
    counters[COUNTER.batches]!++;
    for (let slot = 0; slot < n; slot++) {
      const m = slot * SLOT_WORDS;
      this.meta[m + META.TX_LENGTH] = 0;
      this.meta[m + META.COOKIE] = NONE;
      this.slot = slot;
      const refusal = stepping ? COUNTER.stale : this.answer(m, slot * SLOT_BYTES + SLOT_DATA);
      if (refusal >= 0) counters[refusal]!++;
    }
  }

  /** After the send: remembers when replies to interleaving clients left, as far as is known yet. */
  sent(n: number): void {
    const { meta } = this;
    const { ring, counters } = this.tables;
    for (let slot = 0; slot < n; slot++) {
      const m = slot * SLOT_WORDS;
      if (meta[m + META.TX_LENGTH] === 0) continue;
      if (meta[m + META.TX_ERRNO] !== 0) counters[COUNTER.sendErrors]!++;
      else if (meta[m + META.COOKIE] !== NONE) this.remember(ring, m, slot);
    }
  }

  private remember(ring: InterleaveRing | undefined, m: number, slot: number): void {
    const { meta } = this;
    const entry = meta[m + META.COOKIE]! | 0;
    const kind = latencyKind(slot, meta[m + META.TX_KEY] !== 0);
    if (entry === SAMPLE || entry === TIMED) this.late.learnCall(kind, entry === SAMPLE, meta[m + META.RX_AGE]!);
    if (entry === TIMED) return;
    const sec = meta[m + META.T3_SEC_LO]! + (meta[m + META.TX_CORR_SEC]! | 0);
    const nsec = meta[m + META.T3_NSEC]! + (meta[m + META.TX_CORR_NSEC]! | 0);
    if (entry !== SAMPLE) ring?.setTransmit(entry, sec | 0, nsec, 0);
    this.pending.put(
      meta[m + META.SOCKET]!,
      meta[m + META.TX_ID]!,
      entry,
      meta[m + META.T3_SEC_LO]!,
      meta[m + META.T3_NSEC]!,
      sec | 0,
      nsec,
      kind,
      // A stamp that is told of later needs no noise: it cannot be guessed in time.
      this.lateness(kind) + (meta[m + META.TX_NOISE]! | 0),
    );
  }

  /** Refines transmit stamps with what the kernel or the network card says (`words`: TXSTAMP records). */
  txStamps(words: Uint32Array, n: number): void {
    const { ring, counters } = this.tables;
    for (let i = 0; i < n; i++) {
      const counter = this.refine(ring, words, i * TXSTAMP_WORDS);
      if (counter >= 0) counters[counter]!++;
    }
  }

  /** Counter of what came of a stamp; −1 for a sample. */
  private refine(ring: InterleaveRing | undefined, words: Uint32Array, at: number): number {
    const { pending } = this;
    const slot = pending.take(words[at + TXSTAMP.SOCKET]!, words[at + TXSTAMP.ID]!);
    if (slot < 0) return this.options.otherStamp?.(words, at) === true ? -1 : COUNTER.txStampsLost;
    const followed = (words[at + TXSTAMP.KIND]! & STAMP_FOLLOWED) !== 0;
    const entry = pending.entry(slot, followed);
    const late = pending.sinceT3(slot, words[at + TXSTAMP.SEC_LO]!, words[at + TXSTAMP.NSEC]!);
    const sample = entry === SAMPLE || ring === undefined;
    if (!(late >= 0 && late <= MAX_TX_LATENCY)) return sample ? -1 : COUNTER.txStampsLost;
    if (!followed) this.late.learn(pending.kind(slot), late);
    if (sample) return -1;
    // The cooked T3 contains what was expected already, and noise.
    const nsec = pending.cookedNsec(slot) + late - pending.addedNs(slot);
    ring.setTransmit(entry, pending.cookedSec(slot), nsec, words[at + TXSTAMP.KIND]! & ~STAMP_FOLLOWED);
    return COUNTER.txStamps;
  }

  /** Copies what is the same for all replies of a batch. */
  private beginBatch(): void {
    const s = this.snapshot;
    const rawSec = this.meta[META.RX_SEC_LO]!;
    this.watchSteps(rawSec);
    const synchronised = s.leap !== 3 && s.stratum > 0 && s.stratum < 16;
    this.leap = synchronised ? s.leap : 3;
    this.stratum = synchronised ? s.stratum : 0;
    this.refId = synchronised ? s.refId | 0 : 0;
    const cookedSec = rawSec + Math.floor(s.correction);
    const age = Math.max(0, (cookedSec - s.dispSec) | 0);
    this.rootDelay = toShort(s.rootDelay) | 0;
    this.dispersion = s.rootDispersion + age * s.dispersionRate;
    this.rootDispersion = toShort(this.dispersion) | 0;
    const hasReference = s.refSec !== 0 || s.refNsec !== 0;
    this.refHi = hasReference ? (s.refSec + NTP_UNIX_OFFSET) | 0 : 0;
    this.refLo = hasReference ? nsecToFraction(s.refNsec) | 0 : 0;
    const fuzzBits = Math.min(31, Math.max(1, 32 + s.precision));
    this.fuzzMask = ((1 << fuzzBits) - 1) & ~1;
    this.fuzzNs = Math.min(2 ** s.precision, 0.1) * 1e9;
  }

  /** Exchanges from before a step must not be completed after it. */
  private watchSteps(rawSec: number): void {
    const s = this.snapshot;
    const now = this.correctionAt(rawSec, 0);
    // What a slew of the old or the new rate may have moved since then; whole seconds, so one more.
    const slew = Math.max(Math.abs(s.rate), this.lastRate) * (Math.abs((rawSec - this.lastSec) | 0) + 1);
    if (Math.abs(now - this.lastCorrection) > STEP + slew) {
      this.tables.ring?.clear();
      this.tables.counters[COUNTER.steps]!++;
    }
    this.lastCorrection = now;
    this.lastRate = Math.abs(s.rate);
    this.lastSec = rawSec;
  }

  private correctionAt(rawSec: number, rawNsec: number): number {
    const s = this.snapshot;
    if (s.rate === 0) return s.correction;
    return s.correction + s.rate * (((rawSec - s.viewSec) | 0) + (rawNsec - s.viewNsec) * 1e-9);
  }

  /** Counter of the reason when there is no reply, COUNTED when there is one or it has been counted. */
  private answer(m: number, p: number): number {
    const { meta, view } = this;
    const length = meta[m + META.RX_LENGTH]!;
    if (meta[m + META.TRUNCATED] !== 0 || !this.hasSource(m)) return COUNTER.malformed;
    if (length > 0 && modeOf(view.getUint8(p + HEADER.LVM)) === MODE.CONTROL) return this.control(m);
    if (length < HEADER_BYTES || (length & 3) !== 0) return COUNTER.malformed;
    if (this.isStale(m)) return COUNTER.stale;
    const lvm = view.getUint8(p + HEADER.LVM);
    if (modeOf(lvm) !== MODE.CLIENT && this.symmetric()) return COUNTED;
    if (!this.admit(m)) return COUNTER.denied;
    const version = versionOf(lvm);
    const mode = replyMode(version, modeOf(lvm), meta[m + META.SRC_PORT]!);
    if (mode === NO_REPLY) return COUNTER.malformed;
    readTail(view, p, length, version, this.tail);
    if (this.tail.kind === TAIL.MALFORMED) return COUNTER.malformed;
    const verdict = this.count(m);
    if (verdict === LIMIT.DROP) return COUNTED;
    if (!this.authenticate(p, length, version)) return verdict === LIMIT.KISS ? COUNTED : COUNTER.unauthenticated;
    this.stampReceive(m);
    this.reply(m, p, version, mode, verdict === LIMIT.PASS);
    if (verdict === LIMIT.KISS) this.kiss(p, version, mode);
    return COUNTED;
  }

  /** Waited too long, or stamped on a scale that the clock has left since. */
  private isStale(m: number): boolean {
    const { meta } = this;
    const age = meta[m + META.RX_AGE]! | 0;
    if (age > STALE_US || age < AHEAD_US) return true;
    return this.snapshot.isFromBefore(meta[m + META.RX_SEC_LO]!, meta[m + META.RX_NSEC]!, LINGER);
  }

  /** Is it a configured peer's, or a reply to a request that left by this port? Then it is not answered here. */
  private symmetric(): boolean {
    const desk = this.options.peers?.take(this.slot, this.keys) ?? DESK.STRANGER;
    if (desk === DESK.STRANGER) return false;
    this.tables.counters[desk === DESK.TAKEN ? COUNTER.peers : COUNTER.peersDropped]!++;
    return true;
  }

  /** Mode 6 is answered to a few, elsewhere: its replies are longer than the requests. */
  private control(m: number): number {
    const { control } = this.options;
    this.readSource(m);
    const { family, a0, a1, a2, a3 } = this;
    const taken = control?.admits(family, a0, a1, a2, a3) === true && control.take(this.slot);
    return taken ? COUNTER.control : COUNTER.controlDropped;
  }

  /** True without a MAC, too; a MAC has to be that of one of our keys. */
  private authenticate(p: number, length: number, version: number): boolean {
    this.key = NO_KEY;
    this.mac = 0;
    if (this.tail.kind === TAIL.PLAIN) return true;
    const { verifier } = this.options;
    if (this.tail.kind !== TAIL.MAC || verifier === undefined) return false;
    const at = this.tail.macAt - p;
    const mac = length - at;
    const key = this.keys.find(this.view.getUint32(p + at), version, mac);
    if (key === NO_KEY || !verifier.verify(this.slot, key, at, mac)) return false;
    this.key = key;
    this.mac = mac;
    this.tables.counters[COUNTER.authenticated]!++;
    return true;
  }

  /** Makes the reply a kiss of death: no time in it is to be used (RFC 5905, 7.4). */
  private kiss(p: number, version: number, mode: number): void {
    this.view.setUint8(p + HEADER.LVM, packLvm(3, version, mode));
    this.view.setUint8(p + HEADER.STRATUM, 0);
    this.view.setInt32(p + HEADER.REFID, RATE_CODE);
    this.tables.counters[COUNTER.kisses]!++;
  }

  /** A source that can be answered: a port, and an address that is one host; sent to an address that is one host. */
  private hasSource(m: number): boolean {
    const { meta, view } = this;
    const from = view.getUint8((m + META.SRC_ADDR) * 4);
    const to = view.getUint8((m + META.DST_ADDR) * 4);
    if (meta[m + META.SRC_PORT] === 0) return false;
    if (meta[m + META.FAMILY] === 4) return from !== 0 && from < 224 && to < 224;
    return from !== 0xff && to !== 0xff;
  }

  private admit(m: number): boolean {
    this.readSource(m);
    const { family, a0, a1, a2, a3 } = this;
    this.hash = hashAddress(this.seed, family, a0, a1, a2, a3);
    return this.tables.access.isAllowed(family, a0, a1, a2, a3);
  }

  private readSource(m: number): void {
    const { view } = this;
    const at = (m + META.SRC_ADDR) * 4;
    this.family = this.meta[m + META.FAMILY]!;
    this.a0 = view.getInt32(at);
    if (this.family === 4) return;
    this.a1 = view.getInt32(at + 4);
    this.a2 = view.getInt32(at + 8);
    this.a3 = view.getInt32(at + 12);
  }

  /** Counts the request; what the rate limit says of it. */
  private count(m: number): number {
    const { meta, limiter } = this;
    const { clients, counters } = this.tables;
    counters[COUNTER.hits]!++;
    if (clients === undefined) return LIMIT.PASS;
    this.record = clients.touch(this.hash, this.family, this.a0, this.a1, this.a2, this.a3);
    const last = clients.lastNtp(this.record);
    const now = tableTime(meta[m + META.RX_SEC_LO]!, meta[m + META.RX_NSEC]!);
    clients.hit(this.record, SERVICE.NTP, now);
    if (limiter === undefined) return LIMIT.PASS;
    const verdict = limiter.judge(this.record, last, now, this.nextWord());
    if (verdict !== LIMIT.PASS) {
      clients.drop(this.record, SERVICE.NTP);
      counters[COUNTER.drops]!++;
    }
    return verdict;
  }

  /** Receive stamp: raw to cooked to NTP64, marked. Leaves the correction for the transmit stamp. */
  private stampReceive(m: number): void {
    const rawSec = this.meta[m + META.RX_SEC_LO]!;
    const rawNsec = this.meta[m + META.RX_NSEC]!;
    this.setCorrection(this.correctionAt(rawSec, rawNsec));
    let sec = rawSec + this.corrSec;
    let nsec = rawNsec + this.corrNsec;
    if (nsec >= 1e9) {
      nsec -= 1e9;
      sec++;
    }
    const hi = (sec + NTP_UNIX_OFFSET) | 0;
    const lo = nsecToFraction(nsec) | 0;
    this.rxHi = hi;
    this.rxLo = (lo & ~this.fuzzMask) | (this.mark(hi, lo) & this.fuzzMask) | 1;
  }

  /** Splits seconds into whole seconds and 0…999 999 999 ns. */
  private setCorrection(correction: number): void {
    const sec = Math.floor(correction);
    const nsec = Math.round((correction - sec) * 1e9);
    this.corrSec = nsec === 1e9 ? sec + 1 : sec;
    this.corrNsec = nsec === 1e9 ? 0 : nsec;
  }

  /** The bits below the precision that a receive stamp for the address at hand must have. */
  private mark(hi: number, lo: number): number {
    return mix(mix(this.hash ^ this.markSeed, hi), (lo & ~this.fuzzMask) >>> 1);
  }

  /** Did this address receive this stamp from us? The guess of a stranger passes once in 2^(fuzz bits). */
  private isMarked(hi: number, lo: number): boolean {
    return (lo & 1) === 1 && ((lo ^ this.mark(hi, lo)) & this.fuzzMask) === 0;
  }

  /** `stateful`: may be interleaved, and the next one, too. */
  private reply(m: number, p: number, version: number, mode: number, stateful: boolean): void {
    const { view, meta } = this;
    const originHi = view.getInt32(p + HEADER.ORIGIN);
    const originLo = view.getInt32(p + HEADER.ORIGIN + 4);
    const receiveHi = view.getInt32(p + HEADER.RECEIVE);
    const receiveLo = view.getInt32(p + HEADER.RECEIVE + 4);
    const transmitHi = view.getInt32(p + HEADER.TRANSMIT);
    const transmitLo = view.getInt32(p + HEADER.TRANSMIT + 4);
    const { ring } = this.tables;
    const asks =
      stateful &&
      ring !== undefined &&
      version === 4 &&
      (receiveHi !== transmitHi || receiveLo !== transmitLo) &&
      this.isMarked(originHi, originLo);
    this.writeHeader(p, version, mode);
    meta[m + META.TX_KEY] = this.key + 1;
    meta[m + META.TX_MAC] = this.mac;
    let end = p + HEADER_BYTES + this.echoUniqueId(p);
    end += this.putMonoRoot(end);
    end += this.putCorrections(end);
    meta[m + META.TX_LENGTH] = end - p + this.mac;
    meta[m + META.TX_FLAGS] = TX_FLAG.STAMP;
    this.correctTransmit(m);
    const previous = asks ? ring.find(originHi, originLo) : NONE;
    const kind = asks ? ring.kind(previous) : -1;
    const interleaved = asks && kind >= 0;
    if (interleaved) {
      this.put(p + HEADER.ORIGIN, receiveHi, receiveLo);
      this.finishInterleaved(ring, m, p, previous);
    } else {
      this.put(p + HEADER.ORIGIN, transmitHi, transmitLo);
    }
    // After the old entry was read: the new one may take its place.
    if (asks) this.keep(ring, m);
    if (!interleaved && meta[m + META.COOKIE] === NONE) this.sample(m);
    this.tally(m, kind);
  }

  /** If it is this reply's turn: asks when it leaves, or how long sending takes. */
  private sample(m: number): void {
    const { meta, late, slot } = this;
    if (slot === late.sampled) {
      meta[m + META.COOKIE] = SAMPLE;
      meta[m + META.TX_FLAGS] |= TX_FLAG.WANT_TX | TX_FLAG.TIME;
    } else if (slot === late.timed) {
      meta[m + META.COOKIE] = TIMED;
      meta[m + META.TX_FLAGS] |= TX_FLAG.TIME;
    }
  }

  /** Asks for the stamp of this reply, for the next request. */
  private keep(ring: InterleaveRing, m: number): void {
    const entry = ring.add(this.rxHi, this.rxLo);
    if (entry === NONE) return;
    this.meta[m + META.COOKIE] = entry;
    this.meta[m + META.TX_FLAGS] |= TX_FLAG.WANT_TX;
  }

  private finishInterleaved(ring: InterleaveRing, m: number, p: number, previous: number): void {
    const hi = (ring.transmitSec(previous) + NTP_UNIX_OFFSET) | 0;
    this.put(p + HEADER.TRANSMIT, hi, nsecToFraction(ring.transmitNsec(previous)) & ~1);
    this.meta[m + META.TX_FLAGS] &= ~TX_FLAG.STAMP;
    ring.use(previous);
    this.tables.counters[COUNTER.interleaved]!++;
    this.tables.clients?.prove(this.record);
  }

  private tally(m: number, txKind: number): void {
    const { counters } = this.tables;
    counters[COUNTER.daemonRx + Math.min(2, this.meta[m + META.RX_KIND]!)]!++;
    counters[COUNTER.daemonTx + Math.max(0, txKind)]!++;
  }

  private writeHeader(p: number, version: number, mode: number): void {
    const { view } = this;
    view.setUint8(p + HEADER.LVM, packLvm(this.leap, version, mode));
    view.setUint8(p + HEADER.STRATUM, this.stratum);
    // The poll field stays as the client sent it, unless that is more than it may ask.
    if (view.getInt8(p + HEADER.POLL) < this.minPoll) view.setInt8(p + HEADER.POLL, this.minPoll);
    view.setInt8(p + HEADER.PRECISION, this.snapshot.precision);
    view.setInt32(p + HEADER.ROOT_DELAY, this.rootDelay);
    view.setInt32(p + HEADER.ROOT_DISPERSION, this.rootDispersion);
    view.setInt32(p + HEADER.REFID, this.refId);
    this.put(p + HEADER.REFERENCE, this.refHi, this.refLo);
    this.put(p + HEADER.RECEIVE, this.rxHi, this.rxLo);
    this.put(p + HEADER.TRANSMIT, 0, 0);
  }

  private put(at: number, hi: number, lo: number): void {
    this.view.setInt32(at, hi);
    this.view.setInt32(at + 4, lo);
  }

  /** RFC 8915, 5.7: a unique identifier comes back. It is moved to stand right behind the header; returns its length. */
  private echoUniqueId(p: number): number {
    const { uniqueIdAt, uniqueIdBytes } = this.tail;
    if (uniqueIdAt === 0) return 0;
    const to = p + HEADER_BYTES;
    for (let i = 0; i < uniqueIdBytes; i += 4) this.view.setInt32(to + i, this.view.getInt32(uniqueIdAt + i));
    return uniqueIdBytes;
  }

  /** Returns its length. The monotonic stamp stays zero: "none"; what the client gains is the resolution of the root values. */
  private putMonoRoot(at: number): number {
    if (this.tail.monoRootAt === 0) return 0;
    return putMonoRoot(this.view, at, this.snapshot.rootDelay, this.dispersion);
  }

  /** ns that a reply of a kind takes to leave. */
  private lateness(kind: number): number {
    return this.options.lateTruth === false ? 0 : this.late.expected(kind);
  }

  private putCorrections(at: number): number {
    const { correction } = this.options;
    return correction === undefined ? 0 : putCorrections(this.view, at, this.tail, correction(this.slot));
  }

  /** What native adds to the T3 it reads: the correction, the time to the wire, and noise of ± half the precision around it. */
  private correctTransmit(m: number): void {
    let sec = this.corrSec;
    const late = this.lateness(latencyKind(this.slot, this.key !== NO_KEY));
    const noise = Math.round((this.nextWord() / 4294967296) * this.fuzzNs);
    this.meta[m + META.TX_NOISE] = noise | 0;
    let nsec = this.corrNsec + late + noise;
    if (nsec < 0) {
      nsec += 1e9;
      sec--;
    } else if (nsec >= 1e9) {
      nsec -= 1e9;
      sec++;
    }
    this.meta[m + META.TX_CORR_SEC] = sec;
    this.meta[m + META.TX_CORR_NSEC] = nsec;
  }

  /** A signed word: xorshift32 (Marsaglia 2003). Not a secret: it fills bits that carry no time, and picks whom a limit leaks. */
  private nextWord(): number {
    let x = this.random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.random = x;
    return x;
  }
}
