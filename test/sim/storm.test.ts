import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runScenario, type Scenario } from '../../src/sim/scenario.js';
import { gpsBoard } from '../../src/sim/scenarios/parts.js';
import { stormScenarios } from '../../src/sim/scenarios/storm.js';
import { testScenarios } from './support.js';

testScenarios('random faults', stormScenarios);

/** Twenty times the noise for a quarter of an hour; `quietFor` s after its end the other edge is captured for a minute. */
const edgeAfterNoise = (quietFor: number): Scenario => ({
  name: 'edge-after-noise',
  what: 'The wrong edge comes while the noise is being learned again.',
  hours: 0.75,
  stage: (rng, control) => {
    const board = gpsBoard(rng, { wrongEdge: control, width: 0.04 });
    const { line } = board.pulses;
    const set = (at: number, to: Partial<typeof line>) => ({ at, run: () => Object.assign(line, to) });
    const from = 1800.4 + quietFor;
    const script = [
      set(900.4, { sigma: 19e-6 }),
      set(1800.4, { sigma: 1e-6 }),
      set(from, { wrongEdge: true, sigma: 1e-7 }),
      set(from + 70, { wrongEdge: false, sigma: 1e-6 }),
    ];
    return { ...board, script };
  },
  bounds: [{ name: 'after', from: -300, max: 5e-6 }],
  control: {
    what: 'it is the wrong edge from the start: nothing to judge it by',
    factor: 10,
    figure: (o) => 1 + o.violations,
  },
});

describe('one fault soon after another', () => {
  for (const quietFor of [45, 60]) {
    it(`the wrong edge ${quietFor} s after the end of much noise is not followed`, () => {
      const scenario = edgeAfterNoise(quietFor);
      const outcome = runScenario(scenario, { seed: 1 });
      assert.deepEqual(outcome.failures, []);
      assert.ok(outcome.worst < 100e-6, `${outcome.worst}`);
      const { factor, figure } = scenario.control;
      assert.ok(figure(runScenario(scenario, { seed: 1, control: true })) > factor * figure(outcome));
    });
  }
});
