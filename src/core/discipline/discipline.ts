import type { Instant } from '../../base/time.js';
import type { Frequency } from '../../base/units.js';
import type { DisciplineOptions } from '../refclock/options.js';
import type { ClockChange } from '../sample.js';
import type { Correction, DisciplineMode, ErrorBound, Measurement, TrackingFigures } from './types.js';

export type { Correction, DisciplineMode, ErrorBound, Measurement, TrackingFigures } from './types.js';

/** The clock discipline: measurements of the selected source in, corrections of the cooked clock out. */
export class Discipline {
  mode: DisciplineMode = 'reset';

  /** @param start frequency already applied to the clock at start (drift file) and its uncertainty, both s/s. */
  constructor(
    readonly options: DisciplineOptions,
    readonly start: { readonly freq: Frequency; readonly skew: Frequency } | undefined,
  ) {}

  measure(m: Measurement): Correction {
    return {
      accepted: true,
      reason: 'accepted',
      doffset: m.offset,
      dfreq: 0,
      step: false,
      exit: undefined,
      facts: [],
    };
  }

  /** No reference any more: freezes the frequency, zeroes the drift, lets the bound grow. */
  hold(_now: Instant): void {
    this.mode = 'holdover';
  }

  rebase(_change: ClockChange): void {}

  /** `makestep` by command: the rules of the configuration are replaced. */
  setMakestep(_rule: DisciplineOptions['makestep']): void {}

  /** @param _now cooked */
  bound(_now: Instant): ErrorBound {
    return { halfWidth: 1, sd: 1, dispersion: 1, dispersionRate: this.options.maxclockerrorPpm * 1e-6 };
  }

  figures(): TrackingFigures {
    return { lastOffset: 0, rmsOffset: 0, skewPpm: 0, residualFreqPpm: 0, updateInterval: 0, updates: 0 };
  }
}
