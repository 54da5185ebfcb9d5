import type { Frequency, Seconds } from '../../base/units.js';
import type { Belief, Estimator, Innovation } from './estimator.js';
import { Filters } from './filters.js';
import { late, posterior } from './latency.js';

/**
 * A bank of Kalman filters: each follows the clock under one hypothesis about its noise, and the measurements decide
 * which hypotheses count (multiple-model adaptive estimation, Magill 1965). The estimate is the weighted mean.
 *
 * What a filter does depends only on ratios to the white noise sigma of the measurements. So hypotheses are ratios
 * (lambda = wander / sigma, and the time tau after which drift outweighs wander), covariances are in units of sigma²,
 * and each filter learns sigma from its own innovations. One grid thus serves a PHC of 1 ns and sentences of 10 ms,
 * and there is no grid of sigmas that could miss the true one.
 */

/** log10 of lambda (1/sqrt(s)): from sentences of 10 ms on a quiet oscillator to a PHC on a noisy one. */
const LAMBDA_FROM = -7.5;
const LAMBDA_STEP = 0.25;
const LAMBDAS = 31;
/** s; Infinity = no drift. Below 10 s drift cannot be told from wander, above 300 s it does nothing. */
const TAUS = [Number.POSITIVE_INFINITY, 300, 100, 30, 10];
/** The same for noise with a sharp early edge, see latency.ts. */
const LATE_TAUS = [Number.POSITIVE_INFINITY, 100, 30];
/** Filters below this index take the noise for Gaussian, the others for one-sided. */
const GAUSSIANS = LAMBDAS * TAUS.length;
/**
 * Slow bias of the source: standard deviation in sigmas, correlation time in s. Messages come late by a latency that
 * wanders with what the receiver has to say; pulses do not, so only coarse sources are tried with it.
 */
const BIASES: readonly (readonly [ratio: number, tau: number])[] = [
  [1, 900],
  [3, 900],
  [1, 3600],
  [3, 3600],
];
/** s; a source with this much noise is coarse. */
const COARSE = 1e-4;
/** Filters from this index on have a bias. */
const BIASED = GAUSSIANS + LAMBDAS * LATE_TAUS.length;
const SIZE = BIASED + LAMBDAS * BIASES.length;
/** Log odds against a hypothesis with drift: most oscillators have none that matters, and a needless one costs 5 %. */
const ODDS = 2;
/** log10 of the wander (1/sqrt(s)) that needs no excuse, and log odds against the square of the decades beyond. */
const CALM = -8;
const RESTLESS_ODDS = 8;
/** Square of a wander that is surely calm, without taking its logarithm. */
const SURELY_CALM = 10 ** (2 * CALM) * (1 - 1e-9);
/** The exponential of anything below is zero in a float64. */
const NEGLIGIBLE = -746;

/** Measurements over which the fit of the hypotheses is remembered: longer is finer, shorter follows change sooner. */
const MEMORY = 2000;
/** While young, memory is this share of the age, so that a wild start is forgotten. */
const YOUNG_SHARE = 0.5;
const YOUNG_MEMORY = 8;
/** One innovation counts at most this many squared standard deviations, once sigma is known. */
const CAP = 16;
/** The claim of a source about its sigma counts as this many measurements. */
const CLAIM_WEIGHT = 2;
/** What has just been seen of a noise that has changed counts as this many. */
const SEEN_WEIGHT = 8;
/** A young source whose claim falls below this share of the first is taken up anew. */
const BETTER = 0.25;
/** … by a measurement within so many deviations of what is believed. */
const FITTING = 6;
/** Frequency of a clock whose source has become quiet, 1 sd: at least so vague, and in deviations of what was believed. */
const QUIETENED_FREQ: Frequency = 1e-7;
const QUIETENED_SDS = 3;
/** A phase vaguer than this many sigmas is being found: the innovation says nothing about noise. */
const FINDING = 30;
/** Age at which sigma counts as known. */
const GROWN = 32;
/** A change of the noise is noticed within less: what spoke for the hypotheses before is then still untouched by it. */
const PROOF = 64;
/** What spoke for them counts as so many measurements afterwards: sigma, and with it the wander of each, is known to a third at first. */
const OUTLIVING = 500;
/** Measurements after which the bank knows its oscillator, and begins anew no more because of the source. */
const PROVEN = 256;
/** Age at which sigma is known well enough to say where an edge is: too large a sigma would bias the clock by the excess. */
const EDGE_KNOWN = 256;
/** Variance of the phase at a start, in units of sigma²: the first measurement decides alone. */
const VAGUE = 1e6;
const LOG_SQRT_2PI = 0.5 * Math.log(2 * Math.PI);
/** Drift at a start: the random walk of this many seconds, but never more than an oscillator does while warming up, 1/s. */
const START_DRIFT_S = 100;
const START_DRIFT_MAX = 1e-8;

export class KalmanBank implements Estimator {
  belief: Belief = { x: 0, f: 0, d: 0, xSd: 1, fSd: 1, xf: 0, sigma: 1, wander: 0, drift: 0, oneSided: 0 };
  private filters = newFilters();
  private spare = newFilters();
  /** Log likelihood, forgotten exponentially. */
  private readonly score = new Float64Array(SIZE);
  /** The same as it was some time ago, and as it will be that of some time ago. */
  private readonly proven = new Float64Array(SIZE);
  private readonly candidate = new Float64Array(SIZE);
  /** Sum of squared innovations, each over its predicted variance in units of sigma²; forgotten likewise. */
  private readonly squares = new Float64Array(SIZE);
  private readonly weight = new Float64Array(SIZE);
  /** Measurements that `squares` stands for. */
  private memory = 0;
  /** Measurements since sigma was last taken for unknown … */
  private age = 0;
  /** … and those in which hypotheses could prove themselves: what is known of the oscillator outlives a change of the noise. */
  private tried = 0;
  private fresh = true;
  /** Filters in use: those with a bias only for coarse sources, and only the plain ones where each measurement has its own noise. */
  private active = BIASED;
  private source: number | undefined;
  /** What the source first said of its noise. */
  private claim: Seconds = 0;
  private readonly knownSigma = new Map<number, Seconds>();
  private offset: Seconds = 0;
  /** Variance of the measurement at hand over that of an ordinary one of its source. */
  private relative = 1;

  constructor(private freqSd: Frequency) {}

  restart(freqSd: Frequency): void {
    this.freqSd = freqSd;
    this.fresh = true;
  }

  advance(dt: Seconds, steady: boolean): void {
    if (this.fresh || !(dt > 0)) return;
    if (steady) this.filters.advance(dt, this.active);
    else this.filters.coast(dt, this.active);
    this.summarise();
  }

  innovation(offset: Seconds, source: number, sigma: Seconds, relative?: number): Innovation {
    if (source !== this.source) this.changeSource(source, sigma, relative !== undefined);
    const anew = relative === undefined && this.knowsBetter(sigma) && this.fits(offset);
    if (anew) this.reclaim(sigma);
    if (this.fresh) this.start(offset);
    this.offset = offset;
    this.relative = relative ?? 1;
    const { belief } = this;
    return { error: offset - belief.x, sd: Math.hypot(belief.xSd, belief.sigma * Math.sqrt(this.relative)), anew };
  }

  absorb(typical: boolean): void {
    const { filters, offset, belief, relative } = this;
    const learn = typical && belief.xSd < FINDING * belief.sigma;
    if (learn) this.forget();
    const { x, c } = filters;
    for (let i = 0; i < GAUSSIANS; i++) {
      const e = offset - x[i]!;
      const s = c[6 * i]! + relative;
      if (learn) this.judge(i, e, s);
      filters.measure(i, e / s, relative / s);
    }
    if (this.active > GAUSSIANS) for (let i = GAUSSIANS; i < BIASED; i++) this.absorbLate(i, learn);
    for (let i = BIASED; i < this.active; i++) {
      const e = offset - filters.seen(i);
      const s = filters.spread(i) + 1;
      if (learn) this.judge(i, e, s);
      filters.measureBiased(i, e, s);
    }
    if (learn) this.weigh();
    this.summarise();
  }

  private absorbLate(i: number, learn: boolean): void {
    const { filters } = this;
    const e = this.offset - filters.x[i]!;
    const p = filters.c[6 * i]!;
    // Beyond a few sigma the shape of the noise says nothing, and after a start sigma is not known yet.
    if (p > 10 || this.age < EDGE_KNOWN) {
      if (learn) this.judge(i, e, p + 1);
      filters.measure(i, e / (p + 1), 1 / (p + 1));
      return;
    }
    const variance = learn ? this.squares[i]! / (this.memory - 1) : this.variance(i);
    const sigma = Math.sqrt(variance);
    late(e / sigma, p);
    if (learn) {
      this.score[i]! += posterior.log - 0.5 * Math.log(variance) + LOG_SQRT_2PI;
      this.squares[i]! += Math.min((e * e) / (p + 1), CAP * variance);
    }
    filters.measure(i, posterior.gain * sigma, posterior.keep);
  }

  relearn(sigma: Seconds): void {
    // The noise is another, the oscillator is not: each hypothesis keeps its wander, and what spoke for it before.
    const trust = Math.min(1, OUTLIVING / Math.max(1, this.tried));
    for (let i = 0; i < SIZE; i++) this.score[i] = trust * this.proven[i]!;
    this.tried = Math.min(this.tried, OUTLIVING);
    this.regrid(Math.log10(sigma / this.belief.sigma));
    this.memory = SEEN_WEIGHT;
    this.squares.fill(SEEN_WEIGHT * sigma * sigma);
    this.age = 0;
    this.weigh();
    this.summarise();
  }

  inflateFrequency(sd: Frequency): void {
    for (let i = 0; i < SIZE; i++) this.filters.c[6 * i + 3]! += (sd * sd) / this.variance(i);
    this.summarise();
  }

  shift(x: Seconds, f: Frequency): void {
    this.filters.shift(x, f);
    const { d, xSd, fSd, xf, sigma, wander, drift, oneSided } = this.belief;
    // Written out: a spread costs more than all the filters.
    this.belief = { x: this.belief.x - x, f: this.belief.f - f, d, xSd, fSd, xf, sigma, wander, drift, oneSided };
  }

  /** sigma² as filter i has learned it. */
  private variance(i: number): number {
    return this.squares[i]! / this.memory;
  }

  private start(offset: Seconds): void {
    for (let i = 0; i < SIZE; i++) {
      const unit = 1 / this.variance(i);
      const drift = Math.min(this.filters.drift2[i]! * START_DRIFT_S, START_DRIFT_MAX ** 2 * unit);
      this.filters.start(i, offset, VAGUE, this.freqSd * this.freqSd * unit, drift);
      if (i >= BIASED) this.filters.clearBias(i);
    }
    this.fresh = false;
    this.summarise();
  }

  /**
   * Another source has another sigma, which is the unit of everything here. Hypotheses about the clock stay true when
   * each is carried to the grid point with the same wander, that is lambda × old sigma / new sigma.
   */
  private changeSource(source: number, claim: Seconds, weighted: boolean): void {
    const old = this.belief.sigma;
    if (this.source !== undefined) this.knownSigma.set(this.source, old);
    const known = this.knownSigma.get(source);
    const sigma = known ?? claim;
    if (this.source !== undefined) this.regrid(Math.log10(sigma / old));
    this.source = source;
    this.claim = claim;
    this.active = weighted ? GAUSSIANS : sigma >= COARSE ? SIZE : BIASED;
    this.memory = known === undefined ? CLAIM_WEIGHT : Math.max(this.memory, CLAIM_WEIGHT);
    if (known === undefined) {
      this.age = 0;
      this.tried = 0;
    }
    this.squares.fill(this.memory * sigma * sigma);
    this.weigh();
    this.summarise();
  }

  private knowsBetter(sigma: Seconds): boolean {
    return this.tried < GROWN && sigma < BETTER * this.claim;
  }

  /** Beginning anew takes the phase from the measurement at hand, unjudged: never from one that is away from all before. */
  private fits(offset: Seconds): boolean {
    const { x, xSd, sigma } = this.belief;
    return this.fresh || Math.abs(offset - x) <= FITTING * Math.hypot(xSd, sigma);
  }

  /**
   * A source that spoke of 100 us until it knew better: what was made of its first measurements is too timid, above
   * all the frequency, and is cheaper found anew than corrected.
   */
  private reclaim(sigma: Seconds): void {
    this.claim = sigma;
    this.memory = CLAIM_WEIGHT;
    this.squares.fill(CLAIM_WEIGHT * sigma * sigma);
    this.score.fill(0);
    this.prove();
    this.age = 0;
    this.tried = 0;
    this.active = sigma >= COARSE ? SIZE : BIASED;
    this.fresh = true;
    this.weigh();
  }

  quieten(sigma: Seconds): void {
    if (this.tried > PROVEN) {
      this.relearn(sigma);
      return;
    }
    this.freqSd = Math.max(QUIETENED_FREQ, QUIETENED_SDS * this.belief.fSd);
    this.reclaim(sigma);
    this.start(this.offset);
  }

  private regrid(decades: number): void {
    const steps = Math.round(decades / LAMBDA_STEP);
    const { filters, spare, active } = this;
    const score = this.score.slice();
    for (let i = 0; i < SIZE; i++) {
      const at = i % LAMBDAS;
      // The bias belongs to the source left, and what was idle knows nothing: such filters begin as the plain one of the same wander.
      const group = i < Math.min(BIASED, active) ? i - at : 0;
      const from = group + Math.min(LAMBDAS - 1, Math.max(0, at + steps));
      spare.copy(i, filters, from, 10 ** (-2 * decades));
      if (i >= BIASED) spare.clearBias(i);
      this.score[i] = score[from]!;
    }
    this.filters = spare;
    this.spare = filters;
    this.prove();
  }

  /** What now speaks for the hypotheses is all there is. */
  private prove(): void {
    this.proven.set(this.score);
    this.candidate.set(this.score);
  }

  private forget(): void {
    this.age++;
    this.tried++;
    if (this.tried % PROOF === 0) {
      this.proven.set(this.candidate);
      this.candidate.set(this.score);
    }
    const keep = keptAt(this.age);
    const keepScore = keptAt(this.tried);
    this.memory = this.memory * keep + 1;
    const { score, squares, active } = this;
    for (let i = 0; i < active; i++) {
      score[i]! *= keepScore;
      squares[i]! *= keep;
    }
  }

  /** How well filter i foretold the measurement: innovation e, predicted variance s in units of its sigma². */
  private judge(i: number, e: Seconds, s: number): void {
    const variance = this.squares[i]! / (this.memory - 1);
    const square = (e * e) / s;
    const counted = this.age > GROWN ? Math.min(square, CAP * variance) : square;
    this.score[i]! -= 0.5 * (Math.log(s * variance) + counted / variance);
    this.squares[i]! += counted;
  }

  private weigh(): void {
    const { weight, score, squares, memory, active } = this;
    const { wander2: wanders, drift2 } = this.filters;
    let best = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < active; i++) {
      const wander2 = wanders[i]! * (squares[i]! / memory);
      const restless = wander2 < SURELY_CALM ? 0 : Math.max(0, 0.5 * Math.log10(wander2) - CALM);
      weight[i] = score[i]! - (drift2[i] === 0 ? 0 : ODDS) - RESTLESS_ODDS * restless * restless;
      best = Math.max(best, weight[i]!);
    }
    let sum = 0;
    for (let i = 0; i < active; i++) {
      const gap = weight[i]! - best;
      sum += weight[i] = gap < NEGLIGIBLE ? 0 : Math.exp(gap);
    }
    for (let i = 0; i < active; i++) weight[i]! /= sum;
  }

  /** Mean and covariance of the mixture. */
  private summarise(): void {
    const { weight, squares, memory, active } = this;
    const { x: xs, f: fs, d: ds, c, wander2, drift2 } = this.filters;
    let x = 0;
    let f = 0;
    let d = 0;
    let variance = 0;
    let wander = 0;
    let drift = 0;
    let oneSided = 0;
    for (let i = 0; i < active; i++) {
      const w = weight[i]!;
      if (w === 0) continue;
      const v = w * (squares[i]! / memory);
      x += w * xs[i]!;
      f += w * fs[i]!;
      variance += v;
      wander += v * wander2[i]!;
      if (i >= BIASED) continue;
      if (i >= GAUSSIANS) oneSided += w;
      d += w * ds[i]!;
      drift += v * drift2[i]!;
    }
    let xx = 0;
    let xf = 0;
    let ff = 0;
    for (let i = 0; i < active; i++) {
      const w = weight[i]!;
      if (w === 0) continue;
      const v = w * (squares[i]! / memory);
      const dx = xs[i]! - x;
      const df = fs[i]! - f;
      xx += v * c[6 * i]! + w * dx * dx;
      xf += v * c[6 * i + 1]! + w * dx * df;
      ff += v * c[6 * i + 3]! + w * df * df;
    }
    this.belief = {
      x,
      f,
      d,
      xSd: Math.sqrt(xx),
      fSd: Math.sqrt(ff),
      xf,
      sigma: Math.sqrt(variance),
      wander: Math.sqrt(wander),
      drift: Math.sqrt(drift),
      oneSided,
    };
  }
}

/** What a measurement leaves of those before it, at this age. */
const keptAt = (age: number): number => 1 - 1 / Math.min(MEMORY, Math.max(YOUNG_MEMORY, YOUNG_SHARE * age));

function newFilters(): Filters {
  const wander2 = new Float64Array(SIZE);
  const drift2 = new Float64Array(SIZE);
  const biasTau = new Float64Array(SIZE);
  const taus = [...TAUS, ...LATE_TAUS];
  for (let i = 0; i < SIZE; i++) {
    const lambda = 10 ** (LAMBDA_FROM + LAMBDA_STEP * (i % LAMBDAS));
    const group = Math.floor(i / LAMBDAS);
    wander2[i] = lambda ** 2;
    if (i < BIASED) drift2[i] = (lambda / taus[group]!) ** 2;
    else [drift2[i], biasTau[i]] = [BIASES[group - taus.length]![0] ** 2, BIASES[group - taus.length]![1]];
  }
  return new Filters(wander2, drift2, biasTau, BIASED);
}
