import { add, addMono, diff, floorSeconds, fromUnix, type Instant, type Mono } from '../base/time.js';
import { PPM, type Seconds } from '../base/units.js';
import type { RtcReport } from '../core/report/reports.js';
import type { RtcTrace } from '../core/report/traces.js';
import type { RtcLine } from '../core/rtc/file.js';
import { RtcTracker } from '../core/rtc/tracker.js';
import type { ClockChange } from '../core/sample.js';
import type { CommandAnswer, Effect, RtcEvent } from './events.js';

/** `rtcfile` and `rtcautotrim`. */
export interface RtcOptions {
  /** s; 0 = off. */
  readonly autotrim: Seconds;
}

/** Measurements after a trim before what is known is written down. */
const RELOCK = 4;
/** s; a chip that counts whole seconds cannot be set better (chrony). */
const TRIMMABLE: Seconds = 1;
/** s: an update that was asked for and has not come by then will not come. */
const LOST: Seconds = 30;
/** s; the raw clock was stepped since: the stamp may be on the old scale. */
const STALE: Seconds = 5;

/** What the moment of an event says. */
export interface RtcMoment {
  readonly mono: Mono;
  /** Cooked time of the event. */
  readonly cooked: Instant;
  /** We have a reference. */
  readonly synchronised: boolean;
  /** Nothing has corrected the clock yet. */
  readonly untouched: boolean;
}

/** Keeps track of the real-time clock (`rtcfile`): when it is looked at, when it is set, and what is remembered. */
export class RtcKeeper {
  private readonly tracker: RtcTracker;
  private up = false;
  private dueAt: Mono | undefined;
  /** Of the file, while the clock that was set from the RTC at start is still off by the fraction that nobody knew. */
  private memory: RtcLine | undefined;
  /** Measurements until the file is written after a trim. */
  private relock = 0;

  constructor(
    private readonly options: RtcOptions | undefined,
    private readonly logged: boolean,
    private readonly effect: (effect: Effect) => void,
  ) {
    this.tracker = new RtcTracker();
  }

  /** What the file remembers. `initial`: the clock has been set from the RTC with it (option -s). */
  start(line: RtcLine | undefined, initial: boolean): void {
    if (line === undefined) return;
    this.tracker.remember(line.gain);
    if (initial) this.memory = line;
  }

  /** s to add to the clock at once, after -s; undefined: nothing. */
  handle(event: RtcEvent, when: (raw: Instant) => Instant, now: RtcMoment): Seconds | undefined {
    if (this.options === undefined) return undefined;
    if (event.kind === 'rtc-device') {
      this.up = event.state.kind === 'up';
      this.dueAt = this.up ? now.mono : undefined;
      return undefined;
    }
    const at = when(event.time);
    if (Math.abs(diff(now.cooked, at)) > STALE) return undefined;
    return this.measured(at, diff(event.utc, at), now);
  }

  /** Time has passed: is a measurement due? */
  due(mono: Mono): void {
    if (this.dueAt === undefined || mono < this.dueAt) return;
    this.dueAt = addMono(mono, LOST);
    this.effect({ kind: 'rtc-measure' });
  }

  rebase(change: ClockChange): void {
    this.tracker.rebase(change);
  }

  /** Command trimrtc. */
  trim(cooked: Instant): CommandAnswer {
    if (!this.up) return { outcome: 'no-rtc' };
    const fast = this.tracker.fastAt(cooked);
    if (fast === undefined || Math.abs(fast) < TRIMMABLE) return { outcome: 'done' };
    this.fact(cooked, 'rtc.trim', `RTC wrong by ${fast.toFixed(3)} seconds (step)`, { fast });
    this.effect({ kind: 'rtc-set', time: fromUnix(floorSeconds(add(cooked, 0.5))) });
    this.tracker.forget();
    this.relock = RELOCK;
    return { outcome: 'done' };
  }

  /** Undefined: there is no RTC that is tracked. */
  report(): RtcReport | undefined {
    return this.up ? this.tracker.report() : undefined;
  }

  /** What is worth remembering; undefined: too little is known. */
  line(): RtcLine | undefined {
    return this.tracker.valid ? this.tracker.estimate : undefined;
  }

  private measured(at: Instant, fast: Seconds, now: RtcMoment): Seconds | undefined {
    const { tracker } = this;
    const slew = this.initialSlew(at, fast, now);
    if (slew !== undefined) {
      // What was measured is on the scale of before.
      this.dueAt = addMono(now.mono, tracker.interval);
      return slew;
    }
    tracker.add(at, fast);
    this.dueAt = addMono(now.mono, tracker.interval);
    if (this.logged) this.effect({ kind: 'trace', trace: this.trace(at, fast) });
    if (this.relock > 0 && --this.relock === 0) this.save();
    const { autotrim } = this.options!;
    const off = Math.abs(tracker.estimate?.fast ?? 0);
    if (autotrim > 0 && off > autotrim && tracker.valid && now.synchronised) this.trim(now.cooked);
    return undefined;
  }

  /** After -s: what the RTC should read by its file, against what it reads. */
  private initialSlew(at: Instant, fast: Seconds, now: RtcMoment): Seconds | undefined {
    const { memory } = this;
    this.memory = undefined;
    if (memory === undefined || !now.untouched) return undefined;
    const expected = memory.fast + memory.gain * diff(at, memory.at);
    const off = expected - fast;
    this.fact(at, 'rtc.slew', `System clock off from RTC by ${off.toFixed(6)} seconds (slew)`, { off });
    return -off;
  }

  private save(): void {
    const line = this.line();
    if (line !== undefined) this.effect({ kind: 'save-rtc', line });
  }

  private trace(at: Instant, fast: Seconds): RtcTrace {
    const { tracker } = this;
    const { samples, runs, fast: estimate, gain } = tracker.report();
    const { interval, valid } = tracker;
    return { log: 'rtc', at, fast, valid, estimate, gainPpm: gain / PPM, samples, runs, interval };
  }

  private fact(at: Instant, name: string, text: string, fields: Readonly<Record<string, number>>): void {
    this.effect({ kind: 'fact', fact: { severity: 'info', name, text, at, fields } });
  }
}
