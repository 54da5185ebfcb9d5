import type { Prng } from '../base/prng.js';
import type { Leap, Seconds } from '../base/units.js';
import { deliver, handling, SecondTwin } from './host.js';
import type { TrueTime } from './queue.js';

/** A reference that gives whole readings: SHM or SOCK written by another program, a PHC. */
export interface Readings {
  silent: boolean;
  sigma: Seconds;
  bias: Seconds;
  /** What the reading says of its own uncertainty (half a PHC bracket), s. */
  error: Seconds;
  /** Only the position in the second is told (SOCK pulse flag). */
  pulse: boolean;
  announcesLeap: boolean;
}

export const GOOD_READINGS: Readings = {
  silent: false,
  sigma: 1e-6,
  bias: 0,
  error: 0,
  pulse: false,
  announcesLeap: false,
};

/** Announcements as a reading has them. */
const LEAP_BITS: Readonly<Record<number, Leap>> = { 0: 0, 1: 1, [-1]: 2 };

/** Twin of ports/samples: SHM, SOCK and PHC differ in their noise and in `pulse`. */
export class SimReadings extends SecondTwin {
  readonly readings: Readings;

  constructor(
    source: number,
    private readonly rng: Prng,
    readings: Partial<Readings> = {},
    present = true,
  ) {
    super(source, present);
    this.readings = { ...GOOD_READINGS, ...readings };
  }

  protected second(_k: number, t: TrueTime): void {
    const { host, readings, source, rng } = this;
    const noise = readings.sigma * rng.normal() + readings.bias;
    if (readings.silent) return;
    // The late stamp makes the clock look fast. The offset keeps the fraction of a nanosecond that the stamp loses.
    const offset = host.timeline.leapOffset(t) - host.clock.error() - noise;
    const reading = {
      local: host.clock.realtime(noise),
      offset: readings.pulse ? offset - Math.round(offset) : offset,
      error: readings.error,
      leap: readings.announcesLeap ? LEAP_BITS[host.timeline.leapPending(t)]! : 0,
      pulse: readings.pulse,
    };
    deliver(host, t + Math.max(0, noise) + handling(rng), { kind: 'reading', source, reading });
  }
}
