import { CodedError } from '../../base/errors.js';
import { diffMono, type Instant, type Mono, nsToSeconds } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';
import { formatDrift } from '../../core/discipline/drift.js';
import type { ServerState } from '../../core/ntp/state.js';
import { type ForeignFrequency, FrequencyWatch, JumpDetector, SleepDetector } from '../../devices/clock.js';
import { messageOf } from '../../devices/retry.js';
import type { Engine } from '../../engine/engine.js';
import type { Command, CommandAnswer, Effect, Event, Now } from '../../engine/events.js';
import type { Clock, ClockActuator } from '../../ports/clock.js';
import type { Observer } from '../../ports/observer.js';
import type { Store } from '../../ports/store.js';

import type { NtpEffect } from './ntpclient.js';

export type RtcEffect = Extract<Effect, { kind: 'rtc-measure' | 'rtc-set' | 'save-rtc' }>;

export interface RuntimeParts {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly actuator: ClockActuator;
  readonly store: Store;
  readonly observer: Observer;
  readonly driftFile: string | undefined;
  /** A new state for the packet plane. */
  readonly publish: (state: ServerState, step?: RawStep) => void;
  /** The raw clock is about to be stepped: the packet plane pauses until the next publish. */
  readonly beginStep: () => void;
  /** What the NTP sources want of the network. */
  readonly network: (effect: NtpEffect) => void;
  /** What is wanted of the real-time clock. */
  readonly rtc: (effect: RtcEffect) => void;
  readonly trace: (effect: Extract<Effect, { kind: 'trace' }>) => void;
  /** After every event. */
  readonly after: (event: Event, effects: readonly Effect[], now: Now) => void;
  readonly exit: (code: number, reason: string) => void;
}

/** s at least between two warnings of another program's frequency. */
const FOREIGN_INTERVAL = 60;

/** s. What frequencies that took effect late have put the clock off by, before the engine is told. */
const LATE_MATTERS: Seconds = 2e-9;

/** The raw clock was moved by `offset` s, and read `after` just afterwards. */
export interface RawStep {
  readonly after: Instant;
  readonly offset: Seconds;
}

/** Carries events to the engine and its effects to the world; owns the one timer. */
export class Runtime {
  private readonly parts: RuntimeParts;
  private readonly jumps: JumpDetector;
  private readonly sleeps: SleepDetector;
  private readonly frequencies: FrequencyWatch;
  private foreignTold: Mono | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** When the timer goes off. */
  private wakeAt: Mono | undefined;
  private running = true;
  private answer: CommandAnswer = { outcome: 'failed' };
  private state: ServerState | undefined;
  /** A step that the packet plane has not been told of; `pausing`: it waits for that. */
  private stepped: RawStep | undefined;
  private pausing = false;
  /** By how much the raw clock is not where the engine takes it to be, after the effects of an event. */
  private astray: Seconds = 0;

  constructor(parts: RuntimeParts) {
    this.parts = parts;
    this.jumps = new JumpDetector(parts.clock);
    this.sleeps = new SleepDetector(parts.clock);
    this.frequencies = new FrequencyWatch(parts.clock, parts.actuator);
  }

  now(): Now {
    return this.parts.clock.pair();
  }

  dispatch(event: Event): void {
    if (!this.running) return;
    // Sleep moves realtime against monotonic as well, but cooked time has to go with it.
    const slept = this.sleeps.check();
    if (slept !== undefined) {
      this.jumps.expect(slept);
      this.handle({ kind: 'slept', seconds: slept });
    }
    // A foreign step must be known before anything stamped after it is judged.
    const jump = this.jumps.check();
    if (jump !== undefined) {
      this.stepped = { after: this.parts.clock.realtime(), offset: jump };
      this.parts.actuator.stepped?.();
      this.handle({ kind: 'clock-jump', offset: jump });
    }
    this.guard('read the clock', () => this.lookAtFrequency());
    this.handle(event);
  }

  /** Another program's frequency must be known before anything stamped under it is judged. */
  private lookAtFrequency(): void {
    const foreign = this.frequencies.check();
    if (foreign === undefined) return;
    this.tellForeign(foreign);
    this.handle({ kind: 'frequency-late', offset: foreign.offset });
  }

  /** A second daemon that controls the clock would be told of with every event. */
  private tellForeign({ found, offset }: ForeignFrequency): void {
    const { clock, observer } = this.parts;
    const now = clock.monotonic();
    if (this.foreignTold !== undefined && diffMono(now, this.foreignTold) < FOREIGN_INTERVAL) return;
    this.foreignTold = now;
    observer.fact({
      severity: 'warn',
      name: 'clock.foreign-frequency',
      text: `Another program has set the frequency to ${(found * 1e6).toFixed(3)} ppm, the clock moved by ${offset.toFixed(9)} seconds`,
      at: clock.realtime(),
      fields: { found, offset },
    });
  }

  /** Does what somebody commands; what came of it. */
  command(command: Command): CommandAnswer {
    this.answer = { outcome: 'failed' };
    this.dispatch({ kind: 'command', command });
    return this.answer;
  }

  stop(): void {
    this.running = false;
    if (this.timer !== undefined) clearTimeout(this.timer);
  }

  private handle(event: Event): void {
    const now = this.now();
    const effects = this.parts.engine.handle(event, now);
    for (const effect of effects) this.apply(effect, now);
    if (this.pausing && this.state !== undefined) this.publish(this.state);
    this.parts.after(event, effects, now);
    this.tellAstray(event);
  }

  /** Telling may change the frequency again, late again, by ever less; where it is not less, it waits for the next event. */
  private tellAstray(last: Event): void {
    const { astray } = this;
    const most = last.kind === 'frequency-late' ? Math.abs(last.offset) / 2 : Number.POSITIVE_INFINITY;
    if (Math.abs(astray) <= LATE_MATTERS || Math.abs(astray) > most) return;
    this.astray = 0;
    this.handle({ kind: 'frequency-late', offset: astray });
  }

  private apply(effect: Effect, now: Now): void {
    switch (effect.kind) {
      case 'wake': {
        if (!this.running) return;
        if (effect.at === this.wakeAt) return;
        if (this.timer !== undefined) clearTimeout(this.timer);
        this.wakeAt = effect.at;
        // One ms late rather than early: an early tick would only ask to be woken again.
        const ms = Math.max(0, Math.ceil(nsToSeconds(effect.at - now.mono) * 1000)) + 1;
        this.timer = setTimeout(() => {
          this.wakeAt = undefined;
          this.dispatch({ kind: 'tick' });
        }, ms);
        return;
      }
      case 'set-frequency':
        this.guard('adjust the clock', () => {
          const { actuator, clock } = this.parts;
          // The engine takes it to be zero at a start; the daemon before may have left another.
          const before = this.frequencies.inForce;
          this.frequencies.expect(actuator.setFrequency(effect.freq));
          // Until then it has run at the old rate. A call into native code may take a millisecond while the program is cold.
          const since = diffMono(actuator.frequencyAt ?? clock.monotonic(), now.mono);
          this.astray -= ((effect.freq - before) / (1 + before)) * since;
        });
        return;
      case 'step-clock':
        this.pausing = true;
        this.parts.beginStep();
        this.guard('step the clock', () => {
          if (!this.parts.actuator.step(effect.offset)) return;
          this.jumps.expect(effect.offset);
          this.stepped = { after: this.parts.clock.realtime(), offset: effect.offset };
        });
        return;
      case 'clock-status':
        this.guard('set the clock status', () => this.parts.actuator.setStatus(effect.status));
        return;
      case 'server-state':
        this.publish(effect.state);
        return;
      case 'save-drift':
        this.saveDrift(effect.freqPpm, effect.skewPpm);
        return;
      case 'fact':
        this.parts.observer.fact(effect.fact);
        return;
      case 'rtc-measure':
      case 'rtc-set':
      case 'save-rtc':
        this.parts.rtc(effect);
        return;
      case 'trace':
        this.parts.trace(effect);
        return;
      case 'answer':
        this.answer = effect.answer;
        return;
      case 'ntp-send':
      case 'ntp-close':
      case 'ntp-resolve':
      case 'ntp-peers':
      case 'ntp-peer-send':
      case 'ntp-broadcast':
        this.parts.network(effect);
        return;
      case 'exit':
        this.parts.exit(effect.code, effect.reason);
        return;
    }
  }

  private publish(state: ServerState): void {
    this.state = state;
    this.parts.publish(state, this.stepped);
    this.stepped = undefined;
    this.pausing = false;
  }

  private saveDrift(freqFastPpm: number, skewPpm: number): void {
    const path = this.parts.driftFile;
    if (path === undefined) return;
    this.guard(`write ${path}`, () => this.parts.store.writeAtomic(path, formatDrift({ freqFastPpm, skewPpm })));
  }

  /** What the system refuses is told and lived with; the next update tries again. */
  private guard(what: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      const code = error instanceof CodedError ? error.code : 'ERR_TB_CLOCK_CONTROL';
      this.parts.observer.fact({
        severity: 'error',
        name: 'system.refused',
        text: `Could not ${what}: ${messageOf(error)}`,
        at: this.parts.clock.realtime(),
        fields: { code },
      });
    }
  }
}
