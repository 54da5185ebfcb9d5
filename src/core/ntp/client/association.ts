import type { KeyStream } from '../../../base/keystream.js';
import { fromNtp64, type Ntp64 } from '../../../base/ntp64.js';
import { add, addMono, type Instant, type Mono } from '../../../base/time.js';
import type { Frequency, Seconds, StampKind } from '../../../base/units.js';
import { HEADER_BYTES, MODE } from '../../../wire/ntp/header.js';
import { formatPacket, isZero, type NtpPacket, parsePacket, sameStamp, ZERO_STAMP } from '../../../wire/ntp/packet.js';
import { newTail, readTail, TAIL } from '../../../wire/ntp/tail.js';
import type { NtpDataReport } from '../../report/reports.js';
import { type ClockChange, type Sample, timeShift } from '../../sample.js';
import { Counters } from './counters.js';
import { DelayModel } from './delay.js';
import { type Exchange, type ExchangeFigures, figuresOf, type LastResponse, rebaseResponse } from './exchange.js';
import { SampleFilter } from './filter.js';
import type { NtpSourceOptions } from './options.js';
import { PollControl } from './poll.js';
import { refIdOfAddress } from './refid.js';
import { delayTests, GOOD, kissCode, SYNCED, serverTests, TEST, VALID } from './verdict.js';

/** `iburst`: good replies wanted, requests at most. */
const IBURST = { good: 4, total: 8 } as const;
/** `burst`: the same, instead of one request that was not answered well. */
const BURST = { good: 1, total: 4 } as const;
/** s between the requests of a burst, or a quarter of the polling interval where that is shorter. */
const BURST_INTERVAL: Seconds = 2;
/** s from the start to the first request, and random beyond. */
const START_DELAY: Seconds = 0.1;
/** Random share of the polling interval, so that clients of a server do not march in step. */
const POLL_SPREAD = 0.02;
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

/** What an association may know of the rest of the daemon. */
export interface Surroundings {
  readonly mono: Mono;
  /** Raw to cooked time. */
  readonly cook: (raw: Instant) => Instant;
  /** s. */
  readonly precision: Seconds;
  /** Error of our clock's rate. */
  readonly skew: Frequency;
}

/** What the source's statistics foretell, for tests and polling. */
export interface Foretold {
  /** Samples that it rests on; 0 = nothing foretold. */
  readonly samples: number;
  readonly stdDev: Seconds;
  /** Foretold offset at a cooked instant. */
  readonly offset: (time: Instant) => Seconds;
}

/** A request that is to leave now. */
export interface Outgoing {
  readonly serial: number;
  readonly bytes: Uint8Array;
}

/** A reply or a request that was given up, and what came of it. */
export interface Received {
  /** Tests passed. */
  readonly tests: number;
  readonly synced: boolean;
  readonly sample: Sample | undefined;
  /** 1 sd of this sample's offset, and of an ordinary one of this source. */
  readonly sigma: Seconds;
  readonly usualSigma: Seconds;
  readonly kiss: string | undefined;
}

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

const NOTHING = { sample: undefined, sigma: 0, usualSigma: 0, kiss: undefined } as const;

/** Nothing behind the header, or extension fields that nobody asked for: a MAC would be somebody else's. */
const isPlain = (bytes: Uint8Array, version: number): boolean => {
  if (bytes.length === HEADER_BYTES) return true;
  if (bytes.length % 4 !== 0) return false;
  const tail = newTail();
  readTail(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.length, version, tail);
  return tail.kind === TAIL.PLAIN;
};

/** One NTP server at one address, as its client sees it. Synchronous; time and randomness are arguments. */
export class Association {
  readonly polls: PollControl;
  readonly counters = new Counters();
  readonly delays: DelayModel;
  /** Requests are sent. */
  online: boolean;
  /** When the next request is due. */
  next: Mono;
  private request: Request | undefined;
  private last: LastResponse | undefined;
  private serial = 0;
  private burstGood = 0;
  private burstTotal = 0;
  private presending = false;
  private readonly filter: SampleFilter | undefined;
  private misses = 0;
  private interleavedMisses = 0;
  private report: NtpDataReport | undefined;

  constructor(
    public options: NtpSourceOptions,
    readonly address: string,
    private readonly random: KeyStream,
    now: Mono,
  ) {
    const max = Math.max(options.minpoll, options.maxpoll);
    this.polls = new PollControl(options.minpoll, max, options.polltarget);
    this.delays = new DelayModel(options.asymmetry, options.mindelay);
    this.filter = options.filter > 1 ? new SampleFilter(options.filter) : undefined;
    this.online = options.connectivity !== 'offline';
    this.next = addMono(now, START_DELAY * (1 + random.uniform()));
    if (options.iburst && this.online) this.burst(IBURST.good, IBURST.total, undefined);
  }

  get bursting(): boolean {
    return this.burstTotal > 0;
  }

  setOnline(online: boolean, now: Mono): void {
    if (online && !this.online) {
      this.next = addMono(now, START_DELAY * (1 + this.random.uniform()));
      if (this.options.iburst) this.burst(IBURST.good, IBURST.total, undefined);
    }
    this.online = online;
    if (!online) this.request = undefined;
  }

  /** Several requests in quick succession; `now` undefined = at the time already set. */
  burst(good: number, total: number, now: Mono | undefined): void {
    this.burstGood = good;
    this.burstTotal = total;
    if (now !== undefined) this.next = now;
  }

  /** True while requests leave: online, or in a burst that was asked for. */
  isActive(): boolean {
    return this.online || this.bursting;
  }

  /**
   * The request due now. `missed`: the one before it stayed without a usable reply (the reachability register moves),
   * undefined = there was none before, or it was answered.
   */
  due(at: Surroundings, raw: Instant): { readonly outgoing: Outgoing; readonly missed: boolean } {
    const missed = this.giveUp();
    this.burstTotal = Math.max(0, this.burstTotal - 1);
    if (missed && this.options.burst && this.online && !this.bursting) this.burst(BURST.good, BURST.total, undefined);
    this.presending = !this.presending && !this.bursting && this.polls.poll >= this.options.presend;
    this.next = addMono(at.mono, this.interval());
    const outgoing = this.makeRequest(at, raw);
    return { outgoing, missed };
  }

  /** When the request really left, as far as the kernel or the card tells. */
  sent(serial: number, raw: Instant, kind: StampKind, at: Surroundings): void {
    this.counters.sent(kind);
    if (this.request?.serial === serial) this.request.t1 = { time: at.cook(raw), kind };
  }

  /** The request could not leave. */
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
  ): Received {
    this.counters.received(kind);
    const { request } = this;
    const packet = parsePacket(bytes);
    if (packet === undefined || packet.mode !== MODE.SERVER || request === undefined) {
      return { ...NOTHING, tests: 0, synced: false };
    }
    const interleaved = this.isInterleaved(packet, request);
    let tests = this.validTests(packet, request, interleaved);
    if (this.options.key === 0 ? isPlain(bytes, packet.version) : authentic) tests |= TEST.AUTHENTIC;
    const kiss = (tests & VALID) === VALID || (tests | TEST.ZERO) === VALID ? kissCode(packet) : undefined;
    if (kiss !== undefined) return this.kissed(kiss, at.mono, tests);
    if ((tests & VALID) !== VALID) return { ...NOTHING, tests, synced: false };
    this.counters.valid++;
    this.request = undefined;
    this.interleavedMisses = interleaved || !request.asksInterleaved ? 0 : this.interleavedMisses + 1;
    tests |= serverTests(packet);
    const synced = (tests & SYNCED) === SYNCED;
    const t4 = { time: at.cook(raw), kind };
    const before = this.last;
    const t2 = fromNtp64(packet.receive.hi, packet.receive.lo)!;
    const t3 = fromNtp64(packet.transmit.hi, packet.transmit.lo)!;
    this.last = { receive: packet.receive, transmit: packet.transmit, t1: request.t1, t2, t4, used: !interleaved };
    if (interleaved && before!.used) return { ...NOTHING, tests, synced };
    const exchange: Exchange = interleaved
      ? { t1: before!.t1, t2: before!.t2, t3, t4: before!.t4 }
      : { t1: request.t1, t2, t3, t4 };
    return this.judge(packet, exchange, interleaved, request.presend, tests, local, foretold, at);
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

  /** Forgets what was measured: the clock was moved, or the operator wants it. */
  reset(): void {
    this.request = undefined;
    this.last = undefined;
    this.filter?.reset();
    this.delays.restart(false);
  }

  /** Our address as this server sees it; undefined = no reply came yet. */
  get localAddress(): string | undefined {
    return this.report?.localAddress;
  }

  ntpData(): NtpDataReport | undefined {
    return this.report === undefined ? undefined : { ...this.report, ...this.counters.report() };
  }

  /** Enough good replies: back to the polling interval. */
  private endBurst(now: Mono): void {
    this.burstTotal = 0;
    this.next = addMono(now, this.interval());
  }

  private giveUp(): boolean {
    const { request } = this;
    if (request === undefined) return false;
    this.request = undefined;
    if (request.presend) return false;
    if (request.asksInterleaved) this.interleavedMisses++;
    this.misses++;
    this.filter?.miss();
    this.polls.silent();
    return true;
  }

  private interval(): Seconds {
    if (this.presending) return PRESEND_LEAD;
    const poll = this.polls.interval(this.misses < 8 ? this.delays.minimum : undefined);
    const base = this.bursting ? Math.min(BURST_INTERVAL, poll / 4) : poll;
    return base * (1 + POLL_SPREAD * (this.random.uniform() - 0.5));
  }

  private makeRequest(at: Surroundings, raw: Instant): Outgoing {
    const { last, random, options } = this;
    const asksInterleaved = options.xleave && last !== undefined && this.interleavedMisses < INTERLEAVED_TRIES;
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
    return { serial, bytes };
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

  private judge(
    packet: NtpPacket,
    exchange: Exchange,
    interleaved: boolean,
    presend: boolean,
    before: number,
    local: string | undefined,
    foretold: Foretold,
    at: Surroundings,
  ): Received {
    let tests = before;
    const figures = figuresOf(exchange);
    const precision = Math.max(at.precision, 2 ** Math.max(-32, Math.min(0, packet.precisionLog2)));
    const delay = Math.max(figures.delay, precision);
    const dispersion = precision + at.skew * Math.abs(figures.interval);
    const error = foretold.samples >= 3 ? Math.abs(figures.offset - foretold.offset(figures.time)) : undefined;
    const { minimum } = this.delays;
    const { maxdelayquant } = this.options;
    const quantile = maxdelayquant > 0 ? this.delays.quantile(maxdelayquant) : undefined;
    const { responseTime } = figures;
    const { stdDev } = foretold;
    tests |= delayTests(
      { delay: figures.delay, dispersion, precision, responseTime, minimum, quantile, error, stdDev },
      this.options,
    );
    const loops = packet.stratum > 1 && local !== undefined && packet.refId === refIdOfAddress(local);
    if (!loops && packet.stratum >= this.options.minstratum) tests |= TEST.LOOP;
    const synced = (tests & SYNCED) === SYNCED;
    this.note(packet, figures, exchange, delay, dispersion, tests, interleaved, local);
    if (!synced || (tests & TEST.DELAY) === 0) return { ...NOTHING, tests, synced };
    const { bias, sd, usualSd } = this.delays.take(figures.offset, delay, precision);
    if (presend) return { ...NOTHING, tests, synced };
    if ((tests & GOOD) !== GOOD) {
      this.filter?.miss();
      return { ...NOTHING, tests, synced };
    }
    this.counters.good++;
    this.misses = 0;
    this.burstGood--;
    if (this.bursting && this.burstGood <= 0) this.endBurst(at.mono);
    const offset = figures.offset - bias + this.options.offset;
    if (error !== undefined) this.polls.good(error, delay / 2 + dispersion, foretold.samples);
    const sample: Sample = {
      time: figures.time,
      offset,
      peerDelay: delay,
      peerDispersion: dispersion,
      rootDelay: packet.rootDelay + delay,
      rootDispersion: packet.rootDispersion + dispersion,
      stratum: packet.stratum,
      leap: packet.leap,
    };
    const weighed = { sample, sigma: sd, usualSigma: usualSd };
    const filtered = this.filter === undefined ? weighed : this.filter.add(weighed);
    return filtered === undefined ? { ...NOTHING, tests, synced } : { tests, synced, ...filtered, kiss: undefined };
  }

  private note(
    p: NtpPacket,
    figures: ExchangeFigures,
    exchange: Exchange,
    peerDelay: Seconds,
    peerDispersion: Seconds,
    tests: number,
    interleaved: boolean,
    local: string | undefined,
  ): void {
    this.report = {
      remoteAddress: this.address,
      localAddress: local,
      remotePort: this.options.port,
      leap: p.leap,
      version: p.version,
      mode: 'server',
      stratum: p.stratum,
      pollLog2: p.pollLog2,
      precisionLog2: p.precisionLog2,
      rootDelay: p.rootDelay,
      rootDispersion: p.rootDispersion,
      refId: p.refId,
      referenceTime: fromNtp64(p.reference.hi, p.reference.lo) ?? (0n as Instant),
      offset: figures.offset,
      peerDelay,
      peerDispersion,
      responseTime: figures.responseTime,
      jitterAsymmetry: this.delays.jitterAsymmetry,
      tests,
      interleaved,
      authenticated: this.options.key !== 0,
      txSource: exchange.t1.kind,
      rxSource: exchange.t4.kind,
      ...this.counters.report(),
    };
  }
}
