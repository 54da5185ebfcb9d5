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

  it('a frequency jump is followed after some refusals, with the frequency in doubt', () => {
    const verdict = trained().judge({ error: 10e-6, sd: SD }, 5);
    assert.deepEqual([verdict.accepted, verdict.stretched], [true, true]);
  });

  it('a train that is 10 ms off is not followed for an hour', () => {
    const gate = trained();
    for (let quiet = 1; quiet < 3600; quiet++) assert.equal(accepts(gate, 10e-3, quiet), false, `${quiet} s`);
    assert.equal(accepts(gate, SD), true, 'and a good one is believed at once');
  });
});
