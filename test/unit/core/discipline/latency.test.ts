import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import { late, posterior } from '../../../../src/core/discipline/latency.js';
import { makeTrace, rms, runTrace } from '../../../support/traces.js';

/** Moments of the posterior by brute force: prior N(0, p), noise mu·(1 − E) + g, kappa = 0.1. */
const brute = (e: number, p: number) => {
  const mu = 1 / Math.sqrt(1.01);
  const g = 0.1 * mu;
  const density = (n: number): number => {
    // Exponential tail to the left of mu, smoothed by g: integrated over the exponential part.
    let sum = 0;
    const step = 0.002;
    for (let t = step / 2; t < 14; t += step) {
      const r = (n - mu * (1 - t)) / g;
      if (r * r < 80) sum += Math.exp(-t - 0.5 * r * r) * step;
    }
    return sum / (g * Math.sqrt(2 * Math.PI));
  };
  let z = 0;
  let first = 0;
  let second = 0;
  const sd = Math.sqrt(p);
  const step = sd / 50;
  for (let x = -6 * sd; x <= 6 * sd; x += step) {
    const w = ((Math.exp((-0.5 * x * x) / p) * step) / Math.sqrt(2 * Math.PI * p)) * density(e - x);
    z += w;
    first += w * x;
    second += w * x * x;
  }
  const mean = first / z;
  return { mean, variance: second / z - mean * mean, log: Math.log(z) };
};

describe('one-sided latency', () => {
  for (const [e, p] of [
    [0, 0.01],
    [0.9, 0.01],
    [1.1, 0.02],
    [-3, 0.01],
    [0.5, 0.5],
  ] as const) {
    it(`posterior for innovation ${e} and prior variance ${p} equals the integral`, () => {
      late(e, p);
      const exact = brute(e, p);
      assert.ok(
        Math.abs(posterior.gain * p - exact.mean) < 0.01 * Math.sqrt(p),
        `mean ${posterior.gain * p}, ${exact.mean}`,
      );
      assert.ok(Math.abs(posterior.keep * p - exact.variance) < 0.02 * p, `${posterior.keep * p}, ${exact.variance}`);
      assert.ok(Math.abs(posterior.log - exact.log) < 0.01, `${posterior.log}, ${exact.log}`);
    });
  }

  it('stays finite and sane far out', () => {
    for (const e of [-1e6, -100, 30, 1e6]) {
      for (const p of [1e-6, 1, 10]) {
        late(e, p);
        assert.ok(Number.isFinite(posterior.gain) && posterior.keep > 0 && posterior.keep <= 1.001, `${e} ${p}`);
        assert.ok(posterior.log >= -20);
      }
    }
  });

  it('late pulses: better than any linear filter can be (210 ns), found out without being told', () => {
    const rng = new Prng(21);
    const jitter = new Float64Array(6001).map(() => 1e-6 * (rng.exponential() - 1));
    const trace = makeTrace({ rows: 6000, sigma: 0, q: 1e-9, extraPulse: (k) => jitter[k]! }, 21);
    const error = rms(runTrace(trace).errors, 2000, 6000);
    assert.ok(error < 150e-9, `${error}`);
  });

  it('early pulses are no such thing: no worse than a linear filter (negative control)', () => {
    const rng = new Prng(22);
    const jitter = new Float64Array(6001).map(() => 1e-6 * (1 - rng.exponential()));
    const trace = makeTrace({ rows: 6000, sigma: 0, q: 1e-9, extraPulse: (k) => jitter[k]! }, 22);
    const error = rms(runTrace(trace).errors, 2000, 6000);
    assert.ok(error > 170e-9 && error < 260e-9, `${error}`);
  });
});
