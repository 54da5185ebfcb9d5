import { assert } from '../../base/assert.js';
import { REFID_UNSYNC, type RefId } from '../../base/refid.js';
import { add, diff, type Instant } from '../../base/time.js';
import { type Frequency, PPM, type Seconds } from '../../base/units.js';
import type { SelectionOptions } from '../refclock/options.js';
import type {
  SelectOptions,
  SelectReport,
  SelectState,
  SourceReport,
  SourceState,
  SourcestatsReport,
} from '../report/reports.js';
import { type ClockChange, type Sample, timeShift } from '../sample.js';
import { combine } from './combine.js';
import type { DumpedSource, SourceDump } from './dump.js';
import { type OrphanRule, type Outcome, SelectionRun } from './selection.js';
import { REACH_BITS, Source } from './source.js';
import type { SourceStats } from './statistics.js';
import type { Finding, Selection, SourceInfo } from './types.js';

export type { Finding, Selection, SourceInfo } from './types.js';

/** Own updates in a row in a bad state before that is said. */
const BAD_UPDATES = 4;

const titleOf = ({ title, name }: SourceInfo): string => title ?? name;

/** States in which a source does more harm than good. */
const isBadState = (state: SelectState): boolean => state === 'x' || state === 'd' || state === '~';

/** Selection's letters as SOURCE_DATA prints them (cmdmon 11.14); all others are '?'. */
const PRINTED: Partial<Record<SelectState, SourceState>> = {
  '*': '*',
  '+': '+',
  x: 'x',
  '~': '~',
  W: '-',
  P: '-',
  U: '-',
  D: '-',
  L: '-',
};

/** All sources: their statistics, reachability, and the choice among them. */
export class SourceSet {
  /** In order of creation; each knows its index, which is never used again. */
  private sources: Source[] = [];
  private readonly byIndex = new Map<number, Source>();
  private nextIndex = 0;
  private current: Source | undefined;
  private failure: string | undefined;
  private findings: Finding[] = [];
  /** Sources have come or gone: the options in force may be others. */
  private authStale = false;

  constructor(
    infos: readonly SourceInfo[],
    private options: SelectionOptions,
    private readonly precision: Seconds,
    private readonly maxclockerror: Frequency,
  ) {
    for (const info of infos) this.add(info);
  }

  /** A new source, after the others; returns its index. */
  add(info: SourceInfo): number {
    const { options } = this;
    const min = info.minsamples >= 0 ? info.minsamples : options.minsamples;
    const max = info.maxsamples >= 0 ? info.maxsamples : options.maxsamples;
    const source = new Source(this.nextIndex++, info, min, max, this.precision);
    this.sources.push(source);
    this.byIndex.set(source.index, source);
    this.authStale = true;
    return source.index;
  }

  /** The source is gone: the next selection goes on without it. */
  remove(index: number): void {
    this.byIndex.delete(index);
    this.sources = this.sources.filter((source) => source.index !== index);
    if (this.current?.index === index) this.current = undefined;
    this.authStale = true;
  }

  /**
   * `authselectmode` (algorithms-notes 5): where authenticated NTP sources stand beside others, `mix` lets the clock
   * follow nobody whom they and the reference clocks do not confirm; `prefer` and `require` use no others at all.
   * Put off until somebody asks: for each of a thousand sources that are added it would look at all of them.
   */
  private applyAuthMode(): void {
    this.authStale = false;
    const { authselectmode: mode } = this.options;
    // As in chronyd: who is never selected has no say in it, and nothing changes for him.
    const ntp = this.sources.filter(({ info }) => info.kind !== 'refclock' && !info.options.noselect);
    const some = ntp.some((source) => source.info.authenticated);
    const all = ntp.every((source) => source.info.authenticated);
    for (const source of this.sources) {
      const { options, kind, authenticated } = source.info;
      const good = kind === 'refclock' || authenticated === true || options.noselect;
      const confirmed = mode === 'mix' && some && !all && good && !options.noselect;
      const banned = !good && (mode === 'require' || (mode === 'prefer' && some));
      source.effective = {
        ...options,
        trust: options.trust || confirmed,
        require: options.require || confirmed,
        noselect: options.noselect || banned,
      };
    }
  }

  private settleAuthMode(): void {
    if (this.authStale) this.applyAuthMode();
  }

  has(index: number): boolean {
    return this.byIndex.has(index);
  }

  info(index: number): SourceInfo {
    return this.of(index).info;
  }

  /** What the statistics of a source foretell, for tests of its next measurement. */
  stats(index: number): SourceStats {
    return this.of(index).stats;
  }

  /** Polls so far, answered or not, up to the length of the reachability register. */
  polls(index: number): number {
    return this.of(index).reachSize;
  }

  /** Position of each source's report in the lists of reports. */
  position(index: number): number {
    return this.sources.findIndex((source) => source.index === index);
  }

  /** The reference that clients are told when they get their time from this source. */
  setRefId(index: number, refId: RefId): void {
    const it = this.of(index);
    if (it.info.refId !== refId) it.info = { ...it.info, refId };
  }

  /** The source has moved its clock forward by `offset` s, and said so: history follows. */
  moved(index: number, offset: Seconds): void {
    this.of(index).stats.moved(offset);
  }

  /** The polling interval that reports show. */
  setPoll(index: number, pollLog2: number): void {
    const it = this.of(index);
    if (it.info.pollLog2 !== pollLog2) it.info = { ...it.info, pollLog2 };
  }

  isCurrent(index: number): boolean {
    return this.current?.index === index;
  }

  /** Is the source in a state in which it does not help: a falseticker, too far, too noisy, or silent. */
  isBad(index: number): boolean {
    const it = this.of(index);
    return it.badUpdates >= BAD_UPDATES || it.unreachable >= REACH_BITS;
  }

  private of(index: number): Source {
    const source = this.byIndex.get(index);
    assert(source !== undefined, `there is no source ${index}`);
    return source;
  }

  /** A filtered sample of one poll. Not newer than the last: history is dropped, with a warning in the next selection. */
  accumulate(source: number, sample: Sample): void {
    const it = this.of(source);
    if (it.accumulate(sample)) return;
    this.find(
      'warn',
      'source.out-of-order',
      `Out of order sample detected, discarding history for ${titleOf(it.info)}`,
      it,
    );
  }

  /** End of a poll: shifts the reachability register. */
  reach(source: number, hit: boolean): void {
    this.of(source).polled(hit);
  }

  reset(source: number): void {
    this.settleAuthMode();
    this.of(source).reset();
  }

  /** Forgets the present choice: the next run takes the best source, not the best by far. */
  reselect(): void {
    this.current = undefined;
    for (const source of this.sources) source.updates = Math.max(1, source.updates);
  }

  /** Command `selectopts`: what is not named stays as it is. False: nothing is different now. */
  setOptions(source: number, change: Partial<SelectOptions>): boolean {
    const it = this.sources[source]!;
    const before = it.info.options;
    const options = { ...before, ...change };
    it.info = { ...it.info, options };
    this.authStale = true;
    return (Object.keys(options) as (keyof SelectOptions)[]).some((word) => options[word] !== before[word]);
  }

  /** History of every source that has some, for a restart. */
  dumps(): SourceDump[] {
    return this.sources.flatMap((source) => {
      const { fitted: samples } = source.stats;
      if (samples.length === 0) return [];
      const { reach, reachSize, stratum, leap } = source;
      const { name, refId, address, authenticated } = source.info;
      const whose = { name, refId, address, authenticated: authenticated === true };
      return [{ ...whose, reach, reachSize, stratum, leap, samples }];
    });
  }

  all(): (DumpedSource & { readonly source: number })[] {
    return this.sources.map(({ index, info: { name, refId, address, authenticated } }) => {
      return { source: index, name, refId, address, authenticated: authenticated === true };
    });
  }

  /** Takes over the history of an earlier run; measurements of this one are dropped. */
  restore(source: number, dump: SourceDump): void {
    this.settleAuthMode();
    const it = this.of(source);
    it.reset();
    it.restore(dump);
  }

  /** Command `reselectdist`: s. */
  setReselectDistance(reselectdist: Seconds): void {
    this.options = { ...this.options, reselectdist };
  }

  rebase(change: ClockChange): void {
    if (change.kind === 'unknown') this.settleAuthMode();
    for (const source of this.sources) {
      if (change.kind === 'unknown') {
        source.reset();
        continue;
      }
      source.stats.rebase(change);
      const last = source.lastMeasured;
      if (last) source.lastMeasured = { ...last, time: add(last.time, timeShift(change, last.time)) };
    }
  }

  /** `now` cooked; `orphans`: NTP sources that serve local time are nothing to follow but for one. */
  select(now: Instant, orphans?: OrphanRule): Selection {
    this.settleAuthMode();
    const before = this.current;
    const states = this.sources.map((source) => source.state);
    const run = new SelectionRun(this.sources, this.options, this.maxclockerror, now, before, orphans);
    const outcome = run.decide();
    this.current = outcome.selected;
    this.report(before, outcome, states);
    for (const source of this.sources) source.updates = 0;
    const facts = this.findings;
    this.findings = [];
    return this.selection(outcome, before, now, facts);
  }

  sourceReports(now: Instant): SourceReport[] {
    return this.sources.map((source) => {
      const { info, stats, lastMeasured: last } = source;
      return {
        name: info.name,
        refId: info.refId,
        address: info.address,
        mode: info.kind,
        state: PRINTED[source.state] ?? '?',
        stratum: source.stratum,
        pollLog2: info.pollLog2,
        reach: source.reach,
        sinceSample: last ? Math.max(0, diff(now, last.time)) : undefined,
        lastOffsetMeasuredFast: last ? -last.offset : 0,
        lastOffsetFast: stats.newest ? -stats.newest.offset : 0,
        errorBound: last?.bound ?? 0,
      };
    });
  }

  sourcestatsReports(now: Instant): SourcestatsReport[] {
    return this.sources.map(({ info, stats }) => {
      const e = stats.estimate;
      const age = stats.newest ? diff(now, stats.newest.time) : 0;
      return {
        name: info.name,
        refId: info.refId,
        address: info.address,
        samples: stats.count,
        runs: e.runs,
        spanS: stats.span,
        stdDev: e.stdDev,
        residualFreqPpm: -e.freq / PPM,
        skewPpm: e.skew / PPM,
        offsetFast: -stats.predict(now),
        offsetError: e.offsetSd + age * e.skew,
      };
    });
  }

  selectReports(now: Instant): SelectReport[] {
    this.settleAuthMode();
    return this.sources.map((source) => ({
      name: source.info.name,
      refId: source.info.refId,
      address: source.info.address,
      state: source.state,
      authenticated: source.info.authenticated === true,
      leap: source.leap,
      configured: source.info.options,
      effective: source.effective,
      sinceSample: source.stats.newest ? Math.max(0, diff(now, source.stats.newest.time)) : 0,
      score: source.score,
      lowLimitFast: source.data ? -source.hi : 0,
      highLimitFast: source.data ? -source.lo : 0,
      reason: source.reason,
    }));
  }

  private selection(outcome: Outcome, before: Source | undefined, now: Instant, facts: Finding[]): Selection {
    const { selected } = outcome;
    const tracking = selected?.stats.trackingData();
    const changed = selected !== before;
    if (!selected || !tracking) {
      const none = { offset: 0, offsetSd: 0, freq: 0, skew: 0, rootDelay: 1, rootDispersion: 1 };
      return { selected: undefined, changed, combined: [], leap: 3, stratum: 16, refId: REFID_UNSYNC, ...none, facts };
    }
    const age = Math.max(0, diff(now, tracking.time));
    return {
      selected: selected.index,
      changed,
      combined: outcome.combined.map((source) => source.index),
      leap: outcome.leap,
      stratum: selected.stratum,
      refId: selected.info.refId,
      rootDelay: tracking.rootDelay,
      rootDispersion: tracking.rootDispersion + age * (tracking.skew + this.maxclockerror),
      ...combine(outcome.combined, now),
      facts,
    };
  }

  private find(severity: Finding['severity'], name: string, text: string, source?: Source): void {
    this.findings.push({ severity, name, text, ...(source && { fields: { source: source.info.name } }) });
  }

  /** Says what is new since the run before. */
  private report(before: Source | undefined, outcome: Outcome, states: readonly SelectState[]): void {
    for (const [i, source] of this.sources.entries()) this.reportBad(source, states[i]!);
    const { selected, failure } = outcome;
    if (selected) {
      this.failure = undefined;
      if (selected !== before)
        this.find('info', 'source.selected', `Selected source ${titleOf(selected.info)}`, selected);
      return;
    }
    // At the start there is nothing to complain about until a source has had its chance.
    const ripe = before !== undefined || this.sources.some((source) => source.reachSize >= REACH_BITS);
    if (failure === undefined || failure === this.failure || !ripe) return;
    this.failure = failure;
    this.find('warn', 'source.none', failure);
  }

  private reportBad(source: Source, was: SelectState): void {
    const name = titleOf(source.info);
    if (source.state === 'x' && was !== 'x') {
      this.find('warn', 'source.falseticker', `Detected falseticker ${name}`, source);
    }
    if (!isBadState(source.state) || source.state !== was) source.badUpdates = 0;
    if (!isBadState(source.state) || source.updates === 0 || ++source.badUpdates !== BAD_UPDATES) return;
    if (source.state === 'x') return;
    const text =
      source.state === 'd'
        ? `Root distance of ${name} exceeds maxdistance of ${this.options.maxdistance.toFixed(3)} seconds`
        : `Jitter of ${name} exceeds maxjitter of ${this.options.maxjitter.toFixed(3)} seconds`;
    this.find('warn', 'source.bad', text, source);
  }
}
