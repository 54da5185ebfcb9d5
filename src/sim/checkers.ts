import { REFID_LOCAL } from '../base/refid.js';
import { add, diff, type Instant } from '../base/time.js';
import type { Seconds } from '../base/units.js';
import { cook } from '../core/clockview.js';
import type { ServerState } from '../core/ntp/state.js';
import type { Effect, Event, Now } from '../engine/events.js';
import type { TrueTime } from './queue.js';
import { advertisedDistance, type Seen, type Watcher } from './world.js';

export type Rule =
  /** Served time is off by more than the advertised root distance. */
  | 'distance'
  /** Stratum 1 is claimed without a reference, or as fresher than the reference is. */
  | 'reference'
  /** Served time went back, further than was advertised as possible, without a declared step. */
  | 'monotonic'
  /** The packet plane answered twice, at length, to a stranger, or with stamps outside its advertised distance. */
  | 'reply'
  /** The clock follows a server that lies, while most of those that answer do not. */
  | 'selection'
  /** Too much work for one event, or timers that run wild. */
  | 'bounded';

export interface Violation {
  readonly rule: Rule;
  readonly at: TrueTime;
  readonly text: string;
}

/** Violations kept in words; beyond it they are only counted. */
const KEPT = 20;
/** Rounding of instants to ns on both sides. */
const GRAIN: Seconds = 2e-9;
/** Ticks in one true second that a daemon with 1 Hz work may need at most. */
const MAX_TICKS = 200;
const MAX_EFFECTS = 100;
/** Age of the newest evidence from which a claim to be fresh is checked, and the slack it gets, s. */
const STALE: Seconds = 60;
const SLACK: Seconds = 20;

/**
 * The judges: they know true time, stand outside the code under test, and share nothing with it but the server state
 * that every client sees.
 */
export class Checkers implements Watcher {
  readonly counts: Record<Rule, number> = {
    distance: 0,
    reference: 0,
    monotonic: 0,
    reply: 0,
    selection: 0,
    bounded: 0,
  };
  readonly violations: Violation[] = [];
  /** Seconds at which the daemon claimed to be synchronised. */
  synchronised = 0;
  seconds = 0;
  /** First second from which it claimed so. */
  firstSync: TrueTime | undefined;
  /** Largest error of served time while synchronised, s … */
  worst: Seconds = 0;
  /** … and the largest share of the advertised distance that an error took up. */
  nearest = 0;
  /** Largest undeclared move back of served time while synchronised, s. */
  largestBack: Seconds = 0;
  private named = false;
  /** In true time: the clock may be corrected by the very event that brought it. */
  private evidenceAt: TrueTime | undefined;
  private cookedBefore: Instant | undefined;
  private stateBefore: ServerState | undefined;
  private ticks = 0;

  second(k: number, world: Seen): void {
    this.ticks = 0;
    this.seconds++;
    const { state } = world;
    if (state === undefined || !claims(state) || world.asleep) return;
    this.synchronised++;
    this.firstSync ??= k;
    this.checkDistance(k, world, state);
    this.checkReference(k, world, state);
  }

  before(event: Event, world: Seen): void {
    const { state } = world;
    const raw = world.clock.realtime();
    this.stateBefore = state;
    this.cookedBefore = state === undefined ? undefined : cook(state.view, raw);
    if (event.kind === 'tick' && ++this.ticks > MAX_TICKS) {
      this.found('bounded', world.t, `${this.ticks} ticks in one second`);
    }
    if (isNamed(event)) this.named = true;
    else if (event.kind !== 'pulse' || !this.named) return;
    this.evidenceAt = world.t;
  }

  after(event: Event, _now: Now, effects: readonly Effect[], world: Seen): void {
    if (effects.length > MAX_EFFECTS) this.found('bounded', world.t, `${effects.length} effects of one ${event.kind}`);
    const { state } = world;
    const { stateBefore, cookedBefore } = this;
    if (state === undefined || stateBefore === undefined || cookedBefore === undefined) return;
    if (!claims(state) || !claims(stateBefore) || declaresStep(event, effects)) return;
    // What the local reference served, a real one may take back.
    if (stateBefore.refId === REFID_LOCAL) return;
    const back = diff(cookedBefore, cook(state.view, world.clock.realtime()));
    if (back > this.largestBack) this.largestBack = back;
    const allowed = advertisedDistance(stateBefore, world.clock.realtime()) + GRAIN;
    if (back > allowed) {
      this.found(
        'monotonic',
        world.t,
        `served time went back ${back.toExponential(3)} s, ${allowed.toExponential(3)} s was advertised`,
      );
    }
  }

  get total(): number {
    return Object.values(this.counts).reduce((a, b) => a + b, 0);
  }

  private checkDistance(t: TrueTime, world: Seen, state: ServerState): void {
    // The local reference is believed because somebody configured it to be, not because it is right.
    if (state.refId === REFID_LOCAL) return;
    const error = Math.abs(world.servedError()!);
    const distance = advertisedDistance(state, world.clock.realtime());
    if (error > this.worst) this.worst = error;
    if (error > this.nearest * distance) this.nearest = error / distance;
    // A client rounds the bound up to 2^-16 s on the wire; the finer value in our own reports must hold as well.
    if (error > distance + GRAIN) {
      this.found(
        'distance',
        t,
        `served time off by ${error.toExponential(3)} s, ${distance.toExponential(3)} s advertised`,
      );
    }
  }

  private checkReference(t: TrueTime, world: Seen, state: ServerState): void {
    if (state.stratum !== 1) return;
    if (this.evidenceAt === undefined) {
      this.found('reference', t, 'stratum 1 before any valid message or reading');
      return;
    }
    const cooked = cook(state.view, world.clock.realtime());
    if (state.referenceTime > add(cooked, GRAIN)) this.found('reference', t, 'the last update lies in the future');
    const age = t - this.evidenceAt;
    const claimed = diff(cooked, state.referenceTime);
    if (age > STALE && claimed < age - SLACK) {
      this.found(
        'reference',
        t,
        `claims an update ${claimed.toFixed(0)} s ago, the newest evidence is ${age.toFixed(0)} s old`,
      );
    }
  }

  found(rule: Rule, at: TrueTime, text: string): void {
    this.counts[rule]++;
    if (this.violations.length < KEPT) this.violations.push({ rule, at, text });
  }
}

/** Does the server say that its time can be used? */
const claims = (state: ServerState): boolean => state.leap !== 3 && state.stratum > 0 && state.stratum < 16;

/** Evidence that says which second it is; a pulse alone does not. */
const isNamed = (event: Event): boolean =>
  (event.kind === 'message' && event.message.valid && event.message.utc !== undefined) || event.kind === 'reading';

/** Commands by which an operator moves the clock on purpose. */
const STEPPING: ReadonlySet<string> = new Set(['makestep', 'settime', 'manual-delete']);

const declaresStep = (event: Event, effects: readonly Effect[]): boolean =>
  event.kind === 'clock-jump' ||
  event.kind === 'slept' ||
  (event.kind === 'command' && STEPPING.has(event.command.name)) ||
  effects.some((e) => e.kind === 'step-clock' || (e.kind === 'fact' && e.fact.name === 'clock.leap'));
