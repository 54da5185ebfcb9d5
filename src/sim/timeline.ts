import { type Instant, instant, NS_PER_S } from '../base/time.js';
import type { Seconds } from '../base/units.js';
import type { TrueTime } from './queue.js';

/**
 * What true time is called. Worlds begin on a whole UTC second, so whole seconds of true time are whole UTC seconds.
 * `leapAt`: true time at which 23:59:60 begins, when a leap second is inserted during the world, or at which the day
 * ends a second early, when one is deleted.
 */
export class Timeline {
  constructor(
    readonly start: Instant,
    readonly leapAt: TrueTime | undefined = undefined,
    readonly deleted = false,
  ) {}

  /** UTC as POSIX counts it: the inserted second repeats 23:59:59. */
  leapOffset(t: TrueTime): Seconds {
    if (this.leapAt === undefined || t < this.leapAt) return 0;
    return this.deleted ? 1 : -1;
  }

  /** The second that a receiver names at the pulse of true second k; 23:59:60 has the name of the midnight after it. */
  nameOf(k: number): { readonly utc: Instant; readonly leapSecond: boolean } {
    const leapSecond = k === this.leapAt && !this.deleted;
    const leapt = leapSecond ? 0 : this.leapOffset(k);
    return { utc: instant(this.start + BigInt(k + leapt) * NS_PER_S), leapSecond };
  }

  /** What a receiver announces in the last day before a leap second: 1 inserted, −1 deleted, 0 none. */
  leapPending(t: TrueTime): number {
    const coming = this.leapAt !== undefined && t < this.leapAt && t >= this.leapAt - 86400;
    return coming ? (this.deleted ? -1 : 1) : 0;
  }
}
