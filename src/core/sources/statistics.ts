import { add, diff, type Instant } from '../../base/time.js';
import { type Frequency, PPM, type Seconds } from '../../base/units.js';
import { type ClockChange, offsetShift, type Sample, timeShift } from '../sample.js';
import { bestLine, studentT } from './regress.js';

/** Samples in the fit. */
export const MAX_SAMPLES = 64;
/** Older ones beside them, for the runs test. */
const MAX_OLDER = 64;
/** Samples from which on a source can be selected; before the third the frequency is only guessed. */
export const MIN_SELECTABLE = 2;
/** As long as no line can be fitted (chrony's figures). */
const UNKNOWN_SKEW: Frequency = 2000 * PPM;
const UNKNOWN_SD: Seconds = 4;
const MIN_SKEW: Frequency = 1e-12;
const MIN_SD: Seconds = 1e-9;
/** (median − minimum) of the distances over their standard deviation. */
const MEDIAN_SPREAD = 0.7;

/** Changes of the clock kept between two looks at the samples: a poll of 17 minutes at one correction a second. */
const MAX_CHANGES = 1024;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What the fit says, at the time of the newest sample. Offsets positive = local clock slow. */
export interface Estimate {
  readonly offset: Seconds;
  readonly offsetSd: Seconds;
  /** Rate at which the offset grows. */
  readonly freq: Frequency;
  readonly freqSd: Frequency;
  /** Bound on the error of `freq`. */
  readonly skew: Frequency;
  /** Of a single sample. */
  readonly stdDev: Seconds;
  readonly runs: number;
}

/** What selection asks for, at one instant. */
export interface SelectionData {
  readonly offset: Seconds;
  /** Half-width of the interval: root delay / 2 + root dispersion, aged. */
  readonly rootDistance: Seconds;
  readonly stdDev: Seconds;
  readonly firstAgo: Seconds;
  readonly lastAgo: Seconds;
}

export interface TrackingData extends Estimate {
  /** `offset` stands for this instant: that of the newest sample. */
  readonly time: Instant;
  readonly rootDelay: Seconds;
  readonly rootDispersion: Seconds;
}

const NOTHING: Estimate = {
  offset: 0,
  offsetSd: UNKNOWN_SD,
  freq: 0,
  freqSd: UNKNOWN_SKEW,
  skew: UNKNOWN_SKEW,
  stdDev: UNKNOWN_SD,
  runs: 0,
};

/** One source's recent samples and the straight line through them. */
export class SourceStats {
  private current: Estimate = NOTHING;
  /** Oldest first; the first `older` of them only serve the runs test. */
  private kept: Mutable<Sample>[] = [];
  private older = 0;
  /** Changes of the clock that the samples have not followed yet. */
  private changes: ClockChange[] = [];

  /** @param maxSamples 0 = 64. */
  constructor(
    private readonly minSamples: number,
    private readonly maxSamples: number,
    private readonly precision: Seconds,
  ) {}

  get estimate(): Estimate {
    this.settle();
    return this.current;
  }

  private get samples(): Mutable<Sample>[] {
    this.settle();
    return this.kept;
  }

  get count(): number {
    return this.kept.length - this.older;
  }

  get newest(): Sample | undefined {
    return this.samples.at(-1);
  }

  /** Seconds between the oldest and the newest sample of the fit. */
  get span(): Seconds {
    const first = this.samples[this.older];
    return first ? diff(this.samples.at(-1)!.time, first.time) : 0;
  }

  /** Samples of the fit, oldest first. */
  get fitted(): readonly Sample[] {
    return this.samples.slice(this.older);
  }

  reset(): void {
    this.kept = [];
    this.changes = [];
    this.older = 0;
    this.current = NOTHING;
  }

  /** False: the sample is not newer than the last one, and the history was dropped. */
  accumulate(sample: Sample): boolean {
    const last = this.newest;
    const ordered = last === undefined || sample.time > last.time;
    if (!ordered) this.reset();
    this.samples.push({ ...sample });
    const room = Math.min(MAX_SAMPLES, this.maxSamples > 0 ? this.maxSamples : MAX_SAMPLES);
    if (this.count > room) this.older = this.samples.length - room;
    this.fit();
    return ordered;
  }

  /**
   * For a change that is known; after an unknown one the history is void and `reset` the answer. The clock changes
   * every second, the samples are looked at every poll: changes are kept until somebody looks.
   */
  rebase(change: ClockChange): void {
    if (this.kept.length > 0) this.changes.push(change);
    if (this.changes.length >= MAX_CHANGES) this.settle();
  }

  /** Applies the changes that have come since the last look. */
  private settle(): void {
    if (this.changes.length === 0) return;
    for (const change of this.changes) {
      const { current: e } = this;
      const offset = e.offset + offsetShift(change, this.kept.at(-1)!.time);
      this.current = { ...e, offset, freq: (e.freq - change.dfreq) / (1 + change.dfreq) };
      for (const sample of this.kept) {
        sample.offset += offsetShift(change, sample.time);
        sample.time = add(sample.time, timeShift(change, sample.time));
      }
    }
    this.changes = [];
  }

  /** Undefined as long as the samples are too few. */
  selectionData(now: Instant): SelectionData | undefined {
    const best = this.best();
    if (!best || this.count < MIN_SELECTABLE) return undefined;
    const { estimate: e } = this;
    const age = Math.abs(diff(now, best.time));
    return {
      offset: best.offset + e.freq * diff(now, best.time),
      rootDistance: best.rootDelay / 2 + best.rootDispersion + age * e.skew,
      stdDev: e.stdDev,
      firstAgo: diff(now, this.samples[this.older]!.time),
      lastAgo: diff(now, this.newest!.time),
    };
  }

  trackingData(): TrackingData | undefined {
    const best = this.best();
    const newest = this.newest;
    if (!best || !newest) return undefined;
    const age = diff(newest.time, best.time);
    return {
      ...this.estimate,
      time: newest.time,
      rootDelay: best.rootDelay,
      rootDispersion: best.rootDispersion + this.estimate.skew * age + this.estimate.offsetSd,
    };
  }

  /** Offset foretold for `now`. */
  predict(now: Instant): Seconds {
    const newest = this.newest;
    return newest ? this.estimate.offset + this.estimate.freq * diff(now, newest.time) : 0;
  }

  /** The sample with the smallest root distance, aged to the newest. */
  private best(): Sample | undefined {
    const newest = this.newest;
    let best: Sample | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (let i = this.older; i < this.samples.length; i++) {
      const s = this.samples[i]!;
      const distance = s.rootDispersion + diff(newest!.time, s.time) * this.estimate.skew + s.rootDelay / 2;
      // The newer one of equals.
      if (distance <= least) {
        best = s;
        least = distance;
      }
    }
    return best;
  }

  private fit(): void {
    const newest = this.samples.at(-1)!;
    const x = this.samples.map((s) => diff(s.time, newest.time));
    const y = this.samples.map((s) => s.offset);
    const line = bestLine(x, y, this.weights(), this.older, this.minSamples);
    if (!line) {
      this.current = this.guess(newest);
      return;
    }
    this.older = line.start;
    const trim = Math.max(0, this.older - MAX_OLDER);
    this.samples.splice(0, trim);
    this.older -= trim;
    this.current = {
      offset: line.intercept,
      offsetSd: line.interceptSd,
      freq: line.slope,
      freqSd: line.slopeSd,
      skew: Math.min(1, Math.max(MIN_SKEW, line.slopeSd * studentT(line.dof))),
      stdDev: Math.max(MIN_SD, line.sd),
      runs: line.runs,
    };
  }

  /** One sample says nothing; two show how far samples scatter, so that a source need not wait for a third poll. */
  private guess(newest: Sample): Estimate {
    if (this.count < MIN_SELECTABLE) return { ...NOTHING, offset: newest.offset };
    const scatter = Math.abs(newest.offset - this.samples.at(-2)!.offset);
    const sd = Math.max(MIN_SD, newest.peerDispersion, scatter);
    return { ...NOTHING, offset: newest.offset, offsetSd: sd, stdDev: sd, runs: 1 };
  }

  /** Relative variances: a sample that came with more delay or dispersion than the best counts less. */
  private weights(): number[] {
    const distances = this.samples.map((s) => s.peerDelay / 2 + s.peerDispersion);
    const sorted = distances.slice(this.older).sort((a, b) => a - b);
    const least = sorted[0]!;
    const median = sorted[sorted.length >> 1]!;
    const sd = Math.max(this.precision, Math.min((median - least) / MEDIAN_SPREAD, least));
    return distances.map((d) => (1 + Math.max(0, d - least - this.precision) / sd) ** 2);
  }
}
