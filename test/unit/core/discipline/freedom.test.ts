import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import { Freedom } from '../../../../src/core/discipline/freedom.js';

const learn = (freq: (k: number) => number, seconds: number): Freedom => {
  const freedom = new Freedom();
  for (let k = 1; k <= seconds; k++) freedom.observe(freq(k), 1);
  return freedom;
};

describe('freedom of the oscillator', () => {
  it('a random walk of the frequency gives q·t^1.5/sqrt(3), and not much more', () => {
    const rng = new Prng(5);
    const q = 1e-9;
    let f = 0;
    const freedom = learn(() => (f += q * rng.normal()), 40_000);
    for (const t of [60, 600, 3600]) {
      const ratio = freedom.phaseError(t, 0, 1e-6) / ((q * t ** 1.5) / Math.sqrt(3));
      assert.ok(ratio > 0.85 && ratio < 2, `${t} s: ${ratio}`);
    }
  });

  it('knows a heating that comes and goes', () => {
    const freedom = learn((k) => 1e-6 * Math.sin((2 * Math.PI * k) / 3600), 20_000);
    // The worst that can happen in half a period is 2·A·P/(2·pi): 1.1 ms.
    const half = freedom.phaseError(1800, 1e-9, 1e-6);
    assert.ok(half > 0.8e-3 && half < 4e-3, `${half}`);
  });

  it('grows with time, without jumps', () => {
    const rng = new Prng(6);
    let f = 0;
    const freedom = learn(() => (f += 1e-9 * rng.normal()), 5000);
    let last = 0;
    for (let t = 1; t < 20_000; t = Math.ceil(t * 1.02)) {
      const e = freedom.phaseError(t, 1e-9, 1e-6);
      assert.ok(e >= last && e < 1.2 * last + 1e-9 * t, `${t} s: ${last} then ${e}`);
      last = e;
    }
  });

  it('without experience it takes the fallback', () => {
    assert.ok(new Freedom().phaseError(64, 1e-9, 1e-6) > 20e-6);
  });
});
