import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../src/base/prng.js';
import { ModelOscillator } from '../../../src/sim/oscillator.js';

const series = (n: number, osc: ModelOscillator): number[] => Array.from({ length: n }, (_, k) => osc.next(k));
const sd = (x: readonly number[]): number => {
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  return Math.sqrt(x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length);
};

describe('oscillator model', () => {
  it('wanders by steps of the given size', () => {
    const f = series(20_000, new ModelOscillator({ frequency: 5e-6, wander: 1e-9 }, new Prng(1)));
    const steps = f.slice(1).map((x, i) => x - f[i]!);
    assert.ok(Math.abs(sd(steps) / 1e-9 - 1) < 0.03);
    assert.ok(Math.abs(f[0]! - 5e-6) < 5e-9);
  });

  it('swings with the temperature', () => {
    const model = { frequency: 0, wander: 0, temperature: { amplitude: 1e-6, period: 3600 } };
    const f = series(3600, new ModelOscillator(model, new Prng(1)));
    assert.ok(Math.abs(Math.max(...f) - 1e-6) < 1e-9);
    assert.ok(Math.abs(sd(f) - 1e-6 / Math.SQRT2) < 1e-9);
  });

  it('jumps and stays', () => {
    const model = { frequency: 1e-6, wander: 0, jumps: [{ at: 10, by: 2e-6 }] };
    const f = series(20, new ModelOscillator(model, new Prng(1)));
    assert.equal(f[9], 1e-6);
    assert.equal(f[10], 3e-6);
    assert.equal(f[19], 3e-6);
  });

  it('is the same for the same seed', () => {
    const model = { frequency: 0, wander: 1e-9, white: 1e-10 };
    assert.deepEqual(
      series(50, new ModelOscillator(model, new Prng(7))),
      series(50, new ModelOscillator(model, new Prng(7))),
    );
  });
});
