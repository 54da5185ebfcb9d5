import { addMono, type Instant, type Mono } from '../base/time.js';
import { PPM, type Seconds } from '../base/units.js';
import type { NtpSourceOptions } from '../core/ntp/client/options.js';
import { NO_SERVER } from '../core/ntp/state.js';
import type { ClockChange } from '../core/sample.js';
import { SourceSet } from '../core/sources/sourceset.js';
import type { Finding } from '../core/sources/types.js';
import type { EngineConfig } from './config.js';
import type { Effect, Now, NtpEvent } from './events.js';
import { NtpSide } from './ntp.js';

/** Directive `initstepslew`. */
export interface InitialOptions {
  /** s: what the clock is off by at least to be stepped; less is slewed. */
  readonly threshold: Seconds;
  readonly servers: readonly NtpSourceOptions[];
}

/** The engine as the first measurement sees it. */
export interface InitialHands {
  cook(raw: Instant): Instant;
  skewPpm(): number;
  effect(effect: Effect): void;
  fact(finding: Finding): void;
  /** The clock is slow by `offset`, as the servers agree. False: it was to be stepped, but that is not allowed (`-x`). */
  correct(offset: Seconds, step: boolean): boolean;
}

/** Samples without which a source says too little, and polls in which it has to get them (chrony). */
const WANTED_SAMPLES = 3;
const POLLS = 7;
/** s. Name servers that do not answer are not waited for any longer. */
const PATIENCE: Seconds = 30;
/** s from the last request to normal operation: a server that is asked in both is not asked too fast. */
const PAUSE: Seconds = 2;

/**
 * Directive `initstepslew`: before anything else a few servers are asked in quick succession, and the clock is put
 * right by what they agree on. Nobody is waited for who cannot help any more; a failure changes nothing.
 */
export class InitialMeasurement {
  private readonly sources: SourceSet;
  private readonly ntp: NtpSide;
  private readonly threshold: Seconds;
  /** Names without an address so far. */
  private readonly nameless = new Set<string>();
  /** Something has changed since the last judgement. */
  private heard = false;
  private deadline: Mono | undefined;
  private resumeAt: Mono | undefined;

  constructor(
    initial: InitialOptions,
    config: EngineConfig,
    private readonly hands: InitialHands,
  ) {
    const { selection, precision, discipline, seed, refresh } = config;
    this.threshold = initial.threshold;
    this.sources = new SourceSet([], selection, precision, discipline.maxclockerrorPpm * PPM);
    // Another stream than that of normal operation: what was sent here must not come again there.
    const own = seed.map((word, i) => (i === 0 ? ~word >>> 0 : word));
    const options = { sources: initial.servers, broadcasts: [], precision, seed: own, refresh };
    this.ntp = new NtpSide(options, {
      sources: this.sources,
      cook: (raw) => hands.cook(raw),
      skewPpm: () => hands.skewPpm(),
      effect: (effect) => {
        if (effect.kind === 'ntp-resolve') this.nameless.add(effect.name);
        hands.effect(effect);
      },
      fact: (finding) => hands.fact(finding),
      select: () => {
        this.heard = true;
      },
      use: (m) => m,
      server: () => NO_SERVER,
      served: () => NO_SERVER,
      heard: () => undefined,
    });
  }

  start(now: Now): void {
    this.deadline = addMono(now.mono, PATIENCE);
    this.ntp.start(now);
  }

  handle(event: NtpEvent, now: Now): void {
    this.ntp.handle(event, now);
    if (event.kind !== 'ntp-resolved' || !this.nameless.delete(event.name) || event.addresses.length > 0) return;
    // There is no time to ask again.
    this.ntp.sources.remove(event.name);
    const text = `Could not resolve address of initstepslew server ${event.name}`;
    this.hands.fact({ severity: 'warn', name: 'ntp.unresolved', text });
  }

  stepped(now: Now): void {
    this.ntp.stepped(now);
  }

  rebase(change: ClockChange): void {
    this.sources.rebase(change);
    this.ntp.sources.rebase(change);
  }

  /** Sends what is due. True: it is over, normal operation may begin. */
  due(now: Now): boolean {
    if (this.resumeAt !== undefined) return now.mono >= this.resumeAt;
    this.ntp.due(now);
    const offset = this.measure(now);
    if (offset === undefined && !this.isHopeless(now.mono)) return false;
    this.resumeAt = addMono(now.mono, PAUSE);
    if (this.ntp.sources.size > 0) this.conclude(offset);
    for (const { address } of this.sources.sourceReports(this.hands.cook(now.raw))) this.ntp.sources.remove(address!);
    return false;
  }

  /** When to be woken. */
  next(): Mono | undefined {
    return this.resumeAt ?? this.ntp.sources.next();
  }

  /** What the servers say; undefined: not yet. Who answers as well as the best is waited for, the others are not. */
  private measure(now: Now): Seconds | undefined {
    if (!this.heard) return undefined;
    this.heard = false;
    const { selected, offset, facts } = this.sources.select(this.hands.cook(now.raw));
    // That a source has been selected is news only in normal operation.
    for (const finding of facts) if (finding.severity !== 'info') this.hands.fact(finding);
    return selected !== undefined && this.sources.stats(selected).count >= WANTED_SAMPLES ? offset : undefined;
  }

  private isHopeless(now: Mono): boolean {
    if (this.deadline === undefined || now >= this.deadline) return true;
    return this.nameless.size === 0 && !this.ntp.sources.bursting().some((source) => this.canHelp(source));
  }

  private canHelp(source: number): boolean {
    return POLLS - this.sources.polls(source) + this.sources.stats(source).count >= WANTED_SAMPLES;
  }

  private conclude(offset: Seconds | undefined): void {
    const { hands } = this;
    if (offset === undefined) {
      hands.fact({ severity: 'warn', name: 'initial.failed', text: 'No suitable source for initstepslew' });
      return;
    }
    const step = Math.abs(offset) >= this.threshold;
    const off = `${Math.abs(offset).toFixed(6)} seconds ${offset > 0 ? 'slow' : 'fast'} of true`;
    const text = `System's initial offset : ${off} (${step ? 'step' : 'slew'})`;
    hands.fact({ severity: 'info', name: 'initial.offset', text, fields: { offset } });
    if (hands.correct(offset, step)) return;
    hands.fact({ severity: 'warn', name: 'initial.refused', text: 'Could not step system clock' });
  }
}
