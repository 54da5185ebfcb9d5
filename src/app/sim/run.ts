import { closeSync, openSync, writeSync } from 'node:fs';
import { CodedError } from '../../base/errors.js';
import { encodeEntry, encodeHeader } from '../../sim/eventlog.js';
import { type Outcome, runScenario, type Scenario } from '../../sim/scenario.js';
import { findScenario, SCENARIOS } from '../../sim/scenarios/index.js';
import type { Watcher } from '../../sim/world.js';
import { EXIT, type Io } from './io.js';
import type { Options, OptionTable } from './options.js';
import { summarise, summaryText } from './summary.js';
import { outcomeJson, outcomeText } from './text.js';

export const RUN_OPTIONS: OptionTable = {
  seed: 'value',
  seeds: 'value',
  duration: 'value',
  hours: 'value',
  control: 'flag',
  log: 'value',
  json: 'flag',
};

/** A year of virtual time. */
const MAX_HOURS = 24 * 366;
const MAX_SEEDS = 10_000;

/** `timeball sim run NAME|all`; 1 when any bound did not hold or any judge objected. */
export const runMain = (options: Options, io: Io, known: readonly Scenario[] = SCENARIOS): number => {
  const [name, ...more] = options.words;
  if (name === undefined || more.length > 0) throw new CodedError('ERR_TB_USAGE', 'sim run needs one scenario, or all');
  const scenarios = name === 'all' ? known : [findScenario(name, known)];
  const seeds = seedsOf(options);
  const log = options.text('log');
  if (log !== undefined && scenarios.length * seeds.length > 1) {
    throw new CodedError('ERR_TB_USAGE', '--log is for one run');
  }
  let ok = true;
  for (const scenario of scenarios) {
    const outcomes: Outcome[] = [];
    for (const seed of seeds) {
      const { outcome, good } = runOne(scenario, seed, options, io);
      outcomes.push(outcome);
      ok &&= good;
    }
    if (seeds.length === 1) continue;
    const summary = summarise(outcomes);
    io.stdout.write(options.flag('json') ? `${JSON.stringify({ summary })}\n` : summaryText(summary));
  }
  return ok ? EXIT.ok : EXIT.failed;
};

/** `--seeds N`: so many from `--seed` on; `--seeds A..B` and `--seeds A,B,…`: these. */
export const seedsOf = (options: Options): readonly number[] => {
  const first = Math.trunc(options.number('seed', 0, Number.MAX_SAFE_INTEGER) ?? 1);
  const given = options.text('seeds');
  const range = /^(\d{1,15})\.\.(\d{1,15})$/.exec(given ?? '');
  if (range !== null) return span(Number(range[1]), Number(range[2]) - Number(range[1]) + 1);
  if (given?.includes(',')) return options.list('seeds')!.map((word) => seedOf(word));
  return span(first, Math.trunc(options.number('seeds', 1, MAX_SEEDS) ?? 1));
};

const span = (first: number, count: number): readonly number[] => {
  if (count < 1 || count > MAX_SEEDS) throw new CodedError('ERR_TB_USAGE', `--seeds: 1 to ${MAX_SEEDS} seeds, rising`);
  return Array.from({ length: count }, (_, i) => first + i);
};

const seedOf = (word: string): number => {
  if (!/^\d{1,15}$/.test(word)) throw new CodedError('ERR_TB_USAGE', `--seeds: '${word}' is no seed`);
  return Number(word);
};

const UNIT_HOURS: Readonly<Record<string, number>> = { d: 24, h: 1, m: 1 / 60, s: 1 / 3600 };

/** Undefined = as long as the scenario says. */
const hoursOf = (options: Options): number | undefined => {
  const given = options.text('duration');
  if (given === undefined) return options.number('hours', 0, MAX_HOURS);
  const parts = /^(\d+(?:\.\d+)?)([dhms])$/.exec(given);
  const hours = parts === null ? Number.NaN : Number(parts[1]) * UNIT_HOURS[parts[2]!]!;
  if (!(hours <= MAX_HOURS)) throw new CodedError('ERR_TB_USAGE', '--duration is like 90s, 30m, 12h or 7d');
  return hours;
};

const runOne = (
  scenario: Scenario,
  seed: number,
  options: Options,
  io: Io,
): { readonly outcome: Outcome; readonly good: boolean } => {
  const hours = hoursOf(options);
  const given = hours === undefined ? { seed } : { seed, hours };
  const started = process.cpuUsage();
  const outcome = withLog(options.text('log'), (watchers) => runScenario(scenario, { ...given, watchers }));
  const cpu = process.cpuUsage(started);
  const cpuSeconds = (cpu.user + cpu.system) / 1e6;
  const control = options.flag('control') ? runScenario(scenario, { ...given, control: true }) : undefined;
  const worse = control === undefined ? undefined : scenario.control.figure(control) / scenario.control.figure(outcome);
  const good = outcome.failures.length === 0 && (worse === undefined || worse >= scenario.control.factor);
  const shown = options.flag('json')
    ? `${JSON.stringify(outcomeJson(scenario, outcome, worse, cpuSeconds, good))}\n`
    : outcomeText(scenario, outcome, worse, cpuSeconds, good);
  io.stdout.write(shown);
  return { outcome, good };
};

/** Writes every event of the run into an event log, with digests. */
const withLog = (path: string | undefined, body: (watchers: readonly Watcher[]) => Outcome): Outcome => {
  if (path === undefined) return body([]);
  const fd = openLog(path);
  let headed = false;
  const watcher: Watcher = {
    after: (event, now, effects, world) => {
      if (!headed) writeSync(fd, `${encodeHeader(world.spec.engine)}\n`);
      headed = true;
      writeSync(fd, `${encodeEntry(event, now, effects)}\n`);
    },
  };
  try {
    return body([watcher]);
  } finally {
    closeSync(fd);
  }
};

const openLog = (path: string): number => {
  try {
    return openSync(path, 'w');
  } catch (cause) {
    throw new CodedError('ERR_TB_REPLAY', `cannot write ${path}`, { cause });
  }
};
