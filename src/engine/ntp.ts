import { KeyStream, type StreamSeed } from '../base/keystream.js';
import { diff, diffMono, type Instant, type Mono } from '../base/time.js';
import { PPM, type Seconds } from '../base/units.js';
import { type BroadcastOptions, Broadcasts } from '../core/ntp/broadcast.js';
import type { Received, Surroundings } from '../core/ntp/client/association.js';
import type { NtpSourceOptions } from '../core/ntp/client/options.js';
import { NtpSources } from '../core/ntp/client/sources.js';
import type { ServerState } from '../core/ntp/state.js';
import type { Measured } from '../core/refclock/types.js';
import type { SourceSet } from '../core/sources/sourceset.js';
import type { Finding } from '../core/sources/types.js';
import type { Effect, Now, NtpEvent } from './events.js';

/** The engine as its NTP sources see it. */
export interface NtpHands {
  readonly sources: SourceSet;
  cook(raw: Instant): Instant;
  /** ppm: how wrong the clock's rate may be. */
  skewPpm(): number;
  effect(effect: Effect): void;
  fact(finding: Finding): void;
  select(): void;
  /** A good measurement: the clock may follow it. Afterwards `latest` gives it as it stands on the corrected clock. */
  use(m: Measured): Measured;
  /** What we are as a server, without smoothing, and what clients are told. */
  server(): ServerState;
  served(): ServerState;
  /** For the log files: a reply of a source, after it has been used. */
  heard(source: number, received: Received): void;
}

/** s after a step of the raw clock during which stamps taken before it may still come in. */
const STEP_GUARD = 5;
/** With more sources than this the selection, which looks at all of them, waits for several replies, */
const MANY = 16;
/** but no longer than this, s; */
const SELECT_INTERVAL = 1;
/** where there are more than so many, longer in proportion: seconds are little against the polls of a crowd. */
const CROWD = 250;

/** What the configuration says about NTP towards others than clients. */
export interface NtpOptions {
  readonly sources: readonly NtpSourceOptions[];
  readonly broadcasts: readonly BroadcastOptions[];
  /** s after which names are resolved again. */
  readonly refresh: Seconds;
  /** s. */
  readonly precision: Seconds;
  readonly seed: StreamSeed;
}

/** Carries events to the NTP sources and what they want to the world. */
export class NtpSide {
  readonly sources: NtpSources;
  private readonly random: KeyStream;
  private broadcasts: Broadcasts | undefined;
  private lastStep: Mono | undefined;
  private lastSelect: Mono | undefined;
  private selectWanted = false;

  constructor(
    private readonly options: NtpOptions,
    private readonly hands: NtpHands,
  ) {
    this.random = new KeyStream(options.seed);
    this.sources = new NtpSources({
      sources: hands.sources,
      random: this.random,
      refresh: options.refresh,
      output: (o) => hands.effect({ ...o, kind: `ntp-${o.kind}` } as Effect),
      fact: (f) => hands.fact(f),
    });
  }

  start(now: Now): void {
    for (const options of this.options.sources) this.sources.add(options, now.mono);
    const { broadcasts } = this.options;
    if (broadcasts.length > 0) this.broadcasts = new Broadcasts(broadcasts, this.random, now.mono);
  }

  /** When something is to be sent. */
  next(): Mono | undefined {
    const request = this.sources.next();
    const broadcast = this.broadcasts?.next();
    return request === undefined || (broadcast !== undefined && broadcast < request) ? broadcast : request;
  }

  /** The raw clock was stepped, by us or by somebody. */
  stepped(now: Now): void {
    this.lastStep = now.mono;
  }

  /** Sends what is due. */
  due(now: Now): void {
    this.broadcast(now);
    if (this.sources.due(this.surroundings(now), now.raw)) this.selectWanted = true;
    if (!this.selectWanted) return;
    const { lastSelect } = this;
    const { size } = this.sources;
    const wait = SELECT_INTERVAL * Math.max(1, size / CROWD);
    const early = lastSelect !== undefined && diffMono(now.mono, lastSelect) < wait;
    if (early && size > MANY) return;
    this.selectWanted = false;
    this.lastSelect = now.mono;
    this.hands.select();
  }

  handle(event: NtpEvent, now: Now): void {
    switch (event.kind) {
      case 'ntp-sent':
        if (this.isFresh(event.time, now)) {
          const { source, serial, time, stamp, transmit } = event;
          this.sources.sent(source, serial, time, stamp, this.surroundings(now), transmit);
        }
        return;
      case 'ntp-failed':
        this.sources.failed(event.source, event.serial);
        return;
      case 'ntp-resolved':
        this.sources.resolved(event.name, event.addresses, now.mono);
        // The source that the clock follows may have been replaced.
        this.hands.select();
        return;
      case 'ntp-reply':
        if (this.isFresh(event.time, now)) this.reply(event, now);
        return;
    }
  }

  private reply(event: Extract<NtpEvent, { kind: 'ntp-reply' }>, now: Now): void {
    const { source, bytes, time, stamp, authentic, local, correction } = event;
    const at = this.surroundings(now);
    const received = this.sources.received(source, bytes, time, stamp, authentic, local, at, correction);
    if (received === undefined) return;
    const measured = measuredOf(source, received);
    if (measured !== undefined) {
      const { sample } = this.hands.use(measured);
      this.hands.sources.accumulate(source, sample);
    }
    if (received.synced !== undefined) this.selectWanted = true;
    this.hands.heard(source, received);
  }

  private broadcast(now: Now): void {
    const { broadcasts, hands } = this;
    if (broadcasts === undefined) return;
    for (const packet of broadcasts.due(now.mono, now.raw, hands.cook(now.raw), () => hands.served())) {
      hands.effect({ kind: 'ntp-broadcast', ...packet });
    }
  }

  private surroundings(now: Now): Surroundings {
    return {
      mono: now.mono,
      cook: (raw) => this.hands.cook(raw),
      precision: this.options.precision,
      skew: Math.min(this.hands.skewPpm(), 1000) * PPM,
      server: () => this.hands.server(),
    };
  }

  /** Stamps that were taken before the raw clock was stepped, but come in after it, are on the old scale. */
  private isFresh(stamp: Instant, now: Now): boolean {
    if (this.lastStep === undefined) return true;
    const sinceStep = diffMono(now.mono, this.lastStep);
    if (sinceStep > STEP_GUARD) return true;
    const age = diff(now.raw, stamp);
    return age >= 0 && age <= sinceStep;
  }
}

const measuredOf = (source: number, r: Received): Measured | undefined =>
  r.sample === undefined
    ? undefined
    : {
        source,
        sample: r.sample,
        sigma: r.usualSigma,
        relative: (r.sigma / r.usualSigma) ** 2,
        pulse: false,
      };
