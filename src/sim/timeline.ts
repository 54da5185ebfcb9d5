import { type Instant, instant, NS_PER_S } from '../base/time.js';
import type { Seconds } from '../base/units.js';
import type { TrueTime } from './queue.js';

/**
 * What true time is called. Worlds begin on a whole UTC second, so whole seconds of true time are whole UTC seconds.
 * `leapAt`: true time at which 23:59:60 begins, when a leap second is inserted during the world.
 */
export class Timeline {
  constructor(
    readonly start: Instant,
    readonly leapAt: TrueTime | undefined = undefined,
  ) {}

  /** UTC as POSIX counts it: the inserted second repeats 23:59:59. */
  leapOffset(t: TrueTime): Seconds {
    return this.leapAt !== undefined && t >= this.leapAt ? -1 : 0;
  }

  /** The second that a receiver names at the pulse of true second k; 23:59:60 has the name of the midnight after it. */
  nameOf(k: number): { readonly utc: Instant; readonly leapSecond: boolean } {
    const past = this.leapAt !== undefined && k > this.leapAt;
    return { utc: instant(this.start + BigInt(k - (past ? 1 : 0)) * NS_PER_S), leapSecond: k === this.leapAt };
  }

  /** True while a leap second is announced: the last day before it. */
  leapPending(t: TrueTime): boolean {
    return this.leapAt !== undefined && t < this.leapAt && t >= this.leapAt - 86400;
  }
}
