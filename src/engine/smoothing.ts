import { REFID_SMOOTH } from '../base/refid.js';
import { add, diff, type Instant } from '../base/time.js';
import { type Frequency, PPM, type Ppm, type Seconds } from '../base/units.js';
import type { ServerState } from '../core/ntp/state.js';
import type { SmoothingReport } from '../core/report/reports.js';
import type { ClockChange } from '../core/sample.js';

/** Directive `smoothtime`. */
export interface SmoothOptions {
  readonly maxFreqPpm: Ppm;
  /** ppm/s. */
  readonly maxWanderPpm: Ppm;
  /** Only leap seconds are smoothed. */
  readonly leaponly: boolean;
}

/** Smoothing begins by itself when the clock's skew is below so many seconds of greatest wander (chrony). */
const UNLOCK_SECONDS = 10_000;

/** Frequency changes at `wander` for `seconds`. */
interface Stage {
  readonly wander: number;
  readonly seconds: Seconds;
}

/** What is added to cooked time for clients, and how fast that changes. */
interface Motion {
  readonly offset: Seconds;
  readonly freq: Frequency;
}

const REST: Motion = { offset: 0, freq: 0 };

/**
 * The quickest way to rest from a motion, with |d freq/dt| ≤ `wander` and |freq| ≤ `limit`: towards zero at full
 * wander, on at the limit, and braking at full wander (time-optimal control of a double integrator).
 */
export const planStages = ({ offset, freq }: Motion, limit: Frequency, wander: number): readonly Stage[] => {
  // Where it would come to rest by braking alone says which way to go.
  const stop = offset + (freq * Math.abs(freq)) / (2 * wander);
  const dir = stop > 0 ? -1 : 1;
  const v = dir * freq;
  const way = -dir * offset;
  const peak = Math.min(limit, Math.sqrt(Math.max(0, wander * way + (v * v) / 2)));
  // A clock that was faster than the limit is first slowed down to it.
  const turn = Math.abs(peak - v) / wander;
  const sign = peak >= v ? 1 : -1;
  const turnWay = ((peak + v) / 2) * turn;
  const brakeWay = (peak * peak) / (2 * wander);
  const cruise = peak > 0 ? Math.max(0, (way - turnWay - brakeWay) / peak) : 0;
  return [
    { wander: dir * sign * wander, seconds: turn },
    { wander: 0, seconds: cruise },
    { wander: -dir * wander, seconds: peak / wander },
  ];
};

/**
 * Smooths the time that clients are served (directive `smoothtime`; algorithms-notes 7): what the clock is corrected by
 * reaches them slowly, so that all of them can follow together. Cooked time itself is untouched.
 */
export class Smoothing {
  private readonly options: SmoothOptions | undefined;
  private locked = true;
  private start: Motion = REST;
  private stages: readonly Stage[] = [];
  /** Cooked instant of `start`. */
  private since: Instant | undefined;

  constructor(options: SmoothOptions | undefined) {
    this.options = options;
  }

  get enabled(): boolean {
    return this.options !== undefined;
  }

  /** What is said when it begins, in chrony's words. */
  get beginning(): string {
    return `Activated time smoothing${this.options?.leaponly === true ? ' (leap seconds only)' : ''}`;
  }

  get active(): boolean {
    return this.enabled && !this.locked;
  }

  /** Is served time something else than cooked time? Then its rate changes, too. */
  get moving(): boolean {
    return this.active && (this.start.offset !== 0 || this.start.freq !== 0);
  }

  /** True: the clock has become steady enough, smoothing begins now. */
  settles(skewPpm: Ppm, now: Instant): boolean {
    const { options } = this;
    if (options === undefined || !this.locked || skewPpm >= UNLOCK_SECONDS * options.maxWanderPpm) return false;
    return this.activate(now);
  }

  /** True: it was not active before. */
  activate(now: Instant): boolean {
    if (!this.enabled || !this.locked) return false;
    this.locked = false;
    this.reset(now);
    return true;
  }

  /** Served time jumps to cooked time. */
  reset(now: Instant): void {
    this.start = REST;
    this.stages = [];
    this.since = now;
  }

  /** What clients notice of a change of the cooked clock that has been made; `now` = cooked, after it. */
  changed({ at, doffset, dfreq, kind }: ClockChange, now: Instant, smearLeap: boolean): void {
    if (kind === 'leap') this.leapt(now, doffset, smearLeap);
    else if (kind === 'adjust' || kind === 'scale') {
      this.corrected(now, doffset + dfreq * (diff(now, at) - doffset), dfreq);
    } else this.reset(now);
  }

  /** Cooked time was changed by `doffset` and its rate by `dfreq`; `now` = cooked, after it. Served time goes on. */
  corrected(now: Instant, doffset: Seconds, dfreq: Frequency): void {
    if (this.options === undefined || !this.active) return;
    if (this.options.leaponly) {
      this.follow(doffset);
      this.absorb(now, 0, 0);
    } else this.absorb(now, doffset, dfreq);
  }

  /** A leap second of cooked time. `smear`: clients are to notice nothing of it. */
  leapt(now: Instant, doffset: Seconds, smear: boolean): void {
    if (!this.active) return;
    if (smear) this.absorb(now, doffset, 0);
    else this.follow(doffset);
  }

  /** `now` cooked. */
  at(now: Instant): Motion {
    if (!this.moving) return REST;
    let left = Math.max(0, diff(now, this.since!));
    let { offset, freq } = this.start;
    for (const stage of this.stages) {
      const t = Math.min(left, stage.seconds);
      offset += freq * t + (stage.wander * t * t) / 2;
      freq += stage.wander * t;
      left -= t;
    }
    // Past the last stage nothing is left but rounding.
    return left > 0 ? REST : { offset, freq };
  }

  report(now: Instant): SmoothingReport | undefined {
    if (this.options === undefined) return undefined;
    const { offset, freq } = this.at(now);
    const age = this.since === undefined ? 0 : Math.max(0, diff(now, this.since));
    let elapsed = age;
    let wander = 0;
    let remaining = 0;
    for (const stage of this.stages) {
      const left = Math.max(0, stage.seconds - elapsed);
      if (left > 0 && remaining === 0) wander = stage.wander;
      remaining += left;
      elapsed = Math.max(0, elapsed - stage.seconds);
    }
    return {
      active: this.active,
      leapOnly: this.options.leaponly,
      offset,
      freqPpm: freq / PPM,
      wanderPpm: wander / PPM,
      lastUpdateAgo: age,
      remaining,
    };
  }

  /**
   * The state as clients are to see it. The packet plane only adds the offset and its rate, both inside the view; what
   * served time is off UTC on purpose is part of the dispersion, so that the advertised distance stays true.
   */
  serve(state: ServerState, now: Instant, precision: Seconds): ServerState {
    if (!this.moving) return state;
    const { offset, freq } = this.at(now);
    const { view } = state;
    // now = cooked; the view counts from a raw instant, at which the smoothing was smaller by what it moved since.
    const sinceRef = diff(now, view.ref) - view.correction;
    const rate = freq * (1 + view.rate);
    const served = {
      ...state,
      view: { ...view, correction: view.correction + offset - freq * sinceRef, rate: view.rate + rate },
    };
    if (Math.abs(offset) <= precision) return served;
    return {
      ...served,
      refId: state.leap === 3 ? state.refId : REFID_SMOOTH,
      rootDispersion: state.rootDispersion + Math.abs(offset),
    };
  }

  private absorb(now: Instant, doffset: Seconds, dfreq: Frequency): void {
    const { maxFreqPpm, maxWanderPpm } = this.options!;
    this.follow(doffset);
    const { offset, freq } = this.at(now);
    this.start = { offset: offset - doffset, freq: freq - dfreq };
    this.since = now;
    this.stages = planStages(this.start, maxFreqPpm * PPM, maxWanderPpm * PPM);
  }

  /** The time scale was shifted. */
  private follow(doffset: Seconds): void {
    if (this.since !== undefined) this.since = add(this.since, doffset);
  }
}
