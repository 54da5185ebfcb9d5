import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FallbackDrift } from '../../../../src/core/discipline/fallback.js';

const near = (a: number | undefined, b: number): void => assert.ok(a !== undefined && Math.abs(a - b) < 1e-9, `${a}`);

describe('FallbackDrift', () => {
  it('offers each average once, when the outage is as long as it', () => {
    const f = new FallbackDrift(4, 6);
    for (let i = 0; i < 1000; i++) f.observe(i < 984 ? 1e-6 : 3e-6, 1);
    assert.equal(f.due(15), undefined);
    const short = f.due(16)!;
    assert.ok(short > 2e-6 && short < 3e-6, 'the last 16 s weigh most');
    assert.equal(f.due(20), undefined);
    const long = f.due(64)!;
    assert.ok(long > 1e-6 && long < 1.6e-6, 'the long average hardly saw them');
    assert.equal(f.due(1e6), undefined);
  });

  it('an average that has not seen its time is not offered', () => {
    const f = new FallbackDrift(4, 8);
    for (let i = 0; i < 40; i++) f.observe(1e-6, 1);
    near(f.due(10_000), 1e-6);
    const young = new FallbackDrift(8, 8);
    young.observe(1e-6, 100);
    assert.equal(young.due(10_000), undefined);
  });

  it('begins anew with the next outage; an interval with a gap counts no longer than the average', () => {
    const f = new FallbackDrift(4, 4);
    f.observe(1e-6, 1e9);
    near(f.due(16), 1e-6);
    f.observe(1e-6, 1);
    near(f.due(16), 1e-6);
  });
});
