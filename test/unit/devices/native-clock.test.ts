import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadNative, type NativeClockName, type Timex } from '../../../src/devices/native.js';
import { failsWith, inChild, misused } from '../../support/native.js';

const native = loadNative();
const CLOCK_MONOTONIC = 1;

describe('native clocks', () => {
  it('reads every named clock in ns, forwards', () => {
    const names: NativeClockName[] = ['realtime', 'monotonic', 'monotonic_raw', 'boottime', 'tai'];
    for (const name of names) {
      const first = native.clockGettime(name);
      const second = native.clockGettime(name);
      assert.ok(second >= first && second - first < 1_000_000_000n, name);
      assert.ok(native.clockGetres(name) > 0n, name);
    }
    const off = native.clockGettime('realtime') / 1_000_000n - BigInt(Date.now());
    assert.ok(off >= -1000n && off <= 1000n);
  });

  it('takes a clock by its number, a dead PHC included', () => {
    const named = native.clockGettime('monotonic');
    assert.ok(native.clockGettime(CLOCK_MONOTONIC) - named < 1_000_000_000n);
    failsWith('EINVAL', () => native.clockGettime(-29));
    failsWith('EINVAL', () => native.clockGetres(9999));
  });

  it('refuses what is not a clock', () => {
    misused([
      () => native.clockGettime('utc' as NativeClockName),
      () => native.clockGettime(1.5),
      () => native.clockGettime(undefined as unknown as number),
      () => native.clockGettime(2 ** 40),
      () => native.clockGetres({} as unknown as number),
    ]);
  });

  it('reads the kernel clock without privilege and without touching it', () => {
    const read = native.clockAdjtime(0, { modes: 0 });
    assert.equal(read.tolerance, 32_768_000n); // 500 ppm in 2^-16 ppm
    assert.ok(read.tick >= 9000n && read.tick <= 11000n);
    assert.ok(read.state >= 0 && read.state <= 5);
    const asked = native.clockGettime('monotonic');
    const { at } = native.clockAdjtime(0, { modes: 0 });
    assert.ok(at >= asked - 1000n && at <= 1000n + native.clockGettime('monotonic'));
    const off = read.timeSec - BigInt(Math.floor(Date.now() / 1000));
    assert.ok(off >= -2n && off <= 2n);
    assert.equal(native.clockAdjtime(0, { modes: 0 }).freq, read.freq);
  });

  it('reads both clocks at one moment', () => {
    const offset = (): bigint => {
      const { time, monotonic } = native.clockPair('realtime');
      return time - monotonic;
    };
    const all = Array.from({ length: 50 }, offset).sort((a, b) => Number(a - b));
    // They are slewed together: what is left is the reading itself, but for a few that were interrupted.
    assert.ok(all[40]! - all[10]! < 2000n, `${all[40]! - all[10]!} ns`);
  });

  it('refuses half-given adjustments before the kernel sees them', () => {
    const big = 1n << 64n;
    misused([
      () => native.clockAdjtime(0, {} as Timex),
      () => native.clockAdjtime(0, undefined as unknown as Timex),
      () => native.clockAdjtime(0, { modes: -1 }),
      () => native.clockAdjtime(0, { modes: 2 }),
      () => native.clockAdjtime(0, { modes: 2, freq: 1 as unknown as bigint }),
      () => native.clockAdjtime(0, { modes: 2, freq: big }),
      () => native.clockAdjtime(0, { modes: 0x100, timeSec: 1n }),
      () => native.clockAdjtime(0, { modes: 0x10 }),
      () => native.clockAdjtime('realtime' as unknown as number, { modes: 0 }),
    ]);
    failsWith('EOPNOTSUPP', () => native.clockAdjtime(CLOCK_MONOTONIC, { modes: 0 }));
  });

  it('passes the kernel’s refusal on', async () => {
    // In a process without CAP_SYS_TIME, so that nothing can move whatever the outcome.
    const out = await inChild(`
      if (process.getuid() === 0) native.capabilities.dropTo(65534, 65534, []);
      if (native.capabilities.effective().includes('sys_time')) process.exit(3);
      try { native.clockAdjtime(0, { modes: 2, freq: 0n }); } catch (e) { console.log(e.code, e.syscall); }`);
    assert.equal(out, 'EPERM clock_adjtime');
  });
});
