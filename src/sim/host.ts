import type { Prng } from '../base/prng.js';
import type { Instant } from '../base/time.js';
import type { Seconds } from '../base/units.js';
import type { Event } from '../engine/events.js';
import type { TimeMessage } from '../wire/timemessage.js';
import type { SimClock } from './clock.js';
import type { Task, TrueTime } from './queue.js';
import type { Timeline } from './timeline.js';

/** What a twin sees of its world. The clock stands at the true time of the task that runs. */
export interface Host {
  /** True time now. */
  readonly t: TrueTime;
  readonly clock: SimClock;
  readonly timeline: Timeline;
  /** Gives an event to the engine, now. Lost while the machine is asleep. */
  post(event: Event): void;
  at(t: TrueTime, task: Task): void;
}

/** A twin: started once, lives by its own tasks. */
export interface Twin {
  start(host: Host): void;
}

/** Hands an event over later than it was stamped: interrupt, thread and queue in between. */
export const deliver = (host: Host, t: TrueTime, event: Event): void => {
  host.at(t, { run: () => host.post(event) });
};

/** Time from a stamp in the kernel to the daemon's hands on an idle board. */
export const handling = (rng: Prng): Seconds => 30e-6 + 20e-6 * rng.exponential();

/** A device of the daemon that does something at every whole true second from k = 1 on, while it is there. */
export abstract class SecondTwin implements Twin, Task {
  protected host!: Host;
  private k = 0;

  /** `source`: index of its refclock in the configuration. `present`: is the device there when the world begins. */
  constructor(
    protected readonly source: number,
    private present = true,
  ) {}

  start(host: Host): void {
    this.host = host;
    host.at(0, { run: () => this.announce() });
    host.at(++this.k, this);
  }

  run(t: TrueTime): void {
    if (this.present) this.second(this.k, t);
    this.host.at(++this.k, this);
  }

  /** The device is plugged in, or pulled out. */
  plug(present: boolean): void {
    this.present = present;
    this.announce();
  }

  protected abstract second(k: number, t: TrueTime): void;

  private announce(): void {
    const { source } = this;
    if (this.present) this.host.post({ kind: 'device', source, state: { kind: 'up' } });
    else
      this.host.post({
        kind: 'device',
        source,
        state: { kind: 'down', code: 'ERR_TB_DEVICE_MISSING', reason: 'not there' },
      });
  }
}

/** The epoch of a plain NMEA receiver; the caller adds what differs. */
export const nmeaEpoch = (utc: Instant, leapSecond: boolean, burstStart: Instant, arrival: Instant): TimeMessage => ({
  utc,
  leapSecond,
  valid: true,
  from: 'RMC',
  burstStart,
  arrival,
  bytesToEnd: 70,
  leapPending: undefined,
  gpsUtcLeap: undefined,
  accuracy: undefined,
  rolloverRepaired: false,
  satellitesUsed: 9,
  satellitesVisible: 12,
});
