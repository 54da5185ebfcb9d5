/**
 * What a round trip says about the error of its offset.
 *
 * A packet waits in queues on its way up (u) and down (v), beyond the shortest possible delay. The measured offset is
 * wrong by (u − v)/2, and only the sum s = u + v is known. Queues are one-sided, so with exponential waiting times of
 * mean U and D the error given s is known in closed form: u lies in [0, s] with density ~ exp(lambda u),
 * lambda = 1/D − 1/U. Its mean is what an asymmetric path makes of a delayed packet, its variance says how little a
 * delayed packet is worth.
 *
 * U + D is the mean of s. The ratio U/D is learned: each hypothesis on a grid foretells how offsets move with delays,
 * and follows the offsets with a slow filter of its own; likelihoods, slowly forgotten, weigh the hypotheses. Where
 * delays say nothing about direction all of them fit alike and the symmetric prior stands: no bias, and weights by
 * delay as chrony's. An offset that is wrong all the time alike (a path that is longer up than down even when empty)
 * cannot be seen from here by anybody.
 */
import type { Seconds } from '../../../base/units.js';
import { LEARNED_ASYMMETRY } from './options.js';

/** U/D of the hypotheses: from −GRID to GRID, evenly in the logarithm, up to this ratio. */
const GRID = 8;
const FARTHEST = 16;
const SIZE = 2 * GRID + 1;
/** Log odds against the square of the logarithm of the ratio: paths are symmetric until shown otherwise. */
const SYMMETRY_ODDS = 0.5;
/** Exchanges whose delays are remembered. */
const KEPT = 512;
/** Exchanges over which the fit of the hypotheses is remembered; while young, half of the age. */
const MEMORY = 1000;
const YOUNG_MEMORY = 8;
/** Exchanges before hypotheses are judged: the clock is still being put right. */
const FIRST = 8;
/** Movement of the offset between two exchanges that is not of the path, in mean waits: the clock's. */
const LEVEL_STEP = 1 / 64;
/** An exchange counts at most this many squared standard deviations. */
const CAP = 16;
/** Mean wait before any is known: this share of the round trip, worth as many exchanges. */
const PRIOR_SHARE = 1 / 8;
const PRIOR_WEIGHT = 2;
/** So many exchanges in a row, all slower than the shortest by so many mean waits, are another route. */
const ROUTE_EXCHANGES = 16;
const ROUTE_WAITS = 4;

const LOG_RATIOS = Array.from({ length: SIZE }, (_, k) => ((k - GRID) * Math.log(FARTHEST)) / GRID);
/** lambda (U + D). */
const TILTS = LOG_RATIOS.map((l) => Math.exp(l) - Math.exp(-l));

/** What one exchange is worth. */
export interface DelayVerdict {
  /** Mean of the error that the path makes of the offset (measured θ minus true): subtract it. */
  readonly bias: Seconds;
  /** Standard deviation of what remains. */
  readonly sd: Seconds;
  /** Of an ordinary exchange of this path. */
  readonly usualSd: Seconds;
}

/** Mean and variance of u − s/2, in units of s and s², for u in [0, s] with density ~ exp(a u/s). */
const tilted = (a: number): { mean: number; variance: number } => {
  if (Math.abs(a) < 0.05) return { mean: a / 12, variance: 1 / 12 - (a * a) / 240 };
  if (Math.abs(a) > 40) return { mean: Math.sign(a) / 2 - 1 / a, variance: 1 / (a * a) };
  const h = a / 2;
  return { mean: 1 / (2 * Math.tanh(h)) - 1 / a, variance: 1 / (a * a) - 1 / (4 * Math.sinh(h) ** 2) };
};

export class DelayModel {
  private delays: Seconds[] = [];
  private sum = 0;
  private floor = Number.POSITIVE_INFINITY;
  private exchanges = 0;
  private readonly level = new Float64Array(SIZE);
  private readonly levelVariance = new Float64Array(SIZE);
  private readonly score = new Float64Array(SIZE);
  private readonly mean = new Float64Array(SIZE);
  private readonly variance = new Float64Array(SIZE);
  private readonly weight = new Float64Array(SIZE);

  /**
   * @param asymmetry −0.5…0.5 as configured (negative: the way up is the more variable one), or LEARNED_ASYMMETRY.
   * @param mindelay shortest possible round trip as configured; 0 = the shortest seen.
   */
  constructor(
    private readonly asymmetry: number,
    private readonly mindelay: Seconds,
  ) {}

  /** Shortest round trip known; undefined before the first. */
  get minimum(): Seconds | undefined {
    if (this.mindelay > 0) return this.mindelay;
    return this.delays.length === 0 ? undefined : this.floor;
  }

  /** Learned share of the wait that the offset is wrong by, −0.5…0.5 (chrony's jitter asymmetry). */
  get jitterAsymmetry(): number {
    if (this.asymmetry !== LEARNED_ASYMMETRY) return this.asymmetry;
    let sum = 0;
    for (let k = 0; k < SIZE; k++) sum -= this.weight[k]! * tilted(TILTS[k]!).mean;
    return this.exchanges < FIRST ? 0 : sum;
  }

  /** The delay below which this share of the remembered exchanges lie. */
  quantile(share: number): Seconds | undefined {
    if (this.delays.length === 0) return undefined;
    const sorted = Float64Array.from(this.delays).sort();
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  }

  /** The clock was moved, or the network is another one: levels are void, and delays as well when `all`. */
  restart(all: boolean): void {
    this.exchanges = 0;
    if (!all) return;
    this.delays = [];
    this.sum = 0;
    this.floor = Number.POSITIVE_INFINITY;
    this.score.fill(0);
  }

  /** The clock was corrected: offsets to come are larger by this much than they would have been. */
  shift(offset: Seconds): void {
    for (let k = 0; k < SIZE; k++) this.level[k]! += offset;
  }

  /** Takes in one exchange. @param noise error of the stamps, 1 sd, s. */
  take(offset: Seconds, delay: Seconds, noise: Seconds): DelayVerdict {
    this.remember(delay);
    const n = this.delays.length;
    const base = this.mindelay > 0 ? Math.min(this.mindelay, this.floor) : this.floor;
    const waits = this.sum - n * base + PRIOR_WEIGHT * PRIOR_SHARE * base;
    const meanWait = Math.max(0, waits) / (n + PRIOR_WEIGHT) + noise;
    // The shortest of n exchanges waited a little as well.
    const wait = delay - base + meanWait / Math.sqrt(n);
    const usualSd = Math.hypot(meanWait / Math.sqrt(12), noise);
    if (this.asymmetry !== LEARNED_ASYMMETRY) {
      const a = this.asymmetry;
      return { bias: -a * wait, sd: Math.hypot(wait * Math.sqrt((1 - 4 * a * a) / 12), noise), usualSd };
    }
    this.foretell(wait, meanWait, noise);
    this.judge(offset, meanWait);
    return { ...this.verdict(), usualSd };
  }

  private remember(delay: Seconds): void {
    this.delays.push(delay);
    this.sum += delay;
    const oldest = this.delays.length > KEPT ? this.delays.shift()! : undefined;
    if (oldest !== undefined) this.sum -= oldest;
    if (delay < this.floor) this.floor = delay;
    else if (oldest === this.floor) this.floor = Math.min(...this.delays);
    const before = this.delays.length - ROUTE_EXCHANGES;
    if (before < ROUTE_EXCHANGES) return;
    const latest = this.delays.slice(before);
    const shortest = Math.min(...latest);
    const sumLatest = latest.reduce((a, d) => a + d, 0);
    const waitBefore = (this.sum - sumLatest) / before - this.floor;
    if (shortest <= this.floor + ROUTE_WAITS * waitBefore + this.floor * 1e-3) return;
    this.delays = latest;
    this.sum = sumLatest;
    this.floor = shortest;
  }

  private foretell(wait: Seconds, meanWait: Seconds, noise: Seconds): void {
    for (let k = 0; k < SIZE; k++) {
      const t = tilted((TILTS[k]! * wait) / meanWait);
      this.mean[k] = t.mean * wait;
      this.variance[k] = t.variance * wait * wait + noise * noise;
    }
  }

  private judge(offset: Seconds, meanWait: Seconds): void {
    this.exchanges++;
    const keep = 1 - 1 / Math.min(MEMORY, Math.max(YOUNG_MEMORY, this.exchanges / 2));
    for (let k = 0; k < SIZE; k++) {
      const seen = offset - this.mean[k]!;
      if (this.exchanges <= FIRST) {
        this.level[k] = seen;
        this.levelVariance[k] = meanWait ** 2;
        continue;
      }
      const p = this.levelVariance[k]! + (LEVEL_STEP * meanWait) ** 2;
      const v = p + this.variance[k]!;
      const e = seen - this.level[k]!;
      this.score[k] = this.score[k]! * keep - 0.5 * (Math.log(v) + Math.min((e * e) / v, CAP));
      this.level[k]! += (p / v) * e;
      this.levelVariance[k] = p * (1 - p / v);
    }
  }

  private verdict(): { readonly bias: Seconds; readonly sd: Seconds } {
    const { weight, score, mean, variance } = this;
    let best = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < SIZE; k++) {
      weight[k] = score[k]! - SYMMETRY_ODDS * LOG_RATIOS[k]! ** 2;
      best = Math.max(best, weight[k]!);
    }
    let sum = 0;
    for (let k = 0; k < SIZE; k++) {
      weight[k] = Math.exp(weight[k]! - best);
      sum += weight[k]!;
    }
    let bias = 0;
    for (let k = 0; k < SIZE; k++) {
      weight[k]! /= sum;
      bias += weight[k]! * mean[k]!;
    }
    let spread = 0;
    for (let k = 0; k < SIZE; k++) spread += weight[k]! * (variance[k]! + (mean[k]! - bias) ** 2);
    return { bias, sd: Math.sqrt(spread) };
  }
}
