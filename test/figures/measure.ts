/** Runs what the page needs through the simulator. */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { simMain } from '../../src/app/sim/main.js';
import { type Summary, summarise } from '../../src/app/sim/summary.js';
import { buildWorld, type Outcome, runScenario, type Scenario } from '../../src/sim/scenario.js';
import { findScenario, SCENARIOS } from '../../src/sim/scenarios/index.js';
import type { Score } from '../../src/sim/traces.js';
import type { Watcher } from '../../src/sim/world.js';
import type { BenchRow, Cost, HoldRow, ScenarioRow } from './figures.js';

/** What `timeball sim bench --json` says of one scenario. */
interface BenchJson {
  readonly by_seed: Readonly<Record<string, Score>>;
  readonly limit_rms_ns?: number;
}
type Median = { readonly rms_ns?: { readonly median?: number } };
interface ResultsJson {
  readonly scenarios?: Readonly<
    Record<
      string,
      {
        readonly limit?: Readonly<Record<string, number>>;
        readonly limit_blind?: { readonly rms_ns?: number };
        readonly chronyd_stock?: Median;
        readonly chronyd_tuned?: Median;
      }
    >
  >;
}

/** s into an outage. */
const HOLD = [60, 600, 3600] as const;

const bench = async (traces: string): Promise<Readonly<Record<string, BenchJson>>> => {
  let out = '';
  const io = { stdout: { write: (s: string) => (out += s) }, stderr: process.stderr };
  if ((await simMain(['bench', '--traces', traces, '--json'], io)) !== 0) throw new Error(`no bench of ${traces}`);
  return JSON.parse(out) as Record<string, BenchJson>;
};

/** Figures of the reference filter and of chronyd, from beside the traces. */
const results = (traces: string): NonNullable<ResultsJson['scenarios']> =>
  (JSON.parse(readFileSync(join(traces, '..', 'results.json'), 'utf8')) as ResultsJson).scenarios ?? {};

const median = (list: readonly (number | null | undefined)[]): number | null => {
  const sorted = list.map((x) => x ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const m = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return Number.isFinite(m) ? m : null;
};

/** Medians of every scenario of a folder of traces. */
export const measureBench = async (traces: string): Promise<Record<string, BenchRow>> => {
  const known = results(traces);
  const rows: Record<string, BenchRow> = {};
  for (const [name, { by_seed: bySeed }] of Object.entries(await bench(traces))) {
    const scores = Object.values(bySeed);
    const of = (key: keyof Score): number => median(scores.map((s) => s[key])) ?? Number.NaN;
    const rms = scores.map((s) => s.rms_ns);
    const beside = known[name];
    rows[name] = {
      seeds: Object.keys(bySeed).map(Number),
      rms: of('rms_ns'),
      rmsLeast: Math.min(...rms),
      rmsMost: Math.max(...rms),
      max: of('max_ns'),
      p99: of('p99_ns'),
      freqPpb: of('freq_rms_ppb'),
      settle1us: median(scores.map((s) => s.settle_1us_s)),
      reacquire5us: median(scores.map((s) => s.reacquire_5us_s)),
      bound: of('bound_ns'),
      outside: scores.reduce((sum, s) => sum + (s.bound_outside ?? 0), 0) / scores.length,
      limit: beside?.limit_blind?.rms_ns ?? beside?.limit?.['rms_ns'] ?? null,
      stock: beside?.chronyd_stock?.rms_ns?.median ?? null,
      tuned: beside?.chronyd_tuned?.rms_ns?.median ?? null,
    };
  }
  return rows;
};

/** Errors in outages, over many seeds. */
export const measureHold = async (traces: string): Promise<Record<string, HoldRow>> => {
  const known = results(traces);
  const rows: Record<string, HoldRow> = {};
  for (const [name, { by_seed: bySeed }] of Object.entries(await bench(traces))) {
    const scores = Object.values(bySeed);
    const at = (t: (typeof HOLD)[number]): number => {
      const errors = scores.map((s) => s[`hold_${t}s_ns`] ?? Number.NaN);
      return Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length);
    };
    rows[name] = {
      seeds: scores.length,
      ours: Object.fromEntries(HOLD.map((t) => [t, at(t)])),
      limit: Object.fromEntries(HOLD.map((t) => [t, known[name]?.limit?.[`hold_${t}s_rms_ns`] ?? Number.NaN])),
      reacquire5us: median(scores.map((s) => s.reacquire_5us_s)),
    };
  }
  return rows;
};

const rowOf = (scenario: Scenario, o: Outcome, control: Outcome): ScenarioRow => ({
  name: scenario.name,
  what: scenario.what,
  bounds: o.bounds.map((b) => ({
    name: b.name,
    rms: b.served.rms,
    max: b.served.max,
    rmsAllowed: b.rms ?? null,
    maxAllowed: b.max ?? null,
  })),
  synchronised: o.synchronised,
  outside: o.violationsByRule['distance'] ?? 0,
  excused: scenario.blind ?? 0,
  otherViolations: o.violations - (o.violationsByRule['distance'] ?? 0),
  nearest: o.nearest,
  laziness: o.boundLaziness,
  control: scenario.control.what,
  worse: scenario.control.figure(control) / scenario.control.figure(o),
  worseAsked: scenario.control.factor,
});

export const measureScenarios = (): ScenarioRow[] =>
  SCENARIOS.map((s) => rowOf(s, runScenario(s, { seed: 1 }), runScenario(s, { seed: 1, control: true })));

/** µs that a pulse of the selected source costs the engine, with everything that follows from it. */
export const measureCost = (): Cost => {
  const costs: number[] = [];
  let begun = process.cpuUsage();
  const watcher: Watcher = {
    before: () => {
      begun = process.cpuUsage();
    },
    after: (event, _now, _effects, world) => {
      // CPU of all threads and not the clock: the machine may have other things to do.
      const { user, system } = process.cpuUsage(begun);
      const us = user + system;
      // The first hour is spent on compiling.
      if (event.kind === 'pulse' && world.t > 3600) costs.push(us);
    },
  };
  buildWorld(findScenario('pps-nmea'), 1, false, [watcher]).run(4 * 3600);
  const sorted = costs.sort((a, b) => a - b);
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    pulseMean: costs.reduce((a, b) => a + b, 0) / costs.length,
    pulseP99: sorted[Math.floor(0.99 * sorted.length)]!,
  };
};

/** What `timeball sim run storm --duration 7d --seeds 1..200 --json` wrote, also as far as it has come. */
export const readWeeks = (path: string): Summary => {
  const lines = readFileSync(path, 'utf8').split('\n');
  // The last one may be cut off: it is still being written.
  const whole = lines.slice(0, -1).map((line) => JSON.parse(line) as Outcome | { readonly summary: Summary });
  return summarise(whole.flatMap((o) => ('summary' in o ? [] : [o])));
};
