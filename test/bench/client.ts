/**
 * npm run bench:client: our client and Debian's chronyd in turns against one server over a virtual wire, at the same
 * poll. All share this machine's clock and nobody moves it (-x), so what a client says its clock is wrong by is its
 * error.
 *
 *   --json       one JSON document instead of the table
 *   --runs N     turns of each (5)
 *   --polls A,B  log2 s (-4)
 *   --seconds N  of each visit that count (12)
 *   --only A,B   parts: basic, interleaved, many (what a thousand sources cost)
 *   --server S   chronyd (default) or timeball serves
 */
import { cpus, release } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startChronyd } from '../support/chronypair.js';
import { cleanUp, type Running, startDaemon } from '../support/daemon.js';
import { openStar, type Star } from '../support/netlab.js';
import { median, type Spread, spread } from './figures.js';
import { chronydPath, type ServerName } from './servers.js';

/** s from the start until the clock is found. */
const SETTLE = 8;
/** ms between two looks: short against nothing that the clocks do. */
const LOOK_MS = 100;

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    runs: { type: 'string', default: '5' },
    polls: { type: 'string', default: '-4' },
    seconds: { type: 'string', default: '12' },
    only: { type: 'string', default: 'basic,interleaved,many' },
    server: { type: 'string', default: 'chronyd' },
  },
});

/** Of one visit, µs. */
export interface Errors {
  readonly mean: number;
  readonly rms: number;
  readonly p50: number;
  readonly p95: number;
}

const errorsOf = (seconds: readonly number[]): Errors => {
  const us = seconds.map((s) => s * 1e6);
  const sizes = us.map(Math.abs).sort((a, b) => a - b);
  const mean = us.reduce((a, b) => a + b, 0) / us.length;
  const rms = Math.sqrt(us.reduce((a, b) => a + b * b, 0) / us.length);
  return { mean, rms, p50: median(sizes), p95: sizes[Math.floor(sizes.length * 0.95)]! };
};

const look = async (running: Running, seconds: number): Promise<number[]> =>
  running.talk(async (talker) => {
    const seen: number[] = [];
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) {
      seen.push((await talker.ask('TRACKING', {})).currentCorrection);
      await sleep(LOOK_MS);
    }
    return seen;
  });

const start = (name: ServerName, lines: readonly string[], ns: string): Promise<Running> =>
  name === 'timeball' ? startDaemon(lines, { ns }) : startChronyd(chronydPath(), lines, ns);

const visit = async (name: ServerName, star: Star, poll: number, words: string): Promise<Errors> => {
  const address = star.spokes[0]!.address4();
  const client = await start(
    name,
    ['port 0', `server ${address} iburst minpoll ${poll} maxpoll ${poll} ${words}`],
    star.hub,
  );
  try {
    await client.selected(address);
    await sleep((SETTLE + (poll > 0 ? 16 * 2 ** poll : 0)) * 1000);
    return errorsOf(await look(client, Number(options.seconds)));
  } finally {
    await client.stop();
  }
};

export interface ClientPart {
  readonly mode: string;
  readonly poll: number;
  readonly timeball: readonly Errors[];
  readonly chronyd: readonly Errors[];
}

const compare = async (star: Star, mode: string, poll: number): Promise<ClientPart> => {
  const seen: Record<ServerName, Errors[]> = { timeball: [], chronyd: [] };
  const words = mode === 'interleaved' ? 'xleave' : '';
  for (let i = 0; i < Number(options.runs); i++) {
    const order: ServerName[] = i % 2 === 0 ? ['timeball', 'chronyd'] : ['chronyd', 'timeball'];
    for (const name of order) seen[name].push(await visit(name, star, poll, words));
  }
  return { mode, poll, ...seen };
};

/** Of one daemon with a thousand sources. */
export interface Crowd {
  /** ms from exec until the command socket answers. */
  readonly startMs: number;
  /** Share of a core when everything is under way. */
  readonly cpu: number;
  /** Requests a second meanwhile. */
  readonly rate: number;
  readonly rssMb: number;
}

const SOURCES = 1000;
/** s from the start until all are asked in their turns and the code that does it is compiled, and s that are measured. */
const UNDER_WAY = 300;
const WATCHED = 512;
/** log2 s. At 64 s chronyd, which sends its own requests at least 0.2 s apart, would ask a third as often as it is told to. */
const CROWD_POLL = 8;

const asked = async (server: Running): Promise<number> => Number((await server.report('serverstats'))[0]![0]);

/** All sources are one server, under as many addresses of loopback, each asked at the same interval. */
const openCrowd = async (name: ServerName, ns: string): Promise<{ client: Running; startMs: number }> => {
  const addresses = Array.from({ length: SOURCES }, (_, i) => `127.1.${i >> 8}.${i & 255}`);
  const lines = ['port 0', ...addresses.map((a) => `server ${a} minpoll ${CROWD_POLL} maxpoll ${CROWD_POLL}`)];
  const began = performance.now();
  const client = await start(name, lines, ns);
  return { client, startMs: performance.now() - began };
};

const watchCrowd = async (client: Running, server: Running): Promise<Omit<Crowd, 'startMs'>> => {
  await sleep(UNDER_WAY * 1000);
  const before = { ...client.usage(), asked: await asked(server) };
  await sleep(WATCHED * 1000);
  const after = { ...client.usage(), asked: await asked(server) };
  const rate = (after.asked - before.asked) / WATCHED;
  return { cpu: (after.cpu - before.cpu) / WATCHED, rate, rssMb: after.rss / 1024 };
};

/** Both at the same time, each with a server of its own: what else the machine does slows both. */
const crowds = async (star: Star, spokeServer: Running): Promise<Record<ServerName, Crowd>> => {
  const hubServer = await start('chronyd', ['local stratum 1', 'allow'], star.hub);
  const ours = await openCrowd('timeball', star.hub);
  const theirs = await openCrowd('chronyd', star.spokes[0]!.ns);
  try {
    const [timeball, chronyd] = await Promise.all([
      watchCrowd(ours.client, hubServer),
      watchCrowd(theirs.client, spokeServer),
    ]);
    return {
      timeball: { startMs: ours.startMs, ...timeball },
      chronyd: { startMs: theirs.startMs, ...chronyd },
    };
  } finally {
    await ours.client.stop();
    await theirs.client.stop();
  }
};

const crowdLines = (seen: Record<ServerName, Crowd>): string[] => [
  '',
  `${SOURCES} sources, each to be asked every ${2 ** CROWD_POLL} s`,
  ...(['timeball', 'chronyd'] as const).map((who) => {
    const { startMs, cpu, rate, rssMb } = seen[who];
    const load = `CPU ${(cpu * 100).toFixed(2)} % at ${rate.toFixed(1)} requests/s, ${((cpu / rate) * 1e6).toFixed(0)} us each`;
    return `${who.padEnd(9)} start ${startMs.toFixed(0)} ms  ${load}  RSS ${rssMb.toFixed(0)} MB`;
  }),
];

const range = (s: Spread): string => `${s.median.toFixed(3)} (${s.low.toFixed(3)}-${s.high.toFixed(3)})`;

const lines = (p: ClientPart): string[] => [
  '',
  `${p.mode}, poll ${p.poll}`,
  ...(['timeball', 'chronyd'] as const).map((who) => {
    const of = (key: keyof Errors): string => range(spread(p[who].map((e) => e[key])));
    return `${who.padEnd(9)} mean ${of('mean')}  rms ${of('rms')}  p50 ${of('p50')}  p95 ${of('p95')} us`;
  }),
];

const main = async (): Promise<void> => {
  const star = openStar(1);
  try {
    const serving = ['local stratum 1', 'allow'];
    const server = await start(options.server as ServerName, serving, star.spokes[0]!.ns);
    const parts: ClientPart[] = [];
    const wanted = options.only.split(',');
    for (const poll of options.polls.split(',')) {
      for (const mode of ['basic', 'interleaved'].filter((m) => wanted.includes(m))) {
        parts.push(await compare(star, mode, Number(poll)));
      }
    }
    const many = wanted.includes('many') ? await crowds(star, server) : undefined;
    const machine = { cpu: cpus()[0]!.model, kernel: release(), node: process.version };
    const text = [...parts.flatMap(lines), ...(many === undefined ? [] : crowdLines(many))].join('\n');
    process.stdout.write(`${options.json ? JSON.stringify({ ...machine, parts, many }) : text}\n`);
  } finally {
    await cleanUp();
    star.close();
  }
};

main().catch((error: Error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
