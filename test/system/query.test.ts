/** What chrony's protocol cannot carry, through the real daemon: queries, their commands, and the ClockBound file. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Talker } from '../../src/app/cli/talk.js';
import { startReceiver } from '../../src/app/demo/receiver.js';
import { nsToSeconds } from '../../src/base/time.js';
import { loadNative } from '../../src/devices/native.js';
import { encodeSock } from '../../src/wire/refclock/sock.js';
import { intervalOf, readClockBound, withClockBound } from '../support/clockbound.js';
import {
  cleanUp,
  freePort,
  type Running,
  runProgram,
  shmUnit,
  startDaemon,
  TIMEBALL,
  testDir,
} from '../support/daemon.js';

const PATIENCE = 60_000;
/** An NTP SHM unit that no other test uses. */
const OWN_UNIT = shmUnit(245);
/** ns; what the world drifts in the seconds since a record was written, at the most. */
const DRIFT_ROOM = 100_000n;
/** CLOCK_MONOTONIC_COARSE. */
const COARSE = 6;

after(cleanUp);

const json = async <T = Record<string, unknown>>(daemon: Running, ...words: string[]): Promise<T> => {
  const { stdout, stderr, code } = await runProgram(TIMEBALL, ['-h', daemon.socket, '--json', ...words]);
  assert.equal(code, 0, stdout + stderr);
  return JSON.parse(stdout) as T;
};
const text = async (daemon: Running, ...words: string[]): Promise<string> =>
  (await runProgram(TIMEBALL, ['-h', daemon.socket, ...words])).stdout;

/**
 * A world of our own: true time is the host's clock plus 1.5 ms, and gains 20 ppm on it. Samples go to a SOCK refclock
 * every quarter second.
 */
class World {
  private readonly native = loadNative();
  private readonly start = this.native.clockGettime('realtime');
  private readonly socket: InstanceType<typeof this.native.Datagram>;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    dir: string,
    private readonly to: string,
  ) {
    this.socket = new this.native.Datagram(join(dir, 'world.sock'), { unlink: true });
  }

  offsetNs(at: bigint): bigint {
    return 1_500_000n + ((at - this.start) * 20n) / 1_000_000n;
  }

  run(): void {
    this.timer = setInterval(() => {
      const at = (this.native.clockGettime('realtime') / 1000n) * 1000n;
      const [sec, usec] = [at / 1_000_000_000n, Number((at / 1000n) % 1_000_000n)];
      this.socket.send(
        encodeSock({ sec, usec, offset: nsToSeconds(this.offsetNs(at)), pulse: false, leap: 0 }),
        this.to,
      );
    }, 250);
  }

  /** True time and what a client of ClockBound makes of the file, ns; undefined before the first record. */
  look(path: string) {
    const seen = withClockBound(path, readClockBound);
    if (seen === undefined) return undefined;
    const realtime = this.native.clockGettime('realtime');
    const [earliest, latest] = intervalOf(seen, realtime, this.native.clockGettime(COARSE));
    return { ...seen, earliest, latest, truth: realtime + this.offsetNs(realtime) };
  }

  pause(): void {
    clearInterval(this.timer);
  }

  stop(): void {
    this.pause();
    this.socket.close();
  }
}

describe('queries and bounds of a running daemon', { concurrency: true }, () => {
  it('the ClockBound file holds true time, tightly, also in holdover', { timeout: 150_000 }, async () => {
    const dir = testDir();
    const [sock, shm0] = [join(dir, 'refclock.sock'), join(dir, 'clockbound', 'shm0')];
    const daemon = await startDaemon(
      [`refclock SOCK ${sock} refid SOCK poll 2 maxunreach 4`, `clockboundfile ${shm0}`],
      { dir },
    );
    const world = new World(dir, sock);
    try {
      assert.equal(world.look(shm0)?.status ?? 0, 0, 'nobody vouches for the clock yet');
      world.run();
      await daemon.selected('SOCK', PATIENCE);
      await daemon.until(
        'tracking',
        async () => ((await json(daemon, 'tracking'))['mode'] === 'tracking' ? true : undefined),
        PATIENCE,
      );
      const generations = new Set<number>();
      for (const end = performance.now() + 3000; performance.now() < end; ) {
        const seen = world.look(shm0)!;
        assert.ok(
          seen.earliest <= seen.truth && seen.truth <= seen.latest,
          `${seen.truth} in ${seen.earliest}…${seen.latest}`,
        );
        assert.equal(seen.status, 1);
        // The host's clock is wrong by 1.5 ms and more: a bound of our own clock would not do.
        assert.ok(seen.boundNs > world.offsetNs(seen.truth) - DRIFT_ROOM);
        // Not lazy: what the clock is off by, and little more.
        assert.ok(seen.latest - seen.earliest < 2n * (world.offsetNs(seen.truth) + 1_000_000n), `${seen.boundNs}`);
        // Samples of timers in a program lean this way and that: what may be a drift is counted as one.
        assert.ok(seen.driftPpb >= 20_000 && seen.driftPpb < 1_000_000, `${seen.driftPpb} ppb`);
        generations.add(seen.generation);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      assert.ok(generations.size > 5, 'written with every update');
      await boundAgrees(daemon, world);

      world.pause();
      await daemon.until(
        'holdover',
        async () => ((await json(daemon, 'tracking'))['mode'] === 'holdover' ? true : undefined),
        PATIENCE,
      );
      const held = await daemon.until('status 2', () =>
        world.look(shm0)?.status === 2 ? world.look(shm0) : undefined,
      );
      assert.ok(held.earliest <= held.truth && held.truth <= held.latest);
      await new Promise((resolve) => setTimeout(resolve, 1500));
      assert.notEqual(world.look(shm0)!.generation, held.generation, 'at least once a second');
    } finally {
      world.stop();
    }
    await daemon.stop();
    const last = world.look(shm0)!;
    assert.ok(last.earliest <= last.truth && last.truth <= last.latest, 'the file stays, and stays honest');
  });

  it('receiver status, sources --why, stability, mode', { timeout: 150_000 }, async () => {
    const dir = testDir();
    const link = join(dir, 'gps0');
    const receiver = await startReceiver({ link, shm: OWN_UNIT, baud: 38_400 });
    try {
      const daemon = await startDaemon(
        [
          `refclock NMEA ${link}:baud=38400 refid NMEA poll 0`,
          `refclock SHM ${OWN_UNIT} refid PPS pps lock NMEA poll 0 prefer`,
        ],
        { dir },
      );
      await daemon.selected('PPS', PATIENCE);
      interface Series {
        readonly kind: string;
        readonly name: string;
        readonly deviations: readonly { readonly tauSeconds: number; readonly tdevSeconds: number }[];
        readonly jitter: { readonly p50Seconds: number } | null;
      }
      const { series, noise } = await daemon.until(
        'figures',
        async () => {
          const report = await json<{ series: Series[]; noise: { sigmaSeconds: number } }>(daemon, 'stability');
          return report.series.every((s) => s.deviations.length >= 3) ? report : undefined;
        },
        PATIENCE,
      );
      assert.deepEqual(
        series.map((s) => [s.kind, s.name]),
        [
          ['clock', ''],
          ['oscillator', ''],
          ['source', 'NMEA'],
          ['source', 'PPS'],
        ],
      );
      // The pulses are noisy by 200 ns, the sentences by 7 ms.
      const within = (x: number, low: number, high: number): void => assert.ok(x > low && x < high, `${x}`);
      within(series[3]!.deviations[0]!.tdevSeconds, 2e-8, 2e-6);
      within(series[2]!.deviations[0]!.tdevSeconds, 1e-4, 5e-2);
      within(series[3]!.jitter!.p50Seconds, 1e-8, 2e-6);
      within(noise.sigmaSeconds, 1e-8, 2e-5);
      const [nmea, pps] = await json<Record<string, unknown>[]>(daemon, 'receiver', 'status');
      assert.deepEqual([nmea!['numbering'], pps!['numbering'], pps!['lock']], ['message', 'message', 'NMEA']);
      within(Number(nmea!['satellitesUsed']), 3, 33);
      within(Number(nmea!['chronyOffsetSeconds']), 0.1, 0.3);
      assert.equal(nmea!['deviceState'], 'up');
      assert.match(await text(daemon, 'receiver', 'status'), /satellites {2}\d+ used, \d+ in view/);
      assert.match(await text(daemon, 'sources', '--why'), /^\* PPS .*\d s…/m);
      assert.match(await text(daemon, 'stability', '-v'), /Source PPS against the clock, every 1 s[\s\S]*###/);
      assert.match(String((await json(daemon, 'tracking'))['mode']), /^(converging|tracking)$/);
      // As chronyc none of this is known.
      assert.match((await daemon.chronyc('tracking')).stdout, /Leap status/);
    } finally {
      await receiver.stop();
    }
  });

  it('nonsense is refused with a code and harms nobody; UDP has no such door', { timeout: 60_000 }, async () => {
    const port = await freePort();
    const daemon = await startDaemon([`cmdport ${port}`, 'bindcmdaddress 127.0.0.1']);
    const talker = new Talker({ servers: [daemon.socket], port: 0, family: 0 });
    const ask = (query: string): Promise<{ ok: boolean; code?: string } | undefined> =>
      talker.query(new TextEncoder().encode(query), (b) => JSON.parse(new TextDecoder().decode(b)), 2000);
    try {
      for (const query of [
        '{',
        '{}',
        '{"timeball":1,"query":"shutdown"}',
        `{"timeball":1,"query":"${'x'.repeat(8000)}"}`,
      ]) {
        assert.deepEqual((await ask(query))?.code, 'ERR_TB_QUERY', query.slice(0, 50));
      }
      assert.equal((await ask('{"timeball":1,"query":"bound"}'))?.ok, true);
    } finally {
      talker.close();
    }
    assert.equal((await json(daemon, 'tracking'))['mode'], 'reset');
    const { stdout, code } = await runProgram(TIMEBALL, ['-h', '127.0.0.1', '-p', String(port), '--json', 'tracking']);
    assert.deepEqual([code, JSON.parse(stdout).mode], [0, null], 'over UDP the mode is not told');
    assert.equal(await silentOverUdp(port), true);
    const none = await runProgram(TIMEBALL, ['-h', '127.0.0.1', '-p', String(port), '--json', 'bound']);
    assert.deepEqual([none.code, JSON.parse(none.stdout).code], [1, 'ERR_TB_TALK']);
  });
});

/** The query tells the same as the file. */
async function boundAgrees(daemon: Running, world: World): Promise<void> {
  const b = await json(daemon, 'bound');
  const ns = (key: string): bigint => {
    const [, whole, fraction] = /^(.*)\.(\d{9})Z$/.exec(String(b[key]))!;
    return BigInt(Date.parse(`${whole}Z`)) * 1_000_000n + BigInt(fraction!);
  };
  assert.equal(b['status'], 'synchronised');
  const truth = ns('systemTime') + world.offsetNs(ns('systemTime'));
  assert.ok(ns('earliest') <= truth && truth <= ns('latest'), JSON.stringify(b));
}

const silentOverUdp = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4');
    const done = (silent: boolean): void => {
      clearTimeout(timer);
      socket.close();
      resolve(silent);
    };
    const timer = setTimeout(() => done(true), 500);
    socket.once('message', () => done(false));
    socket.send('{"timeball":1,"query":"bound"}                         ', port, '127.0.0.1');
  });
