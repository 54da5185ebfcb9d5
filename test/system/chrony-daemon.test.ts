/** What chronyd does for service managers and system administrators: sockets, users, histories, priorities. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadNative } from '../../src/devices/native.js';
import { linkTo, peerSet, startChronyd } from '../support/chronypair.js';
import {
  askTime,
  baseLines,
  cleanUp,
  freePort,
  Running,
  spawnDaemon,
  startDaemon,
  TIMEBALLD,
  testDir,
  track,
} from '../support/daemon.js';

after(cleanUp);

const asRoot = (t: TestContext): boolean => {
  if (process.getuid!() === 0) return true;
  t.skip('needs root');
  return false;
};

describe('socket activation', () => {
  const bind = (port: number): Promise<Socket> =>
    new Promise((resolve) => {
      const socket = createSocket('udp4');
      socket.bind(port, '127.0.0.1', () => resolve(socket));
    });
  const fdOf = (socket: Socket): number => (socket as unknown as { _handle: { fd: number } })._handle.fd;

  /** A daemon that gets a socket as descriptor 3; `told`: it is told so. */
  const start = async (port: number, told: boolean): Promise<Running> => {
    const dir = testDir();
    const socket = await bind(port);
    const config = join(dir, 'timeball.conf');
    const lines = [...baseLines(dir), `port ${port}`, 'bindaddress 127.0.0.1', 'allow 127.0.0.1', 'local stratum 4'];
    writeFileSync(config, `${lines.join('\n')}\n`);
    const child = spawn(TIMEBALLD, ['-x', '-U', '-d', '-f', config], {
      stdio: ['ignore', 'pipe', 'pipe', fdOf(socket)],
      env: { ...process.env, ...(told ? { LISTEN_FDS: '1' } : {}) },
    });
    const running = new Running(child, dir, join(dir, 'timeballd.sock'));
    track(running);
    // The socket lives on in the daemon alone.
    socket.close();
    return running;
  };

  it('an inherited socket is served', async () => {
    const port = await freePort();
    const daemon = await start(port, true);
    await daemon.ready();
    const reply = await daemon.until('an answer', () => askTime(port));
    assert.equal(reply.stratum, 4);
  });

  it('negative control: untold, the port counts as taken; the daemon goes on without, as chronyd', async () => {
    const port = await freePort();
    const daemon = await start(port, false);
    await daemon.ready();
    assert.match(daemon.log(), new RegExp(`Could not open NTP socket on 127.0.0.1:${port} : Address already in use`));
    // The port opens with the next allow that finds it free.
    assert.match((await daemon.chronyc('serverstats')).stdout, /NTP packets received +: 0/);
  });
});

describe('run-time user', () => {
  /** 'nobody' is everywhere; the private directory must be his to pass. */
  const asNobody = async (...args: string[]): Promise<Running> => {
    const dir = testDir();
    chmodSync(dir, 0o711);
    const run = join(dir, 'run');
    mkdirSync(run);
    const nobody = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'))!;
    chownSync(run, Number(nobody[1]), Number(nobody[2]));
    chmodSync(run, 0o770);
    return startDaemon([`bindcmdaddress ${join(run, 'timeballd.sock')}`, 'port 0', ...args], { dir: run });
  };
  /** Names of the capabilities in a mask of /proc/PID/status. */
  const held = (pid: number): { uid: number; effective: bigint; permitted: bigint } => {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const mask = (name: string): bigint => BigInt(`0x${new RegExp(`${name}:\\s+(\\w+)`).exec(status)![1]}`);
    return { uid: Number(/Uid:\s+(\d+)/.exec(status)![1]), effective: mask('CapEff'), permitted: mask('CapPrm') };
  };
  const NET_BIND_SERVICE = 1n << 10n;

  it('-u and user: nothing is kept but the right to open a low port (with -x not even the clock)', async (t) => {
    if (!asRoot(t)) return;
    const daemon = await asNobody('user nobody');
    const { uid, effective, permitted } = held(daemon.pid);
    assert.notEqual(uid, 0);
    assert.equal(permitted, NET_BIND_SERVICE);
    assert.equal(effective, NET_BIND_SERVICE);
    assert.equal(statSync(daemon.socket).uid, uid, "the command socket is the user's");
  });

  it('a user that is not there is fatal', async (t) => {
    if (!asRoot(t)) return;
    const dir = testDir();
    const child = spawn(
      TIMEBALLD,
      ['-x', '-U', '-d', '-u', 'nobody-of-that-name', 'port 0', 'cmdport 0', 'bindcmdaddress /', 'pidfile /'],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const running = new Running(child, dir, '');
    track(running);
    assert.equal(await running.exited, 1);
    assert.match(running.log(), /Could not get user\/group ID of nobody-of-that-name/);
  });
});

describe('priority and memory', () => {
  it('what the system refuses is told, and the daemon goes on', async (t) => {
    if (!asRoot(t)) return;
    const dir = testDir();
    const config = join(dir, 'timeball.conf');
    writeFileSync(config, `${[...baseLines(dir), 'port 0', 'sched_priority 50', 'lock_all'].join('\n')}\n`);
    const bare = ['--bounding-set=-sys_nice,-ipc_lock,-sys_resource', '--inh-caps=-sys_nice,-ipc_lock,-sys_resource'];
    const command = `ulimit -l 64; ulimit -r 0; exec setpriv ${bare.join(' ')} '${TIMEBALLD}' -x -U -d -f '${config}'`;
    const child = spawn('bash', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'] });
    const running = new Running(child, dir, join(dir, 'timeballd.sock'));
    track(running);
    await running.ready();
    assert.match(running.log(), /sched_setscheduler\(\) failed|mlockall\(\) failed/);
  });
});

describe('signals', () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) {
    it(`${signal} ends both with 0, and nothing stays`, async (t) => {
      const { chronyd } = peerSet('chrony-trixie');
      if (!existsSync(chronyd)) return t.skip('peer set chrony-trixie is not installed');
      for (const program of [chronyd, linkTo('chronyd')]) {
        const daemon = await startChronyd(program, ['port 0']);
        assert.equal(await daemon.stop(signal), 0);
        assert.deepEqual([...readdirSync(daemon.dir), ...readdirSync(join(daemon.dir, 'run'))], ['chrony.conf', 'run']);
      }
    });
  }

  it('SIGUSR1 opens no debugger', async () => {
    const daemon = await startDaemon(['port 0']);
    daemon.child.kill('SIGUSR1');
    await sleep(500);
    await daemon.ready();
    assert.doesNotMatch(daemon.log(), /ebugger/);
  });
});

describe('a configuration that is wrong', () => {
  for (const [what, lines] of [
    ['a directive', ['bogus 1']],
    ['a host', ['deny nobody.invalid']],
    ['a driver', ['refclock FOO x']],
    ['a user', ['user nobody-of-that-name']],
    ['two directives that exclude each other', ['rtcsync', 'rtcfile @DIR@/rtc']],
    ['a file that is read last', ['dumpdir @DIR@/dump', 'logdir @DIR@/log', 'tempcomp @DIR@/s 1 @DIR@/none']],
  ] as const) {
    it(`${what}: no half-started daemon, nothing is left behind`, async (t) => {
      if (what === 'a user' && !asRoot(t)) return;
      const dir = testDir();
      const all = ['port 0', `driftfile ${join(dir, 'drift')}`, ...lines].map((line) => line.replaceAll('@DIR@', dir));
      const daemon = spawnDaemon(all, { dir });
      assert.notEqual(await daemon.exited, 0);
      assert.match(daemon.log(), /Fatal error : /);
      assert.deepEqual(readdirSync(dir), ['timeball.conf']);
    });
  }
});

describe('histories over a restart', () => {
  const lines = (dir: string): string[] => [
    'port 0',
    `dumpdir ${join(dir, 'dump')}`,
    `refclock SOCK ${join(dir, 'gps.sock')} refid GPS poll 0 filter 1`,
  ];
  const file = (dir: string): string => join(dir, 'dump', 'refid:47505300.dat');

  /** Feeds the SOCK reference clock: the system clock is 0.25 s slow. */
  const feed = async (dir: string, times: number): Promise<void> => {
    const sender = new (loadNative().Datagram)(join(dir, 'feeder.sock'), { unlink: true });
    for (let i = 0; i < times; i++) {
      const now = Date.now();
      const sample = new DataView(new ArrayBuffer(40));
      sample.setBigInt64(0, BigInt(Math.floor(now / 1000)), true);
      sample.setBigInt64(8, BigInt((now % 1000) * 1000), true);
      sample.setFloat64(16, 0.25, true);
      sample.setInt32(36, 0x534f434b, true);
      sender.send(new Uint8Array(sample.buffer), join(dir, 'gps.sock'));
      await sleep(400);
    }
    sender.close();
  };

  it("dump and the end write them in chrony's format; -r takes them up, any other start removes them", async () => {
    const dir = testDir();
    const first = await startDaemon(lines(dir), { dir });
    await feed(dir, 12);
    await first.chronyc('dump');
    assert.match(readFileSync(file(dir), 'utf8'), /^SRC0\n\.\n0 [0-7]+ \d 0 0\n\d+ 0\n\d+\.\d{9} -?\d\.\d{6}e/);
    await first.stop();
    const kept = readFileSync(file(dir), 'utf8');
    const second = await startDaemon(lines(dir), { dir, args: ['-r'] });
    assert.match(second.log(), /Loaded dump file for GPS/);
    const [stats] = await second.report('sourcestats');
    assert.ok(Number(stats![1]) >= 3, `${stats}`);
    assert.equal(existsSync(file(dir)), false, 'of one use');
    await second.stop();
    writeFileSync(file(dir), kept);
    const third = await startDaemon(lines(dir), { dir });
    assert.equal(existsSync(file(dir)), false);
    assert.equal(Number((await third.report('sourcestats'))[0]![1]), 0);
  });

  it('of NTP sources: named by address, understood by chronyd, and chronyd’s by us', async (t) => {
    const { chronyd } = peerSet('chrony-trixie');
    if (!existsSync(chronyd)) return t.skip('peer set chrony-trixie is not installed');
    const port = await freePort();
    await startDaemon([`port ${port}`, 'bindaddress 127.0.0.1', 'allow', 'local stratum 5']);
    const dump = join(testDir(), 'dump');
    mkdirSync(dump);
    const conf = ['port 0', `dumpdir ${dump}`, `server 127.0.0.1 port ${port} minpoll 0 maxpoll 0 iburst`];
    const samples = async (daemon: Running): Promise<number> =>
      Number((await daemon.report('sourcestats'))[0]?.[1] ?? 0);
    const path = join(dump, '127.0.0.1.dat');
    const ours = linkTo('chronyd');
    for (const [writer, reader] of [
      [chronyd, ours],
      [ours, chronyd],
    ] as const) {
      const first = await startChronyd(writer, conf);
      await first.until('samples', async () => ((await samples(first)) >= 6 ? true : undefined));
      await first.stop();
      assert.match(readFileSync(path, 'utf8'), /^SRC0\n127\.0\.0\.1\n0 [0-7]+ \d 5 0\n/);
      const second = await startChronyd(
        reader,
        conf.map((line) => line.replace(' iburst', ' minpoll 6 maxpoll 6')),
        undefined,
        ['-r'],
      );
      assert.ok((await samples(second)) >= 4, second.log());
      assert.equal(existsSync(path), false, 'of one use');
      await second.stop();
    }
  });

  it('a broken file is told and does no harm', async () => {
    const dir = testDir();
    mkdirSync(join(dir, 'dump'));
    writeFileSync(file(dir), 'SRC0\n.\nnonsense\n');
    const daemon = await startDaemon(lines(dir), { dir, args: ['-r'] });
    assert.match(daemon.log(), /Could not load dump file for GPS/);
  });
});
