import { add, diff, type Instant } from '../../base/time.js';
import type { Frequency, Seconds } from '../../base/units.js';
import type { SeriesReport } from '../report/stability.js';
import type { ClockChange } from '../sample.js';
import { Histogram } from './histogram.js';
import { Series } from './series.js';

/** Sources kept at the most; beyond, the one that has been here longest makes room. */
const MAX_SOURCES = 64;
/** s; a correction larger than this is a new start, not part of how steady a clock is. */
const JUMP = 0.1;

/**
 * What the oscillator would say without us: cooked time is the oscillator plus all corrections so far, and those are
 * known exactly.
 */
class FreePhase {
  private corrected: Seconds = 0;
  private rate: Frequency = 0;
  private at: Instant | undefined;

  /** True time minus the free oscillator, up to a constant, from an offset measured at cooked `time`. */
  of(time: Instant, offset: Seconds): Seconds {
    return offset + this.correction(time);
  }

  /** @param base the clock's whole rate correction after the change. */
  changed({ at, doffset, kind }: ClockChange, base: Frequency): void {
    // A leap second moves cooked time and UTC alike: nothing was corrected.
    this.corrected = this.correction(at) + (kind === 'leap' ? 0 : doffset);
    this.at = add(at, doffset);
    this.rate = base / (1 + base);
  }

  private correction(time: Instant): Seconds {
    return this.at === undefined ? 0 : this.corrected + this.rate * diff(time, this.at);
  }
}

interface Steadiness {
  readonly series: Series;
  readonly histogram: Histogram;
}

/** Keeps the stability figures of all sources, of the clock and of the oscillator. */
export class Stability {
  /** By index, which is never used again. */
  private readonly sources = new Map<number, Steadiness>();
  private readonly clock: Steadiness = { series: new Series(), histogram: new Histogram() };
  private readonly oscillator = new Series();
  private readonly free = new FreePhase();
  private selected: number | undefined;

  /**
   * A measurement of a source, before the clock is corrected for it; offset positive = the clock is slow. This and
   * `used` are to be called once the clock is set: the first seconds of a start say nothing about stability.
   */
  measured(source: number, time: Instant, offset: Seconds): void {
    observe(this.sources.get(source) ?? this.meet(source), time, offset);
  }

  /** The same measurement, when the clock follows its source and the discipline believes it. */
  used(source: number, time: Instant, offset: Seconds): void {
    // Two sources differ by their biases: the change from one to the other is no instability of ours.
    if (source !== this.selected) this.cutClock();
    this.selected = source;
    observe(this.clock, time, offset);
    this.oscillator.add(time, this.free.of(time, offset));
  }

  /** @param base the clock's whole rate correction after the change. */
  changed(change: ClockChange, base: Frequency): void {
    this.free.changed(change, base);
    if (change.kind === 'adjust' && Math.abs(change.doffset) < JUMP) return;
    for (const { series } of this.sources.values()) series.cut();
    this.cutClock();
  }

  /** @param nameOf the name of a source by its index; undefined when it is no more. */
  report(nameOf: (source: number) => string | undefined): readonly SeriesReport[] {
    for (const source of this.sources.keys()) if (nameOf(source) === undefined) this.sources.delete(source);
    const sources = [...this.sources].sort(([a], [b]) => a - b);
    const of = (kind: SeriesReport['kind'], name: string, series: Series, histogram?: Histogram): SeriesReport => ({
      kind,
      name,
      interval: series.interval,
      deviations: series.deviations(),
      jitter: histogram?.report(),
    });
    return [
      of('clock', '', this.clock.series, this.clock.histogram),
      of('oscillator', '', this.oscillator),
      ...sources.map(([i, { series, histogram }]) => of('source', nameOf(i) ?? '', series, histogram)),
    ];
  }

  private meet(source: number): Steadiness {
    for (const oldest of this.sources.keys()) {
      if (this.sources.size < MAX_SOURCES) break;
      this.sources.delete(oldest);
    }
    const own = { series: new Series(), histogram: new Histogram() };
    this.sources.set(source, own);
    return own;
  }

  private cutClock(): void {
    this.clock.series.cut();
    this.oscillator.cut();
  }
}

const observe = ({ series, histogram }: Steadiness, time: Instant, offset: Seconds): void => {
  series.add(time, offset);
  histogram.add(offset);
};
