import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { add, fromUnix, type Instant } from '../../../src/base/time.js';
import { robustLine } from '../../../src/core/robustline.js';
import { ManualInput } from '../../../src/engine/manual.js';

const T0 = fromUnix(1_800_000_000);
const near = (a: number, b: number, by = 1e-9): void => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b}`);

/** A clock that is fast by `offset + rate · t`, told the true time at each t. */
const told = (manual: ManualInput, offset: number, rate: number, times: readonly number[]) =>
  times.map((t) => manual.accept(add(T0, t), add(T0, t + offset + rate * t)));

describe('ManualInput', () => {
  it('one time gives the offset, two the frequency', () => {
    const manual = new ManualInput(true);
    const [first, second] = told(manual, 0.5, 1e-4, [0, 1000]);
    near(first!.offset, 0.5);
    assert.equal(first!.freq, 0);
    near(second!.offset, 0.6);
    near(second!.freq, 1e-4, 1e-7);
  });

  it('refuses two times within a second, and times nobody can mean', () => {
    const manual = new ManualInput(true);
    assert.ok(manual.accept(T0, T0) !== undefined);
    assert.equal(manual.accept(T0, add(T0, 0.9)), undefined);
    assert.equal(manual.accept(fromUnix(-1), add(T0, 5)), undefined);
    assert.equal(manual.accept(fromUnix(9_000_000_000), add(T0, 5)), undefined);
    assert.ok(manual.accept(T0, add(T0, 5)) !== undefined);
  });

  it('remembers 16 times', () => {
    const manual = new ManualInput(true);
    told(
      manual,
      0,
      0,
      Array.from({ length: 20 }, (_, i) => i * 10),
    );
    assert.equal(manual.list().length, 16);
    assert.equal(manual.list()[0]!.when, add(T0, 40));
  });

  it('follows corrections of the clock: what was corrected is no longer wrong', () => {
    const manual = new ManualInput(true);
    const now: Instant = add(T0, 0.22);
    manual.accept(T0, now);
    manual.rebase({ at: now, doffset: -0.22, dfreq: 0, kind: 'adjust' });
    const [sample] = manual.list();
    near(sample!.slewedOffsetFast, 0);
    near(sample!.originalOffsetFast, 0.22);
    assert.equal(sample!.when, T0);
  });

  it('deletes a time and says what the rest means; there is no time beyond the list', () => {
    const manual = new ManualInput(true);
    told(manual, 0.5, 0, [0, 100]);
    manual.accept(add(T0, 200), add(T0, 290));
    near(manual.remove(2, add(T0, 200))!.offset, 0.5);
    assert.equal(manual.remove(2, T0), undefined);
    assert.equal(manual.remove(-1, T0), undefined);
    assert.deepEqual([manual.remove(0, T0), manual.remove(0, T0)].at(-1), { offset: 0, freq: 0 });
  });

  it('a step by somebody else makes the list void', () => {
    const manual = new ManualInput(true);
    told(manual, 0.5, 0, [0, 100]);
    manual.rebase({ at: T0, doffset: 5, dfreq: 0, kind: 'unknown' });
    assert.deepEqual(manual.list(), []);
  });
});

describe('robustLine', () => {
  it('is the line of the many, not of the one that slipped', () => {
    const x = [-500, -400, -300, -200, -100, 0];
    const y = x.map((t) => 0.3 + 2e-4 * t);
    y[2] = 30;
    const line = robustLine(x, y);
    near(line.at0, 0.3);
    near(line.slope, 2e-4);
  });

  it('leaves out a past that was not straight', () => {
    const x = Array.from({ length: 14 }, (_, i) => i * 100 - 1300);
    // Nobody's hand is steadier than a millisecond.
    const y = x.map((t, i) => (t < -700 ? 5e-3 * (t + 700) : 0) + (i % 2 === 0 ? 1e-3 : -1e-3));
    near(robustLine(x, y).slope, 0, 1e-5);
  });
});
