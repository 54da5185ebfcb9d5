import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import { Gate } from '../../../../src/core/discipline/gate.js';

const SD = 1e-6;
const trained = (scale = 1, outliers = 0): Gate => {
  const gate = new Gate();
  const rng = new Prng(9);
  for (let i = 0; i < 60; i++) {
    const wild = rng.uniform() < outliers ? 1e-3 : 0;
    gate.judge({ error: scale * SD * rng.normal() + wild, sd: SD }, 0);
  }
  return gate;
};
const accepts = (gate: Gate, error: number, quiet = 0): boolean => gate.judge({ error, sd: SD }, quiet).accepted;

describe('gate', () => {
  it('takes the first measurements blindly', () => {
    const gate = new Gate();
    assert.equal(accepts(gate, 1), true);
    assert.equal(accepts(gate, -0.3), true);
  });

  it('believes what is within six standard deviations, not more', () => {
    const gate = trained();
    assert.equal(accepts(gate, 4 * SD), true);
    assert.equal(accepts(gate, 1e-3), false);
    assert.match(gate.judge({ error: 1e-3, sd: SD }, 0).reason, /standard deviations off/);
  });

  it('learns a claim that was far too small, also among outliers', () => {
    assert.equal(accepts(trained(100), 300 * SD), true);
    assert.equal(accepts(trained(1, 0.2), 20 * SD), false);
  });

  it('after a gap it takes what an oscillator may have done unseen, with the frequency in doubt', () => {
    const verdict = trained().judge({ error: 100e-6, sd: SD }, 60);
    assert.deepEqual([verdict.accepted, verdict.stretched], [true, true]);
    assert.equal(accepts(trained(), 100e-6, 0), false);
  });

  it('a train that is 10 ms off stays refused', () => {
    const gate = trained();
    for (let i = 0; i < 3600; i++) assert.equal(accepts(gate, 10e-3), false);
    assert.equal(accepts(gate, SD), true, 'and a good one is believed at once');
  });

  it('the same while it is young, though it still learns from noise that was refused', () => {
    const young = (train: (i: number, rng: Prng) => number): Gate => {
      const gate = new Gate();
      const rng = new Prng(11);
      for (let i = 0; i < 13; i++) gate.judge({ error: SD * rng.normal(), sd: SD }, 0);
      for (let i = 0; i < 600; i++) gate.judge({ error: train(i, rng), sd: SD }, 0);
      return gate;
    };
    assert.equal(
      accepts(
        young((_i, rng) => 0.1 + SD * rng.normal()),
        0.1,
      ),
      false,
    );
    assert.equal(
      accepts(
        young((_i, rng) => 50 * SD * rng.normal()),
        100 * SD,
      ),
      true,
      'negative control',
    );
  });

  it('a sigma learned from outliers does not keep the gate open', () => {
    const gate = new Gate();
    const rng = new Prng(10);
    for (let i = 0; i < 40; i++) gate.judge({ error: 0.01 * SD * rng.normal(), sd: SD }, 0);
    assert.equal(accepts(gate, SD), false);
  });

  it('after the sigma has been set right, good ones pass that were small by the old measure', () => {
    for (const told of [true, false]) {
      const gate = trained(0.1);
      // From now on a tenth is expected.
      if (told) gate.rescale(10);
      const verdict = gate.judge({ error: 0.25 * SD, sd: 0.1 * SD }, 0);
      assert.equal(verdict.accepted, told);
      gate.rescale(1e6);
      assert.equal(gate.judge({ error: 1 * SD, sd: 0.1 * SD }, 0).accepted, false, 'but never more than is usual');
    }
  });
});
