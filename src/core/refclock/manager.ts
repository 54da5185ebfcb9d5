import type { RefId } from '../../base/refid.js';
import type { Instant } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';
import type { DeviceState } from '../../ports/device.js';
import type { PulseEdge } from '../../ports/pps.js';
import type { ReferenceReading } from '../../ports/samples.js';
import type { TimeMessage } from '../../wire/timemessage.js';
import type { RefclockReport } from '../report/reports.js';
import type { ClockChange } from '../sample.js';
import type { RefclockOptions } from './options.js';

export type { ClockContext, ManagerFact, Measured, PollResult, UtcFromTai } from './types.js';

import type { ClockContext, ManagerFact, Measured, PollResult, UtcFromTai } from './types.js';

export class RefclockManager {
  readonly refIds: readonly RefId[] = [];

  constructor(
    readonly options: readonly RefclockOptions[],
    readonly precision: Seconds,
    readonly floor: Instant,
    readonly utcFromTai?: UtcFromTai,
  ) {}

  name(source: number): string {
    return `${source}`;
  }
  pulse(_source: number, _edge: PulseEdge, _ctx: ClockContext): readonly Measured[] {
    return [];
  }
  message(_source: number, _message: TimeMessage, _ctx: ClockContext): readonly Measured[] {
    return [];
  }
  reading(_source: number, _reading: ReferenceReading, _ctx: ClockContext): readonly Measured[] {
    return [];
  }
  device(_source: number, _state: DeviceState, _ctx: ClockContext): void {}
  rejected(_source: number, _reason: string, _count: number): void {}
  /** Filtered sample of the last poll interval; to be called every 2^pollInterval s. */
  poll(_source: number, _ctx: ClockContext): PollResult {
    return { reached: false, sample: undefined };
  }
  /** log2 s. */
  pollInterval(source: number): number {
    return this.options[source]?.poll ?? 4;
  }
  rebase(_change: ClockChange): void {}
  reports(_ctx: ClockContext): readonly RefclockReport[] {
    return [];
  }
  takeFacts(): readonly ManagerFact[] {
    return [];
  }
}
