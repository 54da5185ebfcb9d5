import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { handleQuery, MAX_REPLY } from '../../src/control/query/door.js';
import { fakeQueries } from '../support/query.js';

const BUDGET_MS = 1500;
const names = ['tracking', 'bound', 'refclocks', 'selectdata', 'stability', 'constructor', '__proto__', ''];

const request = fc
  .record(
    {
      timeball: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, fc.jsonValue()),
      query: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...names) }, fc.jsonValue()),
      id: fc.jsonValue(),
      from: fc.oneof(fc.nat(5), fc.jsonValue()),
    },
    { requiredKeys: ['timeball', 'query'] },
  )
  .map((value) => new TextEncoder().encode(JSON.stringify(value)));
/** A request with a few bytes changed. */
const mutated = fc
  .tuple(request, fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 3 }))
  .map(([bytes, changes]) => {
    const copy = Uint8Array.from(bytes);
    for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
    return copy;
  });
const deep = fc
  .nat(4000)
  .map((n) => new TextEncoder().encode(`{"timeball":1,"query":${'['.repeat(n)}${']'.repeat(n)}}`));

describe('fuzz: query door', () => {
  it('whatever comes in, one short JSON reply goes out', () => {
    const context = fakeQueries();
    let good = 0;
    fc.assert(
      fc.property(fc.oneof({ weight: 8, arbitrary: mutated }, deep, fc.uint8Array({ maxLength: 500 })), (bytes) => {
        const reply = handleQuery(bytes, context);
        assert.ok(reply.length <= MAX_REPLY);
        const { ok, code } = JSON.parse(new TextDecoder().decode(reply)) as { ok: boolean; code?: string };
        if (ok) good++;
        else assert.equal(code, 'ERR_TB_QUERY');
      }),
      { seed: 22, numRuns: 10_000, interruptAfterTimeLimit: BUDGET_MS },
    );
    assert.ok(good > 50, 'the fuzz must get through');
  });
});
