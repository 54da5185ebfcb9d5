import { add, diff, type Instant, nsInSecond } from '../../base/time.js';
import type { Leap, Seconds } from '../../base/units.js';
import type { TimeMessage } from '../../wire/timemessage.js';
import { correctionAt } from '../clockview.js';
import { isLeapDay } from '../discipline/leap.js';
import type { ClockChange } from '../sample.js';
import { Carry } from './carry.js';
import { Latency } from './latency.js';
import type { LatencyHint } from './numbering.js';
import type { PulseInput } from './pulse.js';
import type { Source } from './source.js';
import type { ClockContext, Measured } from './types.js';

/** Good fixes in a row after the fix was lost: the first ones may still be a second or more off. */
const GOOD_FIXES = 4;
/** GPS week numbers repeat every 1024 weeks, s. */
const ERA: Seconds = 1024 * 7 * 86400;
/** A date this far before the build is impossible whatever the time zone, s. */
const FLOOR_MARGIN: Seconds = 86400;
/** Messages that set, and that move, the second of a receiver without a pulse. */
const VOTES = 3;
/** Good messages for which the first samples are held back while pulses are there to learn the latency from. */
const LEARNING = 20;
/** s; a pulse this recent is there. */
const PULSE_RECENT = 3;
/** s; messages without a pulse that differ by more are not about the same second. */
const TOLERANCE = 0.4;
/** Error bounds (half of the `delay`, s): latency unknown, given by the user, learned (at the least). */
const BOUND = { unknown: 0.5, given: 0.1, learned: 0.005 } as const;
/** How the learned latency ages without pulses, s/s, and where it ends, s: receivers wander by up to 0.2 s in hours. */
const AGEING = { rate: 1e-5, limit: 0.2 } as const;
/** Share of a second after which a burst no longer fits between two pulses. */
const OVERRUN = 0.9;

/** The sentences of one receiver: which second, vouched for or not, how late. */
export class MessageInput {
  readonly latency = new Latency();
  /** Pulses that are locked to this receiver. */
  readonly pulses: PulseInput[] = [];
  /** Carries the second of the messages themselves where no pulse does; offsets without any latency. */
  private readonly carry = new Carry(TOLERANCE, TOLERANCE);
  private goodInRow = 0;
  private lostFix = false;
  private lastUtc: Instant | undefined;
  private fractionSeen: number | undefined;
  private lastWhole: Instant | undefined;
  private learnedAt: Instant | undefined;
  private overrun = false;
  private learning = 0;
  satellitesUsed: number | undefined;
  satellitesVisible: number | undefined;
  /** From the first byte of the burst to the end of the sentence that told the time, s. */
  serialDelay: Seconds | undefined;

  constructor(
    readonly source: Source,
    private readonly floor: Instant,
  ) {}

  get withoutFix(): boolean {
    return this.lostFix;
  }

  get hint(): LatencyHint {
    const { offset, offsetGiven } = this.source.options;
    const learned = this.latency.median;
    return {
      expected: learned ?? (offsetGiven ? offset : undefined),
      // A figure from the user's hand may be wrong by a good part of a second and still name the right one.
      spread: learned === undefined ? BOUND.given : this.latency.spread,
    };
  }

  message(m: TimeMessage, ctx: ClockContext): readonly Measured[] {
    const { source } = this;
    const start = add(m.burstStart, correctionAt(ctx.view, m.burstStart));
    source.lastMessage = start;
    this.satellitesUsed = m.satellitesUsed ?? this.satellitesUsed;
    this.satellitesVisible = m.satellitesVisible ?? this.satellitesVisible;
    this.noteSerial(m);
    if (!source.timely(start, ctx)) return [];
    const utc = this.usable(m, start);
    if (utc === undefined) return [];
    source.reached = true;
    source.leap = leapOf(m, utc);
    if (++this.goodInRow < GOOD_FIXES && this.lostFix) return this.none('reacquiring');
    this.lostFix = false;
    source.lastGood = start;

    const clock = this.independent(ctx) ? ctx : undefined;
    const out: Measured[] = [];
    for (const pulse of this.pulses) {
      const held = pulse.message(start, utc, ctx, clock);
      if (held !== undefined) out.push(held);
    }
    const own = this.own(start, utc, ctx);
    if (own !== undefined) out.push(own);
    return out;
  }

  rebase(change: ClockChange): void {
    this.carry.rebase(change);
    if (change.kind !== 'adjust') {
      this.latency.restart();
      this.lastWhole = undefined;
      this.learnedAt = undefined;
    }
  }

  private none(reason: string): readonly Measured[] {
    this.source.reject(reason);
    return [];
  }

  private refuse(reason: string): undefined {
    this.goodInRow = 0;
    return this.source.reject(reason);
  }

  /** The second that the message names, or nothing and the reason. */
  private usable(m: TimeMessage, start: Instant): Instant | undefined {
    if (!m.valid) {
      this.lostFix = true;
      return this.refuse('no-fix');
    }
    if (m.utc === undefined) return this.refuse('no-time');
    // A leap second has no number of its own on our scale; the seconds before and after it do.
    if (m.leapSecond) return this.source.reject('leap-second');
    if (diff(m.utc, this.floor) < -FLOOR_MARGIN) return this.refuse('before-build-date');
    if (!this.isWhole(m.utc, start)) return this.source.reject('fraction');
    const before = this.lastUtc;
    this.lastUtc = m.utc;
    if (before !== undefined) {
      if (m.utc === before) return this.source.reject('repeated');
      const step = diff(m.utc, before);
      if (Math.abs(step) > 1e6 && Math.abs(step - ERA * Math.round(step / ERA)) < 86400) {
        this.lastUtc = before;
        return this.refuse('week-rollover');
      }
      if (step < 0) this.source.reject('backward');
    }
    return m.utc;
  }

  /**
   * At more than one fix a second only those on the whole second count. Receivers that always show the same fraction
   * are taken at it.
   */
  private isWhole(utc: Instant, start: Instant): boolean {
    const fraction = nsInSecond(utc);
    const same = fraction === this.fractionSeen;
    this.fractionSeen = fraction;
    if (fraction === 0) {
      this.lastWhole = start;
      return true;
    }
    return same && (this.lastWhole === undefined || Math.abs(diff(start, this.lastWhole)) > 5);
  }

  private noteSerial(m: TimeMessage): void {
    const baud = Number(this.source.options.driverOptions['baud']);
    this.serialDelay = baud > 0 ? (m.bytesToEnd * 10) / baud : Math.max(0, diff(m.arrival, m.burstStart));
    const overrun = this.serialDelay > OVERRUN;
    if (overrun) this.source.reject('overrun');
    if (overrun && !this.overrun) {
      this.source.fact(
        'warn',
        'refclock.overrun',
        `${this.source.name} takes ${this.serialDelay.toFixed(2)} s to tell the time: raise the baud rate or send fewer sentences`,
      );
    }
    this.overrun = overrun;
  }

  /** A synchronised clock that does not follow this receiver may say which second it is. */
  private independent(ctx: ClockContext): boolean {
    if (!ctx.synchronised || ctx.localActive || ctx.selected === this.source.index) return false;
    return !this.pulses.some((p) => p.source.index === ctx.selected);
  }

  /** The message as a measurement of its own: poor, but honest about it, so that it speaks for the pulse. */
  private own(start: Instant, utc: Instant, ctx: ClockContext): Measured | undefined {
    const bare = diff(utc, start);
    const numbered = this.numbered(start, ctx);
    if (numbered === undefined) {
      const vote = this.carry.vote(start, bare, VOTES);
      if (vote === 'pending' || vote === 'contradicts')
        return this.source.reject(vote === 'pending' ? 'unconfirmed' : 'other-second');
      if (vote === 'agrees') this.carry.follow(start, bare);
      if (vote === 'renumbered') this.begin();
      // Better a little later than half a second off in everybody's history.
      if (this.isLearning(start)) return this.source.reject('learning');
      return this.take(start, bare, ctx);
    }
    const latency = numbered - bare;
    const verdict = this.latency.judge(latency);
    if (verdict === 'odd' && !this.latency.odd()) return this.source.reject('late');
    if (verdict === 'whole-second') return this.source.reject('other-second');
    this.latency.add(start, latency);
    this.learnedAt = start;
    this.carry.follow(start, bare);
    if (this.isLearning(start)) return this.source.reject('learning');
    return this.take(start, bare, ctx);
  }

  private isLearning(now: Instant): boolean {
    if (this.latency.median !== undefined || this.source.options.offsetGiven || this.learning >= LEARNING) return false;
    const { pulses } = this;
    const there = pulses.some((p) => p.source.lastPulse !== undefined && diff(now, p.source.lastPulse) < PULSE_RECENT);
    if (there) this.learning++;
    return there;
  }

  /**
   * True − cooked clock by the first locked pulse that knows its number. Not by one that has stopped: its number is
   * carried on, but the clock has strayed since, and that is nothing to learn a latency from.
   */
  private numbered(now: Instant, ctx: ClockContext): Seconds | undefined {
    for (const pulse of this.pulses) {
      const offset = pulse.offsetAt(now, ctx);
      const { since } = pulse.numbering.carry;
      if (offset !== undefined && since !== undefined && diff(now, since) < PULSE_RECENT) return offset;
    }
    return undefined;
  }

  private begin(): void {
    this.source.track.clear();
    this.source.filter.clear();
    this.source.fact(
      'warn',
      'refclock.renumbered',
      `${this.source.name} names other seconds than before and keeps to them`,
    );
  }

  private take(start: Instant, bare: Seconds, ctx: ClockContext): Measured | undefined {
    const { source } = this;
    const { options } = source;
    const latency = options.offsetGiven ? options.offset : (this.latency.median ?? 0);
    const delay = options.delayGiven ? options.delay : 2 * this.bound(latency);
    const error =
      this.learnedAt === undefined ? 0 : Math.min(AGEING.limit, AGEING.rate * Math.abs(diff(ctx.now, this.learnedAt)));
    return source.accept({
      time: start,
      offset: bare + latency,
      error,
      delay,
      stratum: options.stratum,
      leap: source.leap,
      pulse: false,
    });
  }

  /** How far the latency applied may be from the real one, s. */
  private bound(applied: Seconds): Seconds {
    const { median, spread } = this.latency;
    if (median !== undefined) return Math.max(BOUND.learned, 4 * spread + Math.abs(applied - median));
    return this.source.options.offsetGiven ? BOUND.given : BOUND.unknown;
  }
}

/** A warning counts on the day of the leap only: receivers announce it months ahead. */
const leapOf = (m: TimeMessage, utc: Instant): Leap => {
  if (m.leapPending === undefined || m.leapPending === 0 || !isLeapDay(utc)) return 0;
  return m.leapPending > 0 ? 1 : 2;
};
