import type { RefId } from '../../base/refid.js';
import type { Instant } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';
import type { DeviceState } from '../../ports/device.js';
import type { PulseEdge } from '../../ports/pps.js';
import type { ReferenceReading } from '../../ports/samples.js';
import type { PulseError, TimeMessage } from '../../wire/timemessage.js';
import type { RefclockReport } from '../report/reports.js';
import type { ClockChange } from '../sample.js';
import { fullReading } from './full.js';
import { MessageInput } from './message.js';
import type { RefclockOptions } from './options.js';
import { type Lock, PulseInput } from './pulse.js';
import { type Noise, Source } from './source.js';
import { refclockReport } from './status.js';
import type { ClockContext, ManagerFact, Measured, PollResult, UtcFromTai } from './types.js';

export type { ClockContext, ManagerFact, Measured, PollResult, UtcFromTai } from './types.js';

const NONE: readonly Measured[] = [];

/** One configured reference clock with its inputs. */
export interface Refclock {
  readonly source: Source;
  readonly pulses: PulseInput;
  /** Only receivers that we read ourselves. */
  readonly messages: MessageInput | undefined;
}

/**
 * All reference clocks: the receiver says which second, the pulse says when. Inputs come in with raw stamps; what comes
 * out is in cooked time. Every input that is not used is counted with its reason.
 */
export class RefclockManager {
  readonly refIds: readonly RefId[];
  private readonly clocks: readonly Refclock[];
  private facts: ManagerFact[] = [];

  /**
   * `precision`: of our clock, s. `floor`: build date or last good time, whichever is later; no time before it is
   * believed. `utcFromTai`: the leap table, needed by the option `tai`.
   * Of two clocks with the same refid the first is the one that a `lock` means.
   */
  constructor(
    options: readonly RefclockOptions[],
    precision: Seconds,
    private readonly floor: Instant,
    private readonly utcFromTai?: UtcFromTai,
  ) {
    const names = options.map(refidText);
    const sources = options.map((o, i) => new Source(i, names[i]!, o, precision, noiseOf(o), this.facts));
    this.refIds = sources.map((s) => s.refId);
    const messages = options.map((o, i) => (isReceiver(o) ? new MessageInput(sources[i]!, floor) : undefined));
    const unlockedPps = new Set<number>();
    this.clocks = sources.map((source, i) => {
      const pulses = new PulseInput(source, this.lockOf(source, sources, messages), unlockedPps);
      pulses.lock?.messages?.pulses.push(pulses);
      return { source, pulses, messages: messages[i] };
    });
  }

  name(source: number): string {
    return this.clocks[source]!.source.name;
  }

  /** log2 s. */
  pollInterval(source: number): number {
    return this.clocks[source]!.source.options.poll;
  }

  pulse(source: number, edge: PulseEdge, ctx: ClockContext): readonly Measured[] {
    return one(this.clocks[source]!.pulses.edge(edge.time, edge.missed, ctx));
  }

  message(source: number, message: TimeMessage, ctx: ClockContext): readonly Measured[] {
    return this.clocks[source]!.messages?.message(message, ctx) ?? NONE;
  }

  /** What a receiver says of its next pulse. */
  pulseError(source: number, foretold: PulseError): void {
    for (const pulses of this.clocks[source]!.messages?.pulses ?? []) pulses.grain.foretold(foretold);
  }

  reading(source: number, reading: ReferenceReading, ctx: ClockContext): readonly Measured[] {
    const clock = this.clocks[source]!;
    const { options } = clock.source;
    if (!Number.isFinite(reading.offset)) return one(clock.source.reject('insane'));
    if (reading.pulse || options.pps || options.local) {
      return one(clock.pulses.reading(reading.local, reading.offset, Math.abs(reading.error), ctx));
    }
    return this.sampled(fullReading(clock.source, reading, ctx, this.floor, this.utcFromTai), ctx);
  }

  /** With a new sample the pulses that wait for it. */
  private sampled(sample: Measured | undefined, ctx: ClockContext): readonly Measured[] {
    if (sample === undefined) return NONE;
    const waiting = this.clocks.filter(({ pulses: { lock } }) => lock !== undefined && lock.messages === undefined);
    const numbered = waiting
      .filter(({ pulses }) => pulses.lock!.source.index === sample.source)
      .flatMap(({ pulses }) => one(pulses.sampled(ctx)));
    return [sample, ...numbered];
  }

  device(source: number, state: DeviceState, ctx: ClockContext): void {
    const { source: s, pulses, messages } = this.clocks[source]!;
    const before = s.state?.kind;
    s.state = state;
    if (before === state.kind) return;
    if (state.kind === 'up') {
      if (before !== undefined) s.fact('info', 'refclock.device.up', `${s.name} device is back`);
      return;
    }
    const held = [pulses, ...(messages?.pulses ?? [])].filter((p) => p.offsetAt(ctx.now, ctx) !== undefined);
    const carried = held.length > 0 ? '; the clock carries the number of the second' : '';
    s.fact('warn', 'refclock.device.down', `${s.name} device is down: ${state.reason}${carried}`, { code: state.code });
  }

  /** Command `offset`: what measurements are corrected by from now on, s. */
  setOffset(source: number, offset: Seconds): void {
    const { source: s } = this.clocks[source]!;
    s.options = { ...s.options, offset, offsetGiven: true };
  }

  /** Input that the driver refused. */
  rejected(source: number, reason: string, count: number): void {
    this.clocks[source]!.source.reject(reason, count);
  }

  /** The filtered sample of the time since the last call; to be called every 2^pollInterval s. */
  poll(source: number, _ctx: ClockContext): PollResult {
    const { source: s } = this.clocks[source]!;
    const { reached } = s;
    s.reached = false;
    const some = s.filter.count > 0;
    const sample = s.filter.take();
    if (some && sample === undefined) s.reject('maxdispersion');
    return { reached, sample };
  }

  rebase(change: ClockChange): void {
    for (const { source, pulses, messages } of this.clocks) {
      source.rebase(change);
      pulses.rebase(change);
      messages?.rebase(change);
    }
  }

  reports(ctx: ClockContext): readonly RefclockReport[] {
    return this.clocks.map((clock) => refclockReport(clock, ctx));
  }

  /** What happened since the last call. */
  takeFacts(): readonly ManagerFact[] {
    return this.facts.splice(0);
  }

  private lockOf(
    source: Source,
    sources: readonly Source[],
    messages: readonly (MessageInput | undefined)[],
  ): Lock | undefined {
    const { lock } = source.options;
    if (lock === '') return undefined;
    const index = sources.findIndex((s) => s.name === lock);
    // Whoever read the configuration has told that.
    if (index < 0 || index === source.index) return undefined;
    return { source: sources[index]!, messages: messages[index] };
  }
}

const one = (m: Measured | undefined): readonly Measured[] => (m === undefined ? NONE : [m]);

const isReceiver = (o: RefclockOptions): boolean => o.driver === 'NMEA' || o.driver === 'UBX';

const noiseOf = (o: RefclockOptions): Noise =>
  isReceiver(o) ? 'message' : o.driver === 'PPS' || o.pps ? 'pulse' : 'full';

/** chrony's default: three letters of the driver and the index, two digits from the tenth on. */
const refidText = (o: RefclockOptions, index: number): string => {
  if (o.refid !== '') return o.refid.slice(0, 4);
  return index < 10 ? `${o.driver.slice(0, 3)}${index}` : `${o.driver.slice(0, 2)}${index % 100}`;
};
