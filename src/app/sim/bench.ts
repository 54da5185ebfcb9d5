import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../base/errors.js';
import { canRun, medians, runTrace } from '../../sim/bench.js';
import { parseManifest, type Score, Trace } from '../../sim/traces.js';
import { EXIT, type Io } from './io.js';
import type { Options } from './options.js';

interface ScenarioResult {
  readonly seeds: Readonly<Record<string, Score>>;
  readonly median: Score;
  /** rms over the seeds of the error 600 s into the outage, where there is one. */
  readonly hold600: number | undefined;
  readonly limit: number | undefined;
}

/** `timeball sim bench --traces DIR [--scenario S1,S2] [--seeds 1,2] [--conf LINE] [--json]`. */
export const benchMain = (options: Options, io: Io): number => {
  const dir = options.text('traces');
  if (dir === undefined) throw new CodedError('ERR_TB_USAGE', 'sim bench needs --traces DIR');
  const manifest = parseManifest(readText(join(dir, 'manifest.json')));
  const limits = readLimits(join(dir, '..', 'results.json'));
  const seeds = options.list('seeds')?.map(Number) ?? manifest.seeds;
  const names = options.list('scenario') ?? Object.keys(manifest.scenarios);
  const extra = options.all('conf');
  const results: Record<string, ScenarioResult> = {};
  for (const name of names) {
    const scenario = manifest.scenarios[name];
    if (scenario === undefined) throw new CodedError('ERR_TB_SCENARIO', `the manifest has no scenario ${name}`);
    if (!canRun(scenario)) {
      io.stderr.write(`${name}: skipped, nothing reads its columns\n`);
      continue;
    }
    const scores: Record<string, Score> = {};
    for (const seed of seeds) {
      const bytes = readBytes(join(dir, `${name}-s${seed}.bin`));
      scores[seed] = runTrace(new Trace(manifest, scenario, bytes), extra);
    }
    results[name] = summarise(scores, limits[name]);
    if (!options.flag('json')) io.stdout.write(`${text(name, results[name])}\n`);
  }
  if (options.flag('json')) io.stdout.write(`${JSON.stringify(json(results))}\n`);
  return EXIT.ok;
};

const summarise = (scores: Readonly<Record<string, Score>>, limit: number | undefined): ScenarioResult => {
  const list = Object.values(scores);
  const held = list.map((s) => s.hold_600s_ns).filter((x) => x !== undefined);
  const hold600 = held.length > 0 ? Math.sqrt(held.reduce((a, x) => a + x * x, 0) / held.length) : undefined;
  return { seeds: scores, median: medians(list), hold600, limit };
};

/** Per scenario and figure: an object seed → value; the medians beside it. */
const json = (results: Readonly<Record<string, ScenarioResult>>): unknown =>
  Object.fromEntries(
    Object.entries(results).map(([name, { seeds, median, hold600, limit }]) => [
      name,
      {
        ...median,
        rms_ns: Object.fromEntries(Object.entries(seeds).map(([seed, s]) => [seed, s.rms_ns])),
        median_rms_ns: median.rms_ns,
        hold_600s_rms_ns: hold600,
        limit_rms_ns: limit,
        ratio_to_limit: limit === undefined ? undefined : median.rms_ns / limit,
        by_seed: seeds,
      },
    ]),
  );

const text = (name: string, { seeds, median, hold600, limit }: ScenarioResult): string => {
  const ns = (x: number | undefined): string =>
    x === undefined
      ? '-'
      : x >= 1e6
        ? `${(x / 1e6).toFixed(2)}ms`
        : x >= 1e4
          ? `${(x / 1e3).toFixed(2)}us`
          : `${x.toFixed(1)}ns`;
  const s = (x: number | null | undefined): string => (typeof x === 'number' ? `${x}s` : 'never');
  const each = Object.entries(seeds).map(([seed, r]) => `${seed}:${ns(r.rms_ns)}`);
  const columns = [
    name.padEnd(4),
    `rms ${ns(median.rms_ns).padStart(8)}`,
    limit === undefined ? '' : `${(median.rms_ns / limit).toFixed(2)}x limit`,
    `max ${ns(median.max_ns)}`,
    `p99 ${ns(median.p99_ns)}`,
    `freq ${median.freq_rms_ppb.toFixed(1)}ppb`,
    `1us after ${s(median.settle_1us_s)}`,
    hold600 === undefined ? '' : `hold 600s ${ns(hold600)} reacquire ${s(median.reacquire_5us_s)}`,
    median.bound_ns === undefined
      ? ''
      : `bound ${(median.bound_ns / median.rms_ns).toFixed(1)}x rms, ${(100 * (median.bound_outside ?? 0)).toFixed(3)}% outside`,
    `seeds ${each.join(' ')}`,
  ];
  return columns.filter((c) => c !== '').join('  ');
};

/** Median rms of the reference filter per scenario, from the results.json beside the traces; {} when there is none. */
const readLimits = (path: string): Readonly<Record<string, number>> => {
  let value: { scenarios?: Record<string, { limit?: { rms_ns?: unknown } }> };
  try {
    value = JSON.parse(readFileSync(path, 'utf8')) as typeof value;
  } catch {
    // The file is optional: without it there is no ratio.
    return {};
  }
  const limits: Record<string, number> = {};
  for (const [name, entry] of Object.entries(value.scenarios ?? {})) {
    const rms = entry.limit?.rms_ns;
    if (typeof rms === 'number') limits[name] = rms;
  }
  return limits;
};

const readText = (path: string): string => readBytes(path).toString('utf8');

const readBytes = (path: string): Buffer => {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new CodedError('ERR_TB_REPLAY', `cannot read ${path}`, { cause });
  }
};
