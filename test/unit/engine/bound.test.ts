import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromUnix, mono } from '../../../src/base/time.js';
import { errorBound } from '../../../src/engine/bound.js';
import type { Engine } from '../../../src/engine/engine.js';
import { QUERY_TRACKING } from '../../support/query.js';

const NOW = { raw: fromUnix(1_800_000_000), mono: mono(5n) };

const bound = (change: Partial<typeof QUERY_TRACKING>, rate = 0) =>
  errorBound(
    {
      tracking: () => ({ ...QUERY_TRACKING, ...change }),
      serverState: () => ({ dispersionRate: 1e-7 }),
      maxClockError: 1e-6,
      clock: { view: { rate } },
    } as unknown as Engine,
    NOW,
  );

describe('engine/bound', () => {
  it('adds what is still to be corrected, half the root delay and the root dispersion', () => {
    const { at, bound: width, drift, status } = bound({});
    assert.ok(Math.abs(width - (1.25e-6 + 1e-6 + 3e-6)) < 1e-15);
    assert.deepEqual([at, drift, status], [NOW.raw, 1e-6, 'synchronised']);
    assert.equal(bound({ currentCorrection: -1.25e-6 }).bound, width);
  });

  it('lets the bound grow by the rate that is not in the system clock, whichever way it goes', () => {
    for (const rate of [20e-6, -20e-6]) assert.ok(Math.abs(bound({}, rate).drift - 21e-6) < 1e-15);
  });

  it('knows holdover, and vouches for nothing without a reference or on our own word', () => {
    assert.equal(bound({ mode: 'holdover' }).status, 'holdover');
    for (const change of [{ leap: 3 }, { mode: 'local' }, { mode: 'reset' }] as const) {
      assert.deepEqual([bound(change).status, bound(change).bound], ['unknown', 16]);
    }
  });
});
