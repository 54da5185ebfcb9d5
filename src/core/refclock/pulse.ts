import { add, diff, type Instant, nsInSecond } from '../../base/time.js';
import type { Leap, Seconds } from '../../base/units.js';
import { correctionAt } from '../clockview.js';
import { type ClockChange, offsetShift, timeShift } from '../sample.js';
import { Grain, PULSE_GRAIN } from './grain.js';
import type { MessageInput } from './message.js';
import { Numbering, type NumberingEvent, type Phase } from './numbering.js';
import { fold, medianOf } from './robust.js';
import type { Source } from './source.js';
import type { ClockContext, Measured } from './types.js';

/** Outliers in a row, after which a new place inside the second is believed: a gate may not lock out. */
const MAX_OUTLIERS = 4;
/** Share of a period: a place farther off than this leaves the number of the second open. */
const OFF_GRID = 0.25;
/** A pulse is an outlier beyond this many sigma, but never within OUTLIER_FLOOR (interrupt latency comes in bursts). */
const OUTLIER_SIGMA = 10;
const OUTLIER_FLOOR: Seconds = 50e-6;
/** s after the last good message: how long pulses are believed while the receiver says that it has no fix … */
const INVALID_LIMIT = 8;
/** … and while it says nothing at all (cable, serial driver: the fix is probably still there). */
const SILENT_LIMIT = 30;
/** s; how far off a pulse may be before the noise of its source is known (USB has milliseconds). */
const UNKNOWN_NOISE: Seconds = 2.5e-3;
/** Pulses looked at for a constant offset against an independent clock (wrong edge). */
const EDGE_WINDOW = 16;
/** s; smaller constant offsets are not pulse widths. */
const MIN_WIDTH = 1e-3;

interface Refusal {
  readonly refused: string;
}

/** The source that a pulse is locked to: a message source votes by itself, any other one through its last sample. */
export interface Lock {
  readonly source: Source;
  readonly messages: MessageInput | undefined;
}

/**
 * Pulses of one source: where in the second, which second, believable or not. Every refusal has its reason.
 */
export class PulseInput {
  readonly numbering: Numbering;
  /** s between pulses. */
  private readonly interval: Seconds;
  /** s in which a number has to be found: a slow pulse still marks a whole second. */
  private readonly period: Seconds;
  /** The last edge that was taken for a pulse: doubles are judged by it, not by stray edges. */
  private lastEdge: Instant | undefined;
  /** The last edge at all. */
  private lastSeen: Instant | undefined;
  private held: (Phase & { readonly error: Seconds }) | undefined;
  private outliers = 0;
  private againstClock: Seconds[] = [];
  private wrongEdge = false;
  readonly grain = new Grain();

  constructor(
    readonly source: Source,
    readonly lock: Lock | undefined,
    /** Sources that give pulses numbered by our own clock; shared by all. */
    private readonly unlockedPps: Set<number>,
  ) {
    this.interval = 1 / source.options.rate;
    this.period = Math.min(1, this.interval);
    this.numbering = new Numbering(this.period);
  }

  edge(time: Instant, missed: number, ctx: ClockContext): Measured | undefined {
    if (missed > 0) this.source.reject('missing', missed);
    const correction = correctionAt(ctx.view, time);
    return this.pulse(add(time, correction), -nsInSecond(time) * 1e-9 - correction, 0, ctx, missed > 0);
  }

  /** A reading of which only the place inside the second counts. */
  reading(local: Instant, offset: Seconds, error: Seconds, ctx: ClockContext): Measured | undefined {
    const correction = correctionAt(ctx.view, local);
    return this.pulse(add(local, correction), offset - correction, error, ctx, false);
  }

  /** A message of the locked source; `clock` = a trusted clock that does not come from these two sources. */
  message(start: Instant, utc: Instant, ctx: ClockContext, clock: ClockContext | undefined): Measured | undefined {
    const event = this.numbering.message(start, utc, this.lock!.messages!.hint, clock);
    return this.announce(event, ctx);
  }

  /** A new sample of the source that this one is locked to: it speaks of the pulse before it, too. */
  sampled(ctx: ClockContext): Measured | undefined {
    const { held } = this;
    if (held === undefined || this.numbering.carry.offset !== undefined) return undefined;
    const event = this.lockToSample(held, held.error);
    return typeof event === 'string' ? this.announce(event, ctx) : undefined;
  }

  /** True − cooked clock as the last pulse left it, while the number is held; s. */
  offsetAt(now: Instant, ctx: ClockContext): Seconds | undefined {
    this.checkCarry(now, ctx);
    return this.numbering.carry.offset;
  }

  rebase(change: ClockChange): void {
    this.numbering.rebase(change);
    this.grain.rebase(change);
    if (change.kind === 'unknown') {
      this.lastEdge = undefined;
      this.lastSeen = undefined;
      this.held = undefined;
      this.againstClock = [];
      return;
    }
    const { lastEdge, lastSeen, held } = this;
    if (lastSeen !== undefined) this.lastSeen = add(lastSeen, timeShift(change, lastSeen));
    if (lastEdge !== undefined) this.lastEdge = add(lastEdge, timeShift(change, lastEdge));
    if (held !== undefined) {
      const fraction = fold(held.fraction + offsetShift(change, held.time), this.period);
      this.held = { ...held, time: add(held.time, timeShift(change, held.time)), fraction };
    }
  }

  private pulse(
    time: Instant,
    offset: Seconds,
    error: Seconds,
    ctx: ClockContext,
    countedMissing: boolean,
  ): Measured | undefined {
    const { source } = this;
    source.reached = true;
    if (!source.timely(time, ctx)) return undefined;
    const fraction = fold(offset + source.options.offset, this.period);
    if (!this.spaced(time, countedMissing)) return undefined;
    source.lastPulse = time;
    if (source.options.local) return this.locally(time, fraction, error);
    return this.lock === undefined
      ? this.unlocked(time, fraction, error, ctx)
      : this.locked(time, fraction, error, ctx);
  }

  /** Twice in half an interval is one pulse too many (both edges, ringing); a longer pause means pulses were lost. */
  private spaced(time: Instant, countedMissing: boolean): boolean {
    const { lastEdge, lastSeen, interval, source } = this;
    this.lastSeen = time;
    const pause = lastSeen === undefined ? 0 : diff(time, lastSeen);
    // A clock that went back by more than a moment has not told us: begin anew.
    if (pause < -2 * interval) this.lastEdge = undefined;
    if (pause <= 0 && lastSeen !== undefined) {
      source.reject('out-of-order');
      return false;
    }
    if (lastEdge !== undefined && diff(time, lastEdge) < 0.5 * interval) {
      source.reject('doubled');
      return false;
    }
    const missed = Math.round(pause / interval) - 1;
    if (missed > 0 && !countedMissing) source.reject('missing', missed);
    return true;
  }

  private unlocked(time: Instant, fraction: Seconds, error: Seconds, ctx: ClockContext): Measured | undefined {
    const { source } = this;
    this.unlockedPps.add(source.index);
    if (!ctx.localActive && !(ctx.synchronised && ctx.rootDistance < 0.5 * this.interval)) {
      // Without a number the older ones are worth nothing either: the clock may be moved by a whole second meanwhile.
      source.filter.clear();
      this.lastEdge = time;
      this.numbering.reason = 'no lock, and the clock is not synchronised well enough to number pulses';
      return source.reject('unsynchronised');
    }
    if (!this.withinWidth(Math.max(Math.abs(fraction), ctx.rootDistance))) return source.reject('width');
    if (this.isOutlier(time, fraction, undefined)) return undefined;
    this.lastEdge = time;
    this.numbering.reason = 'numbered by the clock';
    this.watchEdge(fraction, ctx);
    return this.take(time, fraction, error, 0, ctx);
  }

  private locked(time: Instant, fraction: Seconds, error: Seconds, ctx: ClockContext): Measured | undefined {
    const { source, numbering } = this;
    const phase = { time, fraction };
    this.checkCarry(time, ctx);
    numbering.pulse(phase);
    const refused = this.lock!.messages === undefined ? this.lockNow(phase, error, ctx) : undefined;
    const bare = numbering.offsetOf(fraction);
    if (bare === undefined) {
      this.lastEdge = time;
      this.held = { ...phase, error };
      return source.reject(refused ?? 'unnumbered');
    }
    if (!this.fresh(time)) {
      this.lastEdge = time;
      return source.reject('no-fix');
    }
    const offset = this.withoutGrain(time, bare);
    if (this.isOutlier(time, offset, numbering.carry.offset)) return undefined;
    const reference = this.widthReference(offset, ctx);
    if (reference !== undefined && !this.withinWidth(reference)) return source.reject('width');
    this.watchEdge(offset, ctx);
    this.lastEdge = time;
    numbering.carry.follow(time, offset);
    return this.take(time, offset, error, this.lock!.source.leap, ctx);
  }

  /** What the pulse says of the clock when the receiver's own error, which it has foretold, is taken out. */
  private withoutGrain(time: Instant, offset: Seconds): Seconds {
    const { source, grain } = this;
    const error = grain.take(time, offset, OUTLIER_SIGMA * source.track.sigma);
    const news = grain.news();
    if (news !== undefined) source.fact(news.severity, 'refclock.pulse-error', `${source.name} ${news.text}`);
    return offset - error;
  }

  /** The `local` helper: a stable oscillator that is followed from wherever it starts; never a source of time. */
  private locally(time: Instant, fraction: Seconds, error: Seconds): Measured | undefined {
    const offset = this.numbering.offsetOf(fraction) ?? fraction;
    this.lastEdge = time;
    this.numbering.carry.follow(time, offset);
    this.numbering.reason = 'followed from wherever it started (local)';
    const { delay, stratum } = this.source.options;
    return this.source.accept({ time, offset, error, delay, stratum, leap: 3, pulse: true, grain: PULSE_GRAIN });
  }

  private take(time: Instant, offset: Seconds, error: Seconds, leap: Leap, ctx: ClockContext): Measured | undefined {
    const { source } = this;
    const stratum = this.stratum(ctx);
    const { delay } = source.options;
    return source.accept({ time, offset, error, delay, stratum, leap, pulse: true, grain: this.grain.left });
  }

  /** chrony's lock: the newest sample of the other source numbers the pulse; or why it could not. */
  private lockToSample(phase: Phase, error: Seconds): NumberingEvent | Refusal {
    const { source } = this.lock!;
    const ref = source.filter.last;
    if (ref === undefined) return { refused: 'no-lock-sample' };
    const age = diff(phase.time, ref.time);
    if (Math.abs(age) >= this.source.options.maxlockage * this.interval) {
      this.source.reject('lock-age');
      return { refused: 'lock-age' };
    }
    const dispersion = ref.rootDispersion + source.filter.averageDispersion + this.source.precision + error;
    const event = this.numbering.reference(phase, ref, dispersion, this.widthLimit());
    if (event !== 'far') return event;
    this.source.reject('lock-distance');
    return { refused: 'lock-distance' };
  }

  /** At a pulse, which is itself what there is to be measured. Returns a reason when it could not be numbered. */
  private lockNow(phase: Phase, error: Seconds, ctx: ClockContext): string | undefined {
    const event = this.lockToSample(phase, error);
    if (typeof event !== 'string') return event.refused;
    if (event !== 'none') this.held = undefined;
    this.announce(event, ctx);
    return undefined;
  }

  /** Numbered just now: the pulse that came before its message need not be lost. */
  private announce(event: NumberingEvent, ctx: ClockContext): Measured | undefined {
    if (event === 'none') return undefined;
    const { source, numbering, held } = this;
    source.fact(event === 'adopted' ? 'info' : 'warn', `refclock.${event}`, `${source.name} ${numbering.reason}`);
    this.outliers = 0;
    if (event === 'renumbered') {
      // What was gathered under the old number is wrong by whole seconds.
      source.track.clear();
      source.filter.clear();
    }
    this.held = undefined;
    if (event === 'renumbered' || held === undefined || diff(ctx.now, held.time) > 1.5 * this.interval)
      return undefined;
    const offset = numbering.offsetOf(held.fraction)!;
    numbering.carry.follow(held.time, offset);
    return this.take(held.time, offset, held.error, this.lock!.source.leap, ctx);
  }

  /** Has the receiver vouched for its time recently enough. */
  private fresh(time: Instant): boolean {
    const { source, messages } = this.lock!;
    // A source of pulses vouches by every pulse that was accepted.
    const lastGood = source.lastGood ?? source.filter.last?.time;
    if (lastGood === undefined) return false;
    const limit = messages?.withoutFix === true ? INVALID_LIMIT : SILENT_LIMIT;
    return diff(time, lastGood) <= Math.max(limit, this.source.options.maxlockage * this.interval);
  }

  /** Gives the number up when the clock may have strayed too far since the last pulse that confirmed it. */
  private checkCarry(now: Instant, ctx: ClockContext): void {
    const { carry } = this.numbering;
    if (carry.offset === undefined) return;
    const bound = ctx.synchronised ? ctx.rootDistance : Number.POSITIVE_INFINITY;
    if (carry.uncertainty(now, bound) < OFF_GRID * this.period) return;
    const pause = Math.round(diff(now, carry.since!));
    this.numbering.reset(`lost: no usable pulse for ${pause} s and the clock is not good enough to carry the number`);
    this.source.track.clear();
    this.source.fact(
      'warn',
      'refclock.number-lost',
      `${this.source.name} number of the second ${this.numbering.reason}`,
    );
  }

  /** `carried`: what the number held says of this pulse; undefined when the clock numbers it. */
  private isOutlier(time: Instant, offset: Seconds, carried: Seconds | undefined): boolean {
    const { track } = this.source;
    const predicted = track.predict(time);
    const away = Math.abs(offset - (predicted ?? carried ?? offset));
    const offGrid = carried !== undefined && away > OFF_GRID * this.period;
    // Nothing to predict from (start, pause): a pulse may be off by what the clock may have strayed meanwhile.
    const strayed = predicted === undefined ? this.numbering.carry.uncertainty(time, Number.POSITIVE_INFINITY) : 0;
    const noise = track.known ? OUTLIER_SIGMA * track.sigma : UNKNOWN_NOISE;
    const spread = strayed + (track.isYoung ? 2 * noise : noise);
    const noisy = away > OUTLIER_FLOOR + spread;
    if (!offGrid && !noisy) {
      this.outliers = 0;
      return false;
    }
    this.source.reject(offGrid ? 'off-grid' : 'outlier');
    if (++this.outliers <= MAX_OUTLIERS) return true;
    this.outliers = 0;
    track.clear();
    this.source.fact(
      'warn',
      'refclock.pulse.moved',
      `${this.source.name} pulses have moved by ${away.toExponential(2)} s and stay there`,
      { moved: away },
    );
    // Moved by a large part of a second: nobody can say any more which second it is.
    if (offGrid) this.numbering.reset('the pulses moved inside the second, waiting for messages');
    this.lastEdge = offGrid ? undefined : this.lastEdge;
    return offGrid;
  }

  /** chrony's `width`: half of the shorter part of the cycle; undefined = off. */
  private widthLimit(): Seconds | undefined {
    const { width } = this.source.options;
    return width > 0 ? 0.5 * Math.min(width, this.interval - width) : undefined;
  }

  private withinWidth(error: Seconds): boolean {
    const limit = this.widthLimit();
    return limit === undefined || error <= limit;
  }

  /** What `width` compares with: an independent, synchronised clock. A message is no judge of a tenth of a second. */
  private widthReference(offset: Seconds, ctx: ClockContext): Seconds | undefined {
    if (!ctx.synchronised || this.isKin(ctx.selected)) return undefined;
    return Math.max(Math.abs(offset), ctx.rootDistance);
  }

  isKin(selected: number | undefined): boolean {
    return selected === this.source.index || (selected !== undefined && selected === this.lock?.source.index);
  }

  /** A constant offset against an independent clock is the width of the pulse: the wrong edge is captured. */
  private watchEdge(offset: Seconds, ctx: ClockContext): void {
    if (!ctx.synchronised || this.isKin(ctx.selected)) return;
    if (this.againstClock.push(offset) < EDGE_WINDOW) return;
    const window = this.againstClock;
    this.againstClock = [];
    const middle = medianOf(window);
    const scatter = Math.max(...window) - Math.min(...window);
    const constant = Math.abs(middle) > Math.max(MIN_WIDTH, 3 * ctx.rootDistance) && scatter < Math.abs(middle) / 10;
    if (constant) this.source.reject('wrong-edge');
    if (constant && !this.wrongEdge) {
      this.source.fact(
        'warn',
        'refclock.wrong-edge',
        `${this.source.name} is a constant ${middle.toFixed(6)} s away from the clock: probably the other edge of a pulse ` +
          `${Math.abs(middle * 1e3).toFixed(1)} ms wide; capture the other edge (:clear) or turn its polarity`,
        { offset: middle },
      );
    }
    this.wrongEdge = constant;
  }

  /**
   * A PPS numbered by our own clock must not count a stratum of its own: while pulses of this kind are the reference
   * (or nothing but the local reference is), it stands where our own reference stands.
   */
  private stratum(ctx: ClockContext): number {
    if (this.lock !== undefined) return this.source.options.stratum;
    const ours = ctx.localActive || (ctx.selected !== undefined && this.unlockedPps.has(ctx.selected));
    return ours ? Math.max(0, ctx.stratum - 1) : this.source.options.stratum;
  }
}
