import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromUnix } from '../../../src/base/time.js';
import { loadNative, type Native, type NativeRtcUpdate } from '../../../src/devices/native.js';
import { RtcDevices, rtcKeepsUtc, rtcToUtc, utcToRtc } from '../../../src/devices/rtc.js';
import type { DeviceState } from '../../../src/ports/device.js';
import type { RtcUpdate } from '../../../src/ports/rtc.js';
import type { ReferenceReading } from '../../../src/ports/samples.js';
import { failsWith, misused } from '../../support/native.js';

const dir = mkdtempSync(join(tmpdir(), 'tb-rtc-'));
after(() => rmSync(dir, { recursive: true }));

/** A chip in memory with the addon's contract. `there`: can it be opened; it lives at 1000 s unless it is set. */
class FakeChip {
  there = true;
  open = 0;
  seconds = 1000;
  asked = 0;
  private listeners: { onUpdate: (u: NativeRtcUpdate) => void; onError: (code: string) => void } | undefined;

  readonly native = (): Native => {
    const chip = this;
    class Rtc {
      constructor(path: string) {
        if (!chip.there) throw Object.assign(new Error(`${path}: ENOENT`), { code: 'ENOENT' });
        if (chip.open > 0) throw Object.assign(new Error(`${path}: EBUSY`), { code: 'EBUSY' });
        chip.open++;
      }
      read = () => chip.seconds;
      set = (seconds: number) => {
        chip.seconds = seconds;
      };
      start = (onUpdate: (u: NativeRtcUpdate) => void, onError: (code: string) => void) => {
        chip.listeners = { onUpdate, onError };
      };
      request = () => {
        chip.asked++;
      };
      close = () => {
        chip.open--;
        chip.listeners = undefined;
      };
    }
    return { Rtc } as unknown as Native;
  };

  tick(update: NativeRtcUpdate): void {
    this.listeners?.onUpdate(update);
  }

  vanish(): void {
    this.there = false;
    this.listeners?.onError('ENODEV');
  }
}

const opened = (chip: FakeChip, utc = true) => {
  const states: DeviceState[] = [];
  const updates: RtcUpdate[] = [];
  const device = new RtcDevices(chip.native()).openRtc('/dev/rtc', utc, {
    onState: (state) => states.push(state),
    onUpdate: (update) => updates.push(update),
  });
  return { device, states, updates };
};

describe('real-time clock devices', () => {
  it('is opened at once, asked, set, and given back', async () => {
    const chip = new FakeChip();
    const { device, states, updates } = opened(chip);
    assert.equal(chip.open, 1, 'before rights are given up');
    await sleep(5);
    assert.deepEqual(states, [{ kind: 'up' }]);
    device.measure();
    chip.tick({ time: 2_000_000_000_000n, seconds: 2001, error: 4_000_000n });
    assert.equal(chip.asked, 1);
    // What is known is an interval of 4 ms before the stamp: its middle, and half of it.
    assert.deepEqual(updates, [{ time: 1_999_998_000_000n, rtc: fromUnix(2001), error: 0.002 }]);
    device.set(fromUnix(5000, 999_999_999));
    assert.equal(chip.seconds, 5000);
    device.stop();
    assert.equal(chip.open, 0);
  });

  it('one that is not there is a state; it is used when it comes', async () => {
    const chip = new FakeChip();
    chip.there = false;
    const { device, states } = opened(chip);
    await sleep(5);
    assert.equal(states[0]?.kind, 'down');
    assert.throws(() => device.set(fromUnix(1)), { code: 'ERR_TB_DEVICE_MISSING' });
    device.measure();
    assert.equal(chip.asked, 0);
    chip.there = true;
    await sleep(300);
    assert.deepEqual(states.at(-1), { kind: 'up' });
    chip.vanish();
    assert.equal(states.at(-1)?.kind, 'down');
    assert.equal(chip.open, 0, 'closed when it went');
    device.stop();
  });

  it('as a reference clock each update is a reading', async () => {
    const chip = new FakeChip();
    const readings: ReferenceReading[] = [];
    const device = new RtcDevices(chip.native()).openRefclock('/dev/rtc', true, 1000, {
      onState: () => {},
      onReading: (reading) => readings.push(reading),
      onReject: () => {},
    });
    await sleep(5);
    chip.tick({ time: 1_999_250_000_000n, seconds: 2000, error: 0n });
    assert.deepEqual(readings, [{ local: 1_999_250_000_000n, offset: 0.75, error: 0, leap: 0, pulse: false }]);
    device.stop();
  });

  it('is read once, half a second added; undefined when it is not there', () => {
    const chip = new FakeChip();
    const devices = new RtcDevices(chip.native());
    assert.equal(devices.read('/dev/rtc', true), fromUnix(1000, 500_000_000));
    assert.equal(chip.open, 0);
    chip.there = false;
    assert.equal(devices.read('/dev/rtc', true), undefined);
  });

  it('local time is understood, there and back', () => {
    const before = process.env['TZ'];
    process.env['TZ'] = 'Europe/Berlin';
    try {
      // 2026-07-01 14:00 on the chip is 12:00 UTC.
      const chip = Date.UTC(2026, 6, 1, 14) / 1000;
      const utc = fromUnix(Date.UTC(2026, 6, 1, 12) / 1000);
      assert.equal(rtcToUtc(chip, false), utc);
      assert.equal(utcToRtc(utc, false), chip);
      assert.equal(rtcToUtc(chip, true), fromUnix(chip));
    } finally {
      if (before === undefined) delete process.env['TZ'];
      else process.env['TZ'] = before;
    }
  });

  it("hwclock's file says whether it keeps UTC", () => {
    const file = join(dir, 'adjtime');
    const says = (text: string): boolean | undefined => {
      writeFileSync(file, text);
      return rtcKeepsUtc(file);
    };
    assert.equal(says('0.0 0 0.0\n0\nUTC\n'), true);
    assert.equal(says('0.0 0 0.0\n0\nLOCAL\n'), false);
    assert.equal(says('0.0 0 0.0\n'), undefined);
    assert.equal(says('garbage'), undefined);
    assert.equal(rtcKeepsUtc(join(dir, 'none')), undefined);
  });
});

describe('native real-time clock', () => {
  const native = loadNative();

  it('says what is wrong with a path', () => {
    failsWith('ENOENT', () => new native.Rtc(join(dir, 'none')));
    failsWith('ENOTTY', () => new native.Rtc('/dev/null'));
    misused([() => new native.Rtc(5 as unknown as string), () => new native.Rtc('/dev/rtc\0')]);
  });
});
