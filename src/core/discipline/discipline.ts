import { add, diff, type Instant } from '../../base/time.js';
import { type Frequency, PPM, type Seconds } from '../../base/units.js';
import type { DisciplineOptions } from '../refclock/options.js';
import { type ClockChange, timeShift } from '../sample.js';
import type { Finding } from '../sources/types.js';
import { KalmanBank } from './bank.js';
import { Dispute } from './dispute.js';
import { Doubt } from './doubt.js';
import type { Belief, Estimator, Innovation } from './estimator.js';
import { Freedom } from './freedom.js';
import { Gate } from './gate.js';
import { LongWander } from './longwander.js';
import { ChangeLimit, type ChangeVerdict, StepRule } from './steps.js';
import type { Correction, DisciplineMode, ErrorBound, Measurement, TrackingFigures } from './types.js';

export type { Correction, DisciplineMode, ErrorBound, Measurement, TrackingFigures } from './types.js';

/** Frequency of a clock nobody has measured yet, 1 sd: crystals are sold as ±50…100 ppm. */
const UNKNOWN_FREQ = 100 * PPM;
/** Of a clock that somebody else has moved. */
const MOVED_FREQ = 1 * PPM;
/**
 * Standard deviations in the bound. A normal error leaves 3.3 of them once in a thousand; the figures themselves are
 * estimated, and over a day of seconds 4.7 are left less than once.
 */
const BOUND_SDS = 4.7;
/** s over which the growth of the bound is told ahead, at least: longer than a pause of a daemon that is busy. */
const OUTLOOK = 64;
/** Share of Gaussian-looking noise that may be a constant. */
const HIDDEN = 0.08;
/** chrony's skew is the 99.95 % quantile of the frequency error. */
const SKEW_SDS = 3.3;
/** Intervals that may pass without a measurement, as a lost pulse or two: more is a gap. */
const GRACE_INTERVALS = 5;
/** Refused in a row: while converging, what we believe was wrong from the start; later, the bound must contain them. */
const MANY_REFUSALS = 5;
/**
 * s of nothing but refusals while tracking, after which the clock, not the source, must be wrong: so many times what the
 * source had been believed before, within limits, and at least so many measurements.
 */
const PATIENCE = { times: 3, least: 600, most: 3 * 3600, measurements: 16 } as const;
/** Believed measurements before the clock can count as tracking. */
const TRACKING_UPDATES = 8;
/** Longest interval taken as usual, s: poll 10 and some. */
const MAX_INTERVAL = 2048;
/** Weight of the newest square in the rms offset (chrony). */
const RMS_GAIN = 0.1;

/**
 * The clock discipline: measurements of the selected source in, corrections of the cooked clock out. After a
 * correction has been applied (see `rebase`) cooked time is the best estimate there is.
 *
 * The gate decides what is believed, the estimator what it means, `freedom` remembers how the oscillator moves; modes,
 * steps and limits are judged here.
 */
export class Discipline {
  mode: DisciplineMode = 'reset';
  private readonly estimator: Estimator;
  private readonly gate = new Gate();
  private readonly freedom = new Freedom();
  private readonly steps: StepRule;
  private readonly limit: ChangeLimit;
  /** Cooked instant of the estimator. */
  private at: Instant | undefined;
  /** Cooked instant of the last measurement, believed or not. */
  private heardAt: Instant | undefined;
  /** Cooked instant of the last believed measurement. */
  private believedAt: Instant | undefined;
  /** Usual spacing of measurements. */
  private interval: Seconds = 0;
  private updates = 0;
  /** Source of the last believed measurement. */
  private source: number | undefined;
  private refusals = 0;
  private readonly dispute = new Dispute();
  private readonly doubt = new Doubt();
  private readonly longWander = new LongWander();
  /** Size of the latest innovations refused, once they are many: part of an honest bound. */
  private disputed: Seconds = 0;
  /** s in all in which measurements were believed. */
  private agreed: Seconds = 0;
  /** Seconds in gaps since the last believed measurement. */
  private unseen: Seconds = 0;
  /** Whole rate given to the clock, drift file included. */
  private rate: Frequency;
  private last: { offset: Seconds; freq: Frequency; interval: Seconds } = { offset: 0, freq: 0, interval: 0 };
  private meanSquare = 0;
  private rmsSettled = false;
  /** The bound last asked for, as long as nothing changes: an event asks a dozen times for that of one instant. */
  private bounded: ErrorBound | undefined;
  private boundedAt: Instant | undefined;

  /** @param start frequency already applied to the clock at start (drift file) and its uncertainty, both s/s. */
  constructor(
    private options: DisciplineOptions,
    private readonly start: { readonly freq: Frequency; readonly skew: Frequency } | undefined,
  ) {
    this.estimator = new KalmanBank(this.startSd());
    this.steps = new StepRule(options.makestep);
    this.limit = new ChangeLimit(options.maxchange);
    this.rate = start?.freq ?? 0;
  }

  /** Learned figures and present belief, for reports. */
  get belief(): Belief {
    return this.estimator.belief;
  }

  measure(m: Measurement): Correction {
    this.bounded = undefined;
    if (this.at !== undefined && m.time <= this.at) return refuse('not newer than the last measurement');
    this.advance(m.time);
    const { sigma } = this.estimator.belief;
    const innovation = this.estimator.innovation(m.offset, m.source, m.sigma, m.relative);
    if (innovation.anew === true) this.doubt.restart();
    // The source knows better than it did.
    if (m.source === this.source) this.gate.rescale(sigma / this.estimator.belief.sigma);
    const elapsed = this.believedAt === undefined ? 0 : diff(m.time, this.believedAt);
    const verdict = this.gate.judge(innovation, this.unseen);
    if (!verdict.accepted) return this.refused(m, innovation, elapsed, verdict.reason);
    const change = this.limit.judge(m.offset, m.time, m.interval ?? 0);
    if (change !== 'ok') return this.overLimit(m.offset, change);
    if (verdict.stretched) this.estimator.inflateFrequency(Math.abs(innovation.error) / Math.max(elapsed, 1));
    if (this.unseen === 0) this.suspect(innovation, m.source);
    // The first two fix phase and frequency, a late one is the fruit of a gap: neither tells about noise.
    this.estimator.absorb(this.updates >= 2 && this.unseen === 0);
    return this.accepted(m, elapsed, verdict.reason);
  }

  /** No reference any more: freezes the frequency, zeroes the drift, lets the bound grow. */
  hold(now: Instant): void {
    this.bounded = undefined;
    if (this.mode === 'reset') return;
    this.mode = 'holdover';
    if (this.at !== undefined && now > this.at) {
      this.estimator.advance(diff(now, this.at), false);
      this.at = now;
    }
  }

  rebase(change: ClockChange): void {
    this.bounded = undefined;
    if (change.kind === 'unknown') {
      this.forget(Math.max(MOVED_FREQ, this.estimator.belief.fSd));
      this.at = undefined;
      this.heardAt = undefined;
      this.believedAt = undefined;
      return;
    }
    this.rate += change.dfreq;
    if (this.at === undefined) return;
    const shift = timeShift(change, this.at);
    // A leap second moves the clock's reading and UTC together, and so does another scale: the error stays what it was.
    this.estimator.shift(change.kind === 'leap' || change.kind === 'scale' ? 0 : shift, change.dfreq);
    this.at = add(this.at, shift);
    if (this.heardAt !== undefined) this.heardAt = add(this.heardAt, timeShift(change, this.heardAt));
    if (this.believedAt !== undefined) this.believedAt = add(this.believedAt, timeShift(change, this.believedAt));
  }

  /** One correction from elsewhere: may the clock be stepped by what is now to be corrected? */
  mayStep(pending: Seconds): boolean {
    return this.steps.allows(pending);
  }

  /** The oscillator has changed by −`dfreq`, and the clock's rate by `dfreq` to make up for it: time goes on as it did. */
  followed(dfreq: Frequency): void {
    this.rate += dfreq;
  }

  /** Command `maxupdateskew`: ppm. */
  setMaxUpdateSkew(maxupdateskewPpm: number): void {
    this.options = { ...this.options, maxupdateskewPpm };
  }

  /** `makestep` by command: the rule of the configuration is replaced. */
  setMakestep(rule: DisciplineOptions['makestep']): void {
    this.steps.replace(rule);
  }

  /** @param now cooked */
  bound(now: Instant): ErrorBound {
    if (this.bounded === undefined || this.boundedAt !== now) {
      this.bounded = this.boundAt(now);
      this.boundedAt = now;
    }
    return this.bounded;
  }

  private boundAt(now: Instant): ErrorBound {
    const ageing = this.options.maxclockerrorPpm * PPM;
    if (this.at === undefined || this.believedAt === undefined) {
      return { halfWidth: 1, sd: 1, dispersion: 1, dispersionRate: ageing, disputed: 0 };
    }
    const t = diff(now, this.at);
    const free = diff(now, this.believedAt);
    const sd = this.sdAfter(t, free);
    const halfWidth = this.halfWidth(t, sd);
    // The bound grows ever faster: its chord lies above it.
    const ahead = Math.max(OUTLOOK, 2 * this.interval);
    const later = this.halfWidth(t + ahead, this.sdAfter(t + ahead, free + ahead));
    const dispersionRate = Math.max(0, later - halfWidth) / ahead;
    return { halfWidth, sd, dispersion: halfWidth, dispersionRate, disputed: this.disputed };
  }

  /** 1 sd of the cooked clock, `t` s after the estimator's instant and `free` s after the last believed measurement. */
  private sdAfter(t: Seconds, free: Seconds): Seconds {
    const { belief } = this.estimator;
    const after = Math.max(0, t);
    const variance = belief.xSd ** 2 + 2 * belief.xf * after + (belief.fSd * after) ** 2;
    const grown = this.freedom.phaseError(Math.max(0, free), belief.wander, this.options.maxclockerrorPpm * PPM);
    return Math.sqrt(Math.max(variance, belief.xSd ** 2) + grown ** 2);
  }

  private halfWidth(t: Seconds, sd: Seconds): Seconds {
    const { belief } = this.estimator;
    return (
      Math.abs(belief.x + belief.f * Math.max(0, t)) +
      BOUND_SDS * sd * this.doubt.factor * this.longWander.factor(belief.wander, this.doubt.sinceChange) +
      latency(belief) +
      this.doubt.extra +
      this.disputed
    );
  }

  figures(): TrackingFigures {
    return {
      lastOffset: this.last.offset,
      rmsOffset: Math.sqrt(this.meanSquare),
      skewPpm: (SKEW_SDS * this.estimator.belief.fSd) / PPM,
      residualFreqPpm: this.last.freq / PPM,
      updateInterval: this.last.interval,
      updates: this.updates,
    };
  }

  private startSd(): Frequency {
    return this.start ? Math.min(UNKNOWN_FREQ, Math.max(this.start.skew, 0.01 * PPM)) : UNKNOWN_FREQ;
  }

  private patience(): Seconds {
    const { times, least, most, measurements } = PATIENCE;
    return Math.max(measurements * this.interval, Math.min(most, Math.max(least, times * this.agreed)));
  }

  private grace(): Seconds {
    return GRACE_INTERVALS * this.interval;
  }

  /** Brings the estimator to `time`: usual intervals with the drift, what goes beyond without it. */
  private advance(time: Instant): void {
    if (this.at !== undefined) {
      const dt = diff(time, this.at);
      const usual = this.mode === 'holdover' ? 0 : Math.min(dt, this.interval === 0 ? dt : this.grace());
      this.estimator.advance(usual, true);
      this.estimator.advance(dt - usual, false);
    }
    if (this.heardAt !== undefined) this.hear(diff(time, this.heardAt));
    this.at = time;
    this.heardAt = time;
  }

  /** The spacing of measurements: follows a slower source in a few steps, a single gap by little. */
  private hear(dt: Seconds): void {
    if (this.interval === 0) {
      this.interval = Math.min(dt, MAX_INTERVAL);
      return;
    }
    if (dt > this.grace()) this.unseen += dt;
    this.interval += 0.2 * (Math.min(dt, MAX_INTERVAL, 4 * this.interval) - this.interval);
  }

  private suspect({ error, sd }: Innovation, source: number): void {
    if (source !== this.source) this.doubt.anew();
    this.source = source;
    const finding = this.doubt.add(error, sd, this.estimator.belief.sigma, this.interval);
    if (finding.kind === 'jump') this.estimator.inflateFrequency(finding.by);
    if (finding.kind === 'noise') {
      this.estimator.relearn(finding.sigma);
      this.estimator.inflateFrequency(finding.by);
    }
    if (finding.kind === 'quiet') {
      const { sigma } = this.estimator.belief;
      this.estimator.quieten(finding.sigma);
      // Measured by the old sigma all were small: with the new one only the smallest would pass.
      this.gate.rescale(sigma / finding.sigma);
    }
  }

  private refused(m: Measurement, innovation: Innovation, elapsed: Seconds, reason: string): Correction {
    this.refusals++;
    const finding = this.doubt.refused(innovation.error, innovation.sd, this.interval);
    const many = this.refusals >= MANY_REFUSALS;
    if ((many && this.mode === 'converging') || elapsed > this.patience()) return this.again(m, UNKNOWN_FREQ);
    if (many) {
      this.disputed = Math.abs(innovation.error);
      this.mode = 'holdover';
      // Whoever set a limit wants to know of a source that insists, not only of one that is believed.
      const change = this.limit.judge(m.offset, m.time, m.interval ?? 0);
      if (change !== 'ok') return this.overLimit(m.offset, change);
    }
    const { belief } = this.estimator;
    const diagnosis = this.dispute.add(innovation.error, elapsed, belief.xSd, belief.sigma);
    if (finding.kind === 'noise') {
      this.estimator.inflateFrequency(finding.by);
      return this.noisy(finding.sigma);
    }
    if (diagnosis.kind === 'none') return refuse(reason);
    if (diagnosis.kind === 'lost') return this.again(m, 2 * Math.abs(diagnosis.slope));
    if (diagnosis.kind === 'noise') return this.noisy(diagnosis.sigma);
    const by = 2 * Math.abs(diagnosis.jump);
    this.doubt.jumped(by);
    this.estimator.inflateFrequency(by);
    this.estimator.absorb(false);
    return this.accepted(m, elapsed, 'the frequency has jumped');
  }

  private noisy(sigma: Seconds): Correction {
    this.estimator.relearn(sigma);
    return refuse('the source has become noisy: learning its noise again');
  }

  /** Nothing but refusals: forgets what was believed and takes the measurement as the first. */
  private again(m: Measurement, freqSd: Frequency): Correction {
    this.forget(freqSd);
    this.at = undefined;
    return { ...this.measure(m), reason: 'started again: nothing but refused measurements' };
  }

  /** Nothing is disputed (any more). */
  private believe(): void {
    this.refusals = 0;
    this.disputed = 0;
    this.unseen = 0;
    this.dispute.settle();
  }

  private forget(freqSd: Frequency): void {
    this.estimator.restart(freqSd);
    this.gate.restart();
    this.doubt.restart();
    this.updates = 0;
    this.believe();
    this.mode = 'reset';
  }

  private overLimit(offset: Seconds, verdict: Exclude<ChangeVerdict, 'ok'>): Correction {
    const refusal = refuse('larger than maxchange allows');
    if (verdict === 'again') return refusal;
    const word = verdict === 'exit' ? 'exiting' : 'ignored';
    const allowed = this.options.maxchange?.offset ?? 0;
    const text = `Adjustment of ${offset.toFixed(3)} seconds exceeds the allowed maximum of ${allowed.toFixed(3)} seconds (${word})`;
    // No `Fatal error :` before it when it ends the daemon, as by chronyd.
    const fact: Finding = { severity: verdict === 'exit' ? 'error' : 'warn', name: 'discipline.maxchange', text };
    const exit = verdict === 'exit' ? { code: 1, reason: text } : undefined;
    return { ...refusal, exit, facts: [fact] };
  }

  private accepted(m: Measurement, elapsed: Seconds, reason: string): Correction {
    this.updates++;
    this.believe();
    this.believedAt = m.time;
    this.agreed += Math.min(elapsed, this.grace());
    const { belief } = this.estimator;
    const doffset = belief.x;
    const dfreq = this.allowedFreq(belief);
    this.mode = this.nextMode(belief);
    // What a start takes for the frequency is no movement of the oscillator.
    if (this.mode === 'tracking' && this.doubt.settled) {
      this.freedom.observe(this.rate + dfreq, elapsed);
      this.longWander.learn(belief.wander);
    }
    this.account(doffset, dfreq, elapsed);
    const facts: Finding[] = [];
    const { logchange, mailchange = Number.POSITIVE_INFINITY } = this.options;
    const size = Math.abs(doffset);
    if (size > Math.min(logchange, mailchange)) {
      facts.push({
        severity: size > logchange ? 'warn' : 'debug',
        name: 'discipline.wrong',
        text: `System clock wrong by ${doffset.toFixed(6)} seconds`,
        fields: { offset: doffset },
      });
    }
    const step = this.steps.allows((m.pending ?? 0) + doffset);
    return { accepted: true, reason, doffset, dfreq, step, exit: undefined, facts };
  }

  /** The frequency in the middle of the coming interval, within `maxdrift`; none as long as it is too vague. */
  private allowedFreq(belief: Belief): Frequency {
    if (belief.fSd > this.options.maxupdateskewPpm * PPM) return 0;
    const max = this.options.maxdriftPpm * PPM;
    const wanted = this.rate + belief.f + (belief.d * this.interval) / 2;
    return Math.min(max, Math.max(-max, wanted)) - this.rate;
  }

  /** Tracking: the frequency adds less error in an interval than a measurement has noise. */
  private nextMode(belief: Belief): DisciplineMode {
    if (this.mode === 'tracking') return 'tracking';
    const known = belief.fSd * this.interval < belief.sigma && belief.xSd < 2 * belief.sigma;
    return this.updates >= TRACKING_UPDATES && known ? 'tracking' : 'converging';
  }

  private account(offset: Seconds, freq: Frequency, interval: Seconds): void {
    this.last = { offset, freq, interval };
    const square = offset * offset;
    // As long as the offset shrinks, the rms is the newest; from the first growth on it is a running mean (chrony).
    if (this.rmsSettled) this.meanSquare += RMS_GAIN * (square - this.meanSquare);
    else if (this.updates === 1 || square < this.meanSquare) this.meanSquare = square;
    else this.rmsSettled = true;
  }
}

/** The mean of interrupt latency, which no measurement shows: all of one-sided noise, and some of what looks Gaussian. */
const latency = ({ sigma, oneSided }: Belief): Seconds => sigma * (HIDDEN + (1 - HIDDEN) * oneSided);

const refuse = (reason: string): Correction => ({
  accepted: false,
  reason,
  doffset: 0,
  dfreq: 0,
  step: false,
  exit: undefined,
  facts: [],
});
