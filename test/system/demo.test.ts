/** The appliance as a visitor meets it: `timeball demo`, asked by Debian's chronyc and chronyd. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startReceiver } from '../../src/app/demo/receiver.js';
import {
  askTime,
  cleanUp,
  freePort,
  poll,
  Running,
  runProgram,
  shmUnit,
  spawnDemo,
  startDaemon,
  TIMEBALL,
  testDir,
} from '../support/daemon.js';
import { peerEnv, requirePeer } from '../support/peers.js';

/** A private prefix has no user of its own for chronyd. */
const USER = userInfo().username;
/** Room for a busy machine; nothing waits so long when all is well. */
const PATIENCE = 90_000;
const SLOW = process.env['TIMEBALL_SLOW'] === '1';
const XLEAVE_SECONDS = SLOW ? 60 : 25;

after(cleanUp);

/** A SHM unit without a demo, the last one that a demo may use. */
const OWN_UNIT = shmUnit(255);
/** As src/app/demo/rundir.ts has it. */
const unitOf = (port: number): number => shmUnit(64 + port);
/** No two demos share a SHM unit. */
const taken = new Set<number>([OWN_UNIT]);
const demoPort = (): Promise<number> =>
  poll('a port with a SHM unit of its own', async () => {
    const port = await freePort();
    if (taken.has(unitOf(port))) return undefined;
    taken.add(unitOf(port));
    return port;
  });

const field = (text: string, name: string): string => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(text)?.[1] ?? '';

describe('the demo', { concurrency: true }, () => {
  it('shows NMEA and PPS, selects PPS, answers chrony, ends with 0', { timeout: 200_000 }, async (t) => {
    const chronyc = requirePeer(t, 'chronyc');
    const chronyd = requirePeer(t, 'chronyd');
    if (chronyc === undefined || chronyd === undefined) return;
    const port = await demoPort();
    const demo = spawnDemo(['--ntp-port', String(port), '--duration', String(XLEAVE_SECONDS + 35)]);
    await demo.selected('PPS', PATIENCE);
    await Promise.all([layout(demo), reports(demo), agrees(chronyd, port), interleaves(chronyd, port)]);
    await clientsAreSeen(demo);
    assert.equal(await demo.exited, 0, demo.log());
    const tables = demo.output.split('MS Name/IP address').slice(1);
    assert.ok(tables.length >= 2, demo.output);
    assert.match(tables.at(-1)!, /^#\* PPS /m);
    assert.match(tables.at(-1)!, /^#[-+?] NMEA /m);
    assert.match(demo.output, /chronyc -h .*timeballd\.sock -n sources/);
    assert.match(demo.output, new RegExp(`chronyd -Q .*port ${port}`));
    assert.ok(!existsSync(join(demo.dir, 'timeballd.sock')), 'the socket is removed at the end');
  });

  it('holds over when the receiver is unplugged, and recovers when it is back', { timeout: 220_000 }, async () => {
    const port = await demoPort();
    const demo = spawnDemo(['--ntp-port', String(port), '--duration', '200']);
    await demo.selected('PPS', PATIENCE);
    const before = await tracked(demo);
    demo.child.kill('SIGUSR1');
    await demo.until('the notice', () => /receiver unplugged/.exec(demo.output) ?? undefined);
    const bounds: number[] = [before.bound];
    // PPS is polled every 4 s: eight polls empty its register.
    const lost = async (): Promise<true | undefined> => {
      bounds.push((await tracked(demo)).bound);
      await sleep(1000);
      const row = (await demo.report('sources')).find((r) => r[2] === 'PPS');
      return row?.[5] === '0' ? true : undefined;
    };
    await demo.until('PPS is unreachable', lost, PATIENCE);
    const held = await tracked(demo);
    assert.notEqual(await demo.state('PPS'), '*');
    assert.equal(held.leap, 'Normal');
    assert.match((await runProgram(TIMEBALL, ['-h', demo.socket, '--json', 'tracking'])).stdout, /"mode":"holdover"/);
    // The first seconds may still have used a pulse that was on its way.
    for (let i = 3; i < bounds.length; i++) assert.ok(bounds[i]! > bounds[i - 1]!, `bound ${i} of ${bounds}`);
    assert.ok(held.bound > bounds[2]!);
    const reply = (await askTime(port))!;
    assert.deepEqual([reply.leap, reply.stratum, reply.mode], [0, 1, 4], 'still served');

    demo.child.kill('SIGUSR1');
    await demo.until('the notice', () => /receiver plugged in/.exec(demo.output) ?? undefined);
    await demo.selected('PPS', PATIENCE);
    const recovered = async (): Promise<true | undefined> =>
      (await tracked(demo)).bound < held.bound ? true : undefined;
    await demo.until('the bound is small again', recovered, PATIENCE);
    assert.match(demo.log(), /device is down/);
    assert.match(demo.log(), /device is back/);
    assert.equal(await demo.stop('SIGINT'), 0);
  });

  it('ends with 1 when there was nothing to be synchronised to', { timeout: 60_000 }, async () => {
    const port = await demoPort();
    const demo = spawnDemo(['--ntp-port', String(port), '--duration', '12', '--unplug', '0:1000']);
    assert.equal(await demo.exited, 1, demo.log());
    assert.doesNotMatch(demo.output, /#\*/);
  });

  it('leaves no daemon behind when nobody reads its output any more', { timeout: 120_000 }, async () => {
    const port = await demoPort();
    const demo = spawnDemo(['--ntp-port', String(port)]);
    await poll('the daemon answers', async () => ((await askTime(port)) === undefined ? undefined : true));
    demo.child.stdout!.destroy();
    assert.equal(await demo.exited, 0);
    assert.equal(await askTime(port), undefined);
  });

  it('a receiver that never pulses is not taken for one that does', { timeout: 120_000 }, async () => {
    const dir = testDir();
    const link = join(dir, 'gps0');
    const receiver = await startReceiver({ link, shm: OWN_UNIT, baud: 38_400 });
    receiver.send({ pulse: false });
    try {
      // What an earlier run left in the segment must have grown too old.
      await sleep(1500);
      const daemon = await startDaemon(
        [
          `refclock NMEA ${link}:baud=38400 refid NMEA poll 0`,
          `refclock SHM ${OWN_UNIT} refid PPS pps lock NMEA poll 0 prefer`,
        ],
        { dir },
      );
      await daemon.selected('NMEA', PATIENCE);
      assert.equal((await daemon.report('sources')).find((r) => r[2] === 'PPS')?.[5], '0');
      receiver.send({ pulse: true });
      await daemon.selected('PPS', PATIENCE);
    } finally {
      await receiver.stop();
    }
  });

  it('keeps its hands off a directory with other things in it', async () => {
    const dir = testDir();
    chmodSync(dir, 0o755);
    writeFileSync(join(dir, 'letter.txt'), 'dear');
    const { code, stderr } = await runProgram(TIMEBALL, ['demo', '--dir', dir, '--duration', '5']);
    assert.equal(code, 1);
    assert.match(stderr, /not private/);
    assert.equal(statSync(dir).mode & 0o777, 0o755);
  });

  it('refuses what it does not understand', async () => {
    const [bad, help] = await Promise.all([
      runProgram(TIMEBALL, ['demo', '--durration', '3']),
      runProgram(TIMEBALL, ['demo', '--help']),
    ]);
    assert.equal(bad.code, 64);
    assert.match(bad.stderr, /--durration[\s\S]*Usage:/);
    assert.equal(help.code, 0);
    assert.match(help.stdout, /--ntp-port/);
  });
});

/** What `tracking` says of the bound: half the root delay and the root dispersion. */
const tracked = async (demo: Running): Promise<{ bound: number; leap: string }> => {
  const [row] = await demo.report('tracking');
  return { bound: Number(row![10]) / 2 + Number(row![11]), leap: row![13]! };
};

const layout = async (demo: Running): Promise<void> => {
  assert.ok(statSync(demo.socket).isSocket());
  assert.match(readFileSync(join(demo.dir, 'timeball.conf'), 'utf8'), /^refclock NMEA /m);
  assert.ok(statSync(join(demo.dir, 'log')).isDirectory());
  await demo.until('the log files', () =>
    ['timeballd', 'tracking', 'statistics', 'refclocks'].every((n) => existsSync(join(demo.dir, 'log', `${n}.log`)))
      ? true
      : undefined,
  );
};

/** Every report the demo promises, through Debian's chronyc. */
const reports = async (demo: Running): Promise<void> => {
  const get = async (command: string): Promise<string[][]> => {
    const { code, text } = await demo.chronyc(command);
    assert.equal(code, 0, `${command}: ${text}`);
    return demo.report(command);
  };
  const sources = await get('sources');
  assert.deepEqual(
    sources.map((r) => [r[0], r[2]]),
    [
      ['#', 'NMEA'],
      ['#', 'PPS'],
    ],
  );
  const pps = sources[1]!;
  assert.deepEqual([pps[1], pps[3], pps[4]], ['*', '0', '2']);
  assert.ok(Math.abs(Number(pps[7])) < 1e-3 && Number(pps[9]) < 1e-3, pps.join());
  const stats = await get('sourcestats');
  assert.equal(stats.length, 2);
  assert.ok(Number(stats[1]![1]) >= 1 && Number(stats[1]![7]) < 1e-3, stats.join());
  // The first pulses leave the bound where the sentences had it.
  const tracking = await demo.until('a bound that the pulses have settled', async () => {
    const [row] = await get('tracking');
    return Number(row![11]) < 0.01 ? row : undefined;
  });
  assert.deepEqual([tracking[0], tracking[1], tracking[2], tracking[13]], ['50505300', 'PPS', '1', 'Normal']);
  assert.ok(Number(tracking[11]) > 0, tracking.join());
  assert.deepEqual(await get('activity'), [['0', '0', '0', '0', '0']]);
  assert.deepEqual(await get('ntpdata'), []);
  const select = await get('selectdata');
  assert.deepEqual([select[1]![0], select[1]![1]], ['*', 'PPS']);
  const [server] = await get('serverstats');
  assert.ok(Number(server![2]) > 0, 'command packets are counted');
  await get('clients');
};

/** Five one-shot clients; the median forgives a busy machine two of them. */
const agrees = async (chronyd: string, port: number): Promise<void> => {
  const source = `server 127.0.0.1 port ${port} iburst`;
  const offsets: number[] = [];
  for (let i = 0; i < 5; i++) {
    const { code, text } = await runProgram(chronyd, ['-Q', '-t', '15', '-U', '-u', USER, source, 'cmdport 0']);
    const found = /System clock wrong by (-?[\d.]+) seconds/.exec(text);
    assert.ok(found !== null && code === 0, text);
    offsets.push(Math.abs(Number(found[1])));
  }
  const median = offsets.toSorted((a, b) => a - b)[2]!;
  assert.ok(median <= 50e-6, `median of |offset| ${offsets}`);
};

const interleaves = async (chronyd: string, port: number): Promise<void> => {
  const dir = testDir();
  const config = [
    `server 127.0.0.1 port ${port} xleave minpoll 0 maxpoll 0`,
    `bindcmdaddress ${join(dir, 'timeballd.sock')}`,
  ];
  const lines = [...config, `pidfile ${join(dir, 'c.pid')}`, 'port 0', 'cmdport 0'];
  const child = spawn(chronyd, ['-x', '-d', '-U', '-u', USER, ...lines], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: peerEnv(chronyd),
  });
  const client = new Running(child, dir, join(dir, 'timeballd.sock'));
  try {
    await sleep(XLEAVE_SECONDS * 1000);
    const read = async (): Promise<string | undefined> => {
      const { stdout } = await client.chronyc('ntpdata');
      return field(stdout, 'Interleaved') === 'Yes' ? stdout : undefined;
    };
    const text = await client.until('an interleaved exchange', read);
    assert.equal(field(text, 'TX timestamping'), 'Kernel', text);
    assert.equal(field(text, 'RX timestamping'), 'Kernel', text);
    assert.match(field(text, 'Reference ID'), /\(PPS\)/);
    assert.equal(field(text, 'Stratum'), '1');
    assert.ok(Number(field(text, 'Total valid RX')) >= XLEAVE_SECONDS / 2, text);
  } finally {
    await client.stop();
  }
};

const clientsAreSeen = async (demo: Running): Promise<void> => {
  const clients = await demo.report('clients');
  const local = clients.find((row) => row[0] === '127.0.0.1');
  assert.ok(Number(local?.[1]) >= XLEAVE_SECONDS / 2, clients.join());
  const [server] = await demo.report('serverstats');
  assert.ok(Number(server![0]) >= XLEAVE_SECONDS / 2 && Number(server![8]) > 0, server!.join());
};
