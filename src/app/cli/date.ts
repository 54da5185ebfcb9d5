import { getRandomValues } from 'node:crypto';
import { parseIp } from '../../base/ip.js';
import { KeyStream, SEED_WORDS } from '../../base/keystream.js';
import { diffMono, nsInSecond } from '../../base/time.js';
import { SOURCE_DEFAULTS } from '../../conf/defaults.js';
import type { Association, Foretold, Received } from '../../core/ntp/client/association.js';
import { ClientAssociation } from '../../core/ntp/client/clientassociation.js';
import { TEST } from '../../core/ntp/client/verdict.js';
import { NO_SERVER } from '../../core/ntp/state.js';
import type { Sample } from '../../core/sample.js';
import { KernelClock, measurePrecision } from '../../devices/clock.js';
import { loadNative } from '../../devices/native.js';
import { NtpClientDevice } from '../../devices/ntpclient.js';
import { SystemResolver } from '../../devices/resolver.js';
import { logDate } from './dates.js';
import type { CliIo } from './session.js';

const EXIT = { OK: 0, FAILED: 1, NO_DATA: 2, USAGE: 64 } as const;
const USAGE = 'Usage: timeball date [-4|-6] [-p PORT] [-t SECONDS] [--json] HOST...\n';

/** Kisses of death that mean us; others only say why there is no time. */
const REFUSALS = ['RATE', 'DENY', 'RSTR'];
/** Replies that are enough for one server. */
const ENOUGH = 4;
/** s to wait for all of them. */
const PATIENCE = 10;
const LEAPS = ['no-leap', 'add-leap', 'del-leap', 'unsynchronised'] as const;
const NOTHING_KNOWN: Foretold = { samples: 0, stdDev: 4, offset: () => 0, drift: () => 0 };

interface Wish {
  readonly hosts: readonly string[];
  readonly family: 4 | 6 | undefined;
  readonly port: number;
  readonly seconds: number;
  readonly json: boolean;
}

const parse = (argv: readonly string[]): Wish | undefined => {
  const wish = {
    hosts: [] as string[],
    family: undefined as 4 | 6 | undefined,
    port: 123,
    seconds: PATIENCE,
    json: false,
  };
  const words = [...argv];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '-4' || word === '-6') wish.family = word === '-4' ? 4 : 6;
    else if (word === '--json') wish.json = true;
    else if (word === '-p') wish.port = Number(words.shift());
    else if (word === '-t') wish.seconds = Number(words.shift());
    else if (word.startsWith('-')) return undefined;
    else wish.hosts.push(word);
  }
  const sane = Number.isInteger(wish.port) && wish.port > 0 && wish.port < 65536 && wish.seconds > 0;
  return sane && wish.hosts.length > 0 ? wish : undefined;
};

/** One server that is asked. */
interface Asked {
  readonly host: string;
  readonly association: Association;
  readonly samples: Sample[];
  /** Replies that were of no use. */
  refused: number;
  /** What was wrong with the last of them. */
  problem: string;
}

const distance = (s: Sample): number => s.rootDelay / 2 + s.rootDispersion;

/** `timeball date HOST…`: how far the clock is from what servers say, one line each, nothing is changed. */
export const date = async (argv: readonly string[], io: CliIo): Promise<number> => {
  const wish = parse(argv);
  if (wish === undefined) {
    io.err(USAGE);
    return EXIT.USAGE;
  }
  const asked = new Map<number, Asked>();
  const clock = new KernelClock(loadNative());
  const random = new KeyStream([...getRandomValues(new Uint32Array(SEED_WORDS))]);
  const resolver = new SystemResolver(wish.family === undefined ? [4, 6] : [wish.family]);
  for (const [i, host] of wish.hosts.entries()) {
    const [address] = parseIp(host) === undefined ? await resolver.resolve(host, wish.family) : [host];
    if (address === undefined) {
      io.err(`${host}: no address\n`);
      continue;
    }
    const options = { ...SOURCE_DEFAULTS, name: host, port: wish.port, iburst: true };
    const association = new ClientAssociation(options, address, random, clock.monotonic());
    asked.set(i, { host, association, samples: [], refused: 0, problem: 'no reply' });
  }
  await measure(asked, clock, wish);
  return tell(asked, clock, wish, io);
};

const measure = (asked: ReadonlyMap<number, Asked>, clock: KernelClock, wish: Wish): Promise<void> =>
  new Promise((done) => {
    const precision = measurePrecision(loadNative());
    const server = () => NO_SERVER;
    const at = () => ({ mono: clock.monotonic(), cook: <T>(raw: T): T => raw, precision, skew: 1e-6, server });
    const end = (): void => {
      clearInterval(timer);
      clearTimeout(late);
      device.stop();
      done();
    };
    const device = new NtpClientDevice(
      loadNative(),
      { port: undefined, address4: undefined, address6: undefined, device: undefined, dscp: 0, key: () => undefined },
      {
        onSent: (source, serial, time, stamp) => asked.get(source)?.association.sent(serial, time, stamp, at()),
        onReply: ({ source, bytes, time, stamp, local }) => {
          const it = asked.get(source);
          if (it === undefined) return;
          const r = it.association.received(bytes, time, stamp, false, local, NOTHING_KNOWN, at());
          if (r.sample !== undefined) it.samples.push(r.sample);
          else refuse(it, r);
          if ([...asked.values()].every(isDone)) end();
        },
        onFailed: () => {},
      },
    );
    const timer = setInterval(() => {
      for (const [source, { association }] of asked) {
        if (!association.isActive() || diffMono(clock.monotonic(), association.next) < 0) continue;
        const { outgoing } = association.due(at(), clock.realtime());
        device.send({ source, ...outgoing, address: association.address, port: wish.port, key: 0 });
      }
    }, 20);
    const late = setTimeout(end, asked.size === 0 ? 0 : wish.seconds * 1000);
  });

/** Only replies that answer us count: a stranger's change nothing. */
const refuse = (it: Asked, { synced, kiss, tests }: Received): void => {
  if (synced === undefined) return;
  it.refused++;
  if (kiss !== undefined && REFUSALS.includes(kiss)) {
    it.problem = `refused (${kiss})`;
    it.refused = ENOUGH;
  } else if (synced) it.problem = (tests & TEST.LOOP) === 0 ? 'takes its time from this host' : 'too slow';
  else it.problem = (tests & TEST.ROOT) === 0 ? 'too far from a reference' : 'not synchronised';
};

const isDone = (it: Asked): boolean => it.samples.length + it.refused >= ENOUGH;

const tell = (asked: ReadonlyMap<number, Asked>, clock: KernelClock, wish: Wish, io: CliIo): number => {
  const now = clock.realtime();
  const found: unknown[] = [];
  for (const { host, association, samples, problem } of asked.values()) {
    const { address } = association;
    const best = [...samples].sort((a, b) => distance(a) - distance(b))[0];
    if (best === undefined) {
      io.err(`${host} ${address}: ${problem}\n`);
      continue;
    }
    const { offset, peerDelay: delay, stratum, leap } = best;
    const error = distance(best);
    found.push({ host, address, offset, delay, error, stratum, leap, replies: samples.length });
    if (wish.json) continue;
    const micros = String(Math.floor(nsInSecond(now) / 1000)).padStart(6, '0');
    const signed = `${offset < 0 ? '' : '+'}${offset.toFixed(6)}`;
    io.out(
      `${logDate(now)}.${micros} (+0000) ${signed} +/- ${error.toFixed(6)} ${host} ${address} s${stratum} ${LEAPS[leap]}\n`,
    );
  }
  if (wish.json) io.out(`${JSON.stringify(found)}\n`);
  return found.length === 0 ? EXIT.NO_DATA : found.length < wish.hosts.length ? EXIT.FAILED : EXIT.OK;
};
