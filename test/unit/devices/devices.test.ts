import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CodedError } from '../../../src/base/errors.js';
import { type Instant, instant, type Mono, mono } from '../../../src/base/time.js';
import { FrequencyWatch, JumpDetector, KernelActuator, SleepDetector } from '../../../src/devices/clock.js';
import type { Native } from '../../../src/devices/native.js';
import { systemTime, tightest } from '../../../src/devices/phc.js';
import { EdgeCounter } from '../../../src/devices/pps.js';
import { codeOf, Keeper } from '../../../src/devices/retry.js';
import { FileStore } from '../../../src/devices/store.js';
import type { Clock, ClockActuator } from '../../../src/ports/clock.js';
import type { DeviceState } from '../../../src/ports/device.js';
import { decodeSock, encodeSock } from '../../../src/wire/refclock/sock.js';

describe('EdgeCounter', () => {
  const info = (assertSequence: number, assertTime: bigint) => ({
    assertSequence,
    assertTime,
    clearSequence: 7,
    clearTime: 5n,
    mode: 1,
  });

  it('reports each edge once and counts what was missed', () => {
    const counter = new EdgeCounter('assert');
    assert.equal(counter.take(info(10, 0n)), undefined, 'a stamp of zero is no event');
    assert.deepEqual(counter.take(info(10, 100n)), { time: 100n, sequence: 10, missed: 0 });
    assert.equal(counter.take(info(10, 100n)), undefined);
    assert.deepEqual(counter.take(info(13, 400n)), { time: 400n, sequence: 13, missed: 2 });
  });

  it('the sequence wraps at 2^32', () => {
    const counter = new EdgeCounter('assert');
    counter.take(info(0xffffffff, 1n));
    assert.equal(counter.take(info(1, 2n))?.missed, 1);
  });

  it('looks at its own edge only', () => {
    assert.deepEqual(new EdgeCounter('clear').take(info(1, 1n)), { time: 5n, sequence: 7, missed: 0 });
  });
});

describe('watching the clocks', () => {
  const fake = () => {
    const state = { real: 1_800_000_000_000_000_000n, mono: 5_000_000_000n, asleep: 0n };
    const tick = () => {
      state.real += 100n;
      state.mono += 100n;
    };
    return {
      state,
      realtime: (): Instant => {
        tick();
        return instant(state.real);
      },
      monotonic: (): Mono => {
        tick();
        return mono(state.mono);
      },
      pair: () => ({ raw: instant(state.real), mono: mono(state.mono) }),
      free: () => ({ raw: mono(state.mono), mono: mono(state.mono) }),
      monotonicRaw: (): Mono => mono(state.mono),
      boottime: (): Mono => mono(state.mono + state.asleep),
    };
  };

  it('sees a foreign step, once, and not one of our own', () => {
    const clock = fake();
    const jumps = new JumpDetector(clock);
    assert.equal(jumps.check(), undefined);
    clock.state.real += 2_500_000_000n;
    assert.ok(Math.abs(jumps.check()! - 2.5) < 1e-6);
    assert.equal(jumps.check(), undefined);
    clock.state.real -= 1_000_000_000n;
    jumps.expect(-1);
    assert.equal(jumps.check(), undefined);
  });

  it('tells sleep, once, from steps', () => {
    const clock = fake();
    const sleeps = new SleepDetector(clock);
    clock.state.real += 9_000_000_000n;
    assert.equal(sleeps.check(), undefined);
    clock.state.asleep += 600_300_000_000n;
    assert.ok(Math.abs(sleeps.check()! - 600.3) < 1e-3);
    assert.equal(sleeps.check(), undefined);
  });
});

describe('tightest', () => {
  it('takes the reading with the narrowest bracket', () => {
    const r = (before: bigint, after: bigint) => ({ before, phc: 0n, after });
    assert.deepEqual(tightest([r(0n, 900n), r(10n, 300n), r(20n, 800n)]), r(10n, 300n));
  });

  it('a stamp between two readings is converted at the rate that they show', () => {
    const SECOND = 1_000_000_000n;
    const at = (system: bigint, phc: bigint) => ({ before: system - 500n, phc, after: system + 500n });
    // The PHC gains 20 µs a second on the system clock.
    const a = at(100n * SECOND, 7n * SECOND);
    const b = at(101n * SECOND, 8n * SECOND + 20_000n);
    assert.equal(systemTime(b.phc, a, b), 101n * SECOND);
    assert.equal(systemTime(a.phc, a, b), 100n * SECOND);
    assert.equal(systemTime(7n * SECOND + 500_010_000n, a, b), 100n * SECOND + 500_000_000n);
    // The system clock was stepped between them: the later reading alone.
    assert.equal(systemTime(8n * SECOND, a, at(401n * SECOND, 8n * SECOND + 20_000n)), 401n * SECOND - 20_000n);
  });
});

describe('FrequencyWatch', () => {
  /** A clock whose oscillator is right; `run` lets time pass under the frequency in force. */
  const setup = () => {
    const state = { raw: 0, mono: 0, freq: 0 };
    const free = () => ({ raw: mono(BigInt(Math.round(state.raw))), mono: mono(BigInt(Math.round(state.mono))) });
    const actuator = {
      readFrequency: () => state.freq,
      setFrequency: (freq: number) => {
        state.freq = freq;
        return freq;
      },
    } as unknown as ClockActuator;
    const run = (seconds: number): void => {
      state.raw += seconds * 1e9;
      state.mono += seconds * 1e9 * (1 + state.freq);
    };
    return { state, actuator, run, watch: new FrequencyWatch({ free } as unknown as Clock, actuator) };
  };

  it('tells by how much a foreign frequency has moved the clock, and sets ours again', () => {
    const { state, actuator, run, watch } = setup();
    watch.expect(actuator.setFrequency(-80e-6));
    run(1);
    assert.equal(watch.check(), undefined);
    run(0.25);
    state.freq = 300e-6;
    run(0.5);
    const seen = watch.check()!;
    assert.equal(seen.found, 300e-6);
    assert.ok(Math.abs(seen.offset - 0.5 * 380e-6) < 2e-9, `${seen.offset}`);
    assert.equal(state.freq, -80e-6);
    run(1);
    assert.equal(watch.check(), undefined);
  });

  it('what the kernel had before we set anything is nobody’s business', () => {
    const { state, run, watch } = setup();
    state.freq = 300e-6;
    run(1);
    assert.equal(watch.check(), undefined);
    assert.equal(state.freq, 300e-6);
  });
});

describe('KernelActuator', () => {
  const INS = 0x10;
  const PLL = 0x01;
  const setup = () => {
    const words: number[] = [];
    const clockAdjtime = (_: number, t: { modes: number; status?: number }) => {
      if (t.status !== undefined) words.push(t.status);
      return { modes: 0 };
    };
    const actuator = new KernelActuator({ clockAdjtime } as unknown as Native);
    const status = { synchronised: true, maxError: 1e-3, estError: 1e-6 };
    return { words, actuator, arm: () => actuator.setStatus({ ...status, leap: 1 }), status };
  };

  it('a leap second is armed from TIME_OK on, once, and again after each step', () => {
    const { words, actuator, arm } = setup();
    arm();
    assert.deepEqual(words.splice(0), [PLL, 0x40, INS]);
    arm();
    assert.deepEqual(words.splice(0), [INS], 'not every time: done in the last second it would lose the leap');
    actuator.step(-1.3);
    arm();
    assert.deepEqual(words.splice(0), [PLL, 0x40, INS]);
    actuator.stepped();
    arm();
    assert.deepEqual(words.splice(0), [PLL, 0x40, INS], 'somebody else stepped');
  });

  it('tells when a frequency took effect, by the kernel’s side of the call', () => {
    const clockAdjtime = (_: number, t: { tick?: bigint; freq?: bigint }) => ({ ...t, at: 77_000_000_123n });
    const actuator = new KernelActuator({ clockAdjtime } as unknown as Native);
    assert.equal(actuator.frequencyAt, undefined);
    assert.ok(Math.abs(actuator.setFrequency(-3.3e-3) + 3.3e-3) < 1e-11);
    assert.equal(actuator.frequencyAt, 77_000_000_123n);
  });

  it('without a leap second the state is left alone', () => {
    const { words, actuator, status } = setup();
    actuator.setStatus({ ...status, leap: 0 });
    assert.deepEqual(words, [0]);
  });
});

describe('Keeper', () => {
  const settle = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

  it('tells each reason once, tries again, and comes up when the device appears', async () => {
    const states: DeviceState[] = [];
    let attempts = 0;
    const keeper = new Keeper('dev', { onState: (s) => states.push(s) }, () => {
      if (++attempts < 3) throw Object.assign(new Error('no such device'), { code: 'ENODEV' });
      return { close: () => {} };
    });
    await settle(1000);
    keeper.stop();
    assert.equal(attempts, 3);
    assert.deepEqual(
      states.map((s) => (s.kind === 'down' ? s.code : s.kind)),
      ['ERR_TB_DEVICE_MISSING', 'up'],
    );
  });

  it('a device that is lost is closed, reported and opened again', async () => {
    const states: string[] = [];
    let closed = 0;
    let lose: ((e: unknown) => void) | undefined;
    const keeper = new Keeper('dev', { onState: (s) => states.push(s.kind) }, (lost) => {
      lose = lost;
      return { close: () => void closed++ };
    });
    await settle(20);
    lose!(Object.assign(new Error('gone'), { code: 'EIO' }));
    lose!(new Error('told twice'));
    await settle(400);
    keeper.stop();
    assert.deepEqual(states, ['up', 'down', 'up']);
    assert.equal(closed, 2);
  });

  it('names the public code of what the system said', () => {
    const error = (code: string) => Object.assign(new Error(code), { code });
    assert.equal(codeOf(error('ENOENT')), 'ERR_TB_DEVICE_MISSING');
    assert.equal(codeOf(error('EACCES')), 'ERR_TB_DEVICE_ACCESS');
    assert.equal(codeOf(error('ENOTTY')), 'ERR_TB_DEVICE_UNSUPPORTED');
    assert.equal(codeOf(error('EIO')), 'ERR_TB_DEVICE_FAILED');
    assert.equal(codeOf(new CodedError('ERR_TB_SHM_LAYOUT', 'x')), 'ERR_TB_SHM_LAYOUT');
  });
});

describe('FileStore', () => {
  const dir = mkdtempSync(join(tmpdir(), 'timeball-store-'));
  const store = new FileStore();

  it('replaces a file as a whole and leaves nothing else behind', () => {
    const path = join(dir, 'drift');
    store.writeAtomic(path, 'one\n');
    store.writeAtomic(path, 'two\n');
    assert.equal(readFileSync(path, 'utf8'), 'two\n');
    assert.equal(existsSync(`${path}.tmp`), false);
  });

  it('a stale temporary file from a power cut is no obstacle', () => {
    const path = join(dir, 'cut');
    writeFileSync(`${path}.tmp`, 'half a li');
    store.writeAtomic(path, 'whole\n');
    assert.equal(store.read(path), 'whole\n');
  });

  it('a missing file is undefined, an unwritable one a coded error', () => {
    assert.equal(store.read(join(dir, 'none')), undefined);
    assert.throws(() => store.writeAtomic(join(dir, 'no', 'such', 'dir'), 'x'), { code: 'ERR_TB_SYSCALL' });
    rmSync(dir, { recursive: true });
  });
});

describe('SOCK datagrams', () => {
  const good = { sec: 1_800_000_000n, usec: 250_000, offset: -0.001, pulse: true, leap: 1 };

  it('reads what gpsd and others send', () => {
    assert.deepEqual(decodeSock(encodeSock(good)), {
      local: instant(1_800_000_000_250_000_000n),
      offset: -0.001,
      pulse: true,
      leap: 1,
    });
  });

  it('refuses wrong size, magic, range and leap, by name', () => {
    const bytes = encodeSock(good);
    assert.equal(decodeSock(bytes.subarray(0, 39)), 'size');
    const magic = bytes.slice();
    magic[36] = 0;
    assert.equal(decodeSock(magic), 'magic');
    assert.equal(decodeSock(encodeSock({ ...good, usec: 1_000_000 })), 'range');
    assert.equal(decodeSock(encodeSock({ ...good, offset: Number.NaN })), 'range');
    assert.equal(decodeSock(encodeSock({ ...good, offset: 1e12 })), 'range');
    assert.equal(decodeSock(encodeSock({ ...good, leap: 3 })), 'leap');
  });
});
