import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import { type Diagnosis, Dispute } from '../../../../src/core/discipline/dispute.js';

const SIGMA = 1e-6;

/** Refused innovations, the first `late` s after the last believed measurement, until something is found. */
const argue = (error: (t: number) => number, count: number, late = 1): { found: Diagnosis; after: number } => {
  const dispute = new Dispute();
  for (let i = 0; i < count; i++) {
    const found = dispute.add(error(i + late), i + late, 0.2 * SIGMA, SIGMA);
    if (found.kind !== 'none') return { found, after: i + 1 };
  }
  return { found: { kind: 'none' }, after: count };
};

describe('dispute', () => {
  it('errors that run away from the last agreement are a frequency jump, seen at the fifth', () => {
    const rng = new Prng(1);
    const { found, after } = argue((t) => 5e-6 * t + SIGMA * rng.normal(), 100);
    assert.equal(after, 5);
    assert.ok(found.kind === 'frequency' && Math.abs(found.jump - 5e-6) < 1e-6);
  });

  it('also when it happened unseen, in a gap of 300 s', () => {
    const rng = new Prng(2);
    const { found } = argue((t) => 1e-6 * (t - 50) + SIGMA * rng.normal(), 100, 300);
    assert.equal(found.kind, 'frequency');
  });

  it('a constant offset is never explained, over 200 seeds', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const rng = new Prng(seed);
      assert.equal(argue(() => 1e-4 + SIGMA * rng.normal(), 600).found.kind, 'none', `seed ${seed}`);
    }
  });

  it('a burst of late interrupts is not, either', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const rng = new Prng(seed);
      assert.notEqual(argue(() => 50e-6 * rng.exponential(), 60).found.kind, 'frequency', `seed ${seed}`);
    }
  });

  it('scatter around the clock is noise, seen at the sixteenth', () => {
    const rng = new Prng(3);
    const { found, after } = argue(() => 1e-4 * rng.normal(), 100);
    assert.deepEqual([found.kind, after], ['noise', 16]);
  });

  it('nothing an oscillator can do: a thousand ppm', () => {
    assert.equal(argue((t) => 1e-3 * t, 15).found.kind, 'none');
  });
});
