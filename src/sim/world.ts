import { Prng } from '../base/prng.js';
import { add, diff, type Instant, instant, NS_PER_S } from '../base/time.js';
import type { Frequency, Seconds } from '../base/units.js';
import { correctionAt } from '../core/clockview.js';
import type { ServerState } from '../core/ntp/state.js';
import type { RtcLine } from '../core/rtc/file.js';
import type { EngineConfig } from '../engine/config.js';
import { Engine } from '../engine/engine.js';
import type { Effect, Event, Now } from '../engine/events.js';
import { type ActuatorModel, KERNEL_ACTUATOR, NO_ACTUATOR, SimClock } from './clock.js';
import type { Host, Twin } from './host.js';
import type { SimNetwork } from './net/network.js';
import type { Upstream } from './net/upstream.js';
import type { Oscillator } from './oscillator.js';
import { EventQueue, type Task, type TrueTime } from './queue.js';
import type { SimRtc } from './rtc.js';
import { Timeline } from './timeline.js';

/** What decides a world; together with a seed it decides every event in it. */
export interface WorldSpec {
  readonly seed: number;
  /** True UTC at t = 0: a whole second. */
  readonly start: Instant;
  readonly leapAt?: TrueTime;
  /** The leap second at `leapAt` is left out instead of inserted. */
  readonly leapDeleted?: boolean;
  /** Raw − true at t = 0, s. */
  readonly initialOffset: Seconds;
  readonly engine: EngineConfig;
  readonly oscillator: Oscillator;
  readonly twins: readonly Twin[];
  /** The packet plane with its clients; absent = nobody asks. */
  readonly network?: SimNetwork;
  /** The NTP servers that the daemon asks; absent = none answers. */
  readonly upstream?: Upstream;
  /** Faults and other things that happen once, at their true time. */
  readonly script?: readonly Happening[];
  /** Until then a cold machine takes `by` seconds to set a frequency; `told`: it notices and says so. */
  readonly sluggish?: { readonly until: TrueTime; readonly by: Seconds; readonly told: boolean };
  /** False: the daemon's watch on the raw clock is off, jumps by others go unnoticed (for negative controls). */
  readonly noticesJumps?: boolean;
  /** The real-time clock; absent = there is none. */
  readonly rtc?: SimRtc;
  /** What its file remembers; the clock has been set with it. */
  readonly rtcMemory?: RtcLine;
  /** Remembered by the drift file: frequency to add, and its uncertainty. */
  readonly drift?: { readonly freq: number; readonly skew: number };
}

/** What a judge may know of a world. */
export interface Seen {
  readonly t: TrueTime;
  readonly state: ServerState | undefined;
  readonly clock: Pick<SimClock, 'realtime'>;
  /** The machine sleeps: nobody is served, whatever the last state says. */
  readonly asleep: boolean;
  /** Served minus true time, s. */
  servedError(): Seconds | undefined;
}

export interface Happening {
  readonly at: TrueTime;
  run(world: World): void;
}

/** Watches a world from outside; knows true time. Called with the clock standing at t. */
export interface Watcher {
  /** Every whole true second, before anything else happens in it. */
  second?(k: number, world: World): void;
  /** Before the engine gets an event. */
  before?(event: Event, world: World): void;
  /** After its effects have been applied. */
  after?(event: Event, now: Now, effects: readonly Effect[], world: World): void;
}

/** Detection of a jump of the raw clock by the daemon's watch on it. */
const JUMP_NOTICED: Seconds = 1e-3;
/** Lateness of timers on an idle board: mean of an exponential. */
const TIMER_LATE: Seconds = 60e-6;

/** A daemon, its devices and its oscillator in virtual time, from one seed. */
export class World implements Host {
  readonly clock: SimClock;
  readonly timeline: Timeline;
  readonly engine: Engine;
  /** True time now. */
  t: TrueTime = 0;
  /** What the packet plane would answer with. */
  state: ServerState | undefined;
  /** Set by an exit effect: the daemon is gone. */
  exited: { readonly code: number; readonly reason: string } | undefined;
  events = 0;
  ticks = 0;
  /** Until the daemon has noticed that it has slept. */
  asleep = false;
  private sleeping = false;
  /** Content of the drift file, as last saved. */
  drift: { readonly freqPpm: number; readonly skewPpm: number } | undefined;
  /** The RTC's file, as last saved. */
  rtcSaved: RtcLine | undefined;
  private readonly queue = new EventQueue();
  private readonly timers: Prng;
  /** As SimClock counts. */
  private wakeAt: number | undefined;
  private wakeLate: Seconds = 0;
  private kernelLeap: Instant | undefined;

  constructor(
    readonly spec: WorldSpec,
    private readonly watchers: readonly Watcher[] = [],
  ) {
    const { control } = spec.engine;
    const actuator: ActuatorModel = control === undefined ? NO_ACTUATOR : { ...KERNEL_ACTUATOR, ...control };
    this.timeline = new Timeline(spec.start, spec.leapAt, spec.leapDeleted);
    this.clock = new SimClock(spec.start, spec.initialOffset, actuator);
    this.timers = new Prng(spec.seed).fork('timers');
    this.engine = new Engine(spec.engine, this.now());
    this.at(0, { run: () => this.second(0) });
    this.at(0, { run: () => this.post(startEvent(spec)) });
    for (const twin of spec.twins) twin.start(this);
    spec.network?.start(this);
    spec.upstream?.start(this);
    spec.rtc?.start(this);
    for (const happening of spec.script ?? []) this.at(happening.at, { run: () => happening.run(this) });
  }

  now(): Now {
    return { raw: this.clock.realtime(), mono: this.clock.monotonic() };
  }

  at(t: TrueTime, task: Task): void {
    this.queue.push(t, task);
  }

  /** When something happens next. */
  get nextAt(): TrueTime {
    return Math.min(this.nextWake(), this.queue.nextAt);
  }

  /** Lets the world live until true time t. */
  run(until: TrueTime): void {
    while (this.exited === undefined) {
      const wake = this.nextWake();
      const task = this.queue.nextAt;
      const next = Math.min(wake, task);
      if (next > until) return;
      this.t = Math.max(this.t, next);
      this.clock.advance(this.t);
      if (task <= wake) this.queue.pop().run(this.t);
      else this.tick();
    }
  }

  post(event: Event): void {
    if (this.sleeping || this.exited !== undefined) return;
    this.events++;
    for (const w of this.watchers) w.before?.(event, this);
    const now = this.now();
    const effects = this.engine.handle(event, now);
    for (const effect of effects) this.apply(effect);
    for (const w of this.watchers) w.after?.(event, now, effects, this);
  }

  /** Served minus true time, s; undefined before the daemon said anything. */
  servedError(): Seconds | undefined {
    if (this.state === undefined) return undefined;
    return this.rawError() + correctionAt(this.state.view, this.clock.realtime());
  }

  /** Kernel clock minus true time (UTC as POSIX counts it), s. */
  rawError(): Seconds {
    return this.clock.error() - this.timeline.leapOffset(this.t);
  }

  /** Somebody else moves the clock; the daemon notices a moment later. */
  foreignStep(offset: Seconds): void {
    this.clock.jump(offset);
    this.notice({ kind: 'clock-jump', offset });
  }

  /** The machine sleeps: nothing is delivered, monotonic time stands, and the RTC gives raw time back roughly. */
  suspend(seconds: Seconds, rtcError: Seconds): void {
    this.asleep = true;
    this.sleeping = true;
    const wake: Task = {
      run: () => {
        this.sleeping = false;
        this.clock.slept(seconds, rtcError);
        this.at(this.t + JUMP_NOTICED, { run: () => this.awake() });
        this.notice({ kind: 'slept', seconds: seconds + rtcError });
      },
    };
    this.at(this.t + seconds, wake);
  }

  private awake(): void {
    this.asleep = false;
  }

  private notice(event: Event): void {
    if (this.spec.noticesJumps === false) return;
    this.at(this.t + JUMP_NOTICED, { run: () => this.post(event) });
  }

  private second(k: number): void {
    this.clock.setOscillator(this.spec.oscillator.next(k));
    for (const w of this.watchers) w.second?.(k, this);
    this.at(k + 1, { run: () => this.second(k + 1) });
  }

  private nextWake(): TrueTime {
    if (this.wakeAt === undefined || this.sleeping) return Number.POSITIVE_INFINITY;
    return Math.max(this.t, this.clock.trueTimeOf(this.wakeAt) + this.wakeLate);
  }

  private setFrequency(freq: Frequency, change: Frequency): void {
    const { sluggish } = this.spec;
    if (sluggish === undefined || this.t >= sluggish.until) {
      this.clock.setFrequency(freq);
      return;
    }
    this.at(this.t + sluggish.by, {
      run: () => {
        this.clock.setFrequency(freq);
        if (sluggish.told) this.post({ kind: 'frequency-late', offset: -change * sluggish.by });
      },
    });
  }

  private tick(): void {
    this.wakeAt = undefined;
    this.ticks++;
    this.post({ kind: 'tick' });
  }

  private apply(effect: Effect): void {
    switch (effect.kind) {
      case 'wake':
        this.wakeAt = SimClock.count(effect.at);
        this.wakeLate = TIMER_LATE * this.timers.exponential();
        break;
      case 'set-frequency':
        this.setFrequency(effect.freq, effect.change ?? 0);
        break;
      case 'step-clock':
        this.clock.step(effect.offset);
        break;
      case 'clock-status':
        this.clock.setStatus(effect.status);
        if (effect.status.leap === 1 || effect.status.leap === 2) this.armLeap();
        break;
      case 'server-state':
        this.state = effect.state;
        this.spec.network?.publish(effect.state);
        break;
      case 'save-drift':
        this.drift = effect;
        break;
      case 'rtc-measure':
        this.spec.rtc?.measure();
        break;
      case 'rtc-set':
        this.spec.rtc?.set(effect.time);
        break;
      case 'save-rtc':
        this.rtcSaved = effect.line;
        break;
      case 'exit':
        this.exited = effect;
        break;
      case 'ntp-send':
        this.spec.upstream?.request(effect);
        break;
      case 'ntp-peer-send':
      case 'ntp-peers':
        this.spec.upstream?.peer?.(effect);
        break;
      case 'ntp-resolve':
        this.spec.upstream?.resolve(effect.name);
        break;
      default:
        break;
    }
  }

  /** The kernel's own leap second: at raw midnight the clock is set back (or on) by one, if the flag still stands. */
  private armLeap(): void {
    const raw = this.clock.realtime();
    const midnight = instant((raw / DAY_NS + 1n) * DAY_NS);
    if (this.kernelLeap === midnight) return;
    this.kernelLeap = midnight;
    this.awaitLeap(midnight);
  }

  private awaitLeap(midnight: Instant): void {
    const deleted = this.clock.status?.leap === 2 ? 1 : 0;
    const left = diff(midnight, this.clock.realtime()) - deleted;
    if (left > 0) {
      // Half-way steps, because the clock may be steered meanwhile; the last one a nanosecond late.
      this.at(this.t + (left > 1 ? left / 2 : left + 1e-9), { run: () => this.awaitLeap(midnight) });
      return;
    }
    const leap = this.clock.status?.leap;
    if (leap !== 1 && leap !== 2) return;
    this.foreignStep(leap === 1 ? -1 : 1);
  }
}

const DAY_NS = 86400n * NS_PER_S;

const startEvent = ({ drift, rtcMemory }: WorldSpec): Event => ({
  kind: 'start',
  ...(drift === undefined ? {} : { driftFreq: drift.freq, driftSkew: drift.skew }),
  ...(rtcMemory === undefined ? {} : { rtc: rtcMemory, rtcSet: true }),
});

/** Advertised bound of the served time at a raw instant, s: root delay / 2 + root dispersion (RFC 5905, 11.1). */
export const advertisedDistance = (state: ServerState, raw: Instant): Seconds => {
  const cooked = add(raw, correctionAt(state.view, raw));
  return state.rootDelay / 2 + state.rootDispersion + state.dispersionRate * diff(cooked, state.dispersionAt);
};
