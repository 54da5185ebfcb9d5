import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromUnix, mono } from '../../../src/base/time.js';
import { KERNEL_ACTUATOR, NO_ACTUATOR, SimClock } from '../../../src/sim/clock.js';

const START = fromUnix(1_772_323_200);

describe('simulated clock', () => {
  it('runs at (1 + fRaw)(1 + fAdj)', () => {
    const clock = new SimClock(START, 0, KERNEL_ACTUATOR);
    clock.setOscillator(1e-3);
    const set = clock.setFrequency(2e-3);
    clock.advance(10);
    assert.ok(Math.abs(clock.error() - 10 * ((1 + 1e-3) * (1 + set) - 1)) < 1e-15);
    assert.equal(clock.realtime(), START + 10_000_000_000n + BigInt(Math.round(clock.error() * 1e9)));
  });

  it('does not lose the fraction of a nanosecond over a day of seconds', () => {
    const clock = new SimClock(START, 0, KERNEL_ACTUATOR);
    clock.setOscillator(1e-10);
    for (let t = 1; t <= 86400; t++) clock.advance(t);
    // 0.1 ns a second: rounding each second would leave 0 or 86 µs.
    assert.ok(Math.abs(clock.error() - 8.64e-6) < 1e-13);
    assert.equal(clock.realtime(), START + 86_400_000_000_000n + 8640n);
  });

  it('rounds the frequency to the kernel grain and clamps it', () => {
    const clock = new SimClock(START, 0, KERNEL_ACTUATOR);
    const grain = 1e-6 / 65536;
    assert.equal(clock.setFrequency(10.4 * grain), 10 * grain);
    assert.equal(clock.setFrequency(1), Math.round(0.1 / grain) * grain);
    assert.equal(clock.readFrequency(), Math.round(0.1 / grain) * grain);
  });

  it('cannot be moved under -x', () => {
    const clock = new SimClock(START, 0.5, NO_ACTUATOR);
    assert.equal(clock.setFrequency(1e-6), 0);
    assert.equal(clock.step(1), false);
    assert.equal(clock.error(), 0.5);
  });

  it('holds offsets of decades without losing nanoseconds', () => {
    const clock = new SimClock(START, -1_772_323_200.125, KERNEL_ACTUATOR);
    clock.advance(1);
    assert.equal(clock.realtime(), 875_000_000n);
    const before = clock.realtime();
    clock.step(1e-9);
    assert.equal(clock.realtime() - before, 1n);
  });

  it('steps realtime and leaves the monotonic clocks alone', () => {
    const clock = new SimClock(START, 0, KERNEL_ACTUATOR);
    clock.advance(5);
    const [m, r] = [clock.monotonic(), clock.monotonicRaw()];
    clock.step(-0.25);
    assert.equal(clock.monotonic(), m);
    assert.equal(clock.monotonicRaw(), r);
    assert.equal(clock.realtime(), START + 4_750_000_000n);
  });

  it('keeps MONOTONIC_RAW free of the discipline', () => {
    const clock = new SimClock(START, 0, KERNEL_ACTUATOR);
    const start = clock.monotonicRaw();
    clock.setOscillator(1e-6);
    clock.setFrequency(0.05);
    clock.advance(100);
    assert.equal(clock.monotonicRaw() - start, 100_000_100_000n);
    assert.ok(clock.monotonic() - start > 104_000_000_000n);
  });

  it('says at which true time the monotonic clock will read a value', () => {
    const clock = new SimClock(START, 0, KERNEL_ACTUATOR);
    clock.setOscillator(3e-5);
    clock.setFrequency(-0.08);
    clock.advance(1000.123);
    const target = mono(clock.monotonic() + 777_777_777n);
    clock.advance(clock.trueTimeOf(SimClock.count(target)));
    assert.ok(clock.monotonic() >= target && clock.monotonic() <= target + 2n);
  });

  it('sleeps: monotonic stands still, realtime goes on with the error of the RTC', () => {
    const clock = new SimClock(START, 0, KERNEL_ACTUATOR);
    clock.advance(10);
    const m = clock.monotonic();
    clock.advance(610);
    clock.slept(600, 0.3);
    assert.equal(clock.monotonic(), m);
    assert.ok(Math.abs(clock.error() - 0.3) < 1e-12);
  });
});
