import { add, diff, type Instant } from '../base/time.js';
import type { Frequency, Seconds } from '../base/units.js';

/**
 * The software part of the clock: what is decided but not (yet) in the kernel.
 * cooked(raw) = raw + correction + rate × (raw − ref). Under `-x` it carries everything; with clock control it is
 * the remainder that the kernel is still slewing (rate = −slew).
 */
export interface ClockView {
  /** Raw instant at which `correction` holds. */
  readonly ref: Instant;
  readonly correction: Seconds;
  readonly rate: Frequency;
}

export const IDENTITY_VIEW: ClockView = { ref: 0n as Instant, correction: 0, rate: 0 };

/** Cooked − raw at a raw instant, s. */
export const correctionAt = (view: ClockView, raw: Instant): Seconds =>
  view.rate === 0 ? view.correction : view.correction + view.rate * diff(raw, view.ref);

export const cook = (view: ClockView, raw: Instant): Instant => add(raw, correctionAt(view, raw));
