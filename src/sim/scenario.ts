import { Prng } from '../base/prng.js';
import { fromUnix, type Instant } from '../base/time.js';
import type { Seconds } from '../base/units.js';
import type { RtcLine } from '../core/rtc/file.js';
import { Checkers, type Violation } from './checkers.js';
import { worldConfig } from './engineconfig.js';
import { type ErrorFigures, errorFigures, Series } from './figures.js';
import type { Twin } from './host.js';
import type { NetworkFigures, SimNetwork } from './net/network.js';
import { SafetyJudge } from './net/safety.js';
import type { Upstream } from './net/upstream.js';
import { ModelOscillator, type OscillatorModel } from './oscillator.js';
import type { TrueTime } from './queue.js';
import type { SimRtc } from './rtc.js';
import { advertisedDistance, type Happening, type Watcher, World, type WorldSpec } from './world.js';

/** 2026-03-01: no leap second near. */
export const ORDINARY_DAY: Instant = fromUnix(1_772_323_200);

/** A small board's quartz: 5 ppm off, 1 ppb per √s of wander. */
export const BOARD: OscillatorModel = { frequency: 5e-6, wander: 1e-9 };

/** Everything that makes a world but its seed. */
export interface Stage {
  /** chrony.conf. */
  readonly conf: readonly string[];
  /** False = `-x`. */
  readonly control: boolean;
  readonly start?: Instant;
  readonly leapAt?: TrueTime;
  readonly leapDeleted?: boolean;
  readonly initialOffset: Seconds;
  /** What the drift file says: frequency to add, and its uncertainty. */
  readonly drift?: { readonly freq: number; readonly skew: number };
  readonly oscillator: OscillatorModel;
  /** In the order of the refclock lines. */
  readonly twins: readonly Twin[];
  /** Clients that ask the packet plane while all this happens. */
  readonly network?: SimNetwork;
  /** NTP servers that the daemon asks. */
  readonly upstream?: Upstream;
  /** The real-time clock, and what its file remembers. */
  readonly rtc?: SimRtc;
  readonly rtcMemory?: RtcLine;
  readonly script?: readonly Happening[];
  readonly noticesJumps?: boolean;
  readonly sluggish?: WorldSpec['sluggish'];
}

/** A stretch of the run with limits on the error of served time. */
export interface Bound {
  readonly name: string;
  /** Negative: counted from the end. */
  readonly from: TrueTime;
  /** Undefined = to the end. */
  readonly to?: TrueTime;
  readonly rms?: Seconds;
  readonly max?: Seconds;
}

export interface Scenario {
  readonly name: string;
  /** One sentence. */
  readonly what: string;
  /** Length of a run unless asked otherwise; also the least, because faults and bounds lie inside it. */
  readonly hours: number;
  /** `control`: build the negative control instead. `hours`: how long the run will be. */
  stage(rng: Prng, control: boolean, hours: number): Stage;
  readonly bounds: readonly Bound[];
  /** Must claim to be synchronised by then; undefined = not asked. */
  readonly syncedBy?: TrueTime;
  /**
   * Seconds at which served time may lie outside its advertised distance, because nobody could know yet; 0 unless
   * given. All other rules are never excused.
   */
  readonly blind?: number;
  /** Must not claim so before. */
  readonly notBefore?: TrueTime;
  /** What is switched off in the negative control, and how much worse the figure must get. */
  readonly control: { readonly what: string; readonly factor: number; figure(o: Outcome): number };
}

export interface BoundResult extends Bound {
  readonly served: ErrorFigures;
  readonly raw: ErrorFigures;
  readonly ok: boolean;
}

export interface Outcome {
  readonly name: string;
  readonly seed: number;
  readonly hours: number;
  readonly bounds: readonly BoundResult[];
  readonly firstSync: TrueTime | undefined;
  readonly seconds: number;
  /** Seconds at which it claimed to be synchronised. */
  readonly synchronised: number;
  /** Largest error of served time while synchronised, s, and the largest share of its bound that an error took up. */
  readonly worst: Seconds;
  readonly nearest: number;
  /** Share of the seconds at which it claimed to be synchronised. */
  readonly syncedShare: number;
  /** Median of the advertised distance over the served error's rms, while synchronised: how lazy the bound is. */
  readonly boundLaziness: number;
  readonly largestBack: Seconds;
  readonly violations: number;
  readonly violationsByRule: Readonly<Record<string, number>>;
  readonly firstViolations: readonly Violation[];
  readonly network: NetworkFigures | undefined;
  readonly events: number;
  readonly exit: string | undefined;
  /** In words: what did not hold. */
  readonly failures: readonly string[];
}

/** Errors of served and of raw time at every whole second, and the advertised distance. */
class Recorder implements Watcher {
  readonly served = new Series();
  readonly raw = new Series();
  readonly distance = new Series();

  second(_k: number, world: World): void {
    this.served.push(world.servedError() ?? world.rawError());
    this.raw.push(world.rawError());
    const { state } = world;
    if (state !== undefined && state.leap !== 3) {
      this.distance.push(advertisedDistance(state, world.clock.realtime()));
    }
  }
}

export const buildWorld = (
  scenario: Scenario,
  seed: number,
  control: boolean,
  watchers: readonly Watcher[] = [],
  hours = scenario.hours,
): World => {
  // Labels keep the streams apart: another device does not shift the noise of this one.
  const rng = new Prng(seed);
  const stage = scenario.stage(rng.fork('stage'), control, hours);
  return new World(
    {
      ...stage,
      seed,
      start: stage.start ?? ORDINARY_DAY,
      engine: worldConfig(stage.conf, stage.control),
      oscillator: new ModelOscillator(stage.oscillator, rng.fork('oscillator')),
    },
    watchers,
  );
};

export interface RunOptions {
  readonly seed: number;
  readonly hours?: number;
  readonly control?: boolean;
  readonly watchers?: readonly Watcher[];
}

export const runScenario = (scenario: Scenario, options: RunOptions): Outcome => {
  const hours = Math.max(scenario.hours, options.hours ?? 0);
  const checkers = new Checkers();
  const recorder = new Recorder();
  const safety = new SafetyJudge();
  const watchers = [recorder, checkers, safety, ...(options.watchers ?? [])];
  const world = buildWorld(scenario, options.seed, options.control === true, watchers, hours);
  world.run(hours * 3600);
  for (const f of safety.findings) checkers.found('selection', f.at, f.text);
  for (const f of world.spec.network?.findings ?? []) checkers.found('reply', f.at, f.text);
  return judge(scenario, options.seed, hours, world, recorder, checkers);
};

const judge = (
  scenario: Scenario,
  seed: number,
  hours: number,
  world: World,
  recorder: Recorder,
  checkers: Checkers,
): Outcome => {
  const bounds = scenario.bounds.map((b) => judgeBound(b, recorder));
  const excused = checkers.counts.distance <= (scenario.blind ?? 0);
  const objections = checkers.violations.filter((v) => !(excused && v.rule === 'distance'));
  const exit = world.exited === undefined ? undefined : `exit ${world.exited.code}: ${world.exited.reason}`;
  const { firstSync } = checkers;
  const steady = bounds[0]?.served.rms ?? Number.NaN;
  const failures = [
    ...bounds.filter((b) => !b.ok).map(boundText),
    ...objections.slice(0, 3).map((v) => `${v.rule} at ${v.at.toFixed(0)} s: ${v.text}`),
    ...(late(firstSync, scenario.syncedBy)
      ? [`synchronised at ${firstSync ?? 'no time'}, not by ${scenario.syncedBy} s`]
      : []),
    ...(early(firstSync, scenario.notBefore) ? [`synchronised at ${firstSync} s, before ${scenario.notBefore} s`] : []),
    ...(exit === undefined ? [] : [exit]),
  ];
  return {
    name: scenario.name,
    seed,
    hours,
    bounds,
    firstSync,
    seconds: checkers.seconds,
    synchronised: checkers.synchronised,
    worst: checkers.worst,
    nearest: checkers.nearest,
    syncedShare: checkers.seconds === 0 ? 0 : checkers.synchronised / checkers.seconds,
    boundLaziness: medianOf(recorder.distance.values) / steady,
    largestBack: checkers.largestBack,
    violations: checkers.total,
    violationsByRule: { ...checkers.counts },
    firstViolations: checkers.violations,
    network: world.spec.network?.figures,
    events: world.events,
    exit,
    failures,
  };
};

const late = (at: TrueTime | undefined, by: TrueTime | undefined): boolean =>
  by !== undefined && (at === undefined || at > by);

const early = (at: TrueTime | undefined, notBefore: TrueTime | undefined): boolean =>
  notBefore !== undefined && at !== undefined && at < notBefore;

const judgeBound = (bound: Bound, recorder: Recorder): BoundResult => {
  const to = Math.min(bound.to ?? recorder.served.length, recorder.served.length);
  const from = bound.from < 0 ? recorder.served.length + bound.from : bound.from;
  const served = errorFigures(recorder.served.values, from, to);
  const raw = errorFigures(recorder.raw.values, from, to);
  const ok = served.count > 0 && served.rms <= (bound.rms ?? Infinity) && served.max <= (bound.max ?? Infinity);
  return { ...bound, served, raw, ok };
};

const boundText = (b: BoundResult): string =>
  `${b.name}: rms ${b.served.rms.toExponential(2)} (bound ${b.rms ?? '-'}), max ${b.served.max.toExponential(2)} (bound ${b.max ?? '-'})`;

const medianOf = (values: Float64Array): number => {
  const sorted = values.slice().sort();
  return sorted.length === 0 ? Number.NaN : sorted[sorted.length >> 1]!;
};

/** The figure of one bound's stretch, for negative controls. */
export const figureOf = (name: string, by: 'rms' | 'max', of: 'served' | 'raw' = 'served') => {
  return (o: Outcome): number => o.bounds.find((b) => b.name === name)![of][by];
};
