import type { Frequency, Seconds } from '../../base/units.js';
import { SortedWindow } from '../window.js';

/** Weight of the newest squared innovation: about eight of them say whether the noise is still what was learned. */
const GAIN = 1 / 8;
/** The same for differences of successive innovations, which a trend hardly touches. */
const DIFFERENCE_GAIN = 1 / 4;
/** Expected deviations that the rms of so few may reach by chance. */
const CHANCE = 1.3;
/** One square counts at most this much. */
const CAP = 100;
/** The same over about 64 innovations, for noise that has grown by less than is noticed at once. */
const SLOW_GAIN = 1 / 64;
const SLOW_CHANCE = 1.15;
/** Two-sided cumulative sum (Page 1954) of the innovations, in deviations: slack a measurement … */
const SLACK = 0.75;
/** … level from which on it counts in the bound … */
const SUSPICION = 1;
/** … by this many expected deviations for each of its own, as a trend is seen only when it has already grown. */
const AHEAD = 3;
/** … and level of an alarm: by chance once in some days of pulses. */
const ALARM = 7.5;
/** A deviation counts at most this much in the sum, so that a few wild measurements are no trend. */
const MOST = 3;
/** Noise grown by more than this: it, and not the oscillator, is the reason. */
const GROWN = 2;
/** Noise that is this many times the learned one for so many measurements has to be learned anew. */
const LOUD = 2.5;
const LOUD_FOR = 8;
/** Differences whose median says how large the noise is after a change. */
const SCATTERED = 12;
/** Deviations foretold that it may reach by chance. */
const SCATTER_CHANCE = 1.8;
/** Median size of the difference of two normal errors, in standard deviations of one. */
const NORMAL_DIFFERENCE = 0.6745 * Math.SQRT2;
/** Share of an unexpected innovation that ends up in the frequency, an interval. */
const LEAKED = 0.03;
/** White noise that has shrunk to this share of the learned one, seen over about this many measurements. */
const QUIET = 1 / 3;
const QUIET_GAIN = 1 / 16;
/** The grain of all stamps, s: nothing is quieter. */
const FINEST: Seconds = 1e-9;
/**
 * The same at the start, over so few: a source's claim may be far too large, and the first measurements may have met a
 * clock that did not do as it was told.
 */
const QUIET_YOUNG = 1 / 8;
const QUIET_YOUNG_WINDOW = 6;
/** A relearned source counts as seen so often. */
const RELEARNED = 8;
/** Share of measurements that were refused, of about the last eight: from here on their scatter counts in the bound. */
const MANY_REFUSED = 0.25;
/** … and the least such share on either side: one of the last six. */
const BOTH_SIDES = 0.06;
/** What is learned from n measurements is itself only known to about 1/n: this many widen the bound twofold. */
const YOUNG = 6;
/** After a change of the noise the wander, learned in units of it, is less certain: so much wider, ever less for so many measurements. */
const SHAKEN = 0.4;
const SHAKEN_FOR = 1024;
/** Measurements before which any of them may be an outlier that nobody can tell, and what it may then be off by, s. */
const PROOF = 3;
const UNPROVEN = 0.01;
/** While young the largest innovation is remembered, losing this much a measurement. */
const FADE = 0.7;
const YOUTH = 32;

export type Finding =
  | { readonly kind: 'nothing' }
  /** The oscillator runs at another rate, by about this much. */
  | { readonly kind: 'jump'; readonly by: Frequency }
  /** The noise of the source has grown to about `sigma`, and may meanwhile have moved the frequency by about this … */
  | { readonly kind: 'noise'; readonly by: Frequency; readonly sigma: Seconds }
  /** … or shrunk, to this. */
  | { readonly kind: 'quiet'; readonly sigma: Seconds };

const NOTHING: Finding = { kind: 'nothing' };

/**
 * Doubt about the estimator's own covariance, from what its innovations look like. They should be white and of the
 * foretold size; larger ones say that the noise has grown, ones that lean to a side that the oscillator has changed.
 */
export class Doubt {
  private seen = 0;
  private square = 1;
  private slowSquare = 1;
  private difference = 1;
  private before: Seconds = 0;
  /** Sizes of the latest differences. */
  private readonly scattered = new SortedWindow(SCATTERED);
  /** Variance of the white part of the innovations, from their differences, s². */
  private white = 0;
  private errorBefore: Seconds = 0;
  /** Half the squares of the last differences, while young. */
  private halves: number[] = [];
  private loudFor = 0;
  /** Shares of refused ones, lately: too large and too small. */
  private refusedUp = 0;
  private refusedDown = 0;
  /** Believed measurements since the frequency was last taken for changed. */
  private sinceJump = Number.POSITIVE_INFINITY;
  private jump: Frequency = 0;
  /** Measurements since the noise was last taken for changed. */
  sinceChange = Number.POSITIVE_INFINITY;
  private up = 0;
  private down = 0;
  /** Measurements since the sums last were zero. */
  private upFor = 0;
  private downFor = 0;
  private expected: Seconds = 0;
  private largest: Seconds = 0;

  restart(): void {
    this.seen = 0;
    this.square = 1;
    this.slowSquare = 1;
    this.difference = 1;
    this.before = 0;
    this.scattered.clear();
    this.loudFor = 0;
    this.refusedUp = 0;
    this.refusedDown = 0;
    this.sinceJump = Number.POSITIVE_INFINITY;
    this.largest = 0;
    this.halves = [];
    this.calm();
  }

  /** Other noise from now on, of a clock that is known. */
  anew(): void {
    const { seen } = this;
    this.restart();
    this.seen = Math.min(seen, RELEARNED);
  }

  /**
   * A believed measurement.
   *
   * @param error its innovation, s.
   * @param sd the one foretold for it, s.
   * @param sigma learned white noise of the source, s.
   * @param interval usual time between two, s.
   */
  add(error: Seconds, sd: Seconds, sigma: Seconds, interval: Seconds): Finding {
    this.seen++;
    this.sinceJump++;
    this.sinceChange++;
    this.refusedUp -= GAIN * this.refusedUp;
    this.refusedDown -= GAIN * this.refusedDown;
    this.expected = sd;
    this.follow(error, sigma);
    // The first sets the phase, and nothing was foretold.
    if (this.seen === 1) return NOTHING;
    const z = error / sd;
    this.square += GAIN * (Math.min(z * z, CAP) - this.square);
    this.slowSquare += SLOW_GAIN * (Math.min(z * z, CAP) - this.slowSquare);
    this.scatter(error, sd);
    this.largest = this.seen > YOUTH ? 0 : Math.max(FADE * this.largest, Math.abs(error));
    const run = this.trend(z / Math.sqrt(Math.max(1, this.difference)));
    const quiet = this.quiet(sigma);
    if (quiet !== undefined) return this.renew({ kind: 'quiet', sigma: quiet });
    if (this.seen <= YOUTH) return NOTHING;
    if (this.isLoud()) return this.noise(sd, interval);
    if (run === 0) return NOTHING;
    this.calm();
    if (this.difference > GROWN * GROWN) return NOTHING;
    const by = Math.abs(error) / (run * interval);
    this.jumped(by);
    return { kind: 'jump', by };
  }

  private follow(error: Seconds, sigma: Seconds): void {
    const half = (error - this.errorBefore) ** 2 / 2;
    this.white = this.seen <= YOUTH ? sigma * sigma : this.white + QUIET_GAIN * (half - this.white);
    this.errorBefore = error;
    if (this.seen > YOUTH) return;
    if (this.halves.push(half) > QUIET_YOUNG_WINDOW) this.halves.shift();
  }

  /** White noise of the latest measurements, however few of them are wild. */
  private get scatterNow(): Seconds {
    return Math.max(FINEST, this.scattered.upperMedian / NORMAL_DIFFERENCE);
  }

  /** The same in deviations foretold; 1 as long as there are too few. */
  private get scatterRatio(): number {
    return this.scattered.length < SCATTERED || this.expected === 0 ? 1 : this.scatterNow / this.expected;
  }

  /** White noise, if it is far below the learned one. */
  private quiet(sigma: Seconds): Seconds | undefined {
    const young = this.seen <= YOUTH;
    if (young && this.halves.length < QUIET_YOUNG_WINDOW) return undefined;
    const square = young ? this.halves.reduce((a, b) => a + b) / QUIET_YOUNG_WINDOW : this.white;
    const white = Math.max(FINEST, Math.sqrt(square));
    if (white >= (young ? QUIET_YOUNG : QUIET) * sigma) return undefined;
    // The running mean still remembers the noise that is gone.
    return young ? white : this.scatterNow;
  }

  private renew(finding: Finding): Finding {
    this.anew();
    this.sinceChange = 0;
    return finding;
  }

  /** A measurement that was not believed: it says that the noise is wild, and what leans to a side may be its tail. */
  refused(error: Seconds, sd: Seconds, interval: Seconds): Finding {
    this.scatter(error, sd);
    this.refusedUp += GAIN * ((error > 0 ? 1 : 0) - this.refusedUp);
    this.refusedDown += GAIN * ((error > 0 ? 0 : 1) - this.refusedDown);
    return this.seen > YOUTH && this.isWild() && this.isLoud() ? this.noise(sd, interval) : NOTHING;
  }

  /** The frequency is taken for changed: it may as well have been the noise, and is known as little as at a start. */
  jumped(by: Frequency): void {
    this.sinceJump = 0;
    this.jump = by;
  }

  /** Many are refused, and to both sides: interrupts that are late for a while come to one side. */
  private isWild(): boolean {
    const { refusedUp: up, refusedDown: down } = this;
    return up + down >= MANY_REFUSED && Math.min(up, down) > BOTH_SIDES;
  }

  /** Outliers leave those that are believed as they were; noise that has grown makes them larger as well. */
  private isLoud(): boolean {
    const least = this.isWild() ? GROWN : LOUD;
    // A median does not dip because two happened to be alike.
    const scattered = this.difference > LOUD * LOUD || this.scatterRatio > LOUD;
    const loud = this.square > least * least && scattered;
    this.loudFor = loud ? this.loudFor + 1 : 0;
    return this.loudFor >= LOUD_FOR;
  }

  /** What has just been taken for a jump was its beginning. */
  private noise(sd: Seconds, interval: Seconds): Finding {
    const sigma = Math.max(sd, this.scatterNow);
    const leaked = (LEAKED * Math.sqrt(this.square) * sd) / interval;
    const by = this.sinceJump > YOUTH ? leaked : Math.max(leaked, this.jump);
    this.anew();
    this.sinceChange = 0;
    this.jumped(by);
    return { kind: 'noise', by, sigma };
  }

  /** By errors, not by their ratios: a train that is wrong by a constant does not scatter, however little was foretold. */
  private scatter(error: Seconds, sd: Seconds): void {
    const change = error - this.before;
    const z = change / sd;
    this.scattered.push(Math.abs(change));
    this.difference += DIFFERENCE_GAIN * (Math.min((z * z) / 2, CAP) - this.difference);
    this.before = error;
  }

  /** Measurements in an alarming trend, else 0. */
  private trend(z: number): number {
    const counted = Math.max(-MOST, Math.min(MOST, z));
    this.up = Math.max(0, this.up + counted - SLACK);
    this.down = Math.max(0, this.down - counted - SLACK);
    this.upFor = this.up > 0 ? this.upFor + 1 : 0;
    this.downFor = this.down > 0 ? this.downFor + 1 : 0;
    if (Math.max(this.up, this.down) < ALARM) return 0;
    return this.up > this.down ? this.upFor : this.downFor;
  }

  /** Has enough been seen since the start, or since the noise was last learned anew, to take the figures as they are. */
  get settled(): boolean {
    return this.seen > YOUTH;
  }

  /** What the sd of the clock has to be multiplied with. */
  get factor(): number {
    const known = Math.max(1, Math.min(this.seen, this.sinceJump));
    const usual = Math.max(Math.sqrt(this.square) / CHANCE, Math.sqrt(this.slowSquare) / SLOW_CHANCE);
    const wild = this.refusedUp + this.refusedDown < MANY_REFUSED ? 0 : Math.sqrt(this.difference);
    const shaken = SHAKEN * Math.max(0, 1 - this.sinceChange / SHAKEN_FOR);
    return Math.max(1, usual, wild, this.scatterRatio / SCATTER_CHANCE) * (1 + YOUNG / known + shaken);
  }

  /** What the bound needs beside it, s. */
  get extra(): Seconds {
    if (this.seen < PROOF) return UNPROVEN;
    return this.largest + AHEAD * Math.max(0, this.up - SUSPICION, this.down - SUSPICION) * this.expected;
  }

  private calm(): void {
    this.up = 0;
    this.down = 0;
    this.upFor = 0;
    this.downFor = 0;
  }
}
