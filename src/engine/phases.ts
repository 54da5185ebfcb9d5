import type { Mono } from '../base/time.js';
import type { ClockChange } from '../core/sample.js';
import type { EngineConfig } from './config.js';
import type { Now, NtpEvent } from './events.js';
import { type InitialHands, InitialMeasurement } from './initial.js';
import { type NtpHands, NtpSide } from './ntp.js';

/** The first measurement, where one is configured, and after it the sources of normal operation. */
export class NtpPhases {
  readonly ntp: NtpSide;
  private initial: InitialMeasurement | undefined;

  constructor(config: EngineConfig, hands: NtpHands & InitialHands) {
    const { ntpSources: sources, broadcasts = [], precision, seed, refresh } = config;
    this.ntp = new NtpSide({ sources, broadcasts, precision, seed, refresh }, hands);
    if (config.initial !== undefined) this.initial = new InitialMeasurement(config.initial, config, hands);
  }

  /** Normal operation has not begun. */
  get measuring(): boolean {
    return this.initial !== undefined;
  }

  start(now: Now): void {
    (this.initial ?? this.ntp).start(now);
  }

  handle(event: NtpEvent, now: Now): void {
    this.initial?.handle(event, now);
    // Names of sources that were added meanwhile are resolved for later.
    if (this.initial === undefined || event.kind === 'ntp-resolved') this.ntp.handle(event, now);
  }

  /** Sends what is due. */
  due(now: Now): void {
    if (this.initial === undefined) {
      this.ntp.due(now);
      return;
    }
    if (!this.initial.due(now)) return;
    this.initial = undefined;
    this.ntp.start(now);
  }

  /** When to be woken. */
  next(): Mono | undefined {
    return this.initial === undefined ? this.ntp.next() : this.initial.next();
  }

  /** The raw clock was stepped, by us or by somebody. */
  stepped(now: Now): void {
    this.ntp.stepped(now);
    this.initial?.stepped(now);
  }

  rebase(change: ClockChange): void {
    this.ntp.sources.rebase(change);
    this.initial?.rebase(change);
  }
}
