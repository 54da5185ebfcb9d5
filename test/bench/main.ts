/**
 * npm run bench: ours against Debian's chronyd in alternation, on this machine, now. Each server on one core of its own
 * (the generator has the other); the clock of nobody is touched (chronyd runs with -x).
 *
 *   --json      one JSON document instead of the tables
 *   --full      1, 1000 and 100000 clients, two workers, what else we could do (some 10 minutes)
 *   --pairs N   alternations (3; 5 with --full), four times as many of the short ones
 *   --only A,B  parts: basic, interleaved, keyed, rate, latency, flood, start, workers, controls
 *   --clients N source addresses (1000)
 *   --bound     our server is bound to its one address (`bindaddress`) instead of all
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Figures, figures, median, medians, type Spread, spread } from './figures.js';
import { Generator, type Mode } from './load.js';
import { type Lab, openLab } from './net.js';
import { killChildren, rssMb, stop } from './process.js';
import { type Report, text } from './report.js';
import {
  chronydPath,
  firstReplyMs,
  type Server,
  type ServerName,
  type Servers,
  startOurs,
  startServers,
} from './servers.js';

const WINDOWS = 3;
const WINDOW_MS = 300;
/** Alternations for one of those that take long: single ones differ by a tenth. */
const SHORT_VISITS = 4;
const MANY = 10_000;
const MANY_WINDOW_MS = 2500;
/** Below this share of its core a server was held up by something else on the machine, and the pair does not count. */
const BUSY = 0.9;
/** Visits that are tried for the pairs asked for. */
const MAX_ATTEMPTS = 3;
const MAX_LOSS = 0.001;
/**
 * Of the highest rate: shares of the rate at saturation, to within 1 % of that, each given up after three visits. With
 * fewer clients a queue of a thousand requests is one with none left to ask; with 4096 chronyd forgets some.
 */
const SEARCH = { clients: 3000, between: [0.5, 1.3] as const, steps: 6, visits: 3 };
const START_PORT = 11_923;
/** Forged addresses beside the good clients: many more than anybody remembers, each seen once. */
const FLOOD = { clients: 1_000_000, first: '10.80.0.1' };
/** Requests of good clients, 1/s: each asks twice a second. */
const GOOD = { clients: 1000, rate: 2000 };

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    bound: { type: 'boolean', default: false },
    pairs: { type: 'string' },
    only: { type: 'string' },
    clients: { type: 'string', default: '1000' },
  },
});
const pairs = Math.max(1, Number(options.pairs ?? (options.full ? 5 : 3)));
const parts = options.only?.split(',') ?? [
  ...['basic', 'interleaved', 'keyed', 'rate', 'latency', 'flood', 'start'],
  ...(options.full ? ['workers', 'controls'] : []),
];
const clientCounts = options.full ? [1, 1000, 100_000] : [Number(options.clients)];

type Pair = Record<ServerName, Figures>;
export interface Part {
  readonly mode: Mode;
  readonly clients: number;
  /** Share of chronyd's rate at saturation; 1 = saturation. */
  readonly load: number;
  readonly timeball: Figures;
  readonly chronyd: Figures;
  /** Ours over chronyd's, of the pairs. */
  readonly cpuRatio: Spread;
  readonly latencyRatio: Spread;
  readonly runs: number;
  /** Pairs that were measured while something else held a server up; used only when there are no others. */
  readonly disturbed: number;
}

/** 1/s, medians of the alternations. */
export interface MaxRates extends Readonly<Record<ServerName, number>> {
  /** Ours over chronyd's; undefined where that lost too much at every rate. */
  readonly ratio: Spread | undefined;
}

/** What good clients got while forged requests were answered at `forgedRate`, 1/s. */
export interface Flooded {
  readonly answered: number;
  readonly interleaved: number;
  readonly forgedRate: number;
}

class Bench {
  constructor(
    private readonly lab: Lab,
    private readonly dir: string,
    private readonly servers: Servers,
    private readonly generator: Generator,
  ) {}

  private async visit(server: Server, mode: Mode, clients: number, rate: number): Promise<Figures> {
    // Every client has to have come round twice before the first window ends.
    const shape = { windows: WINDOWS, windowMs: clients > MANY ? MANY_WINDOW_MS : WINDOW_MS };
    const pid = server.child.pid!;
    const windows = await this.generator.run({ port: server.port, pid, mode, clients, rate, ...shape });
    return figures(windows, rssMb(pid));
  }

  /** Who goes first alternates too: what the machine is doing drifts. */
  private async takePair(turn: number, mode: Mode, clients: number, rate: number): Promise<Pair> {
    const order: ServerName[] = turn % 2 === 0 ? ['timeball', 'chronyd'] : ['chronyd', 'timeball'];
    const out: Partial<Pair> = {};
    for (const name of order) out[name] = await this.visit(this.servers[name], mode, clients, rate);
    return out as Pair;
  }

  async compare(mode: Mode, clients: number, load = 1, full = 0): Promise<Part> {
    const all: Pair[] = [];
    const wanted = clients > MANY ? pairs : pairs * SHORT_VISITS;
    // One client keeps nobody busy.
    const isGood = (p: Pair): boolean =>
      full > 0 || clients === 1 || Math.min(p.timeball.utilisation, p.chronyd.utilisation) >= BUSY;
    for (let i = 0; i < wanted * MAX_ATTEMPTS && all.filter(isGood).length < wanted; i++) {
      all.push(await this.takePair(i, mode, clients, full * load));
    }
    const good = all.filter(isGood);
    const runs = good.length > 0 ? good : all;
    const ratio = (key: keyof Figures): Spread => spread(runs.map((p) => p.timeball[key] / p.chronyd[key]));
    return {
      mode,
      clients,
      load,
      timeball: medians(runs.map((p) => p.timeball)),
      chronyd: medians(runs.map((p) => p.chronyd)),
      cpuRatio: ratio('cpuUs'),
      latencyRatio: ratio('latencyP50Us'),
      runs: runs.length,
      disturbed: all.length - good.length,
    };
  }

  /** Highest rate with at most 0.1 % loss, by bisection between shares of the rate at saturation. */
  private async maxRate(server: Server, mode: Mode): Promise<number> {
    const { rate } = await this.visit(server, mode, SEARCH.clients, 0);
    let best = 0;
    let [holds, fails]: readonly number[] = SEARCH.between;
    for (let i = 0; i < SEARCH.steps; i++) {
      const share = (holds + fails) / 2;
      const got = await this.rateHeld(server, mode, rate * share);
      best = Math.max(best, got);
      if (got > 0) holds = share;
      else fails = share;
    }
    return best;
  }

  /** 1/s answered; 0 = every visit lost too much. What else the machine does makes losses, nothing makes them fewer. */
  private async rateHeld(server: Server, mode: Mode, rate: number): Promise<number> {
    for (let i = 0; i < SEARCH.visits; i++) {
      const got = await this.visit(server, mode, SEARCH.clients, rate);
      if (got.leastLostShare <= MAX_LOSS) return got.rate;
    }
    return 0;
  }

  async maxRates(mode: Mode): Promise<MaxRates> {
    const found: Record<ServerName, number>[] = [];
    for (let i = 0; i < pairs; i++) {
      const timeball = await this.maxRate(this.servers.timeball, mode);
      found.push({ timeball, chronyd: await this.maxRate(this.servers.chronyd, mode) });
    }
    const ratios = found.filter((f) => f.chronyd > 0).map((f) => f.timeball / f.chronyd);
    return {
      timeball: median(found.map((f) => f.timeball)),
      chronyd: median(found.map((f) => f.chronyd)),
      ratio: ratios.length > 0 ? spread(ratios) : undefined,
    };
  }

  /**
   * CPU a request with two workers against one: 2 / that ratio is what two cores are worth, as far as the workers do not
   * hinder each other. Both on the server's one core: the generator needs the other.
   */
  async workers(): Promise<{ readonly one: number; readonly two: number; readonly worth: number }> {
    const two = await startOurs(this.lab, { port: '125', workers: 2 });
    const ones: number[] = [];
    const twos: number[] = [];
    try {
      for (let i = 0; i < pairs; i++) {
        ones.push((await this.visit(this.servers.timeball, 'interleaved', 1000, 0)).cpuUs);
        twos.push((await this.visit(two, 'interleaved', 1000, 0)).cpuUs);
      }
    } finally {
      await stop(two.child);
    }
    const [one, both] = [median(ones), median(twos)];
    return { one, two: both, worth: (2 * one) / both };
  }

  async control(name: string, mode: Mode): Promise<{ readonly ours: Figures; readonly control: Figures }> {
    const changed = await startOurs(this.lab, { port: '126', control: name });
    const ours: Figures[] = [];
    const control: Figures[] = [];
    try {
      for (let i = 0; i < pairs; i++) {
        ours.push(await this.visit(this.servers.timeball, mode, 1000, 0));
        control.push(await this.visit(changed, mode, 1000, 0));
      }
    } finally {
      await stop(changed.child);
    }
    return { ours: medians(ours), control: medians(control) };
  }

  /** Good interleaved clients beside a flood of forged addresses, together half of what the server can do. */
  async flood(name: ServerName): Promise<Flooded> {
    const server = this.servers[name];
    const at = { port: server.port, pid: server.child.pid!, windows: WINDOWS, windowMs: MANY_WINDOW_MS };
    const { rate } = await this.visit(server, 'interleaved', GOOD.clients, 0);
    const [good, forged] = await Promise.all([
      this.generator.run({ ...at, ...GOOD, mode: 'interleaved' }),
      this.generator.run({ ...at, ...FLOOD, mode: 'basic', rate: rate / 2 - GOOD.rate }),
    ]);
    const f = figures(good, rssMb(at.pid));
    return { answered: 1 - f.lostShare, interleaved: f.interleavedShare, forgedRate: figures(forged, 0).rate };
  }

  async firstReply(name: ServerName): Promise<Spread> {
    const runs: number[] = [];
    for (let i = 0; i < pairs; i++) runs.push(await firstReplyMs(name, this.dir, START_PORT));
    return spread(runs);
  }
}

const CONTROLS: readonly (readonly [string, Mode])[] = [
  ['late-off', 'basic'],
  ['batch-t3', 'basic'],
  ['crossing', 'basic'],
  ['no-tx', 'interleaved'],
];

const measure = async (bench: Bench): Promise<Report> => {
  const has = (part: string): boolean => parts.includes(part);
  const compared: Part[] = [];
  for (const clients of clientCounts) {
    for (const mode of ['basic', 'interleaved', 'keyed'] as const) {
      if (has(mode)) compared.push(await bench.compare(mode, clients));
    }
  }
  const maxRates = has('rate')
    ? { basic: await bench.maxRates('basic'), interleaved: await bench.maxRates('interleaved') }
    : undefined;
  if (has('latency')) {
    // Shares of the same rate for both: what a client sees of a server that has the same to do.
    const { rate } = (await bench.compare('basic', 1000)).chronyd;
    for (const load of [0.1, 0.8]) compared.push(await bench.compare('basic', 1000, load, rate));
  }
  const flood = has('flood')
    ? { timeball: await bench.flood('timeball'), chronyd: await bench.flood('chronyd') }
    : undefined;
  const firstReply = has('start')
    ? { timeball: await bench.firstReply('timeball'), chronyd: await bench.firstReply('chronyd') }
    : undefined;
  const workers = has('workers') ? await bench.workers() : undefined;
  const controls: Record<string, { ours: Figures; control: Figures }> = {};
  if (has('controls')) for (const [name, mode] of CONTROLS) controls[name] = await bench.control(name, mode);
  const machine = { cpu: cpus()[0]!.model, kernel: release(), node: process.version, pairs };
  return { ...machine, parts: compared, maxRates, flood, firstReply, workers, controls };
};

const main = async (): Promise<void> => {
  chronydPath();
  if (process.getuid?.() !== 0) throw new Error('bench: needs root for network namespaces');
  if (cpus().length < 2) throw new Error('bench: needs two cores');
  const dir = mkdtempSync(join(tmpdir(), 'timeball-bench-'));
  const lab = openLab();
  const close = (): void => {
    lab.close();
    rmSync(dir, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      killChildren();
      close();
      process.exit(1);
    });
  }
  try {
    const servers = await startServers(lab, dir, options.bound);
    try {
      const report = await measure(new Bench(lab, dir, servers, new Generator(dir, lab)));
      process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : text(report));
    } finally {
      for (const { child } of Object.values(servers)) await stop(child);
    }
  } finally {
    close();
  }
};

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
