import { add, diff, type Instant } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';
import { ChangeLog } from '../changelog.js';
import type { ClockChange, Sample } from '../sample.js';
import { medianOf } from './robust.js';

/** Share of the samples, sorted by offset, that is combined; the rest is cut off at both ends. */
const COMBINE_RATIO = 0.6;
/** Samples with more than this many times the smallest dispersion are left out, if enough remain. */
const DISPERSION_RATIO = 1.5;
const ENOUGH = 4;
/** Degrees of freedom after which the long-term variance stops being a plain mean. */
const VARIANCE_DOF = 50;
/** s²; nothing is divided by zero. */
const MIN_VARIANCE = 1e-20;
const MAX_LENGTH = 256;
/** Changes of the clock kept until somebody looks at the samples. */
const MAX_CHANGES = 1024;

/** 90 % points of the chi-square distribution, 1…10 degrees of freedom. */
const CHI2_90 = [2.706, 4.605, 6.251, 7.779, 9.236, 10.645, 12.017, 13.362, 14.684, 15.987];

/** Beyond the table: Wilson and Hilferty's cube, off by less than 0.1 % there. */
export const chi2At90 = (dof: number): number => {
  const exact = CHI2_90[dof - 1];
  if (exact !== undefined) return exact;
  const v = 2 / (9 * dof);
  return dof * (1 - v + 1.281552 * Math.sqrt(v)) ** 3;
};

interface Entry {
  sample: Sample;
  /** Changes of the log that it has followed. */
  followed: number;
}

interface Spread {
  readonly variance: number;
  readonly dispersion: Seconds;
  readonly dof: number;
}

/** chrony's sample filter: many raw samples of one poll interval become one, with an honest dispersion. */
export class SampleFilter {
  private samples: Entry[] = [];
  private newest: Entry | undefined;
  private readonly changes = new ChangeLog();
  private variance: number;
  private varianceDof = 0;
  private readonly length: number;
  private readonly maxVariance: number;

  /** `maxDispersion` 0 = no limit. Before anything is measured the variance is taken as precision². */
  constructor(length: number, maxDispersion: Seconds, precision: Seconds) {
    this.length = Math.max(1, Math.min(MAX_LENGTH, length));
    this.maxVariance = maxDispersion * maxDispersion;
    this.variance = precision * precision;
  }

  /** False: not newer than the one before. */
  accumulate(sample: Sample): boolean {
    const last = this.samples.at(-1);
    if (last !== undefined && sample.time <= this.follow(last).time) return false;
    if (this.samples.length >= this.length) this.samples.shift();
    this.newest = { sample, followed: this.changes.length };
    this.samples.push(this.newest);
    return true;
  }

  get count(): number {
    return this.samples.length;
  }

  /** The newest raw sample; it survives the emptying at a poll, so that a pulse can be locked to it. */
  get last(): Sample | undefined {
    return this.newest && this.follow(this.newest);
  }

  /** Long-term standard deviation of single samples. */
  get averageDispersion(): Seconds {
    return Math.sqrt(this.variance);
  }

  clear(): void {
    this.samples = [];
  }

  /** The history is void: nothing to lock to either. */
  reset(): void {
    this.samples = [];
    this.newest = undefined;
    this.changes.clear();
  }

  /** Combines and empties. Undefined: no samples, or they are more scattered than `maxdispersion`. */
  take(): Sample | undefined {
    const chosen = this.choose();
    this.samples = [];
    this.settle();
    if (chosen.length === 0) return undefined;
    const origin = chosen[0]!.time;
    const mean = (of: (s: Sample) => number): number => chosen.reduce((sum, s) => sum + of(s), 0) / chosen.length;
    const meanTime = mean((s) => diff(s.time, origin));
    const meanOffset = mean((s) => s.offset);
    const spread = this.spread(chosen, origin, meanTime, meanOffset);
    if (this.maxVariance > 0 && spread.variance > this.maxVariance) return undefined;
    const dispersion = this.smoothed(spread);
    const last = chosen.at(-1)!;
    return {
      time: add(origin, meanTime),
      offset: meanOffset,
      peerDelay: mean((s) => s.peerDelay),
      peerDispersion: Math.max(
        dispersion,
        mean((s) => s.peerDispersion),
      ),
      rootDelay: mean((s) => s.rootDelay),
      rootDispersion: Math.max(
        dispersion,
        mean((s) => s.rootDispersion),
      ),
      stratum: last.stratum,
      leap: last.leap,
    };
  }

  rebase(change: ClockChange): void {
    if (this.newest === undefined) return;
    this.changes.push(change);
    if (this.changes.length >= MAX_CHANGES) this.settle();
  }

  private follow(entry: Entry): Sample {
    const { changes } = this;
    if (entry.followed < changes.length) {
      changes.carry(entry.sample.time, entry.sample.offset, entry.followed);
      entry.sample = { ...entry.sample, time: changes.time, offset: changes.offset };
      entry.followed = changes.length;
    }
    return entry.sample;
  }

  /** All samples have followed all changes. */
  private settle(): void {
    const { newest, samples } = this;
    for (const entry of samples) this.follow(entry);
    if (newest !== undefined) this.follow(newest);
    this.changes.clear();
    for (const entry of samples) entry.followed = 0;
    if (newest !== undefined) newest.followed = 0;
  }

  /** The middle of the good ones, in time order. */
  private choose(): readonly Sample[] {
    let kept: readonly Sample[] = this.samples.map((entry) => this.follow(entry));
    if (kept.length > ENOUGH) {
      const limit = DISPERSION_RATIO * Math.min(...kept.map((s) => s.peerDispersion));
      const good = kept.filter((s) => s.peerDispersion <= limit);
      if (good.length >= ENOUGH) kept = good;
    }
    const n = kept.length;
    if (n <= 2) return kept;
    const cut = Math.max(1, Math.min(Math.floor((n * (1 - COMBINE_RATIO)) / 2), (n - 1) >> 1));
    const sorted = [...kept].sort((a, b) => a.offset - b.offset).slice(cut, n - cut);
    return sorted.sort((a, b) => (a.time < b.time ? -1 : 1));
  }

  private spread(chosen: readonly Sample[], origin: Instant, meanTime: Seconds, meanOffset: Seconds): Spread {
    const n = chosen.length;
    let result: Spread;
    if (n >= ENOUGH) result = fit(chosen, origin, meanTime);
    else if (n >= 2) {
      const variance = chosen.reduce((sum, s) => sum + (s.offset - meanOffset) ** 2, 0) / (n - 1);
      result = { variance, dispersion: Math.sqrt(variance), dof: n - 1 };
    } else result = { variance: this.variance, dispersion: Math.sqrt(this.variance), dof: 1 };
    return result.variance >= MIN_VARIANCE
      ? result
      : { variance: MIN_VARIANCE, dispersion: Math.sqrt(MIN_VARIANCE), dof: result.dof };
  }

  /**
   * Learns the long-term variance. It replaces the one just seen unless that is significantly larger (chi-square,
   * 90 %): otherwise the weights in the statistics would be mostly noise of the variance estimate.
   */
  private smoothed({ variance, dispersion, dof }: Spread): Seconds {
    const before = this.variance;
    if (this.varianceDof + dof < VARIANCE_DOF) {
      this.variance = (before * this.varianceDof + variance * dof) / (this.varianceDof + dof);
      this.varianceDof += dof;
    } else {
      this.variance += (dof / (dof + VARIANCE_DOF)) * (variance - before);
      this.varianceDof = VARIANCE_DOF;
    }
    const usual = (variance * dof) / chi2At90(dof) < before;
    return usual ? dispersion * Math.sqrt(this.variance / variance) : dispersion;
  }
}

/** Straight line through the offsets, weights 1/dispersion, origin at the mean time: residual variance, sd of the intercept. */
const fit = (chosen: readonly Sample[], origin: Instant, meanTime: Seconds): Spread => {
  const n = chosen.length;
  const xs = chosen.map((s) => diff(s.time, origin) - meanTime);
  // A dispersion of zero would be an infinite weight.
  const floor = Math.max(1e-12, 1e-3 * medianOf(chosen.map((s) => s.peerDispersion)));
  const ws = chosen.map((s) => 1 / Math.max(s.peerDispersion, floor));
  const sum = (of: (i: number) => number): number => xs.reduce((total, _x, i) => total + ws[i]! * of(i), 0);
  const weight = sum(() => 1);
  const xMean = sum((i) => xs[i]!) / weight;
  const sxx = sum((i) => (xs[i]! - xMean) ** 2);
  const slope = sum((i) => (xs[i]! - xMean) * chosen[i]!.offset) / sxx;
  const intercept = sum((i) => chosen[i]!.offset) / weight - slope * xMean;
  const unit = sum((i) => (chosen[i]!.offset - intercept - slope * xs[i]!) ** 2) / (n - 2);
  return {
    variance: (unit * n) / weight,
    dispersion: Math.sqrt(unit * (1 / weight + (xMean * xMean) / sxx)),
    dof: n - 2,
  };
};
