import { readFileSync } from 'node:fs';
import { CodedError } from '../../base/errors.js';
import { refidToText } from '../../base/refid.js';
import { toIso } from '../../base/time.js';
import { replay } from '../../sim/replay.js';
import { groupScenarios } from '../../sim/scenarios/groups.js';
import { SCENARIOS } from '../../sim/scenarios/index.js';
import { benchMain } from './bench.js';
import { groupsNamed, runGroups } from './groups.js';
import { EXIT, type Io } from './io.js';
import { Options } from './options.js';
import { RUN_OPTIONS, runMain } from './run.js';
import { listText, replayText } from './text.js';

const SIM_USAGE = `usage: timeball sim list [--json]
       timeball sim run NAME|all [--seed N] [--seeds N|A..B|A,B,...] [--duration 7d] [--control] [--log FILE] [--json]
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
        return runNamed(new Options(rest, RUN_OPTIONS), io);
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

/** One daemon in its world, or a group of them. */
const runNamed = (options: Options, io: Io): number => {
  const [name] = options.words;
  const groups = groupsNamed(name);
  const one = groups.length === 0 || name === 'all' ? runMain(options, io) : EXIT.ok;
  return Math.max(one, runGroups(groups, options, io));
};

const list = (options: Options, io: Io): number => {
  if (options.flag('json')) {
    const groups = groupScenarios.map(({ name, what, hours, calms, control }) => ({
      name,
      what,
      hours,
      bounds: calms,
      control: control.what,
    }));
    const rows = SCENARIOS.map((s) => ({
      name: s.name,
      what: s.what,
      hours: s.hours,
      bounds: s.bounds,
      syncedBy: s.syncedBy,
      control: s.control.what,
    }));
    io.stdout.write(`${JSON.stringify([...rows, ...groups])}\n`);
  } else {
    io.stdout.write(listText([...SCENARIOS, ...groupScenarios]));
  }
  return EXIT.ok;
};

const readLog = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CodedError('ERR_TB_REPLAY', `cannot read ${path}`, { cause });
  }
};
