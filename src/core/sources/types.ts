import type { RefId } from '../../base/refid.js';
import type { Frequency, Leap, Seconds } from '../../base/units.js';
import type { Fact } from '../../ports/observer.js';
import type { SelectOptions } from '../report/reports.js';

/** A fact before the engine stamps it with its instant. */
export type Finding = Omit<Fact, 'at'>;

/** What the configuration says of one source. Indices into the list given to SourceSet name the sources everywhere. */
export interface SourceInfo {
  /** Name for people and messages: 'PPS0', '192.0.2.1'. */
  readonly name: string;
  /** What messages call it, where that is more than its name: '192.0.2.1 (ntp.example)'. */
  readonly title?: string;
  readonly refId: RefId;
  readonly kind: 'refclock' | 'client' | 'peer';
  readonly address: string | undefined;
  readonly options: SelectOptions;
  /** Samples the runs test may not drop; −1 = the global default. */
  readonly minsamples: number;
  /** 0 = 64; −1 = the global default. */
  readonly maxsamples: number;
  /** Polls without a sample after which an unreachable source is no longer used. */
  readonly maxunreach: number;
  readonly pollLog2: number;
  /** Its packets are authenticated (keys). */
  readonly authenticated?: boolean;
}

/** The combined estimate of one selection run, at the `now` it was asked for. Offsets positive = local clock slow. */
export interface Selection {
  /** Index of the source that the clock follows; undefined = none. */
  readonly selected: number | undefined;
  /** The selected source is another one than at the run before (or none any more). */
  readonly changed: boolean;
  /** All sources that enter the estimate, the selected one included. */
  readonly combined: readonly number[];
  readonly leap: Leap;
  /** Of the selected source; 16 without one. */
  readonly stratum: number;
  readonly refId: RefId;
  readonly rootDelay: Seconds;
  /** At `now`. */
  readonly rootDispersion: Seconds;
  readonly offset: Seconds;
  readonly offsetSd: Seconds;
  /** Rate at which `offset` grows; add to the clock's rate to correct. */
  readonly freq: Frequency;
  readonly skew: Frequency;
  /** What changed since the run before, in chrony's wording. */
  readonly facts: readonly Finding[];
}
