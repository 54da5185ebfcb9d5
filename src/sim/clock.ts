import { type Instant, instant, type Mono, mono, NS_PER_S } from '../base/time.js';
import type { Frequency, Seconds } from '../base/units.js';
import type { Clock, ClockActuator, ClockStatus } from '../ports/clock.js';
import type { TrueTime } from './queue.js';

/** Uptime when a world begins: a monotonic clock that starts at 0 would hide mix-ups with epoch times. */
const BOOT_NS = 1_000_000_000_000n;

export interface ActuatorModel {
  /** 0 = the clock cannot be controlled (`-x`). */
  readonly maxFrequency: Frequency;
  /** Grain of the rate: 2^-16 ppm in the kernel; 0 = none. */
  readonly quantum: Frequency;
  readonly canStep: boolean;
}

export const KERNEL_ACTUATOR: ActuatorModel = { maxFrequency: 0.1, quantum: 1e-6 / 65536, canStep: true };
export const NO_ACTUATOR: ActuatorModel = { maxFrequency: 0, quantum: 0, canStep: false };

/**
 * The local clock in virtual time: dC/dt = (1 + fRaw)(1 + fAdj), steps added at once. Phases are kept as the small
 * difference to true time in float64 (whole seconds apart), so nothing is rounded to ns but what is read.
 */
export class SimClock implements Clock, ClockActuator {
  readonly maxFrequency: Frequency;
  private readonly quantum: Frequency;
  private readonly canStep: boolean;
  private t: TrueTime = 0;
  /** Raw − true, without the whole seconds in `baseNs`. */
  private phase: Seconds;
  private monoPhase: Seconds = 0;
  private rawPhase: Seconds = 0;
  /** Sleep so far, as the RTC counted it. */
  private asleep: Seconds = 0;
  private baseNs: bigint;
  private fRaw: Frequency = 0;
  private fAdj: Frequency = 0;
  /** Readings at `t`, once somebody has asked: many ask at the same moment. */
  private raw: Instant | undefined;
  private mono: Mono | undefined;
  /** Last status told by the daemon; undefined = never. */
  status: ClockStatus | undefined;

  /** `start`: true UTC at t = 0. `offset`: raw − true at t = 0, s. */
  constructor(
    private readonly start: Instant,
    offset: Seconds,
    actuator: ActuatorModel,
  ) {
    const whole = Math.round(offset);
    this.baseNs = start + BigInt(whole) * NS_PER_S;
    this.phase = offset - whole;
    this.maxFrequency = actuator.maxFrequency;
    this.quantum = actuator.quantum;
    this.canStep = actuator.canStep;
  }

  /** Runs the clock on to true time t. Every reading below is taken there. */
  advance(t: TrueTime): void {
    const dt = t - this.t;
    if (dt <= 0) return;
    const gain = dt * this.rate;
    this.phase += gain;
    this.monoPhase += gain;
    this.rawPhase += dt * this.fRaw;
    this.t = t;
    this.raw = undefined;
    this.mono = undefined;
  }

  /** Rate of the raw clock against true time, minus 1. */
  get rate(): Frequency {
    return this.fRaw + this.fAdj + this.fRaw * this.fAdj;
  }

  setOscillator(freq: Frequency): void {
    this.fRaw = freq;
  }

  /** Raw time, plus `noise` of whoever stamped it. */
  realtime(noise: Seconds = 0): Instant {
    if (noise !== 0) return instant(this.baseNs + this.ns(this.phase + noise));
    this.raw ??= instant(this.baseNs + this.ns(this.phase));
    return this.raw;
  }

  monotonic(): Mono {
    this.mono ??= mono(BOOT_NS + this.ns(this.monoPhase));
    return this.mono;
  }

  pair(): { readonly raw: Instant; readonly mono: Mono } {
    return { raw: this.realtime(), mono: this.monotonic() };
  }

  free(): { readonly raw: Mono; readonly mono: Mono } {
    return { raw: this.monotonicRaw(), mono: this.monotonic() };
  }

  monotonicRaw(): Mono {
    return mono(BOOT_NS + this.ns(this.rawPhase));
  }

  boottime(): Mono {
    return mono(BOOT_NS + this.ns(this.monoPhase + this.asleep));
  }

  /** Raw − true continuous time (UTC without leap seconds after `start`), s: for the score and the checkers. */
  error(): Seconds {
    return Number((this.baseNs - this.start) / NS_PER_S) + this.phase;
  }

  /** A reading of the monotonic clock as a number of ns, for `trueTimeOf`. */
  static count(m: Mono): number {
    return Number(m - BOOT_NS);
  }

  /** True time at which the monotonic clock reads `count` or a nanosecond later, if its rate stays what it is. */
  trueTimeOf(count: number): TrueTime {
    return this.t + ((count - this.elapsed(this.monoPhase) + 1) * 1e-9) / (1 + this.rate);
  }

  setFrequency(freq: Frequency): Frequency {
    const clamped = Math.max(-this.maxFrequency, Math.min(this.maxFrequency, freq));
    this.fAdj = this.quantum > 0 ? Math.round(clamped / this.quantum) * this.quantum : clamped;
    return this.fAdj;
  }

  readFrequency(): Frequency {
    return this.fAdj;
  }

  step(offset: Seconds): boolean {
    if (!this.canStep) return false;
    this.jump(offset);
    return true;
  }

  /** A step by somebody else, or by the kernel itself. */
  jump(offset: Seconds): void {
    const whole = Math.round(offset);
    this.baseNs += BigInt(whole) * NS_PER_S;
    this.phase += offset - whole;
    this.raw = undefined;
  }

  /** The machine slept for `seconds` that end now: the monotonic clocks stood still, raw time came back from the RTC. */
  slept(seconds: Seconds, rtcError: Seconds): void {
    this.monoPhase -= seconds;
    this.rawPhase -= seconds;
    this.asleep += seconds + rtcError;
    this.mono = undefined;
    this.jump(rtcError);
  }

  setStatus(status: ClockStatus): void {
    this.status = status;
  }

  private ns(phase: Seconds): bigint {
    return BigInt(this.elapsed(phase));
  }

  /** ns since the world began, exact for a hundred days. */
  private elapsed(phase: Seconds): number {
    const whole = Math.floor(this.t);
    return whole * 1e9 + Math.round((this.t - whole + phase) * 1e9);
  }
}
