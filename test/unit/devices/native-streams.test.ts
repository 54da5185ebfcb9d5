import assert from 'node:assert/strict';
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  loadNative,
  type NativeArrival,
  type NativeArrivals,
  type NativeDatagram,
} from '../../../src/devices/native.js';
import { failsWith, misused, openFds, threadCount, until } from '../../support/native.js';

const native = loadNative();
const dir = mkdtempSync(join(tmpdir(), 'tb-native-'));
after(() => rmSync(dir, { recursive: true }));

interface Port {
  master: number;
  slave: number;
  close(): void;
}
const openPort = (baud = 9600): Port => {
  const { masterFd, slavePath } = native.openPty(baud);
  const slave = openSync(slavePath, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  return {
    master: masterFd,
    slave,
    close: () => {
      closeSync(slave);
      closeSync(masterFd);
    },
  };
};
const readAll = (fd: number): string => {
  const buffer = Buffer.alloc(4096);
  return buffer.toString('latin1', 0, readSync(fd, buffer));
};

describe('native pty', () => {
  it('is raw: bytes pass unchanged and unechoed, both ways', async () => {
    const port = openPort();
    const odd = '\x03\x04\r\n\x11\x13\xff\x00$GP';
    writeSync(port.master, Buffer.from(odd, 'latin1'));
    await sleep(20);
    assert.equal(readAll(port.slave), odd);
    assert.throws(() => readAll(port.master), { code: 'EAGAIN' }); // non-blocking, no echo
    writeSync(port.slave, 'x\n');
    await sleep(20);
    assert.equal(readAll(port.master), 'x\n');
    port.close();
  });

  it('refuses a rate without a name', () => {
    failsWith('EINVAL', () => native.openPty(12345));
    misused([() => native.openPty(0), () => native.openPty('9600' as unknown as number)]);
  });
});

describe('native arrivals', () => {
  it('stamp each burst without consuming it, though another reader reads', async () => {
    const port = openPort();
    const watch = new native.Arrivals(port.slave);
    const before = [native.clockGettime('realtime'), native.clockGettime('monotonic_raw')] as const;
    let read = '';
    const taken: NativeArrival[] = [];
    for (const burst of ['$GPRMC,1', '$GPRMC,22', '$GPRMC,333']) {
      writeSync(port.master, burst);
      const before = taken.length;
      await until('arrival', () => taken.push(...watch.take()) > before);
      read += readAll(port.slave);
    }
    const end = native.clockGettime('realtime');
    assert.equal(read, '$GPRMC,1$GPRMC,22$GPRMC,333');
    assert.deepEqual(
      taken.map((a) => a.pending),
      [8, 9, 10],
    );
    assert.ok(taken[0]!.realtime >= before[0] && taken[2]!.realtime <= end);
    assert.ok(taken[0]!.monotonicRaw >= before[1]);
    assert.ok(taken[0]!.realtime < taken[1]!.realtime && taken[1]!.realtime < taken[2]!.realtime);
    watch.close();
    port.close();
  });

  it('fire for bytes that nobody reads, and tell the listener', async () => {
    const port = openPort();
    let calls = 0;
    const watch = new native.Arrivals(port.slave, () => calls++);
    writeSync(port.master, 'ab');
    await until('first call', () => calls >= 1);
    writeSync(port.master, 'cd');
    await until('second call', () => calls >= 2);
    assert.deepEqual(
      watch.take().map((a) => a.pending),
      [2, 4],
    );
    assert.deepEqual(watch.take(), []);
    watch.close();
    port.close();
  });

  it('say nothing of what lay there before', async () => {
    const port = openPort();
    writeSync(port.master, 'old');
    await sleep(20);
    const watch = new native.Arrivals(port.slave);
    await sleep(30);
    assert.deepEqual(watch.take(), []);
    watch.close();
    port.close();
  });

  it('drop the oldest beyond 256 and count them', async () => {
    const port = openPort();
    const watch = new native.Arrivals(port.slave);
    let stamped = 0;
    for (let i = 0; i < 20_000 && watch.dropped() < 5; i++) {
      writeSync(port.master, 'x');
      if (i % 50 === 49) {
        await sleep(1);
        readAll(port.slave);
      }
      stamped = i + 1;
    }
    assert.ok(watch.dropped() >= 5 && watch.dropped() <= stamped);
    assert.equal(watch.take().length, 256);
    watch.close();
    port.close();
  });

  it('outlive the owner’s close and a hang-up', async () => {
    const port = openPort();
    const watch = new native.Arrivals(port.slave);
    port.close();
    const cpu = process.cpuUsage();
    await sleep(100);
    const used = process.cpuUsage(cpu);
    assert.ok(used.user + used.system < 70_000, 'spins after a hang-up');
    watch.take();
    watch.close();
  });

  it('refuse misuse and use after close', () => {
    const port = openPort();
    misused([
      () => new native.Arrivals(-1),
      () => new native.Arrivals('0' as unknown as number),
      () => new native.Arrivals(port.slave, 1 as unknown as () => void),
      () => (native.Arrivals.prototype as NativeArrivals).take.call({}),
    ]);
    failsWith('EBADF', () => new native.Arrivals(1_000_000));
    const file = openSync(join(dir, 'plain'), 'w');
    failsWith('EPERM', () => new native.Arrivals(file));
    closeSync(file);
    const watch = new native.Arrivals(port.slave);
    watch.close();
    watch.close();
    misused([() => watch.take(), () => watch.dropped()]);
    port.close();
  });
});

describe('native datagrams', () => {
  const noError = (code: string): void => assert.fail(code);

  it('arrive with the sender’s path', async () => {
    const path = join(dir, 'a.sock');
    const a = new native.Datagram(path, { unlink: true, mode: 0o620 });
    const b = new native.Datagram(join(dir, 'b.sock'), { unlink: false });
    assert.equal(a.path, path);
    assert.equal(statSync(path).mode & 0o7777, 0o620);
    const got: [number[], string | null][] = [];
    a.start((bytes, from) => got.push([[...bytes], from]), noError);
    assert.equal(b.send(new Uint8Array([1, 2, 3]).subarray(1), path), true);
    assert.equal(b.send(new Uint8Array(0), path), true);
    await until('two messages', () => got.length === 2);
    assert.deepEqual(got, [
      [[2, 3], b.path],
      [[], b.path],
    ]);
    a.close();
    b.close();
    assert.ok(!existsSync(path));
  });

  it('to a peer that is gone or full are false, not an error', () => {
    const a = new native.Datagram(join(dir, 'c.sock'), { unlink: true });
    const dead = join(dir, 'dead.sock');
    assert.equal(a.send(new Uint8Array(1), join(dir, 'none.sock')), false);
    const full = new native.Datagram(dead, { unlink: true });
    let sent = 0;
    while (sent < 10_000 && a.send(new Uint8Array(40), dead)) sent++;
    assert.ok(sent > 0 && sent < 10_000);
    full.close();
    failsWith('ENAMETOOLONG', () => a.send(new Uint8Array(1), 'x'.repeat(108)));
    a.close();
  });

  it('take paths of up to 107 bytes, replace a stale socket only when asked, and nothing but a socket', () => {
    const long = join(dir, 'l'.repeat(107 - dir.length - 1));
    assert.equal(Buffer.byteLength(long), 107);
    const first = new native.Datagram(long, { unlink: true });
    assert.ok(existsSync(long));
    failsWith('EADDRINUSE', () => new native.Datagram(long, { unlink: false }));
    const second = new native.Datagram(long, { unlink: true });
    first.close(); // the path is the second one's by now
    assert.ok(existsSync(long));
    second.close();
    assert.ok(!existsSync(long));
    failsWith('ENAMETOOLONG', () => new native.Datagram(`${long}l`, { unlink: true }));
    const file = join(dir, 'file');
    writeFileSync(file, 'keep');
    failsWith('EADDRINUSE', () => new native.Datagram(file, { unlink: true }));
    assert.ok(existsSync(file));
    failsWith('ENOENT', () => new native.Datagram(join(dir, 'no', 's'), { unlink: true }));
  });

  it('that are too long, or too many for a slow reader, are counted', async () => {
    const a = new native.Datagram(join(dir, 'd.sock'), { unlink: true });
    const b = new native.Datagram(join(dir, 'e.sock'), { unlink: true });
    let got = 0;
    a.start(() => got++, noError);
    assert.equal(b.send(new Uint8Array(8193), a.path), true);
    assert.equal(b.send(new Uint8Array(8192), a.path), true);
    await until('the one that fits', () => got === 1);
    assert.equal(a.dropped(), 1);
    // The event loop does not turn while this runs, so that the queue of 256 must overflow.
    let sent = 0;
    for (let i = 0; i < 1_000_000 && sent < 600; i++) if (b.send(new Uint8Array(4), a.path)) sent++;
    await until('the rest', () => got + a.dropped() === sent + 2);
    assert.ok(a.dropped() >= 600 - 256 - 16 && got >= 256);
    a.close();
    b.close();
  });

  it('refuse misuse and use after close', () => {
    const make =
      (path: unknown, options: unknown): (() => unknown) =>
      () =>
        new native.Datagram(path as string, options as { unlink: boolean });
    misused([
      make(5, { unlink: true }),
      make('a\0b', { unlink: true }),
      make('a', undefined),
      make('a', {}),
      make('a', { unlink: true, mode: 0o7777 }),
    ]);
    const a = new native.Datagram(join(dir, 'f.sock'), { unlink: true });
    misused([
      () => a.start(1 as unknown as () => void, noError),
      () => a.start(() => {}, undefined as unknown as () => void),
      () => a.send([1] as unknown as Uint8Array, 'x'),
      () => a.send(new Uint16Array(1) as unknown as Uint8Array, 'x'),
      () => a.send(new Uint8Array(1), null as unknown as string),
    ]);
    a.start(() => {}, noError);
    misused([() => a.start(() => {}, noError)]);
    a.close();
    a.close();
    misused([() => a.start(() => {}, noError), () => a.send(new Uint8Array(1), 'x'), () => a.dropped()]);
    misused([() => (native.Datagram.prototype as NativeDatagram).close.call({})]);
  });
});

describe('native devices that are not there', () => {
  it('PPS: a terminal gets the line discipline, where the kernel has it, for as long as it is open', () => {
    const port = native.openPty(9600);
    try {
      new native.Pps(port.slavePath).close();
    } catch (error) {
      // EPERM: who may not load the module.
      assert.match((error as Error).message, /^(EINVAL|EPERM): .*TIOCSETD/);
    }
    closeSync(port.masterFd);
  });

  it('PPS', () => {
    failsWith('ENOENT', () => new native.Pps('/dev/no-such-pps'));
    failsWith('ENOTTY', () => new native.Pps('/dev/null'));
    failsWith('EISDIR', () => new native.Pps('/dev'));
    misused([() => new native.Pps(1 as unknown as string), () => new native.Pps('/dev/null\0')]);
    misused(
      (['capabilities', 'fetch', 'start', 'stop', 'close'] as const).map(
        (name) => () => native.Pps.prototype[name].call({}),
      ),
    );
  });

  it('PHC', () => {
    failsWith('ENOENT', () => new native.Phc('/dev/no-such-ptp', false));
    failsWith('ENOTTY', () => new native.Phc('/dev/null', true));
    misused([() => new native.Phc('/dev/null', 1 as unknown as boolean), () => new native.Phc({} as string, true)]);
  });

  it('leave no descriptor or thread behind', () => {
    const fds = openFds();
    for (let i = 0; i < 20; i++) {
      failsWith('ENOTTY', () => new native.Pps('/dev/null'));
      failsWith('ENOTTY', () => new native.Phc('/dev/null', false));
    }
    assert.equal(openFds(), fds);
    assert.equal(threadCount(), 0);
  });
});
