import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import { bestLine, countRuns, criticalRuns, fitLine, studentT } from '../../../../src/core/sources/regress.js';

const near = (actual: number, expected: number, tolerance = 1e-9): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

describe('fitLine', () => {
  it('a hand-computed fit: y = 1, 2, 2, 4 at x = 0…3', () => {
    // slope = 4.5 / 5, intercept = 2.25 - 1.35; residuals .1 .2 -.7 .4: sum of squares 0.7
    const line = fitLine([0, 1, 2, 3], [1, 2, 2, 4], [1, 1, 1, 1]);
    near(line.slope, 0.9);
    near(line.intercept, 0.9);
    near(line.sd, Math.sqrt(0.35));
    near(line.slopeSd, Math.sqrt(0.35 / 5));
    near(line.interceptSd, Math.sqrt(0.35 / 4 + (2.25 * 0.35) / 5));
  });

  it('a point with a thousand times the variance hardly counts', () => {
    const line = fitLine([0, 1, 2, 3], [0, 1, 2, 100], [1, 1, 1, 1e6]);
    near(line.slope, 1, 1e-3);
    near(fitLine([0, 1, 2, 3], [0, 1, 2, 100], [1, 1, 1, 1]).slope, 30.1, 1e-9);
  });

  it('errors of the fit are as large as they say, over 400 noisy lines', () => {
    const rng = new Prng(7);
    let slopes = 0;
    let intercepts = 0;
    const x = Array.from({ length: 20 }, (_, i) => i - 19);
    for (let run = 0; run < 400; run++) {
      const y = x.map((v) => 3 + 0.5 * v + 0.1 * rng.normal());
      const line = fitLine(
        x,
        y,
        x.map(() => 1),
      );
      slopes += ((line.slope - 0.5) / line.slopeSd) ** 2;
      intercepts += ((line.intercept - 3) / line.interceptSd) ** 2;
    }
    // Student's t with 18 degrees of freedom has variance 18/16.
    near(slopes / 400, 1.125, 0.25);
    near(intercepts / 400, 1.125, 0.25);
  });
});

describe('runs', () => {
  it('counts stretches of equal sign', () => {
    assert.equal(countRuns([1, 2, -1, -1, 3]), 3);
    assert.equal(countRuns([]), 0);
    assert.equal(countRuns([-1]), 1);
  });

  it("gives chrony's critical counts", () => {
    const known: [number, number][] = [
      [8, 2],
      [16, 5],
      [32, 12],
      [64, 26],
      [128, 55],
    ];
    for (const [n, runs] of known) assert.equal(criticalRuns(n), runs, `${n} residuals`);
  });

  it('rejects about one straight line in twenty', () => {
    const rng = new Prng(11);
    let rejected = 0;
    const x = Array.from({ length: 32 }, (_, i) => i - 31);
    const w = x.map(() => 1);
    for (let run = 0; run < 2000; run++) {
      const y = x.map(() => rng.normal());
      const line = fitLine(x, y, w);
      const runs = countRuns(y.map((v, i) => v - line.intercept - line.slope * x[i]!));
      if (runs <= criticalRuns(32)) rejected++;
    }
    assert.ok(rejected > 40 && rejected < 140, `${rejected} of 2000`);
  });

  it('Student factors fall from 636.6 to 3.5', () => {
    assert.equal(studentT(1), 636.6);
    assert.equal(studentT(40), 3.551);
    assert.equal(studentT(41), 3.5);
  });
});

describe('bestLine', () => {
  const w = (n: number): number[] => new Array<number>(n).fill(1);

  it('keeps a straight past', () => {
    const rng = new Prng(3);
    const x = Array.from({ length: 30 }, (_, i) => i - 29);
    const y = x.map((v) => 2e-6 * v + 1e-7 * rng.normal());
    assert.equal(bestLine(x, y, w(30), 0, 6)!.start, 0);
  });

  it('drops what was before a bend', () => {
    const rng = new Prng(4);
    const x = Array.from({ length: 40 }, (_, i) => i - 39);
    const y = x.map((v) => (v < -15 ? -5e-6 * (v + 15) : 0) + 1e-7 * rng.normal());
    const best = bestLine(x, y, w(40), 0, 3)!;
    assert.ok(best.start >= 20, `starts at ${best.start}`);
    assert.ok(Math.abs(best.slope) < 1e-7);
  });

  it('never goes below minsamples, and needs three points', () => {
    const x = Array.from({ length: 20 }, (_, i) => i - 19);
    const y = x.map((v) => v * v);
    assert.equal(bestLine(x, y, w(20), 0, 12)!.start, 8);
    assert.ok(bestLine(x, y, w(20), 0, 0)!.start >= 14);
    assert.equal(bestLine([-1, 0], [0, 1], w(2), 0, 3), undefined);
  });
});
