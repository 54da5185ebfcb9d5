import { add, diff, type Instant } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';
import { type ClockChange, offsetShift, type Sample, timeShift } from '../sample.js';
import { Carry, RENUMBER_VOTES } from './carry.js';
import { circular, fold, nearest } from './robust.js';
import type { ClockContext } from './types.js';

/** Consistent messages that number the pulses where the latency leaves no doubt. */
const VOTES = 3;
/** The same where the latency is within reach of a doubtful one: the spread has to be known better. */
const VOTES_NEAR_EDGE = 12;
/** s; latencies between these are far from doubt even with a poor spread. */
const EASY = { from: 0.05, to: 0.75 } as const;
/** s; the limits of an unambiguous latency: from the median, and to the median plus four spreads. */
const CLEAR = { from: 0.02, to: 0.9 } as const;
/** s; spread to assume below SPREAD_ENOUGH messages. */
const EARLY_SPREAD = 0.01;
const SPREAD_ENOUGH = 8;
/** Folded latencies kept while the number is unknown. */
const FOLDED = 32;
/** Pulse periods that may lie between a pulse and the message whose latency it measures. */
const PAIR_PERIODS = 3;
/** Share of a pulse period that a reference may be wrong by (chrony's rule for `lock`). */
const LOCK_LIMIT = 0.4;
/** Share of a pulse period by which pulses may differ and still vote for the same number. */
const ALIKE = 0.05;
/** Share of a pulse period within which another clock settles the number. */
const CLOCK_LIMIT = 0.25;

/** One pulse: cooked time, and true minus cooked time known only inside one pulse period. */
export interface Phase {
  readonly time: Instant;
  readonly fraction: Seconds;
}

/** What the message side knows about its latency. */
export interface LatencyHint {
  /** Learned, or given by the user as `offset`; undefined = neither. */
  readonly expected: Seconds | undefined;
  readonly spread: Seconds;
}

export type NumberingEvent = 'none' | 'adopted' | 'renumbered';

/**
 * Which second a pulse belongs to. The pulse knows its place inside the second; messages (or samples of a locked
 * source) vote for the number; the clock carries it from then on (Carry).
 *
 * With the pulse's fraction f (true − cooked, modulo the period) a message that names the second U and began at the
 * cooked time b says: latency = b + offset − U, offset ≡ f. So the pulse gives the latency modulo one second, and the
 * rule "pulse first, then the message that names it" takes the one in [0, 1) when nothing better is known. "Nearest"
 * would be wrong for every receiver that speaks later than half a second after the pulse.
 */
export class Numbering {
  readonly carry: Carry;
  /** In words, for people. */
  reason = 'no pulse yet';
  private phase: Phase | undefined;
  private folded: Seconds[] = [];
  private lastRef: Instant | undefined;

  /** `period`: s between pulses, at most 1. */
  constructor(private readonly period: Seconds) {
    this.carry = new Carry(period * LOCK_LIMIT, period * ALIKE);
  }

  /** Votes that contradict the number held, in a row. */
  get contradictions(): number {
    return this.carry.offset === undefined ? 0 : this.carry.pending;
  }

  pulse(phase: Phase): void {
    if (this.phase === undefined) this.reason = 'pulses, but no message yet';
    this.phase = phase;
  }

  /** The pulse's offset under the number held. */
  offsetOf(fraction: Seconds): Seconds | undefined {
    const held = this.carry.offset;
    return held === undefined ? undefined : nearest(fraction, held, this.period);
  }

  /** A message that names `utc` and began at `start` (cooked). `clock`: an independent clock that may be asked. */
  message(start: Instant, utc: Instant, hint: LatencyHint, clock: ClockContext | undefined): NumberingEvent {
    const { phase } = this;
    if (phase === undefined || Math.abs(diff(start, phase.time)) > PAIR_PERIODS * Math.max(this.period, 1)) {
      if (this.carry.offset === undefined) this.reason = 'messages, but no pulse near them';
      return 'none';
    }
    const behind = diff(start, utc);
    const clockThere = clock !== undefined && clock.rootDistance <= CLOCK_LIMIT * this.period;
    const byClock = clockThere ? this.fromClock(phase.fraction, behind, hint) : undefined;
    if (this.carry.offset !== undefined) return this.vote(phase, behind, hint, byClock, clockThere);
    return this.first(phase, behind, hint, byClock, clockThere);
  }

  /**
   * A sample of the locked source, chrony's way: shift by the number of periods nearest to it. False: they are too far
   * apart to say. A sample votes once, however many pulses it is still valid for.
   */
  reference(phase: Phase, ref: Sample, dispersion: Seconds, width: Seconds | undefined): NumberingEvent | 'far' {
    const offset = nearest(phase.fraction, ref.offset, this.period);
    const limit = Math.min(LOCK_LIMIT * this.period, width ?? Number.POSITIVE_INFINITY);
    if (Math.abs(offset - ref.offset) + dispersion > limit) return 'far';
    if (this.lastRef === ref.time) return 'none';
    this.lastRef = ref.time;
    return this.report(this.carry.vote(phase.time, offset, VOTES), 'samples');
  }

  reset(reason: string): void {
    this.carry.reset();
    this.folded = [];
    this.reason = reason;
  }

  rebase(change: ClockChange): void {
    this.carry.rebase(change);
    if (change.kind === 'unknown') {
      this.reset('the clock was moved by another program');
      this.phase = undefined;
      this.lastRef = undefined;
      return;
    }
    const { phase, lastRef } = this;
    if (lastRef !== undefined) this.lastRef = add(lastRef, timeShift(change, lastRef));
    if (phase !== undefined) {
      this.phase = {
        time: add(phase.time, timeShift(change, phase.time)),
        fraction: fold(phase.fraction + offsetShift(change, phase.time), this.period),
      };
    }
  }

  /** Offset by which an independent clock and this message agree; undefined: they do not. */
  private fromClock(fraction: Seconds, behind: Seconds, hint: LatencyHint): Seconds | undefined {
    const offset = fold(fraction, this.period);
    const latency = behind + offset;
    const fits =
      hint.expected === undefined ? latency > -0.2 && latency < 1.2 : Math.abs(latency - hint.expected) < 0.4;
    return fits ? offset : undefined;
  }

  private first(
    phase: Phase,
    behind: Seconds,
    hint: LatencyHint,
    byClock: Seconds | undefined,
    clockThere: boolean,
  ): NumberingEvent {
    if (byClock !== undefined) return this.report(this.carry.vote(phase.time, byClock, 1), 'messages and the clock');
    // A clock that says another second makes us slow, not deaf: it may be the one that is wrong.
    const least = clockThere ? RENUMBER_VOTES : 0;
    if (hint.expected !== undefined) {
      const offset = nearest(phase.fraction, hint.expected - behind, this.period);
      if (Math.abs(offset + behind - hint.expected) > LOCK_LIMIT * this.period) {
        this.reason = `messages come ${(offset + behind).toFixed(3)} s after the second they name, expected ${hint.expected.toFixed(3)} s`;
        return 'none';
      }
      return this.report(this.carry.vote(phase.time, offset, Math.max(VOTES, least)), 'messages');
    }
    if (this.period < 1) {
      this.reason = `pulses every ${this.period} s cannot be told apart: give the message source an offset, or add a network source`;
      return 'none';
    }
    return this.unlearned(phase, behind, least);
  }

  /** Nothing known of the latency but what the pulses say of it, modulo one second. */
  private unlearned(phase: Phase, behind: Seconds, least: number): NumberingEvent {
    const folded = fold(behind + phase.fraction, 1);
    if (this.folded.length >= FOLDED) this.folded.shift();
    this.folded.push(folded);
    const { centre, spread: seen } = circular(this.folded);
    const spread = this.folded.length < SPREAD_ENOUGH ? Math.max(seen, EARLY_SPREAD) : seen;
    if (centre + 4 * spread >= CLEAR.to || centre <= CLEAR.from) {
      this.carry.forgetRival();
      this.reason =
        `messages begin ${centre.toFixed(3)} s (spread ${spread.toFixed(3)}) after a pulse, too near to the next one to say which ` +
        'second it was: give the message source its offset, raise the baud rate or send fewer sentences, or add a network source';
      return 'none';
    }
    const latency = centre + fold(folded - centre, 1);
    const easy = centre > EASY.from && centre + 4 * spread < EASY.to;
    const needed = Math.max(easy ? VOTES : VOTES_NEAR_EDGE, least);
    const result = this.report(this.carry.vote(phase.time, latency - behind, needed), 'messages');
    if (result === 'none') this.reason = `${this.carry.pending} of ${needed} consistent messages`;
    return result;
  }

  /** The number is known: only a message that is wrong by whole seconds speaks against it. */
  private vote(
    phase: Phase,
    behind: Seconds,
    hint: LatencyHint,
    byClock: Seconds | undefined,
    clockThere: boolean,
  ): NumberingEvent {
    const held = this.offsetOf(phase.fraction)!;
    const latency = behind + held;
    const expected = hint.expected ?? 0.5;
    const seconds = Math.round(latency - expected);
    const tolerance = Math.max(4 * hint.spread, 0.05);
    const exact = hint.expected === undefined || Math.abs(latency - expected - seconds) <= tolerance;
    if (seconds === 0) {
      this.carry.vote(phase.time, held, 1);
      return 'none';
    }
    if (!exact) return 'none';
    // Two against one: the number held and an independent clock.
    const clockAgrees = clockThere && byClock === undefined && Math.abs(held) < CLOCK_LIMIT * this.period;
    const votes = clockAgrees ? Number.POSITIVE_INFINITY : RENUMBER_VOTES;
    return this.report(this.carry.vote(phase.time, held - seconds, 1, votes), 'messages');
  }

  private report(vote: string, by: string): NumberingEvent {
    if (vote !== 'adopted' && vote !== 'renumbered') return 'none';
    this.folded = [];
    this.reason = vote === 'adopted' ? `numbered by ${by}` : `renumbered after ${RENUMBER_VOTES} contradicting ${by}`;
    return vote;
  }
}
