import { type Instant, instant, type Mono, mono, nsToSeconds, toNs } from '../base/time.js';
import type { Frequency, Seconds } from '../base/units.js';
import type { Clock, ClockActuator, ClockStatus } from '../ports/clock.js';
import type { Native, Timex } from './native.js';

/** adjtimex modes and status bits (linux/timex.h; spec linux-time 5). */
const ADJ = {
  FREQUENCY: 0x0002,
  MAXERROR: 0x0004,
  ESTERROR: 0x0008,
  STATUS: 0x0010,
  TAI: 0x0080,
  SETOFFSET: 0x0100,
  NANO: 0x2000,
  TICK: 0x4000,
} as const;
const STA = { PLL: 0x01, INS: 0x10, DEL: 0x20, UNSYNC: 0x40 } as const;

/** One tick unit moves the clock by 100 ppm at USER_HZ 100; nominal tick 10000 µs, kernel's limit ±10 %. */
const NOMINAL_TICK = 10_000n;
const PPM_PER_TICK = 100;
const FREQ_PER_PPM = 65_536;

/** ±10 % of the tick. */
export const KERNEL_MAX_FREQUENCY = 0.1;
/** 2^-16 ppm. */
export const KERNEL_FREQUENCY_QUANTUM = 1e-6 / FREQ_PER_PPM;

export class KernelClock implements Clock {
  private readonly native: Native;
  constructor(native: Native) {
    this.native = native;
  }
  realtime(): Instant {
    return instant(this.native.clockGettime('realtime'));
  }
  monotonic(): Mono {
    return mono(this.native.clockGettime('monotonic'));
  }
  pair(): { readonly raw: Instant; readonly mono: Mono } {
    const { time, monotonic } = this.native.clockPair('realtime');
    return { raw: instant(time), mono: mono(monotonic) };
  }
  free(): { readonly raw: Mono; readonly mono: Mono } {
    const { time, monotonic } = this.native.clockPair('monotonic_raw');
    return { raw: mono(time), mono: mono(monotonic) };
  }
  monotonicRaw(): Mono {
    return mono(this.native.clockGettime('monotonic_raw'));
  }
  boottime(): Mono {
    return mono(this.native.clockGettime('boottime'));
  }
}

/** `-x`: nothing is granted, nothing is touched. */
export class NullActuator implements ClockActuator {
  readonly maxFrequency = 0;
  setFrequency(): Frequency {
    return 0;
  }
  step(): boolean {
    return false;
  }
  setStatus(): void {}
  readFrequency(): Frequency {
    return 0;
  }
}

/** Moves CLOCK_REALTIME through clock_adjtime(2). Needs CAP_SYS_TIME. */
export class KernelActuator implements ClockActuator {
  readonly maxFrequency = KERNEL_MAX_FREQUENCY;
  private readonly native: Native;
  /** The kernel may have forgotten when an armed leap second is due. */
  private leapLost = true;
  private setAt: Mono | undefined;
  constructor(native: Native) {
    this.native = native;
  }

  get frequencyAt(): Mono | undefined {
    return this.setAt;
  }

  setFrequency(freq: Frequency): Frequency {
    const ppm = freq * 1e6;
    const ticks = Math.round(ppm / PPM_PER_TICK);
    const rest = Math.round((ppm - ticks * PPM_PER_TICK) * FREQ_PER_PPM);
    const modes = ADJ.TICK | ADJ.FREQUENCY;
    this.setAt = mono(this.adjust({ modes, tick: NOMINAL_TICK + BigInt(ticks), freq: BigInt(rest) }).at);
    return (ticks * PPM_PER_TICK + rest / FREQ_PER_PPM) * 1e-6;
  }

  step(offset: Seconds): boolean {
    const ns = toNs(offset);
    // tv_usec carries ns with ADJ_NANO and must not be negative: round down to whole seconds.
    const rest = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
    this.adjust({ modes: ADJ.SETOFFSET | ADJ.NANO, timeSec: (ns - rest) / 1_000_000_000n, timeUsec: rest });
    this.stepped();
    return true;
  }

  stepped(): void {
    this.leapLost = true;
  }

  setStatus(status: ClockStatus): void {
    let bits = status.synchronised ? 0 : STA.UNSYNC;
    if (status.leap === 1) bits |= STA.INS;
    if (status.leap === 2) bits |= STA.DEL;
    if ((bits & (STA.INS | STA.DEL)) !== 0) this.forgetLeap();
    const micros = (s: Seconds): bigint => BigInt(Math.max(0, Math.min(16_000_000, Math.ceil(s * 1e6))));
    this.adjust({
      modes: ADJ.STATUS | ADJ.MAXERROR | ADJ.ESTERROR,
      status: bits,
      maxerror: micros(status.maxError),
      esterror: micros(status.estError),
    });
    if (status.taiOffset !== undefined) this.adjust({ modes: ADJ.TAI, constant: BigInt(status.taiOffset) });
  }

  /**
   * A step makes the kernel forget the second of an armed leap, and it looks for it anew only from TIME_OK on: without this
   * a leap second that was armed before a step never comes (seen on 6.12). Turning the PLL off leads back to TIME_OK at once.
   */
  private forgetLeap(): void {
    if (!this.leapLost) return;
    this.leapLost = false;
    this.adjust({ modes: ADJ.STATUS, status: STA.PLL });
    this.adjust({ modes: ADJ.STATUS, status: STA.UNSYNC });
  }

  readFrequency(): Frequency {
    const t = this.native.clockAdjtime(0, { modes: 0 });
    return (Number(t.tick - NOMINAL_TICK) * PPM_PER_TICK + Number(t.freq) / FREQ_PER_PPM) * 1e-6;
  }

  private adjust(timex: Partial<Timex> & { modes: number }): Timex {
    return this.native.clockAdjtime(0, timex);
  }
}

/** Readings of the clock pair a check; the tightest bracket decides. */
const BRACKETS = 3;
/** s; below it a difference may be the reading itself (a preempted bracket). */
const JUMP_THRESHOLD = 50e-6;

/**
 * Notices steps of CLOCK_REALTIME that were not ours: it and CLOCK_MONOTONIC are slewed together, so their difference
 * changes by steps alone (settimeofday, ADJ_SETOFFSET, a leap second).
 */
export class JumpDetector {
  private readonly clock: Clock;
  private last: bigint;

  constructor(clock: Clock) {
    this.clock = clock;
    this.last = this.difference();
  }

  /** A step we made ourselves. */
  expect(offset: Seconds): void {
    this.last += toNs(offset);
  }

  /** Size of a foreign step since the last check, s; undefined = none. */
  check(): Seconds | undefined {
    const now = this.difference();
    const jump = nsToSeconds(now - this.last);
    if (Math.abs(jump) < JUMP_THRESHOLD) return undefined;
    this.last = now;
    return jump;
  }

  private difference(): bigint {
    let best = 0n;
    let bestWidth: bigint | undefined;
    for (let i = 0; i < BRACKETS; i++) {
      const before = this.clock.monotonic();
      const real = this.clock.realtime();
      const after = this.clock.monotonic();
      const width = after - before;
      if (bestWidth === undefined || width < bestWidth) {
        bestWidth = width;
        best = real - (before + after) / 2n;
      }
    }
    return best;
  }
}

/** A frequency that somebody else has set, and what it has done to the clock. */
export interface ForeignFrequency {
  readonly found: Frequency;
  /** What the clock has gained by it, s. */
  readonly offset: Seconds;
}

/**
 * Notices a frequency that is not ours. CLOCK_MONOTONIC_RAW tells what the clock should have done since the last look: to
 * the steering it would be a jump of the phase, which no oscillator makes, and every pulse would be refused.
 */
export class FrequencyWatch {
  private readonly clock: Clock;
  private readonly actuator: ClockActuator;
  private ours: Frequency | undefined;
  private last: ReturnType<Clock['free']>;

  constructor(clock: Clock, actuator: ClockActuator) {
    this.clock = clock;
    this.actuator = actuator;
    this.last = clock.free();
  }

  /** What the kernel runs at: ours, or what we found there. */
  get inForce(): Frequency {
    return this.ours ?? this.actuator.readFrequency();
  }

  /** The frequency in force from now on is ours. */
  expect(granted: Frequency): void {
    this.ours = granted;
    this.last = this.clock.free();
  }

  /** Undefined = ours still rules, or we have set none. Otherwise it has just been set again. */
  check(): ForeignFrequency | undefined {
    const { ours, last } = this;
    if (ours === undefined) return undefined;
    const found = this.actuator.readFrequency();
    const foreign = Math.abs(found - ours) > KERNEL_FREQUENCY_QUANTUM / 2;
    if (foreign) this.actuator.setFrequency(ours);
    this.last = this.clock.free();
    if (!foreign) return undefined;
    const offset = nsToSeconds(this.last.mono - last.mono) - nsToSeconds(this.last.raw - last.raw) * (1 + ours);
    return { found, offset };
  }
}

/** s; the two clocks are read one after the other, and no machine sleeps for less. */
const SLEEP_THRESHOLD = 0.05;

/** Notices that the machine has slept: CLOCK_BOOTTIME went on, CLOCK_MONOTONIC stood still. */
export class SleepDetector {
  private last: bigint;

  constructor(private readonly clock: Clock) {
    this.last = this.difference();
  }

  /** How long it slept since the last check, s, as its RTC counted it; undefined = not at all. */
  check(): Seconds | undefined {
    const now = this.difference();
    const slept = nsToSeconds(now - this.last);
    if (slept < SLEEP_THRESHOLD) return undefined;
    this.last = now;
    return slept;
  }

  private difference(): bigint {
    return this.clock.boottime() - this.clock.monotonic();
  }
}

/**
 * Smallest step of CLOCK_REALTIME that can be told apart: the least time between two readings, s (chrony's way). Read from
 * here it would be that of a call into native code, several times as long.
 */
export const measurePrecision = (native: Native): Seconds => Math.max(1e-9, native.clockPrecision() * 1e-9);
