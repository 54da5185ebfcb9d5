import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Native, NativePhcReading } from '../../../src/devices/native.js';
import { PhcDevices, PhcReader } from '../../../src/devices/phc.js';

const POLL_MS = 2;
const reading: NativePhcReading = { before: 1_000_000_000n, phc: 1_000_000_600n, after: 1_000_001_000n };

const failure = (code: string): Error => Object.assign(new Error(`${code}: ioctl`), { code });

/** A PHC that has the precise reading; `says` decides what each call of one kind throws. */
const clock = (says: (method: string, call: number) => string | undefined) => {
  const calls: string[] = [];
  const call = (method: string): void => {
    calls.push(method);
    const code = says(method, calls.length);
    if (code !== undefined) throw failure(code);
  };
  class Phc {
    capabilities = () => ({ crossTimestamping: true });
    offsetPrecise(): NativePhcReading {
      call('precise');
      return reading;
    }
    offsetExtended(): NativePhcReading[] {
      call('extended');
      return [reading];
    }
    offsetBasic(): NativePhcReading[] {
      call('basic');
      return [reading];
    }
    close = () => calls.push('close');
  }
  return { calls, native: { Phc } as unknown as Native };
};

/** What a device says within `ms`. */
const watch = async (native: Native, ms: number) => {
  const seen = { readings: 0, rejected: [] as string[], states: [] as string[] };
  const options = { noCrossts: false, extpps: false, pin: -1, channel: 0, clear: false };
  const device = new PhcDevices(native).openPhc('/dev/ptp0', options, POLL_MS, {
    onReading: () => seen.readings++,
    onReject: (reason) => seen.rejected.push(reason),
    onState: (state) => seen.states.push(state.kind),
  });
  await pause(ms);
  device.stop();
  return seen;
};

describe('readings of a PHC', () => {
  const methods = (says: (method: string, call: number) => string | undefined, reads: number): string[] => {
    const { calls, native } = clock(says);
    const reader = new PhcReader(new native.Phc('/dev/ptp0', false), { noCrossts: false });
    for (let i = 0; i < reads; i++) {
      try {
        reader.read();
      } catch {
        calls.push('threw');
      }
    }
    return calls;
  };

  it('fall back to what the driver has, for good', () => {
    assert.deepEqual(
      methods((method) => (method === 'basic' ? undefined : 'EOPNOTSUPP'), 2),
      ['precise', 'extended', 'basic', 'basic'],
    );
  });

  it('do not get worse for good because the device is busy once', () => {
    assert.deepEqual(
      methods((_method, call) => (call === 1 ? 'EBUSY' : undefined), 2),
      ['precise', 'threw', 'precise'],
    );
  });
});

describe('a PHC', () => {
  it('that is busy now and then loses readings, not itself', async () => {
    const { native } = clock((_method, call) => (call % 3 === 0 ? 'EBUSY' : undefined));
    const seen = await watch(native, 120);
    assert.deepEqual(seen.states, ['up']);
    assert.ok(seen.readings > 3 && seen.rejected.length > 1, JSON.stringify(seen));
    assert.deepEqual([...new Set(seen.rejected)], ['busy']);
  });

  it('that stays busy is lost', async () => {
    const { native, calls } = clock((_method, call) => (call > 3 ? 'EBUSY' : undefined));
    const seen = await watch(native, 200);
    assert.deepEqual(seen.states, ['up', 'down']);
    assert.equal(seen.rejected.length, 15);
    assert.ok(calls.includes('close'));
  });

  it('that is gone is lost at once', async () => {
    const { native } = clock((_method, call) => (call > 3 ? 'ENODEV' : undefined));
    const seen = await watch(native, 60);
    assert.deepEqual(seen.states, ['up', 'down']);
    assert.deepEqual(seen.rejected, []);
  });
});
