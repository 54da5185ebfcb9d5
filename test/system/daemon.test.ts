/** timeballd as a process: command line, life cycle, doors, files; side by side with what chronyd does. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Talker } from '../../src/app/cli/talk.js';
import { loadNative } from '../../src/devices/native.js';
import {
  askTime,
  baseLines,
  cleanUp,
  freePort,
  poll,
  type Running,
  runProgram,
  shmUnit,
  spawnDaemon,
  startDaemon,
  TIMEBALL,
  TIMEBALLD,
  testDir,
} from '../support/daemon.js';

/** Several daemons at a time, but not so many that a small machine starves. */
const PARALLEL = { concurrency: 4, timeout: 200_000 };
/** Units of the NTP SHM driver that only this file uses. */
const SHM = {
  oneshot: shmUnit(230),
  drift: shmUnit(231),
  logs: shmUnit(232),
  exit: shmUnit(233),
  silent: shmUnit(234),
  unlogged: shmUnit(235),
};

after(cleanUp);

/** A reference clock that a test feeds: perfect time, once every 100 ms. */
const feed = (unit: number): { readonly line: string; readonly stop: () => void } => {
  const native = loadNative();
  const shm = new native.Shm(unit, 0o600, true);
  const timer = setInterval(() => {
    const now = native.clockGettime('realtime');
    shm.write({ clockTime: now, receiveTime: now, leap: 0, precision: -20 });
  }, 100);
  return {
    line: `refclock SHM ${unit} refid FEED poll 0 dpoll -3 filter 8`,
    stop: () => {
      clearInterval(timer);
      shm.remove();
      shm.close();
    },
  };
};

/** The daemon under another name. */
const linkedAs = (name: string): string => {
  const path = join(testDir(), name);
  symlinkSync(TIMEBALLD, path);
  return path;
};

/** Runs the daemon to its end on lines of configuration. */
const runOn = (lines: readonly string[], args: readonly string[] = [], program = TIMEBALLD) => {
  const dir = testDir();
  const config = join(dir, 'timeball.conf');
  writeFileSync(config, `${[...baseLines(dir), ...lines].join('\n')}\n`);
  return runProgram(program, ['-x', '-U', '-d', ...args, '-f', config]).then((o) => ({ ...o, config, dir }));
};

describe('command line', PARALLEL, () => {
  it('-v and -h', async () => {
    const [version, asChronyd, help] = await Promise.all([
      runProgram(TIMEBALLD, ['-v']),
      runProgram(linkedAs('chronyd'), ['--version']),
      runProgram(TIMEBALLD, ['-h']),
    ]);
    assert.deepEqual([version.code, asChronyd.code, help.code], [0, 0, 0]);
    assert.match(version.stdout, /^timeballd \(timeball\) version \d+\.\d+\.\d+/);
    assert.match(asChronyd.stdout, /^chronyd \(timeball\) version/);
    assert.match(help.stdout, /^Usage: timeballd \[OPTION\]\.\.\. \[DIRECTIVE\]\.\.\./);
  });

  it('-p prints the configuration', async () => {
    const { code, stdout, dir } = await runOn(['port  0', '# a comment', 'log tracking'], ['-p']);
    assert.equal(code, 0);
    assert.deepEqual(stdout.trim().split('\n').slice(-2), ['port 0', 'log tracking']);
    assert.ok(!existsSync(join(dir, 'timeballd.pid')));
  });

  it('an unknown directive is fatal: 78, and 1 as chronyd', async () => {
    const [ours, chronys] = await Promise.all([
      runOn(['port 0', 'bogus 1']),
      runOn(['port 0', 'bogus 1'], [], linkedAs('chronyd')),
    ]);
    assert.deepEqual([ours.code, chronys.code], [78, 1]);
    assert.ok(
      ours.stderr.includes(`Fatal error : Invalid directive bogus at line 5 in file ${ours.config}`),
      ours.text,
    );
    assert.ok(chronys.stderr.includes(`Fatal error : Invalid directive bogus at line 5 in file ${chronys.config}`));
  });

  it('a configuration that is not there or cannot be read', async () => {
    const dir = testDir();
    const [missing, directory, asChronyd] = await Promise.all([
      runProgram(TIMEBALLD, ['-x', '-U', '-d', '-f', join(dir, 'none.conf')]),
      runProgram(TIMEBALLD, ['-x', '-U', '-d', '-f', dir]),
      runProgram(linkedAs('chronyd'), ['-x', '-U', '-d', '-f', join(dir, 'none.conf')]),
    ]);
    assert.deepEqual([missing.code, directory.code, asChronyd.code], [78, 78, 1]);
    assert.match(missing.stderr, /Z Fatal error : Could not open .*none\.conf : No such file or directory$/m);
    assert.match(directory.stderr, /Z Fatal error : Could not open /);
  });

  it('a bad option: 64, and 1 as chronyd', async () => {
    const [ours, chronys, argument] = await Promise.all([
      runProgram(TIMEBALLD, ['-Z']),
      runProgram(linkedAs('chronyd'), ['-Z']),
      runProgram(TIMEBALLD, ['-x', '-L', 'x']),
    ]);
    assert.deepEqual([ours.code, chronys.code, argument.code], [64, 1, 64]);
    assert.match(ours.stderr, /invalid option -- 'Z'/);
  });

  it('a user that does not exist is fatal', async (t) => {
    if (process.getuid?.() !== 0) return t.skip('only root changes the user');
    const { code, stderr } = await runOn(['port 0'], ['-u', 'no-such-user']);
    assert.equal(code, 1);
    assert.match(stderr, /Fatal error : Could not get user\/group ID of no-such-user/);
  });

  it('runs as another user, whose socket it is', async (t) => {
    if (process.getuid?.() !== 0) return t.skip('only root changes the user');
    const dir = testDir();
    chmodSync(dir, 0o755);
    const socket = join(dir, 'run', 'timeballd.sock');
    const daemon = spawnDaemon(['port 0', `bindcmdaddress ${socket}`], { dir, args: ['-u', 'nobody'] });
    const found = await daemon.until('the socket', () => (existsSync(socket) ? statSync(socket) : undefined));
    const owner = statSync(join(dir, 'run'));
    assert.deepEqual([found.uid, owner.uid, owner.mode & 0o777], [65534, 65534, 0o770]);
    const status = readFileSync(`/proc/${daemon.pid}/status`, 'utf8');
    assert.match(status, /^Uid:\s+65534\s+65534\s+65534\s+65534$/m);
    // Devices are opened by group, also again after an unplugging: the groups are what the system gives this user.
    const groups = /^Groups:[ \t]*(.*)$/m.exec(status)![1]!.trim().split(/\s+/).map(Number);
    const own = execFileSync('id', ['-G', 'nobody'], { encoding: 'utf8' }).trim().split(' ').map(Number);
    assert.deepEqual(groups.sort(), own.sort());
    assert.equal(await daemon.stop(), 0);
    assert.ok(!existsSync(socket));
  });
});

describe('life cycle', PARALLEL, () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    it(`${signal} ends it with 0; pid file and socket go`, async () => {
      const daemon = await startDaemon(['port 0']);
      const pidfile = join(daemon.dir, 'timeballd.pid');
      assert.equal(readFileSync(pidfile, 'utf8'), `${daemon.pid}\n`);
      assert.equal(await daemon.stop(signal), 0);
      assert.ok(!existsSync(pidfile) && !existsSync(daemon.socket));
      assert.match(daemon.log(), /timeballd version \S+ starting \(\+CMDMON.*\)[\s\S]*timeballd exiting\n$/);
      assert.match(daemon.log(), /Disabled control of system clock/);
    });
  }

  it('a SIGTERM at whatever moment of the start leaves nothing behind', async () => {
    for (const ms of [50, 100, 120, 140, 160, 180, 200, 250]) {
      const daemon = spawnDaemon(['port 0', `refclock SOCK ${join(testDir(), 'sock')} refid SOCK`]);
      await sleep(ms);
      await daemon.stop();
      assert.deepEqual(readdirSync(daemon.dir), ['timeball.conf'], `after ${ms} ms: ${daemon.log()}`);
    }
  });

  it('a second instance is refused; a stale pid file is not', async () => {
    const first = await startDaemon(['port 0']);
    const second = spawnDaemon(['port 0'], { dir: first.dir });
    assert.equal(await second.exited, 1);
    const words = `Another chronyd may already be running (pid=${first.pid}), check ${join(first.dir, 'timeballd.pid')}`;
    assert.ok(second.log().includes(`Fatal error : ${words}`), second.log());
    assert.ok(await first.ready());
    await first.stop('SIGKILL');
    assert.ok(existsSync(first.socket), 'a killed daemon leaves its socket');
    const third = await startDaemon(['port 0'], { dir: first.dir });
    assert.equal(await third.stop(), 0);
  });

  it('goes to the background and says so when it answers', async () => {
    const dir = testDir();
    const config = join(dir, 'timeball.conf');
    const log = join(dir, 'log');
    writeFileSync(config, `${[...baseLines(dir), 'port 0'].join('\n')}\n`);
    // Names of files are seen from where it is started, though it does not stay there.
    const here = `cd '${dir}' && exec '${TIMEBALLD}' -x -U -f timeball.conf -l log`;
    const { code, text } = await runProgram('/bin/sh', ['-c', here]);
    const pid = Number(readFileSync(join(dir, 'timeballd.pid'), 'utf8'));
    try {
      assert.equal(code, 0, text);
      // No waiting here: the first process has promised that it answers.
      const talker = new Talker({ servers: [join(dir, 'timeballd.sock')], port: 0, family: 0 });
      assert.equal((await talker.ask('TRACKING', {})).leap, 3);
      talker.close();
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ');
      assert.equal(stat[3], String(pid), 'it leads a session of its own');
      assert.equal(readlinkSync(`/proc/${pid}/cwd`), '/');
    } finally {
      process.kill(pid, 'SIGTERM');
    }
    await poll('the end', () => (existsSync(join(dir, 'timeballd.pid')) ? undefined : true));
    await poll('the last line', () => (/exiting/.test(readFileSync(log, 'utf8')) ? true : undefined));
  });

  it('prints why it could not go to the background, and ends with 1', async () => {
    const dir = testDir();
    const config = join(dir, 'timeball.conf');
    writeFileSync(config, `${baseLines(dir).join('\n')}\nport 0\npidfile /proc/none/timeballd.pid\n`);
    const { code, stderr } = await runProgram(TIMEBALLD, ['-x', '-U', '-f', config]);
    assert.equal(code, 1);
    assert.equal(stderr, 'Could not open /proc/none/timeballd.pid : No such file or directory\n');
  });

  it('tells systemd that it is ready, alive, stopping', async () => {
    const dir = testDir();
    const path = join(dir, 'notify');
    const socket = new (loadNative().Datagram)(path, { unlink: true });
    const told: string[] = [];
    socket.start(
      (bytes) => told.push(Buffer.from(bytes).toString()),
      () => {},
    );
    try {
      const daemon = spawnDaemon(['port 0'], { env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: '400000' } });
      await daemon.until('READY', () => (told.includes('READY=1') ? true : undefined));
      assert.ok(existsSync(daemon.socket), 'ready only when it can be asked');
      const pings = () => told.filter((t) => t === 'WATCHDOG=1').length;
      await daemon.until('three pings', () => (pings() >= 3 ? true : undefined));
      assert.ok(!told.includes('STOPPING=1'));
      assert.equal(await daemon.stop(), 0);
      await poll('STOPPING', () => (told.at(-1) === 'STOPPING=1' ? true : undefined));
    } finally {
      socket.close();
    }
  });

  it('-N writes a newline when it is ready', async () => {
    const daemon = spawnDaemon(['port 0'], { args: ['-N', '3'], extraPipes: 1 });
    const [bytes] = (await once(daemon.child.stdio[3]!, 'data')) as [Buffer];
    assert.equal(bytes.toString(), '\n');
    assert.ok(existsSync(daemon.socket));
    assert.equal(await daemon.stop(), 0);
  });

  it('-t: status 1 when it was not synchronised, 0 when it was', async () => {
    const source = feed(SHM.exit);
    try {
      const [nothing, fed] = await Promise.all([
        runOn(['port 0'], ['-t', '1']),
        runOn(['port 0', source.line], ['-t', '8']),
      ]);
      assert.deepEqual([nothing.code, fed.code], [1, 0], fed.text);
      assert.match(nothing.stderr, /Timeout reached\n.*exiting/);
    } finally {
      source.stop();
    }
  });

  it('-Q says how wrong the clock is, opens nothing', async () => {
    const source = feed(SHM.oneshot);
    try {
      const { code, stderr, dir } = await runOn(['port 0', source.line], ['-Q', '-t', '40']);
      assert.equal(code, 0, stderr);
      const wrong = /System clock wrong by (-?\d+\.\d{6}) seconds \(ignored\)/.exec(stderr);
      assert.ok(wrong !== null && Math.abs(Number(wrong[1])) < 0.01, stderr);
      assert.ok(!existsSync(join(dir, 'timeballd.pid')) && !existsSync(join(dir, 'timeballd.sock')));
    } finally {
      source.stop();
    }
  });

  it('-Q without a source: no suitable source, status 1', async () => {
    const outcomes = await Promise.all([
      runOn(['port 0'], ['-Q']),
      runOn(['port 0', `refclock SHM ${SHM.silent} poll -2 dpoll -2`], ['-Q']),
    ]);
    for (const { code, stderr } of outcomes) {
      assert.equal(code, 1, stderr);
      assert.match(stderr, /No suitable source for synchronisation/);
    }
  });
});

describe('drift file', PARALLEL, () => {
  const drifting = (text: string | undefined): { dir: string; drift: string } => {
    const dir = testDir();
    const drift = join(dir, 'drift');
    if (text !== undefined) writeFileSync(drift, text);
    return { dir, drift };
  };

  it('is read at the start and written at the end', async () => {
    const { dir, drift } = drifting('           12.345000             0.050000\n');
    const source = feed(SHM.drift);
    try {
      const daemon = await startDaemon(['port 0', `driftfile ${drift}`, source.line], { dir });
      await daemon.logged(/Frequency 12\.345 \+\/- 0\.050 ppm read from .*drift/);
      assert.ok(Math.abs(Number((await daemon.report('tracking'))[0]![7]) - 12.345) < 0.01);
      await daemon.selected('FEED');
      await sleep(5000);
      assert.equal(await daemon.stop(), 0);
      const written = readFileSync(drift, 'utf8');
      assert.match(written, /^ +-?\d+\.\d{6} +\d+\.\d{6}\n$/);
      assert.notEqual(written, '           12.345000             0.050000\n');
      assert.deepEqual(
        readdirSync(dir).filter((n) => n.startsWith('drift')),
        ['drift'],
      );
    } finally {
      source.stop();
    }
  });

  for (const [what, text] of [
    ['garbage', '\u0000\u0001\u0002 not numbers'],
    ['cut short', '    12.3'],
    ['out of range', '1e9 1'],
    ['empty', ''],
  ] as const) {
    it(`is survived when it is ${what}`, async () => {
      const { dir, drift } = drifting(text);
      const daemon = await startDaemon(['port 0', `driftfile ${drift}`], { dir });
      assert.ok(daemon.log().includes(`Could not read valid frequency and skew from driftfile ${drift}`), daemon.log());
      assert.equal(await daemon.stop(), 0);
    });
  }

  it('is survived when it is a directory, or lies where nothing can be written', async () => {
    const { dir } = drifting(undefined);
    mkdirSync(join(dir, 'isdir'));
    const [a, b] = await Promise.all([
      startDaemon(['port 0', `driftfile ${join(dir, 'isdir')}`]),
      startDaemon(['port 0', 'driftfile /proc/none/drift']),
    ]);
    assert.deepEqual(await Promise.all([a.stop(), b.stop()]), [0, 0]);
  });
});

describe('ports and access', PARALLEL, () => {
  it('a port that is taken is told, and the daemon goes on without, as chronyd', async () => {
    const other = createSocket('udp4');
    await new Promise<void>((resolve) => other.bind(0, '127.0.0.1', resolve));
    const { port } = other.address();
    try {
      const daemon = await startDaemon([`port ${port}`, 'bindaddress 127.0.0.1', 'allow']);
      assert.match(
        daemon.log(),
        new RegExp(`Could not open NTP socket on 127\\.0\\.0\\.1:${port} : Address already in use`),
      );
      assert.equal(await daemon.stop(), 0);
    } finally {
      other.close();
    }
  });

  it('IPv4 and IPv6 answer when they are allowed', async (t) => {
    const port = await freePort();
    const daemon = await startDaemon([`port ${port}`, 'allow']);
    const reply = (await askTime(port))!;
    assert.deepEqual([reply.leap, reply.stratum, reply.mode], [3, 0, 4], 'not synchronised, and says so');
    const six = await askTime(port, '::1');
    assert.equal(await daemon.stop(), 0);
    if (six === undefined && !existsSync('/proc/net/if_inet6')) return t.skip('this host has no IPv6');
    assert.equal(six?.mode, 4);
  });

  it('-4 leaves IPv6 alone', async () => {
    const port = await freePort();
    await startDaemon([`port ${port}`, 'allow'], { args: ['-4'] });
    assert.equal((await askTime(port))?.mode, 4);
    assert.equal(await askTime(port, '::1'), undefined);
  });

  it('with nobody allowed the port is closed; a live allow opens it, a live deny silences it', async () => {
    const port = await freePort();
    const daemon = await startDaemon([`port ${port}`]);
    assert.equal(await askTime(port), undefined);
    // Closed, not silent: another program can have it.
    const probe = createSocket('udp4');
    await new Promise<void>((resolve) => probe.bind(port, '127.0.0.1', resolve));
    await new Promise<void>((resolve) => probe.close(() => resolve()));
    const command = async (...words: string[]): Promise<string> => (await daemon.chronyc(...words)).text.trim();
    assert.equal(await command('accheck', '127.0.0.1'), '209 Access denied');
    assert.equal(await command('allow', '127.0.0.1'), '200 OK');
    assert.equal(await command('accheck', '127.0.0.1'), '208 Access allowed');
    await daemon.until('an answer', () => askTime(port));
    assert.equal(await command('deny', '127.0.0.1'), '200 OK');
    await daemon.until('silence', async () =>
      (await askTime(port, '127.0.0.1', 200)) === undefined ? true : undefined,
    );
    assert.equal(await command('allow', 'all'), '200 OK');
    await daemon.until('an answer', () => askTime(port));
    assert.equal(await daemon.stop(), 0);
  });

  it('a live allow of a port that is taken is told, and the daemon lives', async () => {
    const other = createSocket('udp4');
    await new Promise<void>((resolve) => other.bind(0, '127.0.0.1', resolve));
    const { port } = other.address();
    const daemon = await startDaemon([`port ${port}`, 'bindaddress 127.0.0.1']);
    assert.equal((await daemon.chronyc('allow', '127.0.0.1')).text.trim(), '200 OK');
    await daemon.logged(new RegExp(`Could not open .*:${port}`));
    await new Promise<void>((resolve) => other.close(() => resolve()));
    assert.equal((await daemon.chronyc('allow', '127.0.0.1')).text.trim(), '200 OK');
    await daemon.until('an answer', () => askTime(port));
    assert.equal(await daemon.stop(), 0);
  });
});

describe('command doors', PARALLEL, () => {
  it('over UDP only the open commands', async () => {
    const [cmdport, port] = await Promise.all([freePort(), freePort()]);
    const daemon = await startDaemon([`port ${port}`, 'allow', `cmdport ${cmdport}`]);
    const over = (...words: string[]) =>
      runProgram(TIMEBALL, ['-h', '127.0.0.1', '-p', String(cmdport), '-n', ...words]);
    const [open, closed, change] = await Promise.all([over('tracking'), over('serverstats'), over('shutdown')]);
    assert.equal(open.code, 0);
    assert.match(open.stdout, /Leap status\s+: Not synchronised/);
    assert.deepEqual([closed.code, closed.text.trim()], [1, '501 Not authorised']);
    assert.deepEqual([change.code, change.text.trim()], [1, '501 Not authorised']);
    assert.ok(await daemon.ready());
    // The same over Debian's chronyc and the socket is allowed.
    assert.equal((await daemon.chronyc('serverstats')).code, 0);
    assert.equal(await daemon.stop(), 0);
  });

  it('garbage on the command port and the NTP port is survived', async () => {
    const [cmdport, port] = await Promise.all([freePort(), freePort()]);
    const daemon = await startDaemon([`port ${port}`, 'allow', `cmdport ${cmdport}`]);
    const socket = createSocket('udp4');
    for (const size of [0, 1, 27, 28, 47, 48, 49, 1000, 9000, 60_000]) {
      for (const fill of [0, 0x23, 0xff]) {
        socket.send(Buffer.alloc(size, fill), cmdport, '127.0.0.1');
        socket.send(Buffer.alloc(size, fill), port, '127.0.0.1');
      }
    }
    await daemon.until('an answer', () => askTime(port));
    await new Promise<void>((resolve) => socket.close(() => resolve()));
    assert.ok(await daemon.ready());
    assert.equal(await daemon.stop(), 0);
  });

  it('a socket directory that others may enter: no socket, and it says so', async () => {
    const dir = testDir();
    mkdirSync(join(dir, 'open'));
    chmodSync(join(dir, 'open'), 0o755);
    const path = join(dir, 'open', 'sock');
    const daemon = spawnDaemon(['port 0', `bindcmdaddress ${path}`], { dir });
    await daemon.logged(new RegExp(`Wrong permissions on ${join(dir, 'open')}\n.*Disabled command socket ${path}`));
    await sleep(300);
    assert.ok(daemon.alive && !existsSync(path));
    assert.equal(await daemon.stop(), 0);
  });

  it('makestep is refused with -x; shutdown ends it', async () => {
    const daemon = await startDaemon(['port 0', 'makestep 0.1 3']);
    const step = await daemon.chronyc('makestep');
    assert.deepEqual([step.code, step.text.trim()], [1, '500 Failure']);
    assert.equal((await daemon.chronyc('shutdown')).text.trim(), '200 OK');
    assert.equal(await daemon.exited, 0);
    assert.ok(!existsSync(daemon.socket));
  });
});

describe('log files', PARALLEL, () => {
  const LINES: Readonly<Record<string, RegExp>> = {
    tracking:
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (FEED {12}|0\.0\.0\.0 {9}) {1,2}\d +-?\d+\.\d{3} +\d+\.\d{3} [ -]\d\.\d{3}e[+-]\d\d [N+?-] +\d( [ -]\d\.\d{3}e[+-]\d\d){5}$/,
    statistics:
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d FEED {12}( +-?\d\.\d{3}e[+-]\d\d){5} \d\.\de[+-]\d\d +\d+ +\d+ +\d+ +-?\d\.\d\d$/,
    refclocks:
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} FEED +(\d+ [N+?-] [01] +-?\d\.\d{6}e[+-]\d\d|- [N+?-] - +-) +-?\d\.\d{6}e[+-]\d\d +\d\.\d{3}e[+-]\d\d$/,
  };

  const check = (dir: string): void => {
    for (const [name, line] of Object.entries(LINES)) {
      const [rule, heading, , ...entries] = readFileSync(join(dir, `${name}.log`), 'utf8')
        .trimEnd()
        .split('\n');
      assert.match(rule!, /^=+$/);
      assert.match(heading!, /^ {3}Date \(UTC\) Time/);
      assert.ok(entries.length > 0);
      for (const entry of entries) assert.match(entry, line);
    }
  };

  const complete = (daemon: Running, dir: string): Promise<true> =>
    daemon.until('an entry in every log', () => {
      const lines = (n: string): number =>
        existsSync(join(dir, `${n}.log`)) ? readFileSync(join(dir, `${n}.log`), 'utf8').split('\n').length : 0;
      return Object.keys(LINES).every((n) => lines(n) >= 6) ? true : undefined;
    });

  it("have chrony's columns; cyclelogs opens them anew", async () => {
    const source = feed(SHM.logs);
    try {
      const dir = testDir();
      const logs = join(dir, 'log');
      const lines = ['port 0', `logdir ${logs}`, 'log tracking statistics refclocks', source.line];
      const daemon = await startDaemon(lines, { dir, args: ['-l', join(dir, 'main.log')] });
      await complete(daemon, logs);
      check(logs);
      renameSync(logs, join(dir, 'old'));
      mkdirSync(logs);
      renameSync(join(dir, 'main.log'), join(dir, 'main.old'));
      assert.equal((await daemon.chronyc('cyclelogs')).text.trim(), '200 OK');
      await complete(daemon, logs);
      check(logs);
      assert.equal(await daemon.stop(), 0);
      assert.match(readFileSync(join(dir, 'main.old'), 'utf8'), /starting/);
      assert.match(readFileSync(join(dir, 'main.log'), 'utf8'), /exiting/);
    } finally {
      source.stop();
    }
  });

  it('that cannot be written do not stop it', async () => {
    const source = feed(SHM.unlogged);
    try {
      const daemon = await startDaemon(['port 0', 'logdir /proc/none', 'log tracking', source.line]);
      await daemon.logged(/Could not (create|open) \/proc\/none/);
      await daemon.selected('FEED');
      assert.equal(await daemon.stop(), 0);
    } finally {
      source.stop();
    }
  });
});

describe('a starter that goes away', PARALLEL, () => {
  it('leaves a daemon in the foreground running when its stderr is closed', async () => {
    const dir = testDir();
    const config = join(dir, 'timeball.conf');
    writeFileSync(config, `${[...baseLines(dir), 'port 0'].join('\n')}\n`);
    const child = spawn(TIMEBALLD, ['-x', '-U', '-d', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.destroy();
    const socket = join(dir, 'timeballd.sock');
    try {
      await poll('the socket', () => (existsSync(socket) || child.exitCode !== null ? true : undefined));
      assert.equal(child.exitCode, null, 'it runs');
      const { code } = await runProgram(TIMEBALL, ['-h', socket, 'cyclelogs']);
      assert.equal(code, 0);
    } finally {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    }
    assert.equal(child.exitCode, 0);
  });
});
