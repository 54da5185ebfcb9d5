import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runScenario, type Scenario } from '../../src/sim/scenario.js';

/** Every scenario holds its bounds, and its negative control is as much worse as it claims. */
export const testScenarios = (title: string, scenarios: readonly Scenario[]): void => {
  describe(title, () => {
    for (const scenario of scenarios) {
      it(`${scenario.name}: ${scenario.what}`, () => {
        const outcome = runScenario(scenario, { seed: 1 });
        assert.deepEqual(outcome.failures, []);
        const control = runScenario(scenario, { seed: 1, control: true });
        const worse = scenario.control.figure(control) / scenario.control.figure(outcome);
        assert.ok(worse >= scenario.control.factor, `${scenario.control.what}: only ${worse} times worse`);
      });
    }
  });
};
