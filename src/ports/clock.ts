import type { Instant, Mono } from '../base/time.js';
import type { Frequency, Leap, Seconds } from '../base/units.js';

/** Reads clocks. The real one is the kernel's; the simulator's twin runs in virtual time. */
export interface Clock {
  /** CLOCK_REALTIME as the kernel says it: raw time. */
  realtime(): Instant;
  /** CLOCK_MONOTONIC: slewed with the clock, never stepped. Timers run on it. */
  monotonic(): Mono;
  /** Both at one moment: one after the other a cold program may take 20 µs for, in which a fast slew moves them by 60 ns. */
  pair(): { readonly raw: Instant; readonly mono: Mono };
  /** CLOCK_MONOTONIC_RAW and CLOCK_MONOTONIC at one moment. */
  free(): { readonly raw: Mono; readonly mono: Mono };
  /** CLOCK_MONOTONIC_RAW: touched by no discipline. Undefined steps of realtime show against it. */
  monotonicRaw(): Mono;
  /** CLOCK_BOOTTIME: monotonic plus the time the machine was asleep. */
  boottime(): Mono;
}

/** What the kernel is told about the clock besides its rate (adjtimex, spec linux-time 5). */
export interface ClockStatus {
  /** 3 = not synchronised (STA_UNSYNC). 1/2 arm the kernel's leap second. */
  readonly leap: Leap;
  readonly synchronised: boolean;
  /** Bound on the error, s (kernel maxerror). */
  readonly maxError: Seconds;
  /** Estimated error, s (kernel esterror). */
  readonly estError: Seconds;
  /** TAI − UTC in whole seconds where known. */
  readonly taiOffset?: number;
}

/**
 * Moves the clock. The null actuator (`-x`) grants nothing: setFrequency returns 0, step returns false; whatever
 * is not granted stays in the software part of the clock (engine ClockView).
 */
export interface ClockActuator {
  /** Largest |frequency| that can be set. 0 = none (`-x`). */
  readonly maxFrequency: Frequency;
  /**
   * Sets the total rate adjustment (positive = make the clock run faster) and returns what was really set after
   * clamping and the kernel's rounding (2^-16 ppm).
   */
  setFrequency(freq: Frequency): Frequency;
  /** CLOCK_MONOTONIC when the last frequency took effect; undefined: a reading just afterwards is as good. */
  readonly frequencyAt?: Mono | undefined;
  /** Adds an offset at once (ADJ_SETOFFSET). False when the clock may not be stepped. */
  step(offset: Seconds): boolean;
  setStatus(status: ClockStatus): void;
  /** Somebody else has stepped the clock: what the kernel forgets then is told again with the next status. */
  stepped?(): void;
  /** The adjustment now in force, read back: differs from the last one set when somebody else moved it. */
  readFrequency(): Frequency;
}
