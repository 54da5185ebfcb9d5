import { CodedError } from '../base/errors.js';
import { fromUnix } from '../base/time.js';
import { worldConfig } from './engineconfig.js';
import { median, Series } from './figures.js';
import type { Twin } from './host.js';
import type { Upstream } from './net/upstream.js';
import { type Score, score, type Trace, type TraceScenario } from './traces.js';
import { TraceServer } from './traceserver.js';
import { TRACE_LATENCY, TraceMessages, TracePulses } from './tracetwins.js';
import { advertisedDistance, type Watcher, World } from './world.js';

/** Traces are set on this second; only the position inside the second matters. 2026-01-01. */
const START = fromUnix(1_767_225_600);

/** The one configuration of all traces, but for the lines that name the devices. */
const COMMON: readonly string[] = ['makestep 0.001 3'];
const SHM = ['refclock SHM 0 refid PPS precision 1e-7'];
const SENTENCES = `refclock NMEA /dev/gps0 refid NMEA offset ${TRACE_LATENCY}`;
const LOCKED = [`${SENTENCES} noselect`, 'refclock PPS /dev/pps0 lock NMEA refid PPS'];

/** One exchange in 16 s, as the traces of delays are made for. */
const SERVER = 'server 192.0.2.1 iburst minpoll 4 maxpoll 4';

interface Setup {
  readonly lines: readonly string[];
  readonly twins: (trace: Trace) => readonly Twin[];
  readonly upstream?: (trace: Trace) => Upstream;
}

/** How a trace with these columns is fed; undefined where nothing reads them. */
const setup = (scenario: TraceScenario): Setup | undefined => {
  if (scenario.columns.includes('delay_up')) {
    return { lines: [SERVER], twins: () => [], upstream: (t) => new TraceServer(t, START) };
  }
  const pulses = scenario.columns.includes('pps_noise');
  const sentences = scenario.columns.includes('nmea_noise');
  if (pulses && sentences) {
    return { lines: LOCKED, twins: (t) => [new TraceMessages(0, t), new TracePulses(1, t, 'pulse')] };
  }
  if (pulses) return { lines: SHM, twins: (t) => [new TracePulses(0, t, 'reading')] };
  if (sentences) return { lines: [SENTENCES], twins: (t) => [new TraceMessages(0, t)] };
  return undefined;
};

export const canRun = (scenario: TraceScenario): boolean => setup(scenario) !== undefined;

/** Notes the error before the discipline can react to second k, and the rate just after second k. */
class Recorder implements Watcher {
  readonly errors = new Series();
  readonly freqs = new Series();
  /** Advertised distance and error of served time, while it claims to be synchronised. */
  readonly bounds = new Series();
  readonly served = new Series();

  second(k: number, world: World): void {
    if (k === 0) return;
    const { state } = world;
    if (state !== undefined && state.leap !== 3) {
      this.bounds.push(advertisedDistance(state, world.clock.realtime()));
      this.served.push(Math.abs(world.servedError()!));
    }
    this.errors.push(world.rawError());
    this.freqs.push(world.clock.rate);
  }
}

/**
 * Runs one trace through the daemon's own engine with clock control and scores the kernel clock.
 * `extra`: configuration lines added to the common ones. `watchers`: see all of it as well. @throws CodedError ERR_TB_REPLAY, ERR_TB_CONFIG
 */
export const runTrace = (trace: Trace, extra: readonly string[] = [], watchers: readonly Watcher[] = []): Score => {
  const { scenario } = trace;
  const how = setup(scenario);
  if (how === undefined) throw new CodedError('ERR_TB_REPLAY', 'a trace with columns that nothing reads');
  const recorder = new Recorder();
  const world = new World(
    {
      seed: 1,
      start: START,
      initialOffset: scenario.initial_offset_s,
      engine: worldConfig([...COMMON, ...how.lines, ...extra], true),
      oscillator: trace.oscillator(),
      twins: how.twins(trace),
      ...(how.upstream === undefined ? {} : { upstream: how.upstream(trace) }),
    },
    [recorder, ...watchers],
  );
  world.run(scenario.rows);
  return { ...score(scenario, recorder.errors.values, recorder.freqs.values), ...boundFigures(recorder) };
};

const boundFigures = ({ bounds, served }: Recorder): Pick<Score, 'bound_ns' | 'bound_outside'> => {
  const outside = served.values.reduce((n, e, i) => n + (e > bounds.values[i]! ? 1 : 0), 0);
  return { bound_ns: median(Array.from(bounds.values)) * 1e9, bound_outside: outside / Math.max(1, served.length) };
};

/** Medians over the seeds; a seed that never settled counts as infinitely late. */
export const medians = (scores: readonly Score[]): Score => {
  const out: Record<string, number | null> = {};
  for (const key of Object.keys(scores[0] ?? {}) as (keyof Score)[]) {
    const m = median(scores.map((s) => s[key] ?? Number.POSITIVE_INFINITY));
    out[key] = Number.isFinite(m) ? m : null;
  }
  return out as unknown as Score;
};
