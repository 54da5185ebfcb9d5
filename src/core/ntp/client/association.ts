import type { KeyStream } from '../../../base/keystream.js';
import { fromNtp64, type Ntp64 } from '../../../base/ntp64.js';
import type { RefId } from '../../../base/refid.js';
import { addMono, type Instant, type Mono } from '../../../base/time.js';
import type { Frequency, Seconds, StampKind } from '../../../base/units.js';
import { MODE } from '../../../wire/ntp/header.js';
import type { NtpPacket } from '../../../wire/ntp/packet.js';
import type { NtpDataReport } from '../../report/reports.js';
import type { ClockChange, Sample } from '../../sample.js';
import type { ServerState } from '../state.js';
import { Counters } from './counters.js';
import { corrected, type Exchange, type ExchangeFigures, figuresOf } from './exchange.js';
import { SampleFilter } from './filter.js';
import type { MonoRoot } from './monoroot.js';
import type { NtpSourceOptions } from './options.js';
import { PathDelays } from './pathdelays.js';
import { PollControl } from './poll.js';
import { refIdOfAddress } from './refid.js';
import { delayTests, GOOD, isOurself, SYNCED, TEST } from './verdict.js';

/** s from the start to the first packet, and random beyond. */
const START_DELAY: Seconds = 0.1;
/** Random share of the polling interval, so that clients of a server do not march in step. */
const POLL_SPREAD = 0.02;

/** What an association may know of the rest of the daemon. */
export interface Surroundings {
  readonly mono: Mono;
  /** Raw to cooked time. */
  readonly cook: (raw: Instant) => Instant;
  /** s. */
  readonly precision: Seconds;
  /** Error of our clock's rate. */
  readonly skew: Frequency;
  /** What we are as a server, without smoothing. */
  readonly server: () => ServerState;
}

/** What the source's statistics foretell, for tests and polling. */
export interface Foretold {
  /** Samples that it rests on; 0 = nothing foretold. */
  readonly samples: number;
  readonly stdDev: Seconds;
  /** Foretold offset at a cooked instant. */
  readonly offset: (time: Instant) => Seconds;
  /** What the rate's error may have added to that since the last sample. */
  readonly drift: (time: Instant) => Seconds;
}

/** A packet that is to leave now. */
export interface Outgoing {
  readonly serial: number;
  readonly bytes: Uint8Array;
  /** The departure of its reply will be known: a request that is held up between its stamp and the wire would be all of the error. */
  readonly warm?: boolean;
}

/** A reply or a request that was given up, and what came of it. */
export interface Received {
  /** Tests passed. */
  readonly tests: number;
  /** For the reachability register: the server answered, and is synchronised or not; undefined = it did not answer. */
  readonly synced: boolean | undefined;
  readonly sample: Sample | undefined;
  /** 1 sd of this sample's offset, and of an ordinary one of this source. */
  readonly sigma: Seconds;
  readonly usualSigma: Seconds;
  readonly kiss: string | undefined;
  /** The source has moved its clock forward by so much since its last reply, and says so. */
  readonly moved?: Seconds;
  /** `copy`: the reference of the server, that is to be ours. */
  readonly copied?: RefId;
}

/** An exchange that is to be judged. */
export interface Judgement {
  readonly packet: NtpPacket;
  readonly exchange: Exchange;
  readonly interleaved: boolean;
  /** t3 is when it left, and not when it was about to leave. */
  readonly departed: boolean;
  /** Its reply only warms the path up. */
  readonly presend: boolean;
  /** Tests passed so far. */
  readonly tests: number;
  readonly monoRoot: MonoRoot | undefined;
  /** Our address. */
  readonly local: string | undefined;
}

/** What an exchange may be wrong by, s: the stamps alone, and with what our rate adds while it lasts. */
export interface Noise {
  readonly precision: Seconds;
  readonly dispersion: Seconds;
}

/** Samples from which on a standard deviation is believed. */
const FORETELLING = 6;

export const NOTHING = { sample: undefined, sigma: 0, usualSigma: 0, kiss: undefined } as const;

/** Packets in a row without a good reply after which nothing is taken to be as it was. */
export const SILENT = 8;

/** One NTP server or peer at one address, as we see it. Synchronous; time and randomness are arguments. */
export abstract class Association {
  readonly polls: PollControl;
  readonly counters = new Counters();
  readonly delays: PathDelays;
  /** Packets are sent. */
  online: boolean;
  /** The clock follows it. */
  followed = false;
  /** When the next packet is due. */
  next: Mono;
  protected readonly filter: SampleFilter | undefined;
  /** Packets in a row that brought no good reply. */
  protected misses = 0;
  private report: NtpDataReport | undefined;

  constructor(
    public options: NtpSourceOptions,
    readonly address: string,
    protected readonly random: KeyStream,
    now: Mono,
  ) {
    const max = Math.max(options.minpoll, options.maxpoll);
    this.polls = new PollControl(options.minpoll, max, options.polltarget);
    this.delays = new PathDelays(options.asymmetry, options.mindelay);
    this.filter = options.filter > 1 ? new SampleFilter(options.filter) : undefined;
    this.online = options.connectivity !== 'offline';
    this.next = this.soon(now);
  }

  abstract get bursting(): boolean;
  /** Several requests in quick succession; `now` undefined = at the time already set. */
  abstract burst(good: number, total: number, now: Mono | undefined): void;
  abstract setOnline(online: boolean, now: Mono): void;
  /**
   * The packet due now. `missed`: the one before it stayed without a usable reply (the reachability register moves),
   * undefined = there was none before, or it was answered.
   */
  abstract due(at: Surroundings, raw: Instant): { readonly outgoing: Outgoing; readonly missed: boolean };
  /**
   * When the packet really left, as far as the kernel or the card tells. `transmit`: the stamp that was put into it, where
   * that was left to the sender.
   */
  abstract sent(serial: number, raw: Instant, kind: StampKind, at: Surroundings, transmit?: Ntp64): void;
  /** The packet could not leave. */
  abstract failed(serial: number): void;
  /**
   * `raw`, `kind`: when it came in; `authentic`: sealed with the key of this source; `local`: our address; `correction`: s
   * that it waited in transparent clocks.
   */
  abstract received(
    bytes: Uint8Array,
    raw: Instant,
    kind: StampKind,
    authentic: boolean,
    local: string | undefined,
    foretold: Foretold,
    at: Surroundings,
    correction?: Seconds,
  ): Received;
  abstract rebase(change: ClockChange): void;
  /** Forgets what was measured: the clock was moved, or the operator wants it. */
  abstract reset(): void;
  /** Are delay and response time possible in this mode? `noise`: error of the stamps, s. */
  protected abstract plausible(figures: ExchangeFigures, noise: Noise, j: Judgement): boolean;

  /** s. By so much before `next` a packet may leave together with another. */
  get slack(): Seconds {
    return 0;
  }

  /** True while packets leave: online, or in a burst that was asked for. */
  isActive(): boolean {
    return this.online || this.bursting;
  }

  /** Our address as this server sees it; undefined = no reply came yet. */
  get localAddress(): string | undefined {
    return this.report?.localAddress;
  }

  ntpData(): NtpDataReport | undefined {
    return this.report === undefined ? undefined : { ...this.report, ...this.counters.report() };
  }

  /** A good sample came of a reply. */
  protected onGood(_now: Mono): void {}

  /** The first moment after `now` at which a packet may leave. */
  protected soon(now: Mono): Mono {
    return addMono(now, START_DELAY * (1 + this.random.uniform()));
  }

  protected spread(interval: Seconds): Seconds {
    return interval * (1 + POLL_SPREAD * (this.random.uniform() - 0.5));
  }

  /** s between packets, as the servo of the polling interval wants it. */
  protected pollInterval(): Seconds {
    return this.polls.interval(this.misses < SILENT ? this.delays.minimum : undefined);
  }

  /** The packet before stays without a usable reply. */
  protected miss(): void {
    this.misses++;
    this.filter?.miss();
    this.polls.silent(this.followed);
  }

  /** Tests A to D, and the sample if all are passed. */
  protected judge(j: Judgement, foretold: Foretold, at: Surroundings): Received {
    let { tests } = j;
    const { packet, local } = j;
    const whole = figuresOf(j.exchange);
    const figures = corrected(whole, j.exchange);
    const precision = Math.max(at.precision, 2 ** Math.max(-32, Math.min(0, packet.precisionLog2)));
    const delay = Math.max(figures.delay, precision);
    const dispersion = precision + at.skew * Math.abs(figures.interval);
    const error = foretold.samples >= 3 ? Math.abs(figures.offset - foretold.offset(figures.time)) : undefined;
    const delays = this.delays.select(j.exchange.t1.kind, j.exchange.t4.kind, j.departed);
    const { minimum } = delays;
    const { maxdelayquant } = this.options;
    const quantile = maxdelayquant > 0 ? delays.quantile(maxdelayquant) : undefined;
    const plausible = this.plausible(figures, { precision, dispersion }, j);
    // A few samples may agree by chance: what varies by nothing would refuse everything, for ever.
    const usual = foretold.samples >= FORETELLING ? error : undefined;
    const { stdDev } = foretold;
    const drift = foretold.drift(figures.time);
    const timing = {
      delay: figures.delay,
      dispersion,
      precision,
      plausible,
      minimum,
      quantile,
      error: usual,
      stdDev,
      drift,
    };
    const synced = (tests & SYNCED) === SYNCED;
    // Who has no time is not asked how good it is.
    if (synced) tests |= delayTests(timing, this.options);
    const loops = packet.stratum > 1 && local !== undefined && packet.refId === refIdOfAddress(local);
    const loop = loops || isOurself(packet, at.server());
    if (synced && !loop) tests |= TEST.LOOP;
    this.note(j, figures, delay, dispersion, tests);
    if (!synced || (tests & TEST.DELAY) === 0) return { ...NOTHING, tests, synced };
    // A peer lets its answer wait: the round trip is as uncertain then as our rate makes it, whatever the path is like.
    const noise = packet.mode === MODE.SERVER ? precision : dispersion;
    const { bias, sd, usualSd } = delays.take(figures.offset, delay, noise);
    if (j.presend) return { ...NOTHING, tests, synced };
    if ((tests & GOOD) !== GOOD) {
      this.filter?.miss();
      return { ...NOTHING, tests, synced };
    }
    this.counters.good++;
    this.misses = 0;
    this.onGood(at.mono);
    if (error !== undefined) this.polls.good(error, delay / 2 + dispersion, foretold.samples);
    const { rootDelay, rootDispersion } = j.monoRoot ?? packet;
    const sample: Sample = {
      time: figures.time,
      offset: figures.offset - bias + this.options.offset,
      peerDelay: delay,
      peerDispersion: dispersion,
      // Corrections cannot be verified: the largest possible error stays as it is without them.
      rootDelay: rootDelay + Math.max(delay, whole.delay),
      rootDispersion: rootDispersion + dispersion,
      // Who copies the reference of a server stands beside it, not behind.
      stratum: Math.max(this.options.minstratum, this.options.copy ? packet.stratum - 1 : packet.stratum),
      leap: packet.leap,
    };
    const weighed = { sample, sigma: sd, usualSigma: usualSd };
    const filtered = this.filter === undefined ? weighed : this.filter.add(weighed);
    return filtered === undefined ? { ...NOTHING, tests, synced } : { tests, synced, ...filtered, kiss: undefined };
  }

  private note(j: Judgement, figures: ExchangeFigures, delay: Seconds, dispersion: Seconds, tests: number): void {
    const { packet: p, exchange } = j;
    this.report = {
      remoteAddress: this.address,
      localAddress: j.local,
      remotePort: this.options.port,
      leap: p.leap,
      version: p.version,
      mode: p.mode === MODE.ACTIVE ? 'active' : p.mode === MODE.PASSIVE ? 'passive' : 'server',
      stratum: p.stratum,
      pollLog2: p.pollLog2,
      precisionLog2: p.precisionLog2,
      rootDelay: p.rootDelay,
      rootDispersion: p.rootDispersion,
      refId: p.refId,
      referenceTime: fromNtp64(p.reference.hi, p.reference.lo) ?? (0n as Instant),
      offset: figures.offset,
      peerDelay: delay,
      peerDispersion: dispersion,
      responseTime: figures.responseTime,
      jitterAsymmetry: this.delays.jitterAsymmetry,
      tests,
      interleaved: j.interleaved,
      authenticated: this.options.key !== 0,
      txSource: exchange.t1.kind,
      rxSource: exchange.t4.kind,
      ...this.counters.report(),
    };
  }
}
