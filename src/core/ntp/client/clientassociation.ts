import type { KeyStream } from '../../../base/keystream.js';
import { fromNtp64, type Ntp64 } from '../../../base/ntp64.js';
import { add, addMono, diff, type Instant, type Mono } from '../../../base/time.js';
import type { Seconds, StampKind } from '../../../base/units.js';
import { MODE } from '../../../wire/ntp/header.js';
import { formatPacket, isZero, type NtpPacket, parsePacket, sameStamp, ZERO_STAMP } from '../../../wire/ntp/packet.js';
import { FIELD } from '../../../wire/ntp/tail.js';
import { type ClockChange, timeShift } from '../../sample.js';
import {
  Association,
  type Foretold,
  type Judgement,
  NOTHING,
  type Noise,
  type Outgoing,
  type Received,
  SILENT,
  type Surroundings,
} from './association.js';
import { Departure } from './departure.js';
import { type Exchange, type ExchangeFigures, figuresOf, type LastResponse, rebaseResponse } from './exchange.js';
import { ANY_CORRECTION, fieldsOf, MonoTrack, withCorrections, withMonoRoot } from './monoroot.js';
import type { NtpSourceOptions } from './options.js';
import { kissCode, SYNCED, serverTests, TEST, VALID } from './verdict.js';

/** `iburst`: good replies wanted, requests at most. */
const IBURST = { good: 4, total: 8 } as const;
/** `burst`: the same, for each poll, but no more often in the long run than minpoll allows. */
const BURST = { good: 1, total: 4 } as const;
/** s between the requests of a burst, or a quarter of the polling interval where that is shorter. */
const BURST_INTERVAL: Seconds = 2;
/** Polling intervals without a request after a KoD RATE. */
const RATE_PAUSE = 4;
/** log2 s. A server that asks for less is obeyed up to here (RFC 8633, 3.5: no longer than hours). */
const RATE_MAX_POLL = 10;
/** Interleaved requests without a valid reply in a row before a basic one. */
const INTERLEAVED_TRIES = 4;
/** s from the throw-away request of `presend` to the real one. */
const PRESEND_LEAD: Seconds = 2;
/** log2 s in the header of our requests: tells the server nothing about our clock. */
const HIDDEN_PRECISION = 32;
/** Share of the polling interval by which a request may leave too early: no more than chance moves it. */
const SLACK = 0.01;
/** s. A server that takes longer for its answer was asleep or lies. */
const MAX_RESPONSE: Seconds = 4;

const NEWEST_VERSION = 4;

interface Request {
  readonly serial: number;
  /** As they stood in the packet: the reply has to repeat one of them. */
  readonly receive: Ntp64;
  readonly transmit: Ntp64;
  readonly asksInterleaved: boolean;
  /** Its reply only warms the path up. */
  readonly presend: boolean;
  t1: { time: Instant; kind: StampKind };
}

/** A packet of a version that is not there yet may mean anything. */
const isReply = ({ mode, version }: NtpPacket): boolean =>
  mode === MODE.SERVER && version > 0 && version <= NEWEST_VERSION;

/** An NTP server: asked in client mode, each request answered once. */
export class ClientAssociation extends Association {
  private request: Request | undefined;
  private last: LastResponse | undefined;
  private serial = 0;
  private burstGood = 0;
  private burstTotal = 0;
  private presending = false;
  private interleavedMisses = 0;
  /** Fields of corrections that the server answers. */
  private corrections = ANY_CORRECTION;
  private readonly mono = new MonoTrack();
  private readonly departure = new Departure();

  constructor(options: NtpSourceOptions, address: string, random: KeyStream, now: Mono) {
    super(options, address, random, now);
    if (options.iburst && this.online) this.burst(IBURST.good, IBURST.total, undefined);
  }

  get bursting(): boolean {
    return this.burstTotal > 0;
  }

  setOnline(online: boolean, now: Mono): void {
    if (online && !this.online) {
      this.next = this.soon(now);
      if (this.options.iburst) this.burst(IBURST.good, IBURST.total, undefined);
    }
    this.online = online;
    if (!online) this.request = undefined;
  }

  burst(good: number, total: number, now: Mono | undefined): void {
    this.burstGood = good;
    this.burstTotal = total;
    if (now !== undefined) this.next = now;
  }

  due(at: Surroundings, raw: Instant): { readonly outgoing: Outgoing; readonly missed: boolean } {
    const missed = this.giveUp();
    const { poll, min } = this.polls;
    if (this.options.burst && this.online && !this.bursting) {
      this.burst(BURST.good, Math.min(BURST.total, 2 ** (poll - min)), undefined);
    }
    this.burstTotal = Math.max(0, this.burstTotal - 1);
    this.presending = !this.presending && !this.bursting && this.polls.poll >= this.options.presend;
    // Who left before its time does not come sooner for it the next time: the mean interval stays.
    if (at.mono > this.next) this.next = at.mono;
    this.next = addMono(this.next, this.interval());
    const outgoing = this.makeRequest(at, raw);
    return { outgoing, missed };
  }

  sent(serial: number, raw: Instant, kind: StampKind, at: Surroundings): void {
    this.counters.sent(kind);
    if (this.request?.serial === serial) this.request.t1 = { time: at.cook(raw), kind };
  }

  failed(serial: number): void {
    if (this.request?.serial === serial && this.options.connectivity === 'auto_offline')
      this.setOnline(false, this.next);
  }

  received(
    bytes: Uint8Array,
    raw: Instant,
    kind: StampKind,
    authentic: boolean,
    local: string | undefined,
    foretold: Foretold,
    at: Surroundings,
    correction: Seconds = 0,
  ): Received {
    this.counters.received(kind);
    const { request } = this;
    const packet = parsePacket(bytes);
    if (packet === undefined || !isReply(packet) || request === undefined) {
      return { ...NOTHING, tests: 0, synced: undefined };
    }
    const interleaved = this.isInterleaved(packet, request);
    let tests = this.validTests(packet, request, interleaved);
    const { plain, monoRoot, wait, corrections } = fieldsOf(bytes, packet.version);
    if (this.options.key === 0 ? plain : authentic) tests |= TEST.AUTHENTIC;
    const valid = (tests & VALID) === VALID;
    const kiss = valid || (tests | TEST.ZERO) === VALID ? kissCode(packet) : undefined;
    const t4 = { time: at.cook(raw), kind };
    if (kiss !== undefined) {
      const exchange = { t1: request.t1, t2: t4.time, t3: t4.time, t4 };
      const shown = {
        packet,
        exchange,
        interleaved: false,
        departed: false,
        presend: true,
        local,
        monoRoot: undefined,
      };
      if (valid) this.judge({ ...shown, tests: tests | serverTests(packet) }, foretold, at);
      return this.kissed(kiss, at.mono, tests);
    }
    if (!valid) return { ...NOTHING, tests, synced: undefined };
    this.counters.valid++;
    this.request = undefined;
    this.corrections = corrections;
    this.interleavedMisses = interleaved || !request.asksInterleaved ? 0 : this.interleavedMisses + 1;
    tests |= serverTests(packet);
    const synced = (tests & SYNCED) === SYNCED;
    const before = this.last;
    const waits = { request: wait, reply: correction };
    const t2 = fromNtp64(packet.receive.hi, packet.receive.lo)!;
    const t3 = fromNtp64(packet.transmit.hi, packet.transmit.lo)!;
    this.last = {
      receive: packet.receive,
      transmit: packet.transmit,
      t1: request.t1,
      t2,
      t3,
      t4,
      waits,
      used: !interleaved,
    };
    const { delay } = figuresOf({ t1: request.t1, t2, t3, t4 });
    if (!request.asksInterleaved) this.departure.basic(delay);
    else if (!interleaved) this.departure.refused();
    const root = this.wantsMonoRoot ? monoRoot : undefined;
    const moved = this.mono.moved(root, packet.receive);
    const news = {
      ...(moved === 0 ? {} : { moved }),
      ...(this.options.copy && synced ? { copied: packet.refId } : {}),
    };
    if (interleaved && before!.used) {
      this.departure.answered(diff(t3, before!.t3), figuresOf(before!).delay);
      return { ...NOTHING, tests, synced, ...news };
    }
    const exchange: Exchange = interleaved
      ? { t1: before!.t1, t2: before!.t2, t3, t4: before!.t4, waits: before!.waits }
      : { t1: request.t1, t2, t3: add(t3, this.departure.lead(delay)), t4, waits };
    const { presend } = request;
    const departed = interleaved || this.departure.isKnown;
    const j: Judgement = { packet, exchange, interleaved, departed, presend, tests, local, monoRoot: root };
    const followed = { ...foretold, offset: (time: Instant) => foretold.offset(time) + moved };
    return { ...this.judge(j, followed, at), ...news };
  }

  rebase(change: ClockChange): void {
    if (change.kind === 'unknown') {
      this.reset();
      return;
    }
    if (this.last !== undefined) this.last = rebaseResponse(change, this.last);
    if (this.request !== undefined) {
      const { t1 } = this.request;
      t1.time = add(t1.time, timeShift(change, t1.time));
    }
    this.filter?.rebase(change);
    if (change.kind !== 'leap') this.delays.shift(-change.doffset);
  }

  reset(): void {
    this.request = undefined;
    this.last = undefined;
    this.mono.reset();
    this.departure.reset();
    this.filter?.reset();
    this.delays.restart(false);
  }

  protected override onGood(now: Mono): void {
    this.burstGood--;
    if (!this.bursting || this.burstGood > 0) return;
    // Enough good replies: back to the polling interval.
    this.burstTotal = 0;
    this.next = addMono(now, this.interval());
  }

  protected plausible({ delay, responseTime }: ExchangeFigures, { precision }: Noise): boolean {
    return delay >= 0 && responseTime >= -precision && responseTime <= MAX_RESPONSE;
  }

  private get wantsMonoRoot(): boolean {
    return this.options.version === 4 && this.options.extfields.includes(FIELD.MONO_ROOT);
  }

  /**
   * No more than what the server answers: a request longer than its reply takes longer, 4 ns of error a byte at 1 Gb/s. After
   * a silence it may be another server.
   */
  private get askedCorrections(): readonly number[] {
    return this.misses < SILENT ? this.corrections : ANY_CORRECTION;
  }

  private get wantsCorrection(): boolean {
    return this.options.version === 4 && this.options.extfields.includes(FIELD.CORRECTION_EXPERIMENTAL);
  }

  private giveUp(): boolean {
    const { request } = this;
    if (request === undefined) return false;
    this.request = undefined;
    if (request.asksInterleaved) {
      this.interleavedMisses++;
      this.departure.refused();
    }
    this.miss();
    return true;
  }

  override get slack(): Seconds {
    return this.bursting || this.presending ? 0 : SLACK * this.pollInterval();
  }

  private interval(): Seconds {
    if (this.presending) return PRESEND_LEAD;
    const poll = this.pollInterval();
    return this.spread(this.bursting ? Math.min(BURST_INTERVAL, poll / 4) : poll);
  }

  /** Bursts are short, and each of their replies is wanted. */
  private get asksDeparture(): boolean {
    const plain = this.options.version === NEWEST_VERSION && !this.bursting && !this.presending;
    return plain && this.last?.used === true && this.departure.asks;
  }

  private makeRequest(at: Surroundings, raw: Instant): Outgoing {
    const { last, random, options } = this;
    const interleaves = options.xleave ? this.interleavedMisses < INTERLEAVED_TRIES : this.asksDeparture;
    const asksInterleaved = interleaves && last !== undefined;
    if (!asksInterleaved) this.interleavedMisses = 0;
    const stamp = (): Ntp64 => ({ hi: random.u32(), lo: (random.u32() | 1) >>> 0 });
    const receive = asksInterleaved ? stamp() : ZERO_STAMP;
    const transmit = stamp();
    const bytes = formatPacket({
      leap: 0,
      version: options.version,
      mode: MODE.CLIENT,
      stratum: 0,
      pollLog2: this.polls.poll,
      precisionLog2: HIDDEN_PRECISION,
      rootDelay: 0,
      rootDispersion: 0,
      refId: 0,
      reference: ZERO_STAMP,
      origin: asksInterleaved ? last.receive : ZERO_STAMP,
      receive,
      transmit,
    });
    const serial = ++this.serial;
    this.counters.requests++;
    const t1 = { time: at.cook(raw), kind: 'daemon' as StampKind };
    this.request = { serial, receive, transmit, asksInterleaved, presend: this.presending, t1 };
    const asking = this.wantsMonoRoot ? withMonoRoot(bytes) : bytes;
    const warm = asksInterleaved || this.departure.isKnown;
    return { serial, bytes: this.wantsCorrection ? withCorrections(asking, this.askedCorrections) : asking, warm };
  }

  private isInterleaved(packet: NtpPacket, request: Request): boolean {
    return request.asksInterleaved && sameStamp(packet.origin, request.receive);
  }

  /** Tests 1, 2 and 3. */
  private validTests(packet: NtpPacket, request: Request, interleaved: boolean): number {
    const { last } = this;
    let tests = 0;
    const copy =
      last !== undefined && sameStamp(packet.receive, last.receive) && sameStamp(packet.transmit, last.transmit);
    if (!copy) tests |= TEST.DUPLICATE;
    if (interleaved || sameStamp(packet.origin, request.transmit)) tests |= TEST.BOGUS;
    if (!isZero(packet.origin) && !isZero(packet.receive) && !isZero(packet.transmit)) tests |= TEST.ZERO;
    return tests;
  }

  private kissed(kiss: string, now: Mono, tests: number): Received {
    this.request = undefined;
    this.counters.valid++;
    if (kiss === 'RATE') {
      this.burstTotal = 0;
      this.polls.atLeast(Math.min(this.polls.poll + 1, RATE_MAX_POLL));
      this.next = addMono(now, RATE_PAUSE * this.interval());
    }
    if (kiss === 'DENY' || kiss === 'RSTR') this.setOnline(false, now);
    return { ...NOTHING, tests, synced: false, kiss };
  }
}
