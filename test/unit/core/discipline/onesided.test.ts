import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import { KalmanBank } from '../../../../src/core/discipline/bank.js';

const SIGMA = 1e-6;

/** Weight of the one-sided hypotheses after twenty minutes of a perfect clock with such measurement noise. */
const learned = (noise: (prng: Prng) => number): number => {
  const bank = new KalmanBank(1e-7);
  const prng = new Prng(11);
  for (let i = 0; i < 1200; i++) {
    bank.advance(1, true);
    bank.innovation(SIGMA * noise(prng), 0, SIGMA);
    bank.absorb(i > 1);
  }
  return bank.belief.oneSided;
};

describe('one-sidedness of the noise', () => {
  it('is seen where pulses come late, with a sharp early edge', () => {
    assert.ok(learned((prng) => 1 - prng.exponential()) > 0.95);
  });

  it('is not seen in Gaussian noise, nor in noise that comes early', () => {
    assert.ok(learned((prng) => prng.normal()) < 0.05);
    assert.ok(learned((prng) => prng.exponential() - 1) < 0.05);
  });

  it('is nothing before the first measurement', () => assert.equal(new KalmanBank(1e-7).belief.oneSided, 0));
});
