import type { Instant } from '../../base/time.js';
import type { Leap, Seconds } from '../../base/units.js';
import type { SelectOptions, SelectState } from '../report/reports.js';
import type { Sample } from '../sample.js';
import type { SourceDump } from './dump.js';
import { type SelectionData, SourceStats } from './statistics.js';
import type { SourceInfo } from './types.js';

export const REACH_BITS = 8;

/** One source as selection sees it: what it is, what it measured, and what the last run made of it. */
export class Source {
  reach = 0;
  /** Polls so far, up to REACH_BITS. */
  reachSize = 0;
  /** Polls without a sample, in a row. */
  unreachable = 0;
  /** New samples since the last selection run that used them. */
  updates = 0;
  /** Own updates in a row that ended in a bad state. */
  badUpdates = 0;
  /** Updates for which the source stays out of the combination. */
  penalty = 0;
  score = 1;
  state: SelectState = 'M';
  reason = 'no sample yet';
  data: SelectionData | undefined;
  /** The selection options in force: those configured, and what `authselectmode` makes of them. */
  effective: SelectOptions;
  leap: Leap = 3;
  stratum = 0;
  lastMeasured: { time: Instant; offset: Seconds; bound: Seconds } | undefined;
  readonly stats: SourceStats;

  constructor(
    readonly index: number,
    public info: SourceInfo,
    minSamples: number,
    maxSamples: number,
    precision: Seconds,
  ) {
    this.effective = info.options;
    this.stats = new SourceStats(minSamples, maxSamples, precision);
    this.unjudged();
  }

  /** Takes over the history of an earlier run. */
  restore(dump: SourceDump): void {
    this.reach = dump.reach & ((1 << REACH_BITS) - 1);
    this.reachSize = Math.min(REACH_BITS, dump.reachSize);
    for (const sample of dump.samples) this.accumulate(sample);
  }

  /** False: the sample was out of order, history dropped. */
  accumulate(sample: Sample): boolean {
    this.leap = sample.leap;
    this.stratum = sample.stratum;
    this.lastMeasured = {
      time: sample.time,
      offset: sample.offset,
      bound: sample.rootDelay / 2 + sample.rootDispersion,
    };
    this.updates++;
    return this.stats.accumulate(sample);
  }

  polled(hit: boolean): void {
    this.reach = ((this.reach << 1) | (hit ? 1 : 0)) & ((1 << REACH_BITS) - 1);
    this.reachSize = Math.min(REACH_BITS, this.reachSize + 1);
    this.unreachable = hit ? 0 : this.unreachable + 1;
  }

  /** Forgets all measurements, not the configuration. */
  reset(): void {
    this.stats.reset();
    this.updates = 0;
    this.badUpdates = 0;
    this.penalty = 0;
    this.score = 1;
    this.data = undefined;
    this.lastMeasured = undefined;
    this.unjudged();
  }

  /** What there is to say before the first selection. */
  private unjudged(): void {
    if (this.effective.noselect) this.mark('N', 'configured with noselect');
    else this.mark('M', 'no sample yet');
  }

  mark(state: SelectState, reason: string): void {
    this.state = state;
    this.reason = reason;
  }

  /** Interval in which true time lies according to this source, as an offset (positive = local clock slow). */
  get lo(): Seconds {
    return this.data ? this.data.offset - this.data.rootDistance : 0;
  }

  get hi(): Seconds {
    return this.data ? this.data.offset + this.data.rootDistance : 0;
  }
}
