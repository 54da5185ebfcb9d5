import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../../src/base/prng.js';
import { DelayModel } from '../../../../../src/core/ntp/client/delay.js';
import { LEARNED_ASYMMETRY } from '../../../../../src/core/ntp/client/options.js';

interface Told {
  /** Mean and rms of what is left of the path's error, the last half of the exchanges; weighted by what they are said to be worth. */
  readonly mean: number;
  readonly rms: number;
  /** rms of the remaining error in units of what was claimed: 1 = honest. */
  readonly honesty: number;
  readonly model: DelayModel;
}

/** Exchanges over a path with exponential waits (µs), the true offset moving by `drift` µs an exchange. */
const feed = (up: number, down: number, n: number, asymmetry = LEARNED_ASYMMETRY, drift = 0, seed = 1): Told => {
  const rng = new Prng(seed);
  const model = new DelayModel(asymmetry, 0);
  let weights = 0;
  let mean = 0;
  let squares = 0;
  let claims = 0;
  for (let i = 0; i < n; i++) {
    const u = up * 1e-6 * rng.exponential();
    const v = down * 1e-6 * rng.exponential();
    const error = (u - v) / 2;
    const { bias, sd } = model.take(drift * 1e-6 * i + error, 200e-6 + u + v, 1e-7);
    if (i < n / 2) continue;
    const w = 1 / sd ** 2;
    weights += w;
    mean += w * (error - bias);
    squares += w * (error - bias) ** 2;
    claims += w * sd ** 2;
  }
  return { mean: mean / weights, rms: Math.sqrt(squares / weights), honesty: Math.sqrt(squares / claims), model };
};

describe('delay model', () => {
  it('learns that the way up is the busy one: what remains has no bias', () => {
    const { mean, model } = feed(50, 20, 800);
    assert.ok(Math.abs(mean) < 1e-6, `${mean}`);
    assert.ok(model.jitterAsymmetry < -0.1, `${model.jitterAsymmetry}`);
  });

  it('learns it the other way round as well', () => {
    const { mean, model } = feed(20, 50, 800);
    assert.ok(Math.abs(mean) < 1e-6, `${mean}`);
    assert.ok(model.jitterAsymmetry > 0.1, `${model.jitterAsymmetry}`);
  });

  it('finds nothing on a symmetric path', () => {
    const { mean, model } = feed(30, 30, 800);
    assert.ok(Math.abs(mean) < 1e-6, `${mean}`);
    assert.ok(Math.abs(model.jitterAsymmetry) < 0.1, `${model.jitterAsymmetry}`);
  });

  it('negative control: told that both ways are equal, it keeps a bias', () => {
    const told = feed(50, 20, 800, 0);
    assert.ok(Math.abs(told.mean) > 1.5e-6, `${told.mean}`);
  });

  it('says honestly what an exchange is worth', () => {
    for (const seed of [1, 2, 3]) {
      const { honesty } = feed(50, 20, 800, LEARNED_ASYMMETRY, 0, seed);
      assert.ok(honesty > 0.7 && honesty < 1.4, `${honesty}`);
    }
  });

  it('is not misled by a clock that drifts under it', () => {
    const { mean, model } = feed(50, 20, 800, LEARNED_ASYMMETRY, 0.3);
    assert.ok(model.jitterAsymmetry < -0.1, `${model.jitterAsymmetry}`);
    assert.ok(Math.abs(mean) < 3e-6, `${mean}`);
  });

  it('respects an asymmetry that the operator gave: the whole wait on the way up is half the wait of bias', () => {
    const model = new DelayModel(-0.5, 200e-6);
    for (let i = 0; i < 400; i++) model.take(0, 200e-6, 1e-9);
    const { bias } = model.take(0, 300e-6, 1e-9);
    assert.ok(Math.abs(bias - 50e-6) < 2e-6, `${bias}`);
  });

  it('a delayed exchange is worth less than a quick one', () => {
    const { model } = feed(50, 20, 200);
    const quick = model.take(0, 205e-6, 1e-7);
    const slow = model.take(0, 600e-6, 1e-7);
    assert.ok(slow.sd > 5 * quick.sd, `${quick.sd} ${slow.sd}`);
    assert.ok(slow.bias > quick.bias);
  });

  it('forgets the old shortest delay when the route has changed', () => {
    const { model } = feed(50, 20, 200);
    const rng = new Prng(9);
    for (let i = 0; i < 20; i++) model.take(0, 900e-6 + 50e-6 * rng.exponential(), 1e-7);
    assert.ok(model.minimum! > 850e-6, `${model.minimum}`);
  });

  it('keeps the shortest delay over a few slow exchanges (negative control)', () => {
    const { model } = feed(50, 20, 200);
    for (let i = 0; i < 10; i++) model.take(0, 900e-6, 1e-7);
    assert.ok(model.minimum! < 215e-6);
  });

  it('tells quantiles of the delays', () => {
    const model = new DelayModel(0, 0);
    assert.equal(model.quantile(0.5), undefined);
    for (let i = 1; i <= 100; i++) model.take(0, i * 1e-6, 1e-9);
    assert.ok(Math.abs(model.quantile(0.1)! - 11e-6) < 1e-9);
  });
});
