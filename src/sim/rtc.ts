import type { Prng } from '../base/prng.js';
import { add, diff, fromUnix, type Instant } from '../base/time.js';
import type { Frequency, Seconds } from '../base/units.js';
import type { RtcEvent } from '../engine/events.js';
import type { Host, Twin } from './host.js';
import type { TrueTime } from './queue.js';

export interface RtcModel {
  /** RTC minus true UTC at t = 0, s. */
  readonly fast: Seconds;
  /** s/s, positive = it gains. */
  readonly gain: Frequency;
  /** Mean of the time from the start of its second to the stamp, s. */
  readonly latency: Seconds;
}

/** A chip that is set begins its next second half a second later (MC146818). */
const AFTER_SET: Seconds = 0.5;

/** Twin of the real-time clock: counts seconds by its own quartz, knows of no leap second, and is asked for updates. */
export class SimRtc implements Twin {
  private host!: Host;
  private fast: Seconds;
  private since: TrueTime = 0;
  /** How often it has been set. */
  sets = 0;

  constructor(
    private readonly model: RtcModel,
    private readonly rng: Prng,
  ) {
    this.fast = model.fast;
  }

  start(host: Host): void {
    this.host = host;
    host.at(0, { run: () => this.post({ kind: 'rtc-device', state: { kind: 'up' } }) });
  }

  /** RTC minus true time, s. */
  error(t: TrueTime): Seconds {
    return this.ahead(t) - this.host.timeline.leapOffset(t);
  }

  /** The second update from now is told. */
  measure(): void {
    const now = this.reading(this.host.t);
    const utc = fromUnix(now / 1_000_000_000n + 2n);
    const edge = this.host.t + diff(utc, now) / (1 + this.model.gain);
    this.host.at(edge + this.model.latency * this.rng.exponential(), {
      run: () => this.post({ kind: 'rtc-update', time: this.host.clock.realtime(), utc }),
    });
  }

  set(time: Instant): void {
    const { host } = this;
    this.fast = diff(add(time, 1 - AFTER_SET), add(host.timeline.start, host.t));
    this.since = host.t;
    this.sets++;
  }

  private post(event: RtcEvent): void {
    this.host.post(event);
  }

  /** Ahead of seconds that are counted without leaps. */
  private ahead(t: TrueTime): Seconds {
    return this.fast + this.model.gain * (t - this.since);
  }

  private reading(t: TrueTime): Instant {
    return add(this.host.timeline.start, t + this.ahead(t));
  }
}
