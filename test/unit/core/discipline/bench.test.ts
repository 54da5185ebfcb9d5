/** The public traces, where they lie beside the repository: one configuration for all, against the reference filter. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { benchPresent, limitOf, loadTrace, rms, runTrace, settled } from '../../../support/traces.js';

/** Scenario, seed, largest allowed ratio to the limit of that very seed. */
const CASES: [string, number, number][] = [
  ['S1', 1, 1.08],
  ['S1c', 3, 1.15],
  ['S3', 5, 1.08],
  ['S5', 1, 1.08],
  // The limit of linear filters: one-sided noise allows far more.
  ['S9', 2, 0.7],
];

describe('public traces', () => {
  for (const [scenario, seed, ratio] of CASES) {
    it(`${scenario} seed ${seed}: rms within ${ratio} of the limit`, (t) => {
      if (!benchPresent()) return t.skip('../shared/discipline-bench/traces is not there');
      const trace = loadTrace(scenario, seed);
      const run = runTrace(trace);
      const error = rms(run.errors, ...trace.scored) * 1e9;
      const limit = limitOf(scenario, seed);
      assert.ok(error < ratio * limit, `${error.toFixed(1)} ns, limit ${limit} ns`);
      if (scenario === 'S5') assert.ok(settled(trace, run.errors, 1e-6) <= 4);
    });
  }

  it('S6: messages alone, 20 ms of slow bias: better than any setting of a regression (1.7), and the bound holds', (t) => {
    if (!benchPresent()) return t.skip('../shared/discipline-bench/traces is not there');
    const trace = loadTrace('S6', 3, 'nmea_noise');
    const run = runTrace(trace, { sigma: 0.01, every: 16 });
    const error = rms(run.errors, ...trace.scored) * 1e9;
    assert.ok(error < 1.35 * limitOf('S6', 3), `${error.toFixed(0)} ns`);
    const outside = run.cooked.filter((e, k) => Math.abs(e) > run.bounds[k]!).length;
    assert.ok(outside < 0.002 * run.cooked.length, `${outside}`);
  });

  it('S4: taken up again within 3 s after an hour without pulses', (t) => {
    if (!benchPresent()) return t.skip('../shared/discipline-bench/traces is not there');
    const trace = loadTrace('S4', 2);
    const { errors, cooked, bounds } = runTrace(trace);
    const back = trace.lost![1];
    for (let k = back + 3; k < errors.length; k++) assert.ok(Math.abs(errors[k]!) < 5e-6, `second ${k}`);
    for (let k = trace.lost![0]; k < back; k++) assert.ok(Math.abs(cooked[k]!) < bounds[k]!, `bound at ${k}`);
  });
});
