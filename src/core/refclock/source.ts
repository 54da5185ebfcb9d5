import { type RefId, refidFromText } from '../../base/refid.js';
import { add, diff, type Instant } from '../../base/time.js';
import type { Leap, Seconds } from '../../base/units.js';
import type { DeviceState } from '../../ports/device.js';
import { type ClockChange, type Sample, timeShift } from '../sample.js';
import { SampleFilter } from './filter.js';
import type { RefclockOptions } from './options.js';
import { OffsetTrack } from './track.js';
import type { ClockContext, ManagerFact, Measured } from './types.js';

/** Noise to assume before five measurements have shown it, 1 sigma, s. */
const INITIAL_SIGMA = { pulse: 1e-5, full: 1e-4, message: 1e-2 } as const;
/** chrony's bounds of a sane offset (about 136 years), s. */
const MAX_OFFSET = 4294967296;
/** s; stamps are taken before they are handled, but by another reading of the clock. */
const FUTURE_TOLERANCE = 1e-3;
/** Distinct reasons that are counted; more than there are in the code and the drivers. */
const MAX_REASONS = 48;

/** Facts that wait to be taken. */
const MAX_FACTS = 64;

export type Noise = keyof typeof INITIAL_SIGMA;

export interface Accepted {
  readonly time: Instant;
  readonly offset: Seconds;
  /** What the measurement itself may be wrong by, beside noise and precision, s. */
  readonly error: Seconds;
  readonly delay: Seconds;
  readonly stratum: number;
  readonly leap: Leap;
  readonly pulse: boolean;
  /** What a pulse may be off by for minutes on end, as receivers have a clock of their own; s. */
  readonly grain?: Seconds;
}

/** What every reference clock has, whatever its input: filter, noise, counters, times of its last signs of life. */
export class Source {
  readonly filter: SampleFilter;
  readonly track: OffsetTrack;
  readonly rejected = new Map<string, number>();
  readonly precision: Seconds;
  readonly refId: RefId;
  lastReason: string | undefined;
  accepted = 0;
  reached = false;
  state: DeviceState | undefined;
  /** Cooked times. */
  lastMessage: Instant | undefined;
  lastPulse: Instant | undefined;
  /** The last input by which the source vouched for its time: a message with a fix, an accepted full sample. */
  lastGood: Instant | undefined;
  /** Of the last good message or sample. */
  leap: Leap = 0;

  constructor(
    readonly index: number,
    readonly name: string,
    public options: RefclockOptions,
    clockPrecision: Seconds,
    noise: Noise,
    private readonly facts: ManagerFact[],
  ) {
    this.refId = refidFromText(name);
    this.precision = Math.max(clockPrecision, options.precision);
    this.filter = new SampleFilter(options.filter, options.maxdispersion, this.precision);
    // Who gives a precision says how noisy the source is.
    this.track = new OffsetTrack(options.precision > 0 ? options.precision : INITIAL_SIGMA[noise]);
  }

  reject(reason: string, count = 1): undefined {
    const known = this.rejected.has(reason) || this.rejected.size < MAX_REASONS;
    const key = known ? reason : 'other';
    this.rejected.set(key, (this.rejected.get(key) ?? 0) + count);
    this.lastReason = reason;
    return undefined;
  }

  fact(severity: ManagerFact['severity'], name: string, text: string, fields: ManagerFact['fields'] = {}): void {
    // Nobody takes them: the oldest are the least interesting.
    if (this.facts.length >= MAX_FACTS) this.facts.shift();
    this.facts.push({ severity, name, text, fields: { source: this.name, ...fields } });
  }

  /** Is a stamp one that chrony would take: not from the future, not older than two poll intervals. */
  timely(time: Instant, ctx: ClockContext): boolean {
    const age = diff(ctx.now, time);
    if (age < -FUTURE_TOLERANCE) this.reject('future');
    else if (age > 2 ** (this.options.poll + 1)) this.reject('stale');
    else return true;
    return false;
  }

  /** The one way to a sample: into the filter, into the noise figure, and out at once as a measurement. */
  accept(a: Accepted): Measured | undefined {
    if (!Number.isFinite(a.offset) || Math.abs(a.offset) > MAX_OFFSET) return this.reject('insane');
    const sigma = Math.max(this.track.sigma, this.precision);
    const dispersion = a.error + sigma;
    const sample: Sample = {
      time: a.time,
      offset: a.offset,
      peerDelay: a.delay,
      peerDispersion: dispersion,
      rootDelay: a.delay,
      rootDispersion: dispersion,
      stratum: a.stratum,
      leap: a.leap,
    };
    if (!this.filter.accumulate(sample)) return this.reject('out-of-order');
    this.track.add(a.time, a.offset);
    this.accepted++;
    return { source: this.index, sample, sigma, error: a.error + (a.grain ?? 0), pulse: a.pulse };
  }

  rebase(change: ClockChange): void {
    if (change.kind === 'unknown') this.filter.reset();
    else this.filter.rebase(change);
    this.track.rebase(change);
    const move = (t: Instant | undefined): Instant | undefined =>
      t === undefined ? undefined : add(t, timeShift(change, t));
    this.lastMessage = move(this.lastMessage);
    this.lastPulse = move(this.lastPulse);
    this.lastGood = move(this.lastGood);
  }
}
