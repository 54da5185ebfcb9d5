/** Receivers and other reference clocks that misbehave, each before a daemon of its own: counted, survived, over when it is over. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { closeSync, existsSync, rmSync, symlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type ReceiverHandle, startReceiver } from '../../src/app/demo/receiver.js';
import { Prng } from '../../src/base/prng.js';
import { loadNative } from '../../src/devices/native.js';
import { formatSentence } from '../../src/wire/receiver/nmea.js';
import { encodeSock } from '../../src/wire/refclock/sock.js';
import { cleanUp, type Running, shmUnit, spawnDaemon, startDaemon, testDir } from '../support/daemon.js';

const native = loadNative();
const PARALLEL = { concurrency: 4, timeout: 200_000 };
const BAUD = 38_400;
/** Units of the NTP SHM driver that only this file uses. */
const SHM = { receiver: shmUnit(200), torn: shmUnit(201), size: shmUnit(202), owner: shmUnit(203) };

after(cleanUp);

/** A tty with a link to it: what the test writes is what the daemon reads. */
class Line {
  readonly link: string;
  readonly dir = testDir();
  private pty: { masterFd: number; slavePath: string } | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor() {
    this.link = join(this.dir, 'gps0');
  }

  plug(): this {
    this.pty = native.openPty(BAUD);
    symlinkSync(this.pty.slavePath, this.link);
    return this;
  }

  /** The device hangs up, and its name goes. */
  unplug(): void {
    this.quiet();
    rmSync(this.link, { force: true });
    if (this.pty !== undefined) closeSync(this.pty.masterFd);
    this.pty = undefined;
  }

  /** A full buffer takes no more: a serial line loses bytes then, too. Returns how many it took. */
  write(bytes: Uint8Array): number {
    if (this.pty === undefined) return 0;
    try {
      return writeSync(this.pty.masterFd, bytes);
    } catch {
      return 0;
    }
  }

  /** Writes everything, as fast as it is read. */
  async pour(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const n = this.write(bytes.subarray(at, at + 2048));
      at += n;
      if (n === 0) await sleep(2);
    }
  }

  /** Good time, 100 ms after every second. */
  good(): void {
    this.every((utc) => this.write(burst(utc, 'A')));
  }

  every(act: (utc: Date) => void): void {
    this.quiet();
    const next = (): void => {
      const now = Date.now();
      const wait = 1000 - (now % 1000) + 100;
      this.timer = setTimeout(() => {
        act(new Date(Math.floor(Date.now() / 1000) * 1000));
        next();
      }, wait);
    };
    next();
  }

  quiet(): void {
    clearTimeout(this.timer);
  }
}

const two = (n: number): string => String(n).padStart(2, '0');
const clockField = (utc: Date): string =>
  `${two(utc.getUTCHours())}${two(utc.getUTCMinutes())}${two(utc.getUTCSeconds())}.00`;
const dateField = (utc: Date): string =>
  `${two(utc.getUTCDate())}${two(utc.getUTCMonth() + 1)}${two(utc.getUTCFullYear() % 100)}`;

/** RMC as text bytes, status A or V. */
const burst = (utc: Date, status: 'A' | 'V'): Uint8Array => {
  const mode = status === 'A' ? 'A' : 'N';
  return bytesOf(
    formatSentence(`GPRMC,${clockField(utc)},${status},4717.11,N,00833.91,E,0.0,0.0,${dateField(utc)},,,${mode}`),
  );
};
const bytesOf = (s: string | Uint8Array): Uint8Array => (typeof s === 'string' ? Buffer.from(s, 'latin1') : s);

const noise = (count: number, seed = 1): Uint8Array => {
  const prng = new Prng(seed);
  return Uint8Array.from({ length: count }, () => prng.below(256));
};

const nmeaLine = (line: Line, baud = BAUD): string => `refclock NMEA ${line.link}:baud=${baud} refid NMEA poll 0`;

const onLine = (line: Line): Promise<Running> => startDaemon(['port 0', nmeaLine(line)], { dir: line.dir });

/** It was refused for this reason, and that is in the log. */
const refused = (daemon: Running, name: string, reason = '\\S+'): Promise<RegExpExecArray> =>
  daemon.logged(new RegExp(`${name} input refused: ${reason} \\((\\d+) so far\\)`));

const lives = async (daemon: Running): Promise<void> => {
  await daemon.ready();
  assert.equal(await daemon.stop(), 0, daemon.log());
};

describe('a receiver on a serial line', PARALLEL, () => {
  for (const [what, bytes, reason] of [
    ['sentences with a wrong checksum', (utc: Date) => corrupt(burst(utc, 'A')), 'checksum'],
    ['half sentences', (utc: Date) => burst(utc, 'A').subarray(0, 30), '\\S+'],
    ['fields that are no time', () => bytesOf(formatSentence('GPRMC,996199.00,A,,,,,0,0,999999,,,A')), '\\S+'],
    ['binary noise', (utc: Date) => noise(1500, utc.getTime() / 1000), '\\S+'],
  ] as const) {
    it(`${what}: counted, and over when it is over`, async () => {
      const line = new Line().plug();
      line.every((utc) => line.write(bytes(utc)));
      const daemon = await onLine(line);
      await refused(daemon, 'NMEA', reason);
      assert.notEqual(await daemon.state('NMEA'), '*');
      line.good();
      await daemon.selected('NMEA');
      await lives(daemon);
      line.unplug();
    });
  }

  it('without a fix is not believed, and is as soon as it has one', async () => {
    const line = new Line().plug();
    line.every((utc) => line.write(burst(utc, 'V')));
    const daemon = await onLine(line);
    await refused(daemon, 'NMEA');
    await sleep(3000);
    assert.notEqual(await daemon.state('NMEA'), '*');
    line.good();
    await daemon.selected('NMEA');
    await lives(daemon);
    line.unplug();
  });

  it('a megabyte without a line end: bounded memory, work in proportion', async () => {
    const line = new Line().plug();
    const daemon = await onLine(line);
    await daemon.logged(/starting/);
    await sleep(1000);
    const before = daemon.usage();
    const started = new Uint8Array(1 << 20).fill(0x41);
    started[0] = 0x24;
    await line.pour(started.subarray(0, 1 << 18));
    const quarter = daemon.usage();
    await line.pour(started.subarray(1 << 18));
    await sleep(500);
    const whole = daemon.usage();
    assert.ok(whole.rss - before.rss < 48 * 1024, `resident memory grew by ${whole.rss - before.rss} kB`);
    // Three quarters cost three times a quarter; quadratic work would make it fifteen times. 1 s of doubt for a busy machine.
    const [first, rest] = [quarter.cpu - before.cpu, whole.cpu - quarter.cpu];
    assert.ok(rest < 8 * first + 1, `processor time ${first} s for a quarter, ${rest} s for the rest`);
    await refused(daemon, 'NMEA');
    line.write(bytesOf('\r\n'));
    line.good();
    await daemon.selected('NMEA');
    await lives(daemon);
    line.unplug();
  });

  it('that hangs up and returns as another tty is found again, every time', async () => {
    const line = new Line().plug();
    line.good();
    const daemon = await onLine(line);
    await daemon.selected('NMEA');
    const times = (what: RegExp): number => daemon.log().split(what).length - 1;
    for (let i = 1; i <= 4; i++) {
      // In the middle of its words: what is being read then must not hide that the line is gone.
      line.write(noise(3000));
      line.unplug();
      await daemon.until('the loss', () => (times(/NMEA device is down: /) >= i ? true : undefined));
      // The next tty must not get the old one's number.
      const other = native.openPty(BAUD);
      line.plug().good();
      await daemon.until('the return', () => (times(/NMEA device is back/) >= i ? true : undefined));
      closeSync(other.masterFd);
    }
    await daemon.until('fresh samples', async () => {
      const row = (await daemon.report('sources')).find((r) => r[2] === 'NMEA');
      return Number(row?.[5]) % 10 !== 0 && row?.[1] === '*' ? true : undefined;
    });
    await lives(daemon);
    line.unplug();
  });

  it('that is missing at the start and comes later', async () => {
    const line = new Line();
    const daemon = await onLine(line);
    await daemon.logged(/NMEA device is down: .*no such file/i);
    assert.equal((await daemon.report('sources'))[0]![1], '?');
    line.plug().good();
    await daemon.logged(/NMEA device is back/);
    await daemon.selected('NMEA');
    await lives(daemon);
    line.unplug();
  });

  it('a file that is no tty is told, and tried again', async () => {
    const line = new Line();
    symlinkSync('/dev/null', line.link);
    const daemon = await onLine(line);
    await daemon.logged(/NMEA device is down: /);
    rmSync(line.link);
    line.plug().good();
    await daemon.selected('NMEA');
    await lives(daemon);
    line.unplug();
  });
});

describe('a simulated receiver with pulses', PARALLEL, () => {
  it('goes through every fault of the line and comes back', async () => {
    const dir = testDir();
    const link = join(dir, 'gps0');
    const receiver = await startReceiver({ link, shm: SHM.receiver, baud: BAUD });
    try {
      const daemon = await startDaemon(
        [
          'port 0',
          `refclock NMEA ${link}:baud=${BAUD} refid NMEA poll 0`,
          `refclock SHM ${SHM.receiver} refid PPS pps lock NMEA poll 0 prefer`,
        ],
        { dir },
      );
      await daemon.selected('PPS');
      await faults(receiver);
      // The second was numbered before: the pulses carry it through.
      assert.equal(await daemon.state('PPS'), '*');
      await refused(daemon, 'NMEA');
      const [, offset] = (await daemon.report('tracking'))[0]!.slice(3, 5);
      assert.ok(Math.abs(Number(offset)) < 1e-3, `off by ${offset} s after the faults`);
      receiver.send({ faults: [], fix: true });
      await daemon.until('NMEA is reached again', async () => {
        const row = (await daemon.report('sources')).find((r) => r[2] === 'NMEA');
        return Number(row?.[5]) % 2 === 1 ? true : undefined;
      });
      await lives(daemon);
    } finally {
      await receiver.stop();
    }
  });
});

const faults = async (receiver: ReceiverHandle): Promise<void> => {
  receiver.send({ faults: [{ kind: 'wrong-baud', ratio: 0.25 }] });
  await sleep(2500);
  receiver.send({ faults: [{ kind: 'garbage', count: 200 }, { kind: 'drop-bytes', count: 20 }, { kind: 'glue' }] });
  await sleep(2500);
  receiver.send({ faults: [{ kind: 'second-error', seconds: -1 }] });
  await sleep(2500);
  receiver.send({ faults: [], fix: false });
  await sleep(2500);
};

const corrupt = (bytes: Uint8Array): Uint8Array => {
  const copy = Uint8Array.from(bytes);
  copy[10] = copy[10]! ^ 1;
  return copy;
};

/** Writes perfect time to a segment until told to end. */
const feedShm = (unit: number): (() => void) => {
  const shm = new native.Shm(unit, 0o600, true);
  const timer = setInterval(() => {
    const now = native.clockGettime('realtime');
    shm.write({ clockTime: now, receiveTime: now, leap: 0, precision: -20 });
  }, 100);
  return () => {
    clearInterval(timer);
    shm.remove();
    shm.close();
  };
};

/** Runs a few lines of Python with the C library at hand: System V calls that the addon rightly does not offer. */
const python = async (body: string): Promise<string> => {
  const prelude = `import ctypes, os, struct, sys, time
c = ctypes.CDLL(None, use_errno=True)
c.shmat.restype = ctypes.c_void_p
c.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
KEY = 0x4e545030
def remove(unit):
    i = c.shmget(KEY + unit, 0, 0)
    if i >= 0: c.shmctl(i, 0, None)
def make(unit, size, mode):
    remove(unit)
    i = c.shmget(KEY + unit, size, 0o1000 | mode)
    if i < 0: sys.exit('shmget: %d' % ctypes.get_errno())
    return i
`;
  return (await promisify(execFile)('python3', ['-c', prelude + body], { timeout: 20_000 })).stdout;
};

const hasPython = async (): Promise<boolean> =>
  python('').then(
    () => true,
    () => false,
  );

describe('shared memory', PARALLEL, () => {
  const shmLine = (unit: number): string => `refclock SHM ${unit} refid SHM poll 0 dpoll -3`;

  it('of the wrong size is told, and used once it is right', async (t) => {
    if (!(await hasPython())) return t.skip('python3 is not installed');
    await python(`make(${SHM.size}, 40, 0o600)`);
    const daemon = await startDaemon(['port 0', shmLine(SHM.size)]);
    await daemon.logged(/SHM device is down: SHM unit \d+ has the wrong size/);
    await python(`remove(${SHM.size})`);
    const stop = feedShm(SHM.size);
    await daemon.selected('SHM');
    stop();
    await lives(daemon);
    await python(`remove(${SHM.size})`);
  });

  it('of another user is refused, and used once it is ours', async (t) => {
    if (process.getuid?.() !== 0) return t.skip('only root makes what belongs to others');
    if (!(await hasPython())) return t.skip('python3 is not installed');
    await python(`remove(${SHM.owner})\nos.setgid(65534); os.setuid(65534)\nmake(${SHM.owner}, 96, 0o666)`);
    const daemon = await startDaemon(['port 0', shmLine(SHM.owner)]);
    await daemon.logged(/SHM device is down: SHM unit \d+ belongs to user 65534/);
    await python(`remove(${SHM.owner})`);
    const stop = feedShm(SHM.owner);
    await daemon.selected('SHM');
    stop();
    await lives(daemon);
    await python(`remove(${SHM.owner})`);
  });

  it('with torn and impossible samples: counted, none used', async (t) => {
    if (!(await hasPython())) return t.skip('python3 is not installed');
    const daemon = await startDaemon(['port 0', shmLine(SHM.torn)]);
    // Fields of struct shmTime: mode, count, clock s/us, receive s/us, leap, precision, nsamples, valid, clock ns, receive ns.
    await python(`
i = c.shmget(KEY + ${SHM.torn}, 96, 0o600)
p = c.shmat(i, None, 0)
for k in range(40):
    s = [2**62, -1, int(time.time())][k % 3]
    us = [0, 2_000_000_000, -5][k % 3]
    ns = [7, 2**31, 0][k % 3]
    mode = [1, 1, 7][k % 3]
    b = struct.pack('iIqi4xqiiiiiII', mode, k, s, us, s, us, 9, -99, 0, 1, ns, ns)
    ctypes.memmove(p, b, len(b))
    time.sleep(0.06)
`);
    await refused(daemon, 'SHM', 'range');
    await refused(daemon, 'SHM', 'mode');
    assert.notEqual(await daemon.state('SHM'), '*');
    const stop = feedShm(SHM.torn);
    await daemon.selected('SHM');
    stop();
    await lives(daemon);
    await python(`remove(${SHM.torn})`);
  });
});

describe('the SOCK driver', PARALLEL, () => {
  it('takes what is right, counts what is not', async () => {
    const dir = testDir();
    const path = join(dir, 'sock');
    const daemon = await startDaemon(['port 0', `refclock SOCK ${path} refid SOCK poll 0`], { dir });
    await daemon.until('the socket', () => (existsSync(path) ? true : undefined));
    const sender = new native.Datagram(join(dir, 'sender'), { unlink: true });
    const good = (): Uint8Array => {
      const now = native.clockGettime('realtime');
      const usec = Number((now / 1000n) % 1_000_000n);
      return encodeSock({ sec: now / 1_000_000_000n, usec, offset: 0, pulse: false, leap: 0 });
    };
    const magic = good().fill(0, 36);
    const insane = encodeSock({ sec: 1n, usec: 5, offset: Number.NaN, pulse: false, leap: 0 });
    for (const bad of [good().subarray(0, 12), new Uint8Array(0), new Uint8Array(60_000), magic, insane]) {
      sender.send(bad, path);
      await sleep(20);
    }
    for (const reason of ['size', 'magic', 'range']) await refused(daemon, 'SOCK', reason);
    assert.notEqual(await daemon.state('SOCK'), '*');
    const timer = setInterval(() => sender.send(good(), path), 200);
    try {
      await daemon.selected('SOCK');
      await lives(daemon);
    } finally {
      clearInterval(timer);
      sender.close();
    }
    assert.ok(!existsSync(path), 'the socket goes with the daemon');
  });

  it('cannot be made: told, and the daemon lives', async () => {
    const daemon = spawnDaemon(['port 0', 'refclock SOCK /proc/none/sock refid SOCK']);
    await daemon.logged(/SOCK device is down: /);
    await lives(daemon);
  });
});
