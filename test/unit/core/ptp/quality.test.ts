import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accuracyOf, ClockQuality, type Condition } from '../../../../src/core/ptp/quality.js';

const TRACKING: Condition = {
  mode: 'tracking',
  leap: 0,
  stratum: 1,
  bound: 200e-9,
  reference: 'gnss',
  utcOffset: 37,
  utcOffsetValid: true,
};
const quality = (): ClockQuality => new ClockQuality({ holdover: 1e-6, degraded: 1e-3 });

describe('what a grandmaster says of our clock', () => {
  it('goes 248, 6, 7, 52, 248 as the reference comes, goes, and what was learned from it ages', () => {
    const q = quality();
    const steps: readonly (readonly [Partial<Condition>, number])[] = [
      [{ mode: 'reset', leap: 3, stratum: 16, bound: 1 }, 248],
      [{ mode: 'converging' }, 248],
      [{}, 6],
      [{ mode: 'holdover', bound: 300e-9 }, 7],
      [{ mode: 'holdover', bound: 1e-6 }, 7],
      [{ mode: 'holdover', bound: 1.1e-6 }, 52],
      [{ mode: 'holdover', bound: 1e-3 }, 52],
      [{ mode: 'holdover', bound: 1.1e-3 }, 248],
      // A bound that shrinks without a reference brings nothing back.
      [{ mode: 'holdover', bound: 300e-9 }, 248],
      [{}, 6],
      [{ mode: 'tracking', stratum: 2, bound: 500e-9 }, 7],
      [{ leap: 3 }, 248],
      [{ mode: 'holdover', bound: 300e-9 }, 248],
    ];
    for (const [i, [change, expected]] of steps.entries()) {
      assert.equal(q.settings({ ...TRACKING, ...change }).clockClass, expected, `step ${i}`);
    }
  });

  it('is never more than that a server was asked, or that nobody was', () => {
    const byNtp = quality().settings({ ...TRACKING, stratum: 3, reference: 'ntp', bound: 1e-4 });
    assert.deepEqual([byNtp.clockClass, byNtp.accuracy, byNtp.time.timeSource], [248, 0x27, 0x50]);
    assert.equal(byNtp.time.timeTraceable, false);
    const local = quality().settings({ ...TRACKING, mode: 'local' });
    assert.equal(local.clockClass, 248);
  });

  it('names source, traceability and TAI-UTC', () => {
    const q = quality();
    const locked = q.settings({ ...TRACKING, leap: 1 });
    assert.deepEqual(locked.time, {
      utcOffset: 37,
      utcOffsetValid: true,
      leap: 1,
      ptpTimescale: true,
      timeTraceable: true,
      frequencyTraceable: true,
      timeSource: 0x20,
    });
    const held = q.settings({ ...TRACKING, mode: 'holdover' });
    assert.deepEqual([held.time.timeSource, held.time.timeTraceable], [0xa0, true]);
    const late = q.settings({ ...TRACKING, mode: 'holdover', bound: 1e-4 });
    assert.equal(late.time.timeTraceable, false);
    const lost = q.settings({ ...TRACKING, leap: 3 });
    assert.deepEqual([lost.accuracy, lost.time.utcOffsetValid, lost.time.leap], [0xfe, false, 0]);
    assert.equal(q.settings({ ...TRACKING, utcOffsetValid: false }).time.utcOffsetValid, false);
  });

  it('an accuracy is never better than the bound', () => {
    for (const [bound, code] of [
      [0, 0x20],
      [25e-9, 0x20],
      [26e-9, 0x21],
      [1e-6, 0x23],
      [9.9, 0x30],
      [11, 0x31],
      [Number.NaN, 0x31],
    ] as const) {
      assert.equal(accuracyOf(bound), code);
    }
  });
});
