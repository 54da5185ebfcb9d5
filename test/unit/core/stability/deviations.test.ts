/** Online figures against the textbook (IEEE Std 1139; Riley, NIST SP 1065) on noise of known kind. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import type { Deviation } from '../../../../src/core/report/stability.js';
import { Ladder } from '../../../../src/core/stability/ladder.js';

const N = 2 ** 16;
const SIGMA = 1e-7;

const run = (x: readonly number[]): Map<number, Deviation> => {
  const ladder = new Ladder();
  for (const v of x) ladder.push(v, false);
  return new Map(ladder.deviations(1).map((d) => [d.tau, d]));
};

const cumulate = (steps: readonly number[]): number[] => {
  let sum = 0;
  return steps.map((v) => (sum += v));
};
const normals = (seed: number, sd: number): number[] => {
  const prng = new Prng(seed);
  return Array.from({ length: N }, () => sd * prng.normal());
};

/** Relative tolerance: 4.5 standard errors of a variance from N/tau independent terms. */
const near = (is: number, theory: number, tau: number, what: string): void => {
  const tolerance = 4.5 * Math.sqrt((1.5 * tau) / N) + 0.01;
  assert.ok(Math.abs(is / theory - 1) < tolerance, `${what} at ${tau} s: ${is}, theory ${theory}, ± ${tolerance}`);
};
const TAUS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

const slope = (d: Map<number, Deviation>, from: number, to: number): number =>
  Math.log(d.get(to)!.adev / d.get(from)!.adev) / Math.log(to / from);

describe('stability figures on known noise', () => {
  it('white phase noise: ADEV = √3·σ/τ, TDEV = σ/√n', () => {
    const d = run(normals(1, SIGMA));
    for (const tau of TAUS) {
      near(d.get(tau)!.adev, (Math.sqrt(3) * SIGMA) / tau, Math.min(tau, 4), 'ADEV');
      near(d.get(tau)!.tdev, SIGMA / Math.sqrt(tau), tau, 'TDEV');
    }
  });

  it('white frequency noise: ADEV = σ/√n, TDEV by the modified variance', () => {
    const d = run(cumulate(normals(2, SIGMA)));
    for (const tau of TAUS) {
      const adev = SIGMA / Math.sqrt(tau);
      near(d.get(tau)!.adev, adev, tau, 'ADEV');
      const modified = adev * Math.sqrt((tau * tau + 1) / (2 * tau * tau));
      near(d.get(tau)!.tdev, (tau / Math.sqrt(3)) * modified, tau, 'TDEV');
    }
    assert.ok(Math.abs(slope(d, 1, 256) + 0.5) < 0.03);
  });

  it('random walk of the frequency: AVAR = q·(2n² + 1)/(6n)', () => {
    const d = run(cumulate(cumulate(normals(3, SIGMA))));
    for (const tau of TAUS) {
      near(d.get(tau)!.adev, SIGMA * Math.sqrt((2 * tau * tau + 1) / (6 * tau)), tau, 'ADEV');
    }
    assert.ok(slope(d, 8, 256) > 0.4);
  });

  it('the same phases shuffled are another noise: the slope shows it', () => {
    const x = cumulate(normals(2, SIGMA));
    const prng = new Prng(9);
    for (let i = x.length - 1; i > 0; i--) {
      const j = prng.below(i + 1);
      [x[i], x[j]] = [x[j]!, x[i]!];
    }
    assert.ok(Math.abs(slope(run(x), 1, 256) + 1) < 0.05);
  });

  it('a frequency offset is no instability, a drift is: ADEV = d·τ/√2; MTIE of an offset = f·τ', () => {
    const offset = run(Array.from({ length: 4096 }, (_, i) => 1e-6 * i));
    const drift = run(Array.from({ length: 4096 }, (_, i) => 0.5e-9 * i * i));
    for (const tau of [1, 8, 64]) {
      assert.ok(offset.get(tau)!.adev < 1e-15);
      assert.ok(offset.get(tau)!.tdev < 1e-14);
      assert.ok(Math.abs(offset.get(tau)!.mtie / (1e-6 * tau) - 1) < 1e-9);
      assert.ok(Math.abs(drift.get(tau)!.adev / ((1e-9 * tau) / Math.SQRT2) - 1) < 1e-4);
    }
  });

  it('MTIE is what brute force finds', () => {
    const x = cumulate(normals(4, SIGMA)).slice(0, 4096);
    const d = run(x);
    for (const tau of [1, 2, 4, 8, 64, 256]) {
      let most = 0;
      for (let i = 0; i + tau < x.length; i++) {
        const window = x.slice(i, i + tau + 1);
        most = Math.max(most, Math.max(...window) - Math.min(...window));
      }
      const is = d.get(tau)!.mtie;
      // Long windows move on by an eighth of themselves and may miss the very worst place by a little.
      assert.ok(is <= most * (1 + 1e-12) && is >= (tau <= 8 ? 1 - 1e-12 : 0.9) * most, `${tau}: ${is} of ${most}`);
    }
  });

  it('reaches 2^15 s, holds no more blocks for it, and forgets old trouble in the end', () => {
    const ladder = new Ladder();
    ladder.push(1, false);
    for (let i = 0; i < 2 ** 18 - 1; i++) ladder.push(0, false);
    assert.ok(ladder.deviations(1).some((d) => d.tau === 2 ** 15 && d.terms >= 32));
    assert.equal(ladder.deviations(1)[0]!.mtie, 1);
    for (let i = 0; i < 2 ** 18; i++) ladder.push(0, false);
    assert.equal(ladder.deviations(1)[0]!.mtie, 0);
  });
});
