import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import { add, fromUnix } from '../../../../src/base/time.js';
import { Discipline } from '../../../../src/core/discipline/discipline.js';
import { LongWander } from '../../../../src/core/discipline/longwander.js';
import { OPTIONS } from '../../../support/traces.js';

const WANDER = 5e-10;
const QUIET = 1e-6;
const LOUD = 13e-6;

const known = (wander: number, measurements = 5000): LongWander => {
  const long = new LongWander();
  for (let i = 0; i < measurements; i++) long.learn(wander);
  return long;
};

/** Rms error of a steady filter for the wander `taken` of a clock that wanders by `wander`, over what it believes its error to be. */
const mismatch = (taken: number, wander: number, seed: number): number => {
  const rng = new Prng(seed);
  let [xx, xf, ff] = [1e-12, 0, 1e-16];
  let [x, f, sum, n] = [0, 0, 0, 0];
  for (let k = 0; k < 120_000; k++) {
    const step = wander * rng.normal();
    x += f + step / 2;
    f += step;
    [xx, xf, ff] = [xx + 2 * xf + ff + taken ** 2 / 3, xf + ff + taken ** 2 / 2, ff + taken ** 2];
    const s = xx + QUIET ** 2;
    const e = x + QUIET * rng.normal();
    x -= (xx / s) * e;
    f -= (xf / s) * e;
    [xx, xf, ff] = [xx - (xx * xx) / s, xf - (xx * xf) / s, ff - (xf * xf) / s];
    if (k < 2000) continue;
    sum += x * x;
    n++;
  }
  return Math.sqrt(sum / n / xx);
};

/** Seconds outside the bound and the last bound of a clock that was calm for a while after much noise, and then goes on as ever. */
const calmAfterNoise = (wander: number): { outside: number; bound: number } => {
  const rng = new Prng(10);
  const discipline = new Discipline(OPTIONS, undefined);
  let [at, x, f, moved, outside, bound] = [0, 0, 0, 0, 0, 0];
  const run = (n: number, sigma: number, step: () => number): void => {
    for (let k = 0; k < n; k++) {
      f += step();
      x += f;
      const time = add(fromUnix(1_800_000_000), ++at + moved);
      bound = discipline.bound(time).halfWidth;
      if (at > 100 && Math.abs(x) > bound) outside++;
      const c = discipline.measure({ time, offset: x + sigma * rng.normal(), sigma: QUIET, source: 0 });
      if (!c.accepted) continue;
      discipline.rebase({ at: time, doffset: c.doffset, dfreq: c.dfreq, kind: 'adjust' });
      moved += c.doffset;
      x -= c.doffset;
      f -= c.dfreq;
    }
  };
  run(4000, QUIET, () => wander * rng.normal());
  run(900, LOUD, () => wander * rng.normal());
  run(500, QUIET, () => 0);
  const calm = bound;
  // Two standard deviations of what such an oscillator does in a hundred seconds.
  run(100, QUIET, () => (2 * wander) / Math.sqrt(100));
  return { outside, bound: calm };
};

describe('wander of the oscillator, as it was for long', () => {
  it('widens nothing while nothing is known, or while the bank takes it for no less', () => {
    assert.equal(new LongWander().factor(1e-10, 0), 1);
    assert.equal(known(WANDER).factor(2 * WANDER, 0), 1);
    assert.ok(Math.abs(known(WANDER).factor(WANDER, 0) - 1) < 1e-9);
  });

  it('widens by as much as a filter that is too slow underrates its error', () => {
    for (const ratio of [2, 6]) {
      const expected = known(WANDER).factor(WANDER / ratio, 0);
      const seen = mismatch(WANDER / ratio, WANDER, 7);
      assert.ok(Math.abs(seen / expected - 1) < 0.12, `${ratio}: ${seen}, not ${expected}`);
    }
  });

  it('widens while the average is young, however little the bank differs from it', () => {
    const factors = [1, 1000, 3000].map((n) => known(WANDER, n).factor(WANDER, Number.POSITIVE_INFINITY));
    assert.deepEqual(
      factors.toSorted((a, b) => b - a),
      factors,
    );
    // Half an hour after the start an oscillator that wanders 1.6 times as much as it seems is still within.
    assert.ok(factors[1]! > mismatch(WANDER / 1.6, WANDER, 8), `${factors[1]}`);
    assert.ok(factors[2]! > 1);
  });

  it('where the noise has been the same for long the bank is not far off', () => {
    assert.ok(known(WANDER).factor(WANDER / 20, Number.POSITIVE_INFINITY) < 2);
    assert.ok(known(WANDER).factor(WANDER / 20, 100) > 8);
  });

  it('a few calm minutes after much noise do not make the bound forget what the oscillator does', () => {
    const { outside, bound } = calmAfterNoise(WANDER);
    assert.equal(outside, 0);
    assert.ok(bound > 1e-6, `${bound}`);
  });

  it('negative control: for an oscillator that always was calm the bound is tight', () => {
    const { bound } = calmAfterNoise(WANDER / 50);
    assert.ok(bound < 0.8e-6, `${bound}`);
  });
});
