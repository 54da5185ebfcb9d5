import { countToSeconds, diff, type Instant, instant } from '../../base/time.js';
import { type Frequency, PPM, type Seconds } from '../../base/units.js';
import { ChangeLog } from '../changelog.js';
import type { ClockChange, Sample } from '../sample.js';
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

/** A sample on the present scale of the clock: its time as ns since `origin`, so that nothing but numbers is touched. */
interface Kept {
  readonly sample: Sample;
  at: number;
  offset: Seconds;
}

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
  private kept: Kept[] = [];
  private origin: Instant = instant(0n);
  private older = 0;
  /** What `best` has found, until something changes. */
  private found: Kept | undefined;
  /** Changes of the clock that the samples have not followed yet. */
  private readonly changes = new ChangeLog();

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

  private get samples(): Kept[] {
    this.settle();
    return this.kept;
  }

  get count(): number {
    return this.kept.length - this.older;
  }

  get newest(): Sample | undefined {
    const newest = this.samples.at(-1);
    return newest && this.sampleOf(newest);
  }

  /** Seconds between the oldest and the newest sample of the fit. */
  get span(): Seconds {
    const first = this.samples[this.older];
    return first ? countToSeconds(this.kept.at(-1)!.at - first.at) : 0;
  }

  /** Samples of the fit, oldest first. */
  get fitted(): readonly Sample[] {
    return this.samples.slice(this.older).map((k) => this.sampleOf(k));
  }

  private timeOf({ at }: Kept): Instant {
    return instant(this.origin + BigInt(at));
  }

  private sampleOf(kept: Kept): Sample {
    return { ...kept.sample, time: this.timeOf(kept), offset: kept.offset };
  }

  reset(): void {
    this.kept = [];
    this.found = undefined;
    this.changes.clear();
    this.older = 0;
    this.current = NOTHING;
  }

  /** The source's own clock went forward by `offset` s at once: what was measured before is put on its new scale. */
  moved(offset: Seconds): void {
    if (this.kept.length === 0) return;
    for (const sample of this.samples) sample.offset += offset;
    this.current = { ...this.current, offset: this.current.offset + offset };
  }

  /** False: the sample is not newer than the last one, and the history was dropped. */
  accumulate(sample: Sample): boolean {
    const last = this.samples.at(-1);
    const ordered = last === undefined || sample.time > this.timeOf(last);
    if (!ordered) this.reset();
    if (this.kept.length === 0) this.origin = sample.time;
    this.kept.push({ sample, at: Number(sample.time - this.origin), offset: sample.offset });
    const room = Math.min(MAX_SAMPLES, this.maxSamples > 0 ? this.maxSamples : MAX_SAMPLES);
    if (this.count > room) this.older = this.kept.length - room;
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
    const { changes, kept } = this;
    if (changes.length === 0) return;
    this.found = undefined;
    const newest = kept.at(-1)!;
    changes.carry(this.timeOf(newest), this.current.offset);
    const { offset } = changes;
    let { freq } = this.current;
    for (let i = 0; i < changes.length; i++) freq = (freq - changes.at(i).dfreq) / (1 + changes.at(i).dfreq);
    const { offsetSd, freqSd, skew, stdDev, runs } = this.current;
    this.current = { offset, offsetSd, freq, freqSd, skew, stdDev, runs };
    // A clock that is moved far, or samples of many days: counted anew from the newest.
    if (changes.isNear(this.origin)) this.follow();
    else this.followFar(this.timeOf(newest));
    changes.clear();
  }

  private follow(): void {
    const { changes, origin } = this;
    for (const k of this.kept) {
      changes.carryCount(k.at, k.offset, origin);
      k.offset = changes.offset;
      k.at = changes.count;
    }
  }

  private followFar(newest: Instant): void {
    const { changes } = this;
    changes.carry(newest, 0);
    const origin = changes.time;
    for (const k of this.kept) {
      changes.carry(this.timeOf(k), k.offset);
      k.offset = changes.offset;
      k.at = Number(changes.time - origin);
    }
    this.origin = origin;
  }

  /** Undefined as long as the samples are too few. */
  selectionData(now: Instant): SelectionData | undefined {
    const best = this.best();
    if (!best || this.count < MIN_SELECTABLE) return undefined;
    const { current: e, kept } = this;
    const since = Number(now - this.origin);
    const ago = countToSeconds(since - best.at);
    const { rootDelay, rootDispersion } = best.sample;
    return {
      offset: best.offset + e.freq * ago,
      rootDistance: rootDelay / 2 + rootDispersion + Math.abs(ago) * e.skew,
      stdDev: e.stdDev,
      firstAgo: countToSeconds(since - kept[this.older]!.at),
      lastAgo: countToSeconds(since - kept.at(-1)!.at),
    };
  }

  trackingData(): TrackingData | undefined {
    const best = this.best();
    const newest = this.kept.at(-1);
    if (!best || !newest) return undefined;
    const { current: e } = this;
    const { rootDelay, rootDispersion } = best.sample;
    return {
      ...e,
      time: this.timeOf(newest),
      rootDelay,
      rootDispersion: rootDispersion + e.skew * countToSeconds(newest.at - best.at) + e.offsetSd,
    };
  }

  /** Offset foretold for `now`. */
  predict(now: Instant): Seconds {
    const newest = this.samples.at(-1);
    return newest ? this.current.offset + this.current.freq * diff(now, this.timeOf(newest)) : 0;
  }

  /** The sample with the smallest root distance, aged to the newest. */
  private best(): Kept | undefined {
    const { samples, older } = this;
    if (this.found !== undefined) return this.found;
    const { skew } = this.current;
    const newest = samples.at(-1);
    let best: Kept | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (let i = older; i < samples.length; i++) {
      const k = samples[i]!;
      const { rootDispersion, rootDelay } = k.sample;
      const distance = rootDispersion + countToSeconds(newest!.at - k.at) * skew + rootDelay / 2;
      // The newer one of equals.
      if (distance <= least) {
        best = k;
        least = distance;
      }
    }
    this.found = best;
    return best;
  }

  private fit(): void {
    const { kept } = this;
    this.found = undefined;
    const newest = kept.at(-1)!;
    const x = kept.map((k) => countToSeconds(k.at - newest.at));
    const y = kept.map((k) => k.offset);
    const line = bestLine(x, y, this.weights(), this.older, this.minSamples);
    if (!line) {
      this.current = this.guess(newest);
      return;
    }
    this.older = line.start;
    const trim = Math.max(0, this.older - MAX_OLDER);
    kept.splice(0, trim);
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
  private guess(newest: Kept): Estimate {
    if (this.count < MIN_SELECTABLE) return { ...NOTHING, offset: newest.offset };
    const scatter = Math.abs(newest.offset - this.kept.at(-2)!.offset);
    const sd = Math.max(MIN_SD, newest.sample.peerDispersion, scatter);
    return { ...NOTHING, offset: newest.offset, offsetSd: sd, stdDev: sd, runs: 1 };
  }

  /** Relative variances: a sample that came with more delay or dispersion than the best counts less. */
  private weights(): number[] {
    const distances = this.kept.map(({ sample }) => sample.peerDelay / 2 + sample.peerDispersion);
    const sorted = distances.slice(this.older).sort((a, b) => a - b);
    const least = sorted[0]!;
    const median = sorted[sorted.length >> 1]!;
    const sd = Math.max(this.precision, Math.min((median - least) / MEDIAN_SPREAD, least));
    return distances.map((d) => (1 + Math.max(0, d - least - this.precision) / sd) ** 2);
  }
}
