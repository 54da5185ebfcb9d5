import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { CodedError } from '../../base/errors.js';
import { refidToText } from '../../base/refid.js';
import { toIso } from '../../base/time.js';
import { encodeEntry, encodeHeader } from '../../sim/eventlog.js';
import { replay } from '../../sim/replay.js';
import type { Outcome, Scenario } from '../../sim/scenario.js';
import { runScenario } from '../../sim/scenario.js';
import { findScenario, SCENARIOS } from '../../sim/scenarios/index.js';
import type { Watcher } from '../../sim/world.js';
import { benchMain } from './bench.js';
import { EXIT, type Io } from './io.js';
import { Options } from './options.js';
import { listText, outcomeJson, outcomeText, replayText } from './text.js';

const SIM_USAGE = `usage: timeball sim list [--json]
       timeball sim run NAME|all [--seed N] [--seeds N] [--hours H] [--control] [--log FILE] [--json]
       timeball sim bench --traces DIR [--scenario S1,S2] [--seeds 1,2] [--conf LINE] [--json]
`;
const REPLAY_USAGE = 'usage: timeball replay LOG [--verify] [--json]\n';

/** `timeball sim …`. `argv`: the words after `sim`. Returns the exit code. */
export const simMain = (argv: readonly string[], io: Io): Promise<number> =>
  guarded(io, SIM_USAGE, () => {
    const [command, ...rest] = argv;
    switch (command) {
      case 'list':
        return list(new Options(rest, { json: 'flag' }), io);
      case 'run':
        return run(
          new Options(rest, {
            seed: 'value',
            seeds: 'value',
            hours: 'value',
            control: 'flag',
            log: 'value',
            json: 'flag',
          }),
          io,
        );
      case 'bench':
        return benchMain(
          new Options(rest, { traces: 'value', scenario: 'value', seeds: 'value', conf: 'value', json: 'flag' }),
          io,
        );
      default:
        throw new CodedError('ERR_TB_USAGE', command === undefined ? 'what to do?' : `no such command: sim ${command}`);
    }
  });

/** `timeball replay LOG`: runs the engine over a recorded event log. */
export const replayMain = (argv: readonly string[], io: Io): Promise<number> =>
  guarded(io, REPLAY_USAGE, () => {
    const options = new Options(argv, { verify: 'flag', json: 'flag' });
    const [path, ...more] = options.words;
    if (path === undefined || more.length > 0) throw new CodedError('ERR_TB_USAGE', 'replay needs one log');
    const result = replay(readLog(path).split('\n'));
    if (options.flag('json')) {
      const { end, tracking, ...rest } = result;
      const shown = tracking && {
        ...tracking,
        refId: refidToText(tracking.refId),
        referenceTime: toIso(tracking.referenceTime),
      };
      io.stdout.write(`${JSON.stringify({ ...rest, end: end && toIso(end.raw), tracking: shown })}\n`);
    } else {
      io.stdout.write(replayText(result));
    }
    if (!options.flag('verify')) return EXIT.ok;
    if (result.verified === 0) throw new CodedError('ERR_TB_REPLAY', 'the log holds no digests to verify');
    return result.divergedAt === undefined ? EXIT.ok : EXIT.failed;
  });

/** Coded errors become a line on stderr and an exit code; anything else is a bug and is let through. */
const guarded = async (io: Io, usage: string, body: () => number): Promise<number> => {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    io.stderr.write(`timeball: ${error.message} [${error.code}]\n`);
    if (error.code === 'ERR_TB_CONFIG') return EXIT.config;
    if (error.code !== 'ERR_TB_USAGE' && error.code !== 'ERR_TB_SCENARIO') return EXIT.failed;
    if (error.code === 'ERR_TB_USAGE') io.stderr.write(usage);
    return EXIT.usage;
  }
};

const list = (options: Options, io: Io): number => {
  if (options.flag('json')) {
    const rows = SCENARIOS.map((s) => ({
      name: s.name,
      what: s.what,
      hours: s.hours,
      bounds: s.bounds,
      syncedBy: s.syncedBy,
      control: s.control.what,
    }));
    io.stdout.write(`${JSON.stringify(rows)}\n`);
  } else {
    io.stdout.write(listText(SCENARIOS));
  }
  return EXIT.ok;
};

const run = (options: Options, io: Io): number => {
  const [name, ...more] = options.words;
  if (name === undefined || more.length > 0) throw new CodedError('ERR_TB_USAGE', 'sim run needs one scenario, or all');
  const scenarios = name === 'all' ? SCENARIOS : [findScenario(name)];
  const first = Math.trunc(options.number('seed', 0, Number.MAX_SAFE_INTEGER) ?? 1);
  const count = Math.trunc(options.number('seeds', 1, 10_000) ?? 1);
  const log = options.text('log');
  if (log !== undefined && scenarios.length * count > 1) throw new CodedError('ERR_TB_USAGE', '--log is for one run');
  let ok = true;
  for (const scenario of scenarios) {
    for (let seed = first; seed < first + count; seed++) ok = runOne(scenario, seed, options, io) && ok;
  }
  return ok ? EXIT.ok : EXIT.failed;
};

const runOne = (scenario: Scenario, seed: number, options: Options, io: Io): boolean => {
  const hours = options.number('hours', 0, 24 * 366);
  const given = hours === undefined ? { seed } : { seed, hours };
  const started = process.cpuUsage();
  const outcome = withLog(options.text('log'), (watchers) => runScenario(scenario, { ...given, watchers }));
  const cpu = process.cpuUsage(started);
  const cpuSeconds = (cpu.user + cpu.system) / 1e6;
  const control = options.flag('control') ? runScenario(scenario, { ...given, control: true }) : undefined;
  const worse = control === undefined ? undefined : scenario.control.figure(control) / scenario.control.figure(outcome);
  const ok = outcome.failures.length === 0 && (worse === undefined || worse >= scenario.control.factor);
  const shown = options.flag('json')
    ? `${JSON.stringify(outcomeJson(scenario, outcome, worse, cpuSeconds, ok))}\n`
    : outcomeText(scenario, outcome, worse, cpuSeconds, ok);
  io.stdout.write(shown);
  return ok;
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

const readLog = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CodedError('ERR_TB_REPLAY', `cannot read ${path}`, { cause });
  }
};
