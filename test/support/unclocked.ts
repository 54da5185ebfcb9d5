/**
 * Other people's time daemons in network namespaces, without the capability to set the clock. That it is gone is
 * checked before anything is started.
 */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadNative } from '../../src/devices/native.js';
import { Running, testDir, track } from './daemon.js';
import { inside } from './netlab.js';
import { peerEnv } from './peers.js';

const CAP_SYS_TIME = 25n;
/** Root's programs get what the bounding set leaves them: without CAP_SYS_TIME every way to set the clock is closed. */
const DROP = ['setpriv', '--bounding-set=-sys_time', '--inh-caps=-sys_time', '--'];

const checked = new Set<string>();

/** Throws unless a program started so can neither have nor get the capability. */
const check = (ns: string): void => {
  if (checked.has(ns)) return;
  const [program, ...args] = inside(ns, [...DROP, 'cat', '/proc/self/status']);
  const status = execFileSync(program!, args, { encoding: 'utf8' });
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
    const mask = new RegExp(`^${set}:\\s+([0-9a-f]+)$`, 'm').exec(status)?.[1];
    if (mask === undefined || ((BigInt(`0x${mask}`) >> CAP_SYS_TIME) & 1n) !== 0n) {
      throw new Error(`a peer could set the clock (${set} ${mask}): not started`);
    }
  }
  checked.add(ns);
};

/** Libraries of a peer out of a prefix, as words of env(1): they are not for `ip` and `setpriv`. */
const environment = (program: string): string[] => {
  const env = peerEnv(program);
  const words = ['LD_LIBRARY_PATH', 'PYTHONPATH'].filter((key) => env[key] !== process.env[key]);
  // Some are scripts around others of their set.
  const path = `PATH=${join(dirname(program), '..', 'bin')}:${process.env['PATH']}`;
  return ['env', path, ...words.map((key) => `${key}=${env[key]}`)];
};

/** A peer's program and arguments, to be run in a namespace without the clock. */
export const withoutClock = (ns: string, words: readonly string[]): string[] => {
  check(ns);
  return inside(ns, [...DROP, ...environment(words[0]!), ...words]);
};

/** What daemons look for in /etc, for those whose users and paths are compiled in. */
const etcWith = (files: Readonly<Record<string, string>>): string => {
  const etc = join(testDir(), 'etc');
  mkdirSync(join(etc, 'empty'), { recursive: true });
  chmodSync(join(etc, 'empty'), 0o755);
  const own = {
    passwd: ['root', 'ntpd'].map((user) => `${user}:x:0:0::/etc/empty:/bin/false\n`).join(''),
    group: 'root:x:0:\n',
    services: 'ntp 123/udp\n',
    hosts: '127.0.0.1 localhost\n',
    'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\nservices: files\n',
    ...files,
  };
  for (const [name, text] of Object.entries(own)) {
    mkdirSync(dirname(join(etc, name)), { recursive: true });
    writeFileSync(join(etc, name), text);
  }
  if (existsSync('/etc/ld.so.cache')) copyFileSync('/etc/ld.so.cache', join(etc, 'ld.so.cache'));
  return etc;
};

/** $1: its /etc. What it writes in /run and /var/lib is gone with it. */
const PRIVATE = [
  'mount --bind "$1" /etc',
  'mount -t tmpfs none /run',
  'mount -t tmpfs none /var/lib',
  'mkdir -p /var/lib/openntpd/run /var/lib/openntpd/db',
  'shift',
  'exec "$@"',
].join(' && ');

export interface PeerOptions {
  /** Files below /etc, by name. */
  readonly etc?: Readonly<Record<string, string>>;
  /** Variables of the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** A directory of its own that the arguments name, and the log in it. */
  readonly dir?: string;
  readonly logFile?: string;
  /** Not as root. */
  readonly nobody?: boolean;
}

/** Starts a peer in a namespace, without the clock and with an /etc of its own. cleanUp() ends it. */
export const startPeer = (
  ns: string,
  program: string,
  args: readonly string[],
  { etc = {}, env = {}, dir = '', logFile, nobody = false }: PeerOptions = {},
): Running => {
  check(ns);
  const variables = Object.entries(env).map(([key, value]) => `${key}=${value}`);
  const user = nobody ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'] : [];
  const run = [...user, ...environment(program), ...variables, program, ...args];
  const [first, ...rest] = inside(ns, [...DROP, 'unshare', '-m', 'sh', '-c', PRIVATE, 'sh', etcWith(etc), ...run]);
  const running = new Running(spawn(first!, rest, { stdio: ['ignore', 'pipe', 'pipe'] }), dir, '', logFile);
  track(running);
  return running;
};

/** ns by which the clock of the day is ahead of the one that nobody can set. */
const ahead = (): bigint => {
  const native = loadNative();
  return native.clockGettime('realtime') - native.clockGettime('monotonic');
};

/** s. Two clocks cannot be read at once; a step that a daemon would make is larger than a pause of this thread. */
const PAUSE = 0.05;

/** The returned function throws when somebody has stepped the clock since. */
export const watchClock = (): (() => void) => {
  const before = ahead();
  return () => {
    const step = Number(ahead() - before) / 1e9;
    if (Math.abs(step) > PAUSE) throw new Error(`the clock was stepped by ${step} s`);
  };
};
