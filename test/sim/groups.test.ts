import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runGroup } from '../../src/sim/groupscenario.js';
import { groupScenarios } from '../../src/sim/scenarios/groups.js';

describe('groups of daemons on one network', () => {
  for (const scenario of groupScenarios) {
    it(`${scenario.name}: ${scenario.what}`, () => {
      const outcome = runGroup(scenario, { seed: 1 });
      assert.deepEqual(outcome.failures, []);
      const control = runGroup(scenario, { seed: 1, control: true });
      const worse = scenario.control.figure(control) / scenario.control.figure(outcome);
      assert.ok(worse >= scenario.control.factor, `${scenario.control.what}: only ${worse} times worse`);
    });
  }
});
