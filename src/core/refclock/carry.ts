import { add, diff, type Instant } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';
import { type ClockChange, offsetShift, timeShift } from '../sample.js';

/** What became of one vote for the number of the second. */
export type Vote = 'pending' | 'adopted' | 'agrees' | 'contradicts' | 'renumbered';

interface Anchor {
  readonly time: Instant;
  readonly offset: Seconds;
}

/**
 * Rate at which an undisciplined clock may stray from the number it carries: twice the worst crystal that is sold.
 * s/s.
 */
const STRAY = 2e-4;

/** Votes that must contradict, one after the other and all alike, before a known number is given up. */
export const RENUMBER_VOTES = 10;

/**
 * Carries the number of the second on the clock: holds "true time minus cooked clock" once it is known, to within less
 * than half a second, and lets single votes neither set nor move it.
 */
export class Carry {
  private anchor: Anchor | undefined;
  private rival: { offset: Seconds; count: number } | undefined;

  /**
   * `tolerance`: a vote within it agrees with the number held, s. `alike`: votes within it count as the same one, s;
   * tight where votes come from pulses, so that a stray edge is not counted among the good ones.
   */
  constructor(
    private readonly tolerance: Seconds,
    private readonly alike: Seconds,
  ) {}

  /** True minus cooked, s; undefined = the number of the second is not known. */
  get offset(): Seconds | undefined {
    return this.anchor?.offset;
  }

  get since(): Instant | undefined {
    return this.anchor?.time;
  }

  /** Alike votes in a row that still wait for more. */
  get pending(): number {
    return this.rival?.count ?? 0;
  }

  /** `needed`: alike votes in a row that set an unknown number; `renumber`: that replace a known one. */
  vote(time: Instant, offset: Seconds, needed: number, renumber = RENUMBER_VOTES): Vote {
    const known = this.anchor;
    if (known !== undefined && Math.abs(offset - known.offset) < this.tolerance) {
      this.rival = undefined;
      return 'agrees';
    }
    const alike = this.rival !== undefined && Math.abs(offset - this.rival.offset) < this.alike;
    this.rival = { offset, count: alike ? this.rival!.count + 1 : 1 };
    if (this.rival.count < (known === undefined ? needed : renumber)) {
      return known === undefined ? 'pending' : 'contradicts';
    }
    this.anchor = { time, offset };
    this.rival = undefined;
    return known === undefined ? 'adopted' : 'renumbered';
  }

  /** A precise measurement under the number held: the anchor follows. */
  follow(time: Instant, offset: Seconds): void {
    this.anchor = { time, offset };
  }

  /** How far the clock may have strayed since the anchor; `bound` = what is known otherwise (root distance), s. */
  uncertainty(now: Instant, bound: Seconds): Seconds {
    return this.anchor === undefined
      ? Number.POSITIVE_INFINITY
      : Math.min(bound, Math.abs(diff(now, this.anchor.time)) * STRAY);
  }

  forgetRival(): void {
    this.rival = undefined;
  }

  reset(): void {
    this.anchor = undefined;
    this.rival = undefined;
  }

  rebase(change: ClockChange): void {
    if (change.kind === 'unknown') {
      this.reset();
      return;
    }
    // A step ends a row of contradictions: who was right before it says nothing about who is right now.
    if (change.kind !== 'adjust') this.rival = undefined;
    const { anchor, rival } = this;
    if (anchor !== undefined) {
      this.anchor = {
        time: add(anchor.time, timeShift(change, anchor.time)),
        offset: anchor.offset + offsetShift(change, anchor.time),
      };
    }
    if (rival !== undefined) this.rival = { ...rival, offset: rival.offset + offsetShift(change, change.at) };
  }
}
