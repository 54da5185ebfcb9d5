import { type Instant, instant, maxInstant, NS_PER_S } from '../../base/time.js';
import {
  dayAt,
  instantOf,
  isMonthEnd,
  nearestDay,
  ROLLOVER_DAYS,
  resolveDay,
  SECONDS_PER_DAY,
  type WrittenDate,
} from './calendar.js';
import { isLeapSecond } from './timed.js';

/**
 * From written dates to instants that can be believed: century, 1024-week era, order.
 *
 * A receiver knows the GPS week modulo 1024 and guesses the era from the year its firmware was built in; some day it
 * shows a date 1024 weeks back. No time earlier than `notBefore` is possible, so eras are added until it is not.
 */

export type TimelineReject = 'date' | 'leap-second' | 'future' | 'rollover' | 'backward' | 'no-date';

export interface Resolved {
  readonly utc: Instant;
  readonly leapSecond: boolean;
  readonly rolloverRepaired: boolean;
}

const DAY = SECONDS_PER_DAY * NS_PER_S;
const ERA = BigInt(ROLLOVER_DAYS) * DAY;
/** Jumps within a day of a whole era count as one: the outage between two fixes may have lasted. */
const ERA_TOLERANCE = DAY;
/** So many consecutive epochs that go forward on an earlier time line are believed to be the true one. */
export const RESTART_AFTER = 10;
/** A bare time of day is completed from the last date only for so long: after half a day "nearest" would lie. */
const CARRY_LIMIT = 6n * 3600n * NS_PER_S;

export class Timeline {
  private last: { readonly utc: Instant; readonly leapSecond: boolean; readonly arrival: Instant } | undefined;
  private stray: { readonly utc: Instant; readonly count: number } | undefined;

  /**
   * @param now the best time known before the receiver speaks: resolves two-digit years
   * @param notBefore no earlier time is possible
   */
  constructor(
    private readonly now: Instant,
    private readonly notBefore: Instant,
  ) {}

  /** Reads a written date and time of day. Does not remember it. */
  resolve(date: WrittenDate, msOfDay: number): Resolved | TimelineReject {
    const near = this.last === undefined ? this.now : maxInstant(this.now, this.last.utc);
    const day = resolveDay(date, dayAt(near));
    if (day === undefined) return 'date';
    const written = instantOf(day, msOfDay);
    const utc = this.repair(written);
    if (typeof utc === 'string') return utc;
    const eras = (utc - written) / ERA;
    return this.finish(day + Number(eras) * ROLLOVER_DAYS, msOfDay, eras !== 0n);
  }

  /** Completes a time of day with the date last accepted, if that was not long ago (raw arrival times). */
  carry(msOfDay: number, arrival: Instant): Resolved | TimelineReject {
    if (this.last === undefined) return 'no-date';
    const since = arrival - this.last.arrival;
    if (since < -CARRY_LIMIT || since > CARRY_LIMIT) return 'no-date';
    return this.finish(nearestDay(this.last.utc, msOfDay), msOfDay, false);
  }

  /** Takes a valid epoch into the line, or refuses it because it goes backward. */
  advance(at: Resolved, arrival: Instant): 'backward' | undefined {
    if (this.last !== undefined && !after(at, this.last) && !this.restarted(at.utc)) return 'backward';
    this.stray = undefined;
    this.last = { utc: at.utc, leapSecond: at.leapSecond, arrival };
    return undefined;
  }

  private finish(day: number, msOfDay: number, rolloverRepaired: boolean): Resolved | TimelineReject {
    const leapSecond = isLeapSecond(msOfDay);
    // Looked at after the repair: the month's end of the true date counts.
    if (leapSecond && !isMonthEnd(day)) return 'leap-second';
    return { utc: instantOf(day, msOfDay), leapSecond, rolloverRepaired };
  }

  private repair(written: Instant): Instant | TimelineReject {
    const horizon = maxInstant(this.now, this.last?.utc ?? this.now);
    const missing = written < this.notBefore ? (this.notBefore - written + ERA - 1n) / ERA : 0n;
    const utc = this.rejoin(instant(written + missing * ERA));
    if (utc < this.notBefore) return 'rollover';
    if (utc > horizon + ERA) return 'future';
    // Two eras back is a receiver of the early nineties, and then the result is near today. Far ahead it is nonsense
    // that the repair has only dressed up.
    return missing > 1n && utc > horizon + ERA / 2n ? 'rollover' : utc;
  }

  /** A jump by whole eras in the middle of a stream is the receiver's week number jumping, not time. */
  private rejoin(utc: Instant): Instant {
    if (this.last === undefined) return utc;
    const jump = utc - this.last.utc;
    const eras = (jump + (jump < 0n ? -ERA / 2n : ERA / 2n)) / ERA;
    const rest = jump - eras * ERA;
    return rest > -ERA_TOLERANCE && rest < ERA_TOLERANCE ? instant(utc - eras * ERA) : utc;
  }

  private restarted(utc: Instant): boolean {
    const forward = this.stray !== undefined && utc > this.stray.utc;
    this.stray = { utc, count: forward ? this.stray!.count + 1 : 1 };
    return this.stray.count >= RESTART_AFTER;
  }
}

/** A leap second shares its instant with the :00 that follows it. */
const after = (a: { utc: Instant; leapSecond: boolean }, b: { utc: Instant; leapSecond: boolean }): boolean =>
  a.utc > b.utc || (a.utc === b.utc && b.leapSecond && !a.leapSecond);
