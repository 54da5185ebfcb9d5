import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SelectReport } from '../../src/core/report/reports.js';
import { runScenario } from '../../src/sim/scenario.js';
import { findScenario } from '../../src/sim/scenarios/index.js';

describe('a reference clock that lies', () => {
  const facts: string[] = [];
  let last: readonly SelectReport[] = [];
  runScenario(findScenario('gps-lies'), {
    seed: 1,
    watchers: [
      {
        second: (_k, world) => {
          last = world.engine.selectdata(world.now());
        },
        after: (_event, _now, effects) => {
          for (const e of effects) if (e.kind === 'fact') facts.push(e.fact.text);
        },
      },
    ],
  });

  it('is outvoted by servers on the network, and that is said once', () => {
    assert.equal(last[0]!.name, 'GPS');
    assert.equal(last[0]!.state, 'x');
    assert.equal(facts.filter((text) => text === 'Detected falseticker GPS').length, 1);
    assert.ok(
      facts.some((text) => /^Selected source 192\.0\.2\.\d$/.test(text)),
      facts.join('\n'),
    );
  });

  it('has its reason in words, with the intervals', () => {
    assert.match(last[0]!.reason, /^interval \S+ s…\S+ s misses the agreed \S+ s…\S+ s$/);
    assert.ok(last.slice(1).every((r) => r.state === '*' || r.state === '+' || r.state === 'D'));
  });
});
