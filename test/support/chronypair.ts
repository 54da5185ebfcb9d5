/** The real chronyd and ours side by side on the same configuration, each asked by chronyc as a user would. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cliMain } from '../../src/app/cli/main.js';
import { Running, runProgram, TIMEBALL, TIMEBALLD, testDir, track } from './daemon.js';
import { peerEnv, repoRoot } from './peers.js';
import { withoutClock } from './unclocked.js';

/** A link by chrony's name to one of our launchers: it behaves as chrony's program then. */
export const linkTo = (program: 'chronyd' | 'chronyc'): string => {
  const link = join(testDir(), program);
  symlinkSync(program === 'chronyd' ? TIMEBALLD : TIMEBALL, link);
  return link;
};

/** Programs of one release, or ours. */
export interface Pair {
  readonly chronyd: string;
  readonly chronyc: string;
}

/** Programs of a set of packages (scripts/install-peers). */
export const peerSet = (set: string): Pair => {
  const root = join(process.env['TIMEBALL_PEERS'] ?? join(repoRoot, '.peers'), set, 'usr');
  return { chronyd: join(root, 'sbin', 'chronyd'), chronyc: join(root, 'bin', 'chronyc') };
};

/**
 * Starts a chronyd under `-x`, in the foreground, in a private directory. `lines` may name it as @DIR@. `ns`: the network
 * namespace it runs in.
 */
export const startChronyd = async (
  program: string,
  lines: readonly string[],
  ns?: string,
  args: readonly string[] = [],
): Promise<Running> => {
  const dir = testDir();
  const run = join(dir, 'run');
  mkdirSync(run);
  chmodSync(run, 0o770);
  const socket = join(run, 'chronyd.sock');
  const own = [`bindcmdaddress ${socket}`, 'cmdport 0', `pidfile ${join(dir, 'pid')}`, 'user root'];
  const config = join(dir, 'chrony.conf');
  writeFileSync(config, `${[...own, ...lines].join('\n').replaceAll('@DIR@', dir)}\n`);
  const words = [program, '-x', '-U', '-d', ...args, '-f', config];
  const [first, ...rest] = ns === undefined ? words : withoutClock(ns, words);
  const child = spawn(first!, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: ns === undefined ? peerEnv(program) : process.env,
  });
  const running = new Running(child, dir, socket);
  track(running);
  await running.ready();
  return running;
};

export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What chronyc says to a command; numbers that cannot be the same twice are masked. */
export const ask = async (chronyc: string, socket: string, words: string): Promise<Said> => {
  const args = ['-h', socket, '-n', ...words.split(' ').filter((word) => word !== '')];
  const { code, stdout, stderr } = await runProgram(chronyc, args, { env: { TZ: 'UTC' } });
  return { code, stdout: mask(stdout), stderr: mask(stderr) };
};

/** The same by our client, without a process for each command. */
export const askOurs = async (socket: string, words: string): Promise<Said> => {
  const said = { stdout: '', stderr: '' };
  const io = {
    out: (text: string): void => {
      said.stdout += text;
    },
    err: (text: string): void => {
      said.stderr += text;
    },
  };
  const code = await cliMain(['-h', socket, '-n', ...words.split(' ').filter((word) => word !== '')], 'chronyc', io);
  return { code, stdout: mask(said.stdout), stderr: mask(said.stderr) };
};

/** Dates, times, and figures with a fraction; widths are kept where columns depend on them. */
export const mask = (text: string): string =>
  text
    // Counters that chronyc before 4.6 does not print.
    .replace(/^NTP (daemon|kernel|hardware) [RT]X timestamps.*\n/gm, '')
    // Before the first selection chronyd does not look at noselect.
    .replace(/^[MN] (?=\S+ +[YN] [NPTR-]{5} )/gm, '? ')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'DATE')
    .replace(/[A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d \d{4}/g, 'DATE')
    .replace(/HEX:[0-9A-F]+/g, (hex) => `HEX:${hex.length}`)
    .replace(/ *[-+]?\d+\.\d+/g, ' #.#')
    .replace(/(slow|fast) of NTP time/g, 'off NTP time')
    .replace(/ppm (slow|fast)/g, 'ppm off');
