import type { StreamSeed } from '../base/keystream.js';
import type { Instant } from '../base/time.js';
import type { Seconds } from '../base/units.js';
import type { Config } from '../conf/config.js';
import { SOURCE_DEFAULTS } from '../conf/defaults.js';
import type { TempcompModel, TempcompPoint } from '../core/discipline/tempcomp.js';
import type { BroadcastOptions } from '../core/ntp/broadcast.js';
import type { NtpSourceOptions } from '../core/ntp/client/options.js';
import type { DisciplineOptions, LocalOptions, RefclockOptions, SelectionOptions } from '../core/refclock/options.js';
import type { Trace } from '../core/report/traces.js';
import type { ClockControl } from './clock.js';
import type { InitialOptions } from './initial.js';
import type { RtcOptions } from './rtc.js';
import type { SmoothOptions } from './smoothing.js';
import { tempcompModel } from './tempcomp.js';

/** Everything the engine needs to know; it reads no file and asks no clock. */
export interface EngineConfig {
  readonly refclocks: readonly RefclockOptions[];
  readonly ntpSources: readonly NtpSourceOptions[];
  /** Who is told the time without asking. */
  readonly broadcasts?: readonly BroadcastOptions[] | undefined;
  /** s after which the names of sources are resolved again. */
  readonly refresh: Seconds;
  /** Secret of this run, eight words: what servers must not be able to guess is made from it. */
  readonly seed: StreamSeed;
  readonly discipline: DisciplineOptions;
  readonly selection: SelectionOptions;
  readonly local: LocalOptions | undefined;
  /** A measurement before normal operation (`initstepslew`). */
  readonly initial?: InitialOptions | undefined;
  /** Undefined = clients are served cooked time as it is. */
  readonly smoothtime: SmoothOptions | undefined;
  /** Times set by hand (`settime`) are taken. */
  readonly manual: boolean;
  /** Smallest step of the clock that can be told apart, s. */
  readonly precision: Seconds;
  /** Undefined = never touch the clock (`-x`). */
  readonly control: ClockControl | undefined;
  /** The program's age: no honest date lies before it (week rollover, dead RTC). */
  readonly buildDate: Instant;
  /** Kernel's 11-minute RTC mode wanted: clear STA_UNSYNC (directive rtcsync). */
  readonly rtcsync: boolean;
  /** chrony's log files that somebody writes. */
  readonly traces: ReadonlySet<Trace['log']>;
  /** s between drift saves; 0 = no drift file. */
  readonly driftInterval: Seconds;
  /** What a temperature means for the rate of the clock. */
  readonly tempcomp?: TempcompModel | undefined;
  /** A sensor tells temperatures whose meaning is to be learned. */
  readonly learnsWarmth?: boolean;
  /** log2 s: averages of the frequency to go on with when there is no reference. */
  readonly fallbackdrift?: { readonly min: number; readonly max: number } | undefined;
  /** Undefined = the real-time clock is nobody's business. */
  readonly rtc?: RtcOptions | undefined;
}

/** What the configuration does not say: facts of this machine and this run. */
export interface HostFacts {
  readonly precision: Seconds;
  readonly control: ClockControl | undefined;
  readonly buildDate: Instant;
  readonly seed: StreamSeed;
  /** Of the file that the directive tempcomp names. */
  readonly tempcompPoints?: readonly TempcompPoint[] | undefined;
}

const TRACES: readonly Trace['log'][] = [
  'tracking',
  'statistics',
  'refclocks',
  'selection',
  'measurements',
  'rtc',
  'tempcomp',
];

const wantedTraces = ({ logdir, log }: Config['logging']): ReadonlySet<Trace['log']> => {
  if (logdir === undefined) return new Set();
  // Raw measurements are the same trace, with those that fail a test.
  const wanted = TRACES.filter((name) => log.has(name) || (name === 'measurements' && log.has('rawmeasurements')));
  return new Set(wanted);
};

/** The servers of `initstepslew`; without any the directive does nothing. */
export const initialServers = (config: Config): readonly NtpSourceOptions[] =>
  (config.clock.initstepslew?.servers ?? []).map((name) => ({ ...SOURCE_DEFAULTS, name, iburst: true }));

const initialOptions = (config: Config): InitialOptions | undefined => {
  const servers = initialServers(config);
  return servers.length === 0 ? undefined : { threshold: config.clock.initstepslew!.threshold, servers };
};

/** The engine's part of a configuration. */
export const engineConfig = (config: Config, host: HostFacts): EngineConfig => ({
  refclocks: config.refclocks,
  ntpSources: config.sources,
  broadcasts: config.server.broadcasts,
  refresh: config.client.refresh,
  seed: host.seed,
  discipline: config.discipline,
  selection: { ...config.selection, authselectmode: config.client.authselectmode },
  local: config.local,
  initial: initialOptions(config),
  smoothtime: config.clock.smoothtime,
  manual: config.clock.manual,
  precision: config.clock.clockprecision ?? host.precision,
  control: host.control,
  buildDate: host.buildDate,
  rtcsync: config.clock.rtcsync,
  traces: wantedTraces(config.logging),
  driftInterval: config.clock.driftfile?.interval ?? 0,
  tempcomp: tempcompModel(config.clock.tempcomp, host.tempcompPoints),
  learnsWarmth: config.clock.tempcomp === undefined && config.clock.tempsensor !== undefined,
  fallbackdrift: config.clock.fallbackdrift,
  rtc: config.rtc.rtcfile === undefined ? undefined : { autotrim: config.rtc.rtcautotrim },
});
