import { REFID_UNSYNC } from '../../base/refid.js';
import type { Instant } from '../../base/time.js';
import type { Frequency, Seconds } from '../../base/units.js';
import type { SelectionOptions } from '../refclock/options.js';
import type { SelectReport, SourceReport, SourcestatsReport } from '../report/reports.js';
import type { ClockChange, Sample } from '../sample.js';
import type { Selection, SourceInfo } from './types.js';

export type { Finding, Selection, SourceInfo } from './types.js';

/** All sources: their statistics, reachability, and the choice among them. */
export class SourceSet {
  constructor(
    readonly infos: readonly SourceInfo[],
    readonly options: SelectionOptions,
    readonly precision: Seconds,
    readonly maxclockerror: Frequency,
  ) {}

  /** A filtered sample of one poll. Not newer than the last: history is dropped, with a warning in the next selection. */
  accumulate(_source: number, _sample: Sample): void {}

  /** End of a poll: shifts the reachability register. */
  reach(_source: number, _hit: boolean): void {}

  reset(_source: number): void {}

  rebase(_change: ClockChange): void {}

  /** @param _now cooked */
  select(_now: Instant): Selection {
    return {
      selected: undefined,
      changed: false,
      combined: [],
      leap: 3,
      stratum: 16,
      refId: REFID_UNSYNC,
      rootDelay: 1,
      rootDispersion: 1,
      offset: 0,
      offsetSd: 0,
      freq: 0,
      skew: 0,
      facts: [],
    };
  }

  sourceReports(_now: Instant): SourceReport[] {
    return [];
  }

  sourcestatsReports(_now: Instant): SourcestatsReport[] {
    return [];
  }

  selectReports(_now: Instant): SelectReport[] {
    return [];
  }
}
