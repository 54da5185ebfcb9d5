import type { Ntp64 } from '../../../base/ntp64.js';
import { add, diff, type Instant } from '../../../base/time.js';
import type { Seconds, StampKind } from '../../../base/units.js';
import { type ClockChange, timeShift } from '../../sample.js';

/** A stamp of our own clock, cooked. */
export interface LocalStamp {
  readonly time: Instant;
  readonly kind: StampKind;
}

/** One round trip (RFC 5905, 8): t1, t4 by our clock, t2, t3 by the server's. */
export interface Exchange {
  readonly t1: LocalStamp;
  readonly t2: Instant;
  readonly t3: Instant;
  readonly t4: LocalStamp;
  readonly waits?: Waits | undefined;
}

/** s that request and reply waited in transparent clocks (PTP), as far as those told. */
export interface Waits {
  readonly request: Seconds;
  readonly reply: Seconds;
}

export interface ExchangeFigures {
  /** Cooked time half-way between t1 and t4, for which the offset stands. */
  readonly time: Instant;
  /** Positive = our clock is slow. */
  readonly offset: Seconds;
  readonly delay: Seconds;
  /** t4 − t1. */
  readonly interval: Seconds;
  /** t3 − t2. */
  readonly responseTime: Seconds;
}

export const figuresOf = ({ t1, t2, t3, t4 }: Exchange): ExchangeFigures => {
  const interval = diff(t4.time, t1.time);
  const responseTime = diff(t3, t2);
  const time = add(t1.time, interval / 2);
  // Half-way between t2 and t3: differences of nearby instants keep every nanosecond.
  const offset = diff(add(t2, responseTime / 2), time);
  return { time, offset, delay: interval - responseTime, interval, responseTime };
};

/** Oscillators of transparent clocks may be so much fast: what they measured is taken for a little less. */
const TRANSPARENT_RATE = 100e-6;

/**
 * The figures without the waits. Only where both directions told theirs, and they fit into the round trip: nobody
 * vouches for them.
 */
export const corrected = (figures: ExchangeFigures, { waits }: Exchange): ExchangeFigures => {
  if (waits === undefined || !(waits.request > 0 && waits.reply > 0)) return figures;
  const sum = (waits.request + waits.reply) * (1 - TRANSPARENT_RATE);
  if (sum > figures.delay) return figures;
  return { ...figures, offset: figures.offset + (waits.reply - waits.request) / 2, delay: figures.delay - sum };
};

/** What is kept of the last valid response: the next reply may bring its accurate transmit stamp. */
export interface LastResponse {
  /** The server's stamps as they stood in the packet. */
  readonly receive: Ntp64;
  readonly transmit: Ntp64;
  readonly t1: LocalStamp;
  readonly t2: Instant;
  /** As it stood in the packet. */
  readonly t3: Instant;
  readonly t4: LocalStamp;
  readonly waits: Waits;
  /** Its exchange has been a sample already. */
  readonly used: boolean;
}

const move = (change: ClockChange, stamp: LocalStamp): LocalStamp => ({
  ...stamp,
  time: add(stamp.time, timeShift(change, stamp.time)),
});

export const rebaseResponse = (change: ClockChange, last: LastResponse): LastResponse => ({
  ...last,
  t1: move(change, last.t1),
  t4: move(change, last.t4),
});
