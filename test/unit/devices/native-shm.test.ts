import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { before, describe, it, type TestContext } from 'node:test';
import { loadNative, type NativeShm, type NativeShmSample } from '../../../src/devices/native.js';
import { failsWith, inChild, misused, startWorker } from '../../support/native.js';

const native = loadNative();
// Units below those of the daemons under test (64 and up) and above gpsd's; each test has its own.
const unit = (n: number): number => 10 + (process.pid % 8) * 6 + n;
const sample = {
  clockTime: 1_700_000_000_123_456_789n,
  receiveTime: 1_700_000_000_000_001_999n,
  leap: 1,
  precision: -20,
};

const remove = (n: number): void => {
  spawnSync('ipcrm', ['-M', `0x${(0x4e545030 + unit(n)).toString(16)}`], { stdio: 'ignore' });
};
const removeLater = (t: TestContext, n: number): void => t.after(() => remove(n));
// Segments outlive a run that was cut short.
before(() => [0, 1, 2, 3, 4, 5].forEach(remove));

describe('native SHM', () => {
  it('hands a sample over once', (t) => {
    const writer = new native.Shm(unit(0), 0o600, true);
    removeLater(t, 0);
    const reader = new native.Shm(unit(0), 0o600, false);
    assert.equal(reader.size, 96);
    assert.equal(reader.mode, 0o600);
    assert.equal(reader.uid, process.getuid?.());
    assert.equal(reader.read(true), undefined);
    writer.write(sample);
    assert.deepEqual(reader.read(false), { mode: 1, ...sample });
    assert.deepEqual(reader.read(true), { mode: 1, ...sample });
    assert.equal(reader.read(true), undefined);
    writer.close();
    reader.close();
  });

  it('a removed segment is gone once everybody has let go of it', () => {
    const shm = new native.Shm(unit(0), 0o600, true);
    shm.remove();
    shm.close();
    failsWith('ENOENT', () => new native.Shm(unit(0), 0o600, false));
    misused([() => shm.remove()]);
  });

  it('refuses values out of range and clears them', (t) => {
    const shm = new native.Shm(unit(1), 0o600, true);
    removeLater(t, 1);
    shm.write({ ...sample, leap: 4 });
    assert.equal(shm.read(true), 'range');
    assert.equal(shm.read(true), undefined);
    shm.write({ ...sample, clockTime: 9_000_000_001_000_000_000n });
    assert.equal(shm.read(true), 'range');
    shm.write({ ...sample, leap: 3 });
    assert.equal((shm.read(true) as NativeShmSample).leap, 3);
    shm.close();
  });

  it('is created only when asked, and reports what it found', () => {
    failsWith('ENOENT', () => new native.Shm(unit(2), 0o600, false));
  });

  it('says EINVAL to a segment that is too small, and takes a larger one', async (t) => {
    const key = 0x4e545030 + unit(3);
    const made = (bytes: number): boolean => {
      try {
        execFileSync('perl', ['-e', `exit(defined(shmget(${key}, ${bytes}, 0600 | 01000)) ? 0 : 1)`]);
        return true;
      } catch {
        return false;
      }
    };
    if (!made(80)) return t.skip('perl, to make a foreign segment, is not here');
    for (const create of [true, false]) failsWith('EINVAL', () => new native.Shm(unit(3), 0o600, create));
    remove(3);
    removeLater(t, 3);
    made(4096);
    const large = new native.Shm(unit(3), 0o600, true);
    assert.equal(large.size, 4096);
    large.close();
  });

  it('may be looked at without being consumed where writing is forbidden', async (t) => {
    if (process.getuid?.() !== 0) return t.skip('needs root, to become another user');
    const shm = new native.Shm(unit(4), 0o644, true);
    removeLater(t, 4);
    shm.write(sample);
    const out = await inChild(`
      native.capabilities.dropTo(65534, 65534, []);
      const shm = new native.Shm(${unit(4)}, 0o600, false);
      console.log(shm.read(false).leap);
      for (const f of [() => shm.read(true), () => shm.write({ clockTime: 0n, receiveTime: 0n, leap: 0, precision: 0 })])
        try { f(); } catch (e) { console.log(e.code); }`);
    assert.deepEqual(out.split('\n'), ['1', 'EACCES', 'EACCES']);
    shm.close();
  });

  it('never shows a torn sample: a write under way is a clash', { timeout: 30_000 }, async (t) => {
    if (availableParallelism() < 2) return t.skip('needs two processors, to read while the other writes');
    const reader = new native.Shm(unit(5), 0o600, true);
    removeLater(t, 5);
    // A reading is a few nanoseconds on one cache line: only a reader that is interrupted in it ever meets a write. So the
    // writer, which keeps receiveTime = clockTime + 7, interrupts the reader with signals: one a reading at most, as a
    // reader that is interrupted faster than it recovers would never come to an end.
    const ignore = (): void => {};
    process.on('SIGURG', ignore);
    t.after(() => process.off('SIGURG', ignore));
    const flag = new Int32Array(new SharedArrayBuffer(8));
    const worker = startWorker(
      `const shm = new native.Shm(data.unit, 0o600, false);
       let last = 0;
       for (let t = 1_000_000_000n; Atomics.load(data.flag, 0) === 0; t += 1_000_003n) {
         shm.write({ clockTime: t, receiveTime: t + 7n, leap: 0, precision: 0 });
         const reading = Atomics.load(data.flag, 1);
         if (reading !== last) process.kill(process.pid, 'SIGURG');
         last = reading;
       }
       shm.close();`,
      { unit: unit(5), flag },
    );
    const seen = hammer(reader, flag, 20_000_000);
    Atomics.store(flag, 0, 1);
    await once(worker, 'exit');
    t.diagnostic(JSON.stringify(seen));
    assert.equal(seen.torn, 0);
    assert.ok(seen.good > 0, 'no sample came through');
    assert.ok(seen.clashes > 0, 'no write was ever met: the check was not exercised');
    reader.close();
  });

  it('refuses misuse', (t) => {
    const shm = new native.Shm(unit(2), 0o600, true);
    removeLater(t, 2);
    misused([
      () => new native.Shm(-1, 0o600, true),
      () => new native.Shm(256, 0o600, true),
      () => new native.Shm(0, 0o1000, true),
      () => new native.Shm(0, 0o600, 1 as unknown as boolean),
      () => shm.read(1 as unknown as boolean),
      () => shm.write(undefined as unknown as typeof sample),
      () => shm.write({ ...sample, clockTime: 5 as unknown as bigint }),
      () => shm.write({ ...sample, clockTime: -1n }),
      () => (native.Shm.prototype as NativeShm).read.call({}, true),
    ]);
    shm.close();
    shm.close();
    misused([() => shm.read(true), () => shm.write(sample)]);
  });
});

/** Reads until a clash and a sample were seen, at most `limit` times once the writer has begun. */
/** Counts the readings in `flag[1]`. */
const hammer = (
  reader: NativeShm,
  flag: Int32Array,
  limit: number,
): { good: number; clashes: number; torn: number } => {
  const seen = { good: 0, clashes: 0, torn: 0 };
  for (let i = 0; i < limit && (seen.good < 1000 || seen.clashes === 0); i++) {
    Atomics.store(flag, 1, i + 1);
    const got = reader.read(false);
    if (got === 'clash') seen.clashes++;
    else if (typeof got === 'object') {
      seen.good++;
      if (got.receiveTime - got.clockTime !== 7n) seen.torn++;
    }
    // Until the writer thread has loaded the addon there is nothing to read.
    if (got === undefined && seen.good === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    if (got === undefined && seen.good === 0 && i > 10_000) break;
  }
  return seen;
};
