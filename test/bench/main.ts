/**
 * npm run bench: CPU a request at saturation, ours against Debian's chronyd in alternation, on this machine, now.
 * Each on one core of its own (the generator has the other); the clock of nobody is touched (chronyd runs with -x).
 *
 *   --json      one JSON document instead of the table
 *   --pairs N   alternations (5)
 *   --clients N source addresses (1000)
 *   --basic     leave the interleaved part out
 *   --bound     our server is bound to its one address (`bindaddress`) instead of all
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { peer, repoRoot } from '../support/peers.js';
import { type Lab, openLab } from './net.js';

const SERVER_CORE = '1';
const LOAD_CORE = '0';
const OUTSTANDING = '64';
/** The first window of a visit warms up (routes, caches, compiled code) and does not count. */
const WINDOWS = 3;
const WINDOW_MS = 300;
/** Below this share of its core a server was held up by something else on the machine, and the pair does not count. */
const BUSY = 0.9;
/** Visits that are tried for the pairs asked for. */
const MAX_ATTEMPTS = 3;

type ServerName = 'timeball' | 'chronyd';
const PORT: Record<ServerName, string> = { timeball: '123', chronyd: '124' };

interface Window {
  readonly wallNs: number;
  readonly cpuNs: number;
  readonly requests: number;
  readonly answered: number;
  readonly interleaved: number;
  readonly lost: number;
  readonly strange: number;
  readonly t3p50: number;
  readonly t3p99: number;
}

interface Figures {
  readonly cpuUs: number;
  readonly rate: number;
  readonly utilisation: number;
  readonly interleavedShare: number;
  readonly lostShare: number;
  readonly t3p50Us: number;
  readonly t3p99Us: number;
  readonly rssMb: number;
}

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    basic: { type: 'boolean', default: false },
    bound: { type: 'boolean', default: false },
    pairs: { type: 'string', default: '5' },
    clients: { type: 'string', default: '1000' },
  },
});
const pairs = Math.max(1, Number(options.pairs));
const dir = mkdtempSync(join(tmpdir(), 'timeball-bench-'));
const loadProgram = join(dir, 'load');

const compile = (): void => {
  execFileSync('cc', ['-O2', '-include', 'stddef.h', '-o', loadProgram, join(repoRoot, 'test/bench/load.c')]);
};

const command = (name: ServerName, lab: Lab, chronyd: string): string[] => {
  const here = dirname(fileURLToPath(import.meta.url));
  if (name === 'timeball')
    return [process.execPath, join(here, 'server.js'), options.bound ? lab.serverAddress : '', PORT.timeball];
  const conf = join(dir, 'chronyd.conf');
  const lines = [
    `port ${PORT.chronyd}`,
    'allow',
    'local stratum 1',
    'cmdport 0',
    'bindcmdaddress /',
    `pidfile ${join(dir, 'pid')}`,
  ];
  writeFileSync(conf, `${lines.join('\n')}\n`);
  return [chronyd, '-x', '-d', '-u', 'root', '-f', conf];
};

/** Children are in sessions of their own: an interrupt of ours has to be handed on. */
const children = new Set<ChildProcess>();

/**
 * Both sides run ahead of what else the machine does: in a session of their own, because the kernel's autogroups make
 * niceness count inside a session only.
 */
const inNamespace = (ns: string, core: string, args: readonly string[]): ChildProcess => {
  const whole = ['netns', 'exec', ns, 'nice', '-n', '-15', 'taskset', '-c', core, ...args];
  const child = spawn('ip', whole, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  children.add(child);
  child.once('exit', () => children.delete(child));
  try {
    writeFileSync(`/proc/${child.pid}/autogroup`, '-15');
  } catch {
    // No autogroups here: niceness alone does it.
  }
  return child;
};

const load = async (lab: Lab, port: string, pid: number, interleaved: boolean): Promise<Window[]> => {
  const flag = interleaved ? '1' : '0';
  const args = [lab.serverAddress, port, options.clients, OUTSTANDING, flag, String(WINDOWS), String(WINDOW_MS)];
  const child = inNamespace(lab.client, LOAD_CORE, [loadProgram, ...args, String(pid), lab.firstClient]);
  let text = '';
  child.stdout!.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`load generator: exit ${String(code)}`);
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Window);
};

const rssMb = (pid: number): number => {
  const [, kb] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kb ?? 0) / 1024;
};

const figures = (windows: readonly Window[], rss: number): Figures => {
  const [, ...warm] = windows;
  const total = (of: (w: Window) => number): number => warm.reduce((sum, w) => sum + of(w), 0);
  const answered = total((w) => w.answered);
  return {
    cpuUs: total((w) => w.cpuNs) / answered / 1000,
    rate: (answered / total((w) => w.wallNs)) * 1e9,
    utilisation: total((w) => w.cpuNs) / total((w) => w.wallNs),
    interleavedShare: total((w) => w.interleaved) / answered,
    lostShare: total((w) => w.lost) / total((w) => w.requests),
    t3p50Us: total((w) => w.t3p50) / warm.length,
    t3p99Us: total((w) => w.t3p99) / warm.length,
    rssMb: rss,
  };
};

type Servers = Record<ServerName, ChildProcess>;

/** Both servers run all the time; an idle one costs nothing, and changing over takes no start. */
const startServers = async (lab: Lab, chronyd: string): Promise<Servers> => {
  const lastWords: Partial<Record<ServerName, string>> = {};
  const start = (name: ServerName): ChildProcess => {
    const child = inNamespace(lab.server, SERVER_CORE, command(name, lab, chronyd));
    child.stdout!.resume();
    child.stderr!.on('data', (chunk: Buffer) => {
      lastWords[name] = chunk.toString();
    });
    return child;
  };
  const servers = { timeball: start('timeball'), chronyd: start('chronyd') };
  await setTimeout(1500);
  for (const [name, child] of Object.entries(servers)) {
    if (child.exitCode === null) continue;
    await stopServers(servers);
    throw new Error(`${name} ended with ${child.exitCode}: ${lastWords[name as ServerName] ?? ''}`);
  }
  return servers;
};

const stopServers = async (servers: Servers): Promise<void> => {
  for (const child of Object.values(servers)) {
    if (child.exitCode !== null) continue;
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
  }
};

const visit = async (name: ServerName, servers: Servers, lab: Lab, interleaved: boolean): Promise<Figures> => {
  const pid = servers[name].pid!;
  return figures(await load(lab, PORT[name], pid, interleaved), rssMb(pid));
};

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const mid = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[mid]! : (sorted[mid - 1]! + sorted[mid]!) / 2;
};

const medians = (runs: readonly Figures[]): Figures =>
  Object.fromEntries(
    (Object.keys(runs[0]!) as (keyof Figures)[]).map((key) => [key, median(runs.map((r) => r[key]))]),
  ) as unknown as Figures;

interface Part {
  readonly mode: 'basic' | 'interleaved';
  readonly timeball: Figures;
  readonly chronyd: Figures;
  /** Median of the pairs' ratios, and their range. */
  readonly cpuRatio: number;
  readonly cpuRatioRange: readonly [number, number];
  readonly runs: readonly Pair[];
  /** Pairs that were measured while something else held a server up; used only when there are no others. */
  readonly disturbed: number;
}

type Pair = Record<ServerName, Figures>;

const takePair = async (servers: Servers, lab: Lab, interleaved: boolean, oursFirst: boolean): Promise<Pair> => {
  // Who goes first alternates too: what the machine is doing drifts.
  const first = await visit(oursFirst ? 'timeball' : 'chronyd', servers, lab, interleaved);
  const second = await visit(oursFirst ? 'chronyd' : 'timeball', servers, lab, interleaved);
  return oursFirst ? { timeball: first, chronyd: second } : { timeball: second, chronyd: first };
};

const compare = async (servers: Servers, lab: Lab, mode: Part['mode']): Promise<Part> => {
  const all: Pair[] = [];
  const isGood = (p: Pair): boolean => Math.min(p.timeball.utilisation, p.chronyd.utilisation) >= BUSY;
  for (let i = 0; i < pairs * MAX_ATTEMPTS && all.filter(isGood).length < pairs; i++) {
    all.push(await takePair(servers, lab, mode === 'interleaved', i % 2 === 0));
  }
  const good = all.filter(isGood);
  const runs = good.length > 0 ? good : all;
  const ratios = runs.map((p) => p.timeball.cpuUs / p.chronyd.cpuUs);
  return {
    mode,
    timeball: medians(runs.map((p) => p.timeball)),
    chronyd: medians(runs.map((p) => p.chronyd)),
    cpuRatio: median(ratios),
    cpuRatioRange: [Math.min(...ratios), Math.max(...ratios)],
    runs,
    disturbed: all.length - good.length,
  };
};

const row = (name: string, f: Figures): string =>
  [
    name.padEnd(10),
    f.cpuUs.toFixed(2).padStart(8),
    Math.round(f.rate).toString().padStart(9),
    `${(f.utilisation * 100).toFixed(0)} %`.padStart(7),
    `${(f.interleavedShare * 100).toFixed(1)} %`.padStart(12),
    f.t3p50Us.toFixed(2).padStart(8),
    f.t3p99Us.toFixed(2).padStart(8),
    f.rssMb.toFixed(0).padStart(7),
  ].join(' ');

const ratioLine = (p: Part): string => {
  const [low, high] = p.cpuRatioRange;
  const spread = `${low.toFixed(3)}–${high.toFixed(3)} over ${p.runs.length} pairs`;
  return `CPU a request, ratio: ${p.cpuRatio.toFixed(3)} (${spread}, ${p.disturbed} disturbed)`;
};

const print = (parts: readonly Part[]): void => {
  const out: string[] = [`${cpus()[0]!.model}, Linux ${release()}, ${pairs} alternations, ${options.clients} clients`];
  for (const p of parts) {
    out.push('', p.mode, 'server       CPU us    rate/s    busy  interleaved  T3 p50  T3 p99  RSS MB');
    out.push(row('timeball', p.timeball), row('chronyd', p.chronyd), ratioLine(p));
  }
  process.stdout.write(`${out.join('\n')}\n`);
};

const measureAll = async (lab: Lab, chronyd: string): Promise<Part[]> => {
  const servers = await startServers(lab, chronyd);
  const parts: Part[] = [];
  try {
    for (const mode of options.basic ? (['basic'] as const) : (['basic', 'interleaved'] as const)) {
      parts.push(await compare(servers, lab, mode));
    }
  } finally {
    await stopServers(servers);
  }
  return parts;
};

const main = async (): Promise<void> => {
  const chronyd = peer('chronyd');
  if (chronyd === undefined) throw new Error('bench: chronyd is not installed (scripts/install-peers)');
  if (process.getuid?.() !== 0) throw new Error('bench: needs root for network namespaces');
  if (cpus().length < 2) throw new Error('bench: needs two cores');
  compile();
  const lab = openLab();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      for (const child of children) child.kill('SIGKILL');
      lab.close();
      rmSync(dir, { recursive: true, force: true });
      process.exit(1);
    });
  }
  try {
    const parts = await measureAll(lab, chronyd);
    if (options.json) process.stdout.write(`${JSON.stringify({ cpu: cpus()[0]!.model, kernel: release(), parts })}\n`);
    else print(parts);
  } finally {
    lab.close();
    rmSync(dir, { recursive: true, force: true });
  }
};

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
