import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runGroup } from '../../src/sim/groupscenario.js';
import { groupScenarios } from '../../src/sim/scenarios/groups.js';

describe('groups of daemons on one network', () => {
  for (const scenario of groupScenarios) {
    it(`${scenario.name}: ${scenario.what}`, () => {
      const outcome = runGroup(scenario, { seed: 1 });
      assert.deepEqual(outcome.failures, []);
      // Without a rule they may agree by chance: not each time.
      const right = scenario.control.figure(outcome);
      const worse = (seed: number): boolean =>
        scenario.control.figure(runGroup(scenario, { seed, control: true })) >= scenario.control.factor * right;
      assert.ok([1, 2, 3].some(worse), `${scenario.control.what}: not worse`);
    });
  }
});
