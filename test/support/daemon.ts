/** The daemon and the demo as processes, for system tests. Always `-x`: nobody's clock is moved. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Talker } from '../../src/app/cli/talk.js';
import { inside } from './netlab.js';
import { decodeReply, type Reply, request } from './packets.js';
import { peer, peerEnv, repoRoot } from './peers.js';

export const TIMEBALLD = join(repoRoot, 'bin', 'timeballd');
export const TIMEBALL = join(repoRoot, 'bin', 'timeball');

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, in the order they came. */
  readonly text: string;
}

interface RunOptions {
  readonly ms?: number;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a program to its end; it is killed after `ms`. */
export const runProgram = (path: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const child = spawn(path, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...peerEnv(path), ...options.env },
    });
    const kept = { stdout: '', stderr: '', text: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].on('data', (piece: Buffer) => {
        kept[stream] += piece.toString();
        kept.text += piece.toString();
      });
    }
    const timer = globalThis.setTimeout(() => child.kill('SIGKILL'), options.ms ?? 20_000);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, ...kept });
    });
  });

/** Asks again and again until there is an answer; throws what `about` says when there is none in time. */
export const poll = async <T>(
  what: string,
  ask: () => T | undefined | Promise<T | undefined>,
  ms = 30_000,
  about: () => string = () => '',
): Promise<T> => {
  const end = performance.now() + ms;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`not in ${ms / 1000} s: ${what}\n${about()}`);
    await sleep(100);
  }
};

/**
 * A unit of the NTP SHM driver for this user: segments outlive their makers and are closed to others. `unit`: 64…255;
 * shifted as the demo shifts its own, so that different ones stay different.
 */
export const shmUnit = (unit: number): number => 64 + ((unit - 64 + process.getuid!()) % 192);

/** A port that nobody has right now. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', reject);
    socket.bind(0, '127.0.0.1', () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });

/** One NTP request; undefined when no answer comes in time. */
export const askTime = (port: number, host = '127.0.0.1', ms = 500): Promise<Reply | undefined> =>
  new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    const done = (reply: Reply | undefined): void => {
      clearTimeout(timer);
      socket.close();
      resolve(reply);
    };
    const timer = globalThis.setTimeout(() => done(undefined), ms);
    socket.once('message', (bytes) => done(decodeReply(new Uint8Array(bytes))));
    // Connected, so that a closed port is known at once.
    socket.once('error', () => done(undefined));
    socket.connect(port, host, () => socket.send(request()));
  });

/** Fields of the lines that `chronyc -c` prints. */
export const rows = (csv: string): string[][] =>
  csv
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(','));

/** A process under test, with its words. */
export class Running {
  output = '';
  /** Exit status, once it has ended; −1 for a signal. */
  code: number | undefined;
  readonly exited: Promise<number>;

  constructor(
    readonly child: ChildProcess,
    readonly dir: string,
    readonly socket: string,
    readonly logFile?: string,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (piece: Buffer) => {
        this.output += piece.toString();
      });
    }
    this.exited = new Promise((resolve) => {
      child.once('exit', (code) => {
        this.code = code ?? -1;
        resolve(this.code);
      });
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  get alive(): boolean {
    return this.code === undefined;
  }

  log(): string {
    const file = this.logFile !== undefined && existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8') : '';
    return this.output + file;
  }

  /** Waits for a line of the log; the log is part of the failure. */
  logged(pattern: RegExp, ms?: number): Promise<RegExpExecArray> {
    return this.until(`log has ${pattern}`, () => pattern.exec(this.log()) ?? undefined, ms);
  }

  until<T>(what: string, ask: () => T | undefined | Promise<T | undefined>, ms?: number): Promise<T> {
    return poll(what, ask, ms, () => `${this.alive ? 'still running' : `ended with ${this.code}`}\n${this.log()}`);
  }

  /** Debian's chronyc where there is one, else ours: they speak the same. */
  chronyc(...words: string[]): Promise<Outcome> {
    return runProgram(peer('chronyc') ?? TIMEBALL, ['-h', this.socket, '-n', ...words]);
  }

  /** Rows of a report. */
  async report(...words: string[]): Promise<string[][]> {
    return rows((await this.chronyc('-c', ...words)).stdout);
  }

  /** Through our own client library. */
  async talk<T>(use: (talker: Talker) => Promise<T>): Promise<T> {
    const talker = new Talker({ servers: [this.socket], port: 0, family: 0 });
    try {
      return await use(talker);
    } finally {
      talker.close();
    }
  }

  ready(ms?: number): Promise<true> {
    return this.until('the command socket answers', () => this.answers(), ms);
  }

  /** State character of a source in `sources`: '*', '-', '?', … */
  async state(name: string): Promise<string | undefined> {
    return (await this.report('sources')).find((row) => row[2] === name)?.[1];
  }

  selected(name: string, ms = 60_000): Promise<true> {
    return this.until(`${name} is selected`, async () => ((await this.state(name)) === '*' ? true : undefined), ms);
  }

  /** kB of resident memory and s of processor time. */
  usage(): { readonly rss: number; readonly cpu: number } {
    const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1];
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return { rss: Number(rss), cpu: (Number(stat[11]) + Number(stat[12])) / 100 };
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    if (!this.alive) return this.code!;
    this.child.kill(signal);
    const hard = globalThis.setTimeout(() => this.child.kill('SIGKILL'), 15_000);
    const code = await this.exited;
    clearTimeout(hard);
    return code;
  }

  private async answers(): Promise<true | undefined> {
    if (!this.alive) throw new Error(`ended with status ${this.code}\n${this.log()}`);
    if (!existsSync(this.socket)) return undefined;
    try {
      await this.talk((talker) => talker.ask('TRACKING', {}));
      return true;
    } catch {
      return undefined;
    }
  }
}

const made: string[] = [];
const started: Running[] = [];

/** A private directory (the command socket demands it); cleanUp() removes it. */
export const testDir = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'tb-'));
  made.push(dir);
  return dir;
};

/** cleanUp() ends it, too. */
export const track = (running: Running): void => void started.push(running);

/** Ends what still runs and removes the directories; for `after`. */
export const cleanUp = async (): Promise<void> => {
  await Promise.all(started.splice(0).map((r) => r.stop()));
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
};

export interface DaemonOptions {
  readonly dir?: string;
  /** After `-x -U -d`. */
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly program?: string;
  /** Descriptors 3 and up, piped. */
  readonly extraPipes?: number;
  /** Network namespace to run in (support/netlab.ts). */
  readonly ns?: string;
}

/** Lines that every daemon of a test needs: a socket of its own and no UDP command port. */
export const baseLines = (dir: string): string[] => [
  `bindcmdaddress ${join(dir, 'timeballd.sock')}`,
  'cmdport 0',
  `pidfile ${join(dir, 'timeballd.pid')}`,
];

/** Writes a configuration and starts a daemon on it, in the foreground. Lines of the caller come last and win. */
export const spawnDaemon = (lines: readonly string[], options: DaemonOptions = {}): Running => {
  const dir = options.dir ?? testDir();
  const config = join(dir, 'timeball.conf');
  writeFileSync(config, `${[...baseLines(dir), ...lines].join('\n')}\n`);
  const pipes = Array.from({ length: options.extraPipes ?? 0 }, () => 'pipe' as const);
  const words = [options.program ?? TIMEBALLD, '-x', '-U', '-d', '-f', config, ...(options.args ?? [])];
  const [program, ...args] = options.ns === undefined ? words : inside(options.ns, words);
  const child = spawn(program!, args, {
    stdio: ['ignore', 'pipe', 'pipe', ...pipes],
    env: { ...process.env, ...options.env },
  });
  const running = new Running(child, dir, join(dir, 'timeballd.sock'));
  started.push(running);
  return running;
};

export const startDaemon = async (lines: readonly string[], options: DaemonOptions = {}): Promise<Running> => {
  const running = spawnDaemon(lines, options);
  await running.ready();
  return running;
};

/** `timeball demo` in a directory of its own. */
export const spawnDemo = (args: readonly string[], dir = join(testDir(), 'run')): Running => {
  const child = spawn(TIMEBALL, ['demo', '--dir', dir, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const running = new Running(child, dir, join(dir, 'timeballd.sock'), join(dir, 'log', 'timeballd.log'));
  started.push(running);
  return running;
};
