import type { Instant } from '../base/time.js';
import type { Seconds } from '../base/units.js';

/**
 * What a receiver says of a pulse to come: receivers put it on the nearest edge of their own clock and know how far that
 * is from the second (UBX TIM-TP, qErr).
 */
export interface PulseError {
  /** The second that the pulse marks. */
  readonly utc: Instant;
  /** Positive = the pulse comes early: second = edge + error. */
  readonly error: Seconds;
}

/**
 * What one epoch of a receiver said, whatever the language (NMEA, UBX). The one thing that the refclock manager needs
 * from the wire: which second, how good, when it came in.
 */
export interface TimeMessage {
  /** UTC of validity; undefined when the epoch carried no complete, plausible date and time. A leap second :60 is the
   *  instant of the following :00 with `leapSecond` true. */
  readonly utc: Instant | undefined;
  readonly leapSecond: boolean;
  /** The receiver vouches for it: status A, mode neither N nor E/M/S, quality, nav status, UBX valid bits. */
  readonly valid: boolean;
  /** The sentence or message that decided: 'RMC', 'ZDA', 'GGA', 'PVT', 'TIMEUTC' … */
  readonly from: string;
  /** Raw time at which the first byte of the burst came in. */
  readonly burstStart: Instant;
  /** Raw time at which the chunk that completed the deciding sentence came in. */
  readonly arrival: Instant;
  /** Bytes from the start of the burst to the end of the deciding sentence: bytes × 10 / baud = serial delay. */
  readonly bytesToEnd: number;
  /** Leap second announced by the receiver: 1 insert, −1 delete, 0 none, undefined unknown. */
  readonly leapPending: number | undefined;
  /** GPS − UTC where the receiver says it. */
  readonly gpsUtcLeap: number | undefined;
  /** Receiver's own estimate of its time accuracy, s. */
  readonly accuracy: Seconds | undefined;
  /** True when the date was a whole number of 1024 weeks back and was repaired. */
  readonly rolloverRepaired: boolean;
  /** An epoch between the whole seconds of a receiver that navigates more than once a second: not for numbering
   *  pulses. (A constant fraction once a second is not: such a receiver still names its second.) */
  readonly betweenSeconds?: boolean;
  /** Satellites used/visible where the epoch said it. */
  readonly satellitesUsed: number | undefined;
  readonly satellitesVisible: number | undefined;
}
