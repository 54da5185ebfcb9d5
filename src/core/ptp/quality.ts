import type { Leap, Seconds } from '../../base/units.js';
import { type GrandmasterSettings, TIME_SOURCE } from '../../wire/ptp/management.js';

/** IEEE 1588-2019, table 4 (PTP timescale). */
export const CLOCK_CLASS = {
  /** Follows a primary reference. */
  LOCKED: 6,
  /** Has lost it, and is within specification. */
  HOLDOVER: 7,
  /** Is not any more (degradation alternative A). */
  DEGRADED: 52,
  /** Says nothing of itself. */
  DEFAULT: 248,
} as const;

/** What the clock is, in the words of the daemon. */
export interface Condition {
  readonly mode: 'reset' | 'converging' | 'tracking' | 'holdover' | 'local';
  /** 3 = not synchronised. */
  readonly leap: Leap;
  readonly stratum: number;
  /** Largest error of the time that is served. */
  readonly bound: Seconds;
  /** A satellite receiver, a pulse, or some other clock beside us; else servers. */
  readonly reference: 'gnss' | 'ptp' | 'ntp' | 'other';
  /** TAI − UTC, s; not valid: nobody vouches for it. */
  readonly utcOffset: number;
  readonly utcOffsetValid: boolean;
}

export interface QualityLimits {
  /** Bounds, s, up to which holdover is within specification, and up to which it is worth more than nothing. */
  readonly holdover: Seconds;
  readonly degraded: Seconds;
}

/** IEEE 1588-2019, table 5: s and the code of "within". */
const ACCURACIES: readonly (readonly [Seconds, number])[] = [
  [25e-9, 0x20],
  [100e-9, 0x21],
  [250e-9, 0x22],
  [1e-6, 0x23],
  [2.5e-6, 0x24],
  [10e-6, 0x25],
  [25e-6, 0x26],
  [100e-6, 0x27],
  [250e-6, 0x28],
  [1e-3, 0x29],
  [2.5e-3, 0x2a],
  [10e-3, 0x2b],
  [25e-3, 0x2c],
  [100e-3, 0x2d],
  [250e-3, 0x2e],
  [1, 0x2f],
  [10, 0x30],
];
const WORSE = 0x31;
const UNKNOWN = 0xfe;
const UNKNOWN_VARIANCE = 0xffff;
const SOURCES = {
  gnss: TIME_SOURCE.GNSS,
  ptp: TIME_SOURCE.PTP,
  ntp: TIME_SOURCE.NTP,
  other: TIME_SOURCE.OTHER,
} as const;

export const accuracyOf = (bound: Seconds): number => ACCURACIES.find(([limit]) => bound <= limit)?.[1] ?? WORSE;

/** Of a clock that nobody looks after any more. */
export const UNATTENDED: GrandmasterSettings = {
  clockClass: CLOCK_CLASS.DEFAULT,
  accuracy: UNKNOWN,
  variance: UNKNOWN_VARIANCE,
  time: {
    utcOffset: 0,
    utcOffsetValid: false,
    leap: 0,
    ptpTimescale: true,
    timeTraceable: false,
    frequencyTraceable: false,
    timeSource: TIME_SOURCE.OSCILLATOR,
  },
};

/**
 * What a grandmaster may say of our clock: 6 while it follows a reference of its own, 7 and then 52 for as long as what it
 * learned from it holds, 248 when it does not, or there never was one. Who never had a reference cannot be in holdover.
 */
export class ClockQuality {
  private hadReference = false;

  constructor(private readonly limits: QualityLimits) {}

  settings(c: Condition): GrandmasterSettings {
    const clockClass = this.classOf(c);
    const synchronised = c.leap !== 3;
    const traceable = clockClass === CLOCK_CLASS.LOCKED || clockClass === CLOCK_CLASS.HOLDOVER;
    return {
      clockClass,
      accuracy: synchronised ? accuracyOf(c.bound) : UNKNOWN,
      variance: UNKNOWN_VARIANCE,
      time: {
        utcOffset: c.utcOffset,
        utcOffsetValid: c.utcOffsetValid && synchronised,
        leap: c.leap === 3 ? 0 : c.leap,
        ptpTimescale: true,
        timeTraceable: traceable,
        frequencyTraceable: traceable,
        timeSource: synchronised && c.mode !== 'holdover' ? SOURCES[c.reference] : TIME_SOURCE.OSCILLATOR,
      },
    };
  }

  private classOf({ mode, leap, stratum, bound }: Condition): number {
    if (leap === 3 || mode === 'reset' || mode === 'local') {
      this.hadReference = false;
      return CLOCK_CLASS.DEFAULT;
    }
    if (mode === 'tracking' && stratum === 1) {
      this.hadReference = true;
      return CLOCK_CLASS.LOCKED;
    }
    if (this.hadReference && bound <= this.limits.holdover) return CLOCK_CLASS.HOLDOVER;
    if (this.hadReference && bound <= this.limits.degraded) return CLOCK_CLASS.DEGRADED;
    this.hadReference = false;
    return CLOCK_CLASS.DEFAULT;
  }
}
