import { add, diff, type Instant } from '../base/time.js';
import type { Leap, Seconds } from '../base/units.js';
import { decideLeap, LEAP_SERVE_GUARD, type LeapDecision, NO_LEAP, nearLeap } from '../core/discipline/leap.js';
import type { DisciplineOptions } from '../core/refclock/options.js';

/** s after the leap during which its instant is remembered: measurements are dropped and jumps explained. */
const REMEMBER = 10;
/** s by which an observed jump of the raw clock may differ from a whole second and still be the kernel's leap. */
const JUMP_TOLERANCE = 0.1;

/** Carries one leap second from the vote to the other side of midnight. */
export class LeapKeeper {
  private readonly kernelLeaps: boolean;
  private readonly mode: DisciplineOptions['leapsecmode'];
  /** What the kernel was last said to be armed for. */
  private told: 0 | 1 | 2 = 0;
  private decision: LeapDecision = NO_LEAP;
  private done = false;

  constructor(mode: DisciplineOptions['leapsecmode'], controlled: boolean) {
    this.kernelLeaps = mode === 'system' && controlled;
    this.mode = mode;
  }

  /** The selected sources' verdict; believed on the last day of June or December only. */
  vote(leap: Leap, now: Instant): void {
    const { at } = this.decision;
    if (at !== undefined) {
      if (diff(now, at) < 0 && decideLeap(now, leap).at === undefined) this.decision = NO_LEAP;
      if (diff(now, at) > REMEMBER) this.decision = NO_LEAP;
      return;
    }
    this.decision = decideLeap(now, leap);
    this.done = false;
  }

  /** Measurements about the leap are not used: receivers and servers disagree there. */
  isNear(t: Instant): boolean {
    return nearLeap(t, this.decision.at);
  }

  /** What the server says: the announcement during the day, not synchronised for a moment around the leap. */
  announced(now: Instant): Leap {
    const { at, leap } = this.decision;
    if (at === undefined || this.mode === 'ignore') return 0;
    if (nearLeap(now, this.moment(at), LEAP_SERVE_GUARD)) return 3;
    return this.done || now >= at ? 0 : leap;
  }

  /**
   * For the kernel's status word: armed only when the kernel is to do it, and until it has done it. It does so in the first
   * tick after midnight, ms (idle: more) after the pulse of midnight has woken us: disarmed by then, it would never.
   */
  forKernel(now: Instant, served: Leap): Leap {
    const { at, leap } = this.decision;
    if (!this.kernelLeaps || at === undefined || this.done || diff(now, at) > REMEMBER) return served === 3 ? 3 : 0;
    return leap;
  }

  /** Around its leap the kernel moves its TAI offset itself, in step with UTC: a second hand would make CLOCK_TAI jump. */
  kernelMovesTai(now: Instant): boolean {
    return this.kernelLeaps && this.isNear(now);
  }

  /** Is a jump of the raw clock the leap that we armed the kernel for? */
  expectsJump(now: Instant, offset: Seconds): boolean {
    const { at, leap } = this.decision;
    if (!this.kernelLeaps || at === undefined || this.done) return false;
    const expected = leap === 1 ? -1 : 1;
    const hit = nearLeap(now, at) && Math.abs(offset - expected) < JUMP_TOLERANCE;
    if (hit) this.done = true;
    return hit;
  }

  /**
   * The change of cooked time that is due now, once: −1 when a second is inserted, +1 when one is deleted, 0 when the
   * leap second is ignored, so that only UTC has moved.
   */
  due(now: Instant): Seconds | undefined {
    const when = this.instant();
    if (when === undefined || now < when) return undefined;
    this.done = true;
    if (this.mode === 'ignore') return 0;
    return this.decision.leap === 1 ? -1 : 1;
  }

  /** Seconds until due() will have something, undefined when nothing is coming. */
  nextAt(now: Instant): Seconds | undefined {
    const when = this.instant();
    return when === undefined ? undefined : diff(when, now);
  }

  private instant(): Instant | undefined {
    const { at } = this.decision;
    return at === undefined || this.done || this.kernelLeaps ? undefined : this.moment(at);
  }

  /** A deleted second: 23:59:58 is followed by 00:00:00, so the clock leaps one second before midnight. */
  private moment(at: Instant): Instant {
    return this.decision.leap === 1 ? at : add(at, -1);
  }

  /** What is new about the kernel's flag, in chrony's words. */
  news(now: Instant): string | undefined {
    const flag = this.forKernel(now, 0) as 0 | 1 | 2;
    if (flag === this.told) return undefined;
    this.told = flag;
    const verb = flag === 0 ? 'reset after' : flag === 1 ? 'set to insert' : 'set to delete';
    return `System clock status ${verb} leap second`;
  }

  /** What is said when the leap is made (or not), in chrony's words. */
  get deed(): string {
    if (this.mode === 'ignore') return 'Ignoring leap second';
    return this.mode === 'slew' ? 'Adjusting system clock for leap second' : 'System clock was stepped for leap second';
  }
}
