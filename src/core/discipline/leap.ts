import { add, diff, floorSeconds, fromUnix, type Instant } from '../../base/time.js';
import type { Leap, Seconds } from '../../base/units.js';

const DAY = 86400n;

/** A leap second that is coming, or none. */
export interface LeapDecision {
  /** 0, 1 (last minute has 61 seconds) or 2 (59 seconds). */
  readonly leap: 0 | 1 | 2;
  /** Midnight UTC that ends the leap day; undefined when leap = 0. */
  readonly at: Instant | undefined;
}

export const NO_LEAP: LeapDecision = { leap: 0, at: undefined };

/** Half-width of the span around a leap second in which measurements are not used: receivers and servers disagree there. */
export const LEAP_GUARD: Seconds = 5;
/** Half-width of the span around a leap second in which the server answers as not synchronised. */
export const LEAP_SERVE_GUARD: Seconds = 1;

/** Midnight UTC that ends the day of `t`. */
export const endOfDay = (t: Instant): Instant => {
  const sec = floorSeconds(t);
  const intoDay = ((sec % DAY) + DAY) % DAY;
  return fromUnix(sec - intoDay + DAY);
};

/** Leap seconds are used at the end of June and December first (ITU-R TF.460); nobody ever used another month. */
export const isLeapDay = (t: Instant): boolean => {
  const next = new Date(Number(floorSeconds(endOfDay(t))) * 1000);
  const month = next.getUTCMonth();
  return next.getUTCDate() === 1 && (month === 6 || month === 0);
};

/**
 * Majority of the sources that have an opinion worth counting: a leap needs more than half of all votes, so that a
 * single confused receiver cannot announce one. 3 (not synchronised) counts as a vote for nothing.
 */
export const leapVote = (votes: readonly Leap[]): 0 | 1 | 2 => {
  const count = (leap: Leap): number => votes.filter((v) => v === leap).length;
  if (count(1) * 2 > votes.length) return 1;
  if (count(2) * 2 > votes.length) return 2;
  return 0;
};

/** What the clock will do: a vote is only believed on the last day of June or December. */
export const decideLeap = (now: Instant, vote: Leap): LeapDecision =>
  (vote === 1 || vote === 2) && isLeapDay(now) ? { leap: vote, at: endOfDay(now) } : NO_LEAP;

/**
 * Is `t` so near a leap second that a measurement taken then must be dropped? `at` = the midnight of the last
 * decision, kept by the caller until the span is over. A deleted second ends the day a second early: inside the guard.
 */
export const nearLeap = (t: Instant, at: Instant | undefined, guard: Seconds = LEAP_GUARD): boolean =>
  at !== undefined && t > add(at, -guard) && diff(t, at) < guard;
