import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { add, fromUnix, type Instant, toIso } from '../../../../src/base/time.js';
import { decideLeap, isLeapDay, leapVote, nearLeap } from '../../../../src/core/discipline/leap.js';

const utc = (text: string): Instant => fromUnix(Date.parse(text) / 1000);

describe('leap seconds', () => {
  const days: [string, boolean][] = [
    ['2016-12-31T00:00:00Z', true],
    ['2016-12-31T23:59:59Z', true],
    ['2016-12-30T23:59:59Z', false],
    ['2017-01-01T00:00:00Z', false],
    ['2026-06-30T12:00:00Z', true],
    ['2026-06-29T12:00:00Z', false],
    ['2026-03-31T12:00:00Z', false],
    ['2026-09-30T12:00:00Z', false],
    ['1969-12-31T12:00:00Z', true],
  ];
  for (const [text, expected] of days)
    it(`${text} is ${expected ? '' : 'not '}a leap day`, () => assert.equal(isLeapDay(utc(text)), expected));

  it('a vote counts on the last day only, for the midnight that ends it', () => {
    assert.deepEqual(decideLeap(utc('2026-06-29T23:59:59Z'), 1), { leap: 0, at: undefined });
    const decision = decideLeap(utc('2026-06-30T00:00:01Z'), 1);
    assert.equal(decision.leap, 1);
    assert.equal(toIso(decision.at!, 0), '2026-07-01T00:00:00Z');
    assert.equal(decideLeap(utc('2026-12-31T10:00:00Z'), 2).leap, 2);
    assert.equal(decideLeap(utc('2026-12-31T10:00:00Z'), 0).leap, 0);
    assert.equal(decideLeap(utc('2026-12-31T10:00:00Z'), 3).leap, 0);
  });

  it('more than half of the votes are needed', () => {
    assert.equal(leapVote([]), 0);
    assert.equal(leapVote([1]), 1);
    assert.equal(leapVote([1, 1, 2]), 1);
    assert.equal(leapVote([1, 2]), 0);
    assert.equal(leapVote([2, 2, 0, 0]), 0);
  });

  it('measurements within 5 s of it are dropped, on both sides', () => {
    const at = utc('2017-01-01T00:00:00Z');
    assert.equal(nearLeap(add(at, -5), at), false);
    assert.equal(nearLeap(add(at, -4.9), at), true);
    assert.equal(nearLeap(at, at), true);
    assert.equal(nearLeap(add(at, 4.9), at), true);
    assert.equal(nearLeap(add(at, 5), at), false);
    assert.equal(nearLeap(at, undefined), false);
  });
});
