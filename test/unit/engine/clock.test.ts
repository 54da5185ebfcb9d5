import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { add, diff, fromUnix } from '../../../src/base/time.js';
import { CookedClock } from '../../../src/engine/clock.js';

const T0 = fromUnix(1_800_000_000);
const KERNEL = { maxFrequency: 0.1, quantum: 1e-6 / 65536, canStep: true };
const near = (a: number, b: number, eps: number, what = ''): void =>
  assert.ok(Math.abs(a - b) <= eps, `${what} ${a} ${b}`);

describe('CookedClock', () => {
  it('without control the view carries offset and frequency', () => {
    const clock = new CookedClock(undefined, 0.083, T0);
    clock.adjust(T0, 0.25, 20e-6);
    assert.equal(clock.steer(T0, 3), undefined, 'nothing is asked of the kernel');
    near(clock.correction(add(T0, 1000)), 0.25 + 0.02, 1e-12);
    assert.equal(clock.step(T0), undefined);
  });

  it('with control the kernel takes the correction out with the time constant, and cooked time does not notice', () => {
    const clock = new CookedClock(KERNEL, 0.083, T0);
    clock.adjust(T0, 3e-3, 0);
    const freq = clock.steer(T0, 3)!;
    near(freq, 1e-3, 1e-9);
    // One true second later raw has advanced by 1 + freq, cooked by exactly one second.
    const later = add(T0, 1 + freq);
    near(diff(clock.now(later), clock.now(T0)), 1, 2e-9);
    near(clock.correction(later), 3e-3 - 1e-3, 2e-9);
  });

  it('slews no faster than maxslewrate', () => {
    const clock = new CookedClock(KERNEL, 500e-6, T0);
    clock.adjust(T0, -10, 0);
    near(clock.steer(T0, 3)!, -500e-6, 1e-10);
  });

  it('a step puts the correction into raw time and leaves cooked time where it was', () => {
    const clock = new CookedClock(KERNEL, 0.083, T0);
    clock.adjust(T0, 1.234567891, 0);
    const before = clock.now(T0);
    const step = clock.step(T0)!;
    near(step.offset, 1.234567891, 1e-9);
    near(diff(clock.now(step.raw), before), 0, 1e-9);
    near(clock.correction(step.raw), 0, 1e-9);
  });

  it('a foreign jump of raw time does not move cooked time', () => {
    const clock = new CookedClock(KERNEL, 0.083, T0);
    clock.adjust(T0, 1e-3, 5e-6);
    clock.steer(T0, 3);
    const at = add(T0, 10);
    const before = clock.now(at);
    clock.rawJumped(add(at, 3600), 3600);
    near(diff(clock.now(add(at, 3600)), before), 0, 1e-9);
  });

  it('without an end to the slew there is none: the kernel gets the rate alone, the rest stays in the view', () => {
    const clock = new CookedClock(KERNEL, 0.083, T0);
    clock.adjust(T0, 1e-3, -80e-6);
    assert.ok(clock.steer(T0, 3)! > 200e-6, 'a slew');
    near(clock.steer(T0, Number.POSITIVE_INFINITY)!, -80e-6, 1e-11);
    near(clock.correction(T0), 1e-3, 1e-12);
  });

  it('frequency is rounded to what the kernel can hold, and the rest stays in the view', () => {
    const clock = new CookedClock(KERNEL, 0.083, T0);
    clock.adjust(T0, 0, 1.00000012345e-6);
    const freq = clock.steer(T0, 3)!;
    near(freq / KERNEL.quantum, Math.round(freq / KERNEL.quantum), 1e-6);
    near(clock.view.rate, 1.00000012345e-6 - freq, 1e-15);
  });
});
