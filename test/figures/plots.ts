/** What each plot of docs/discipline.md shows. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runTrace } from '../../src/sim/bench.js';
import { Series } from '../../src/sim/figures.js';
import { runScenario } from '../../src/sim/scenario.js';
import { findScenario } from '../../src/sim/scenarios/index.js';
import { parseManifest, Trace } from '../../src/sim/traces.js';
import { advertisedDistance, type Watcher, type World } from '../../src/sim/world.js';
import { draw, type Line } from './charts.js';
import { allanDeviation, referenceErrors } from './limit.js';

type Point = readonly [number, number];

/** Error of the kernel clock, of served time, and its bound (NaN while not synchronised), at every second from 1 on. */
class Record implements Watcher {
  readonly raw = new Series();
  readonly served = new Series();
  readonly bound = new Series();

  second(k: number, world: World): void {
    if (k === 0) return;
    const { state } = world;
    const known = state !== undefined && state.leap !== 3 && !world.asleep;
    this.raw.push(world.rawError());
    this.served.push(known ? world.servedError()! : Number.NaN);
    this.bound.push(known ? advertisedDistance(state, world.clock.realtime()) : Number.NaN);
  }
}

const openTrace = (dir: string, name: string, seed: number): Trace => {
  const manifest = parseManifest(readFileSync(join(dir, 'manifest.json'), 'utf8'));
  return new Trace(manifest, manifest.scenarios[name]!, readFileSync(join(dir, `${name}-s${seed}.bin`)));
};

const follow = (trace: Trace): Record => {
  const record = new Record();
  runTrace(trace, [], [record]);
  return record;
};

/** Second and value × scale, of seconds from … to. */
const points = (values: ArrayLike<number>, from: number, to: number, scale: number, every = 1): Point[] => {
  const out: Point[] = [];
  for (let k = from; k < to; k += every) if (Number.isFinite(values[k]!)) out.push([k + 1, values[k]! * scale]);
  return out;
};

const sizes = (list: readonly Point[], least: number): Point[] =>
  list.map(([x, y]) => [x, Math.max(least, Math.abs(y))]);

/** Free oscillator's phase, s. */
const freePhase = (trace: Trace): Float64Array => {
  const phase = new Float64Array(trace.scenario.rows);
  for (let k = 1; k < phase.length; k++) phase[k] = phase[k - 1]! + trace.value('freq', k)! - 5e-6;
  return phase;
};

const S1 = { wander: 1e-9, sigma: 1e-6 };

const errorPlot = (traces: string, out: string): void => {
  const trace = openTrace(traces, 'S1', 1);
  const [from, to] = [7200, 8400];
  draw(
    {
      title: 'S1: error of the clock in twenty minutes; pulses scatter by 1000 ns',
      x: { name: 's', min: from, max: to },
      y: { name: 'ns' },
      lines: [
        {
          name: 'limit (filter that is told the noise)',
          points: points(referenceErrors(trace, S1.wander, S1.sigma), from, to, 1e9),
          color: '#c05621',
        },
        { name: 'timeball', points: points(follow(trace).raw.values, from, to, 1e9), color: '#2b6cb0' },
      ],
    },
    join(out, 's1-error.png'),
  );
};

const adevPlot = (traces: string, out: string): void => {
  const trace = openTrace(traces, 'S1', 1);
  const scored = (phase: ArrayLike<number>): number[] => Array.from(phase).slice(3600);
  const pulses = scored(Array.from({ length: trace.scenario.rows }, (_, k) => trace.value('pps_noise', k + 1)!));
  const taus = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048];
  const line = (name: string, phase: readonly number[], color: string): Line => ({
    name,
    color,
    points: taus.map((tau) => [tau, allanDeviation(phase, tau)]),
  });
  draw(
    {
      title: 'S1: Allan deviation',
      x: { name: 'averaging time, s', log: true },
      y: { name: '', log: true },
      lines: [
        line('oscillator, undisciplined', scored(freePhase(trace)), '#718096'),
        line('pulses', pulses, '#2f855a'),
        line('limit', scored(referenceErrors(trace, S1.wander, S1.sigma)), '#c05621'),
        line('timeball', scored(follow(trace).raw.values), '#2b6cb0'),
      ],
    },
    join(out, 's1-adev.png'),
  );
};

const startPlot = (traces: string, out: string, seeds: readonly number[]): void => {
  draw(
    {
      title: 'S5: cold start, 50 ms and 20 ppm off, pulses of 200 ns',
      x: { name: 's', max: 60 },
      y: { name: '|error|, ns', log: true },
      lines: seeds.map((seed) => ({
        name: `seed ${seed}`,
        points: sizes(points(follow(openTrace(traces, 'S5', seed)).raw.values, 0, 60, 1e9), 1),
      })),
    },
    join(out, 's5-start.png'),
  );
};

const holdoverPlot = (traces: string, out: string, seeds: readonly number[]): void => {
  const lines = seeds.flatMap((seed, i): Line[] => {
    const { served, bound } = follow(openTrace(traces, 'S4', seed));
    const since = (list: readonly Point[]): Point[] => list.map(([k, y]) => [k - 10_800, y]);
    const of = (values: ArrayLike<number>): Point[] => sizes(since(points(values, 10_800, 14_460, 1e6, 10)), 1e-3);
    const error: Line = { name: `error, seed ${seed}`, points: of(served.values), width: 1 };
    return i === 0
      ? [{ name: 'bound, seed 1', points: of(bound.values), color: '#1a202c', width: 2.5 }, error]
      : [error];
  });
  draw(
    {
      title: 'S4: an hour without pulses, and back',
      x: { name: 's since the last pulse' },
      y: { name: 'µs', log: true, min: 0.01 },
      lines,
    },
    join(out, 's4-holdover.png'),
  );
};

const latencyPlot = (traces: string, out: string, seeds: readonly number[]): void => {
  const histogram = (lists: readonly ArrayLike<number>[]): Point[] => {
    const width = 20;
    const counts = new Map<number, number>();
    let n = 0;
    for (const list of lists) {
      for (let k = 3600; k < list.length; k++) {
        const bin = Math.round((list[k]! * 1e9) / width) * width;
        counts.set(bin, (counts.get(bin) ?? 0) + 1);
        n++;
      }
    }
    return [...counts].sort(([a], [b]) => a - b).map(([bin, count]) => [bin, (100 * count) / n]);
  };
  const list = seeds.map((seed) => openTrace(traces, 'S9', seed));
  draw(
    {
      title: 'S9: interrupts served late, exponential with a mean of 1000 ns',
      x: { name: 'error, ns', min: -800, max: 800 },
      y: { name: '% of seconds in 20 ns' },
      lines: [
        {
          name: 'best linear filter',
          points: histogram(list.map((t) => referenceErrors(t, 1e-9, 1e-6))),
          color: '#c05621',
        },
        { name: 'timeball', points: histogram(list.map((t) => follow(t).raw.values)), color: '#2b6cb0' },
      ],
    },
    join(out, 's9-histogram.png'),
  );
};

const stormPlot = (out: string): void => {
  const record = new Record();
  runScenario(findScenario('storm'), { seed: 1, hours: 24, watchers: [record] });
  const hours = (list: readonly Point[]): Point[] => sizes(list, 1e-9).map(([k, y]) => [k / 3600, y]);
  draw(
    {
      title: 'A day of random faults: lost antennas, wrong edges, steps by others, sleep …',
      x: { name: 'h', max: 24 },
      y: { name: 's', log: true, min: 1e-9 },
      lines: [
        {
          name: 'bound',
          points: hours(points(record.bound.values, 0, record.bound.length, 1, 15)),
          color: '#c05621',
          dots: true,
        },
        {
          name: '|error|',
          points: hours(points(record.served.values, 0, record.served.length, 1, 15)),
          color: '#2b6cb0',
          dots: true,
        },
      ],
    },
    join(out, 'storm-day.png'),
  );
};

/** All plots, into a folder. */
export const drawAll = (traces: string, seeds: readonly number[], out: string): void => {
  errorPlot(traces, out);
  adevPlot(traces, out);
  startPlot(traces, out, seeds);
  holdoverPlot(traces, out, seeds);
  latencyPlot(traces, out, seeds);
  stormPlot(out);
};
