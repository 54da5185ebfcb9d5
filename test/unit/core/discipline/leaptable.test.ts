import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { add, fromUnix, type Instant, instant } from '../../../../src/base/time.js';
import { BUILT_IN, leapOfDay, selfCheck, taiOffsetAt, utcFromTai } from '../../../../src/core/discipline/leaptable.js';
import { type LeapTable, parseLeapList, parseTzif } from '../../../../src/wire/leapfile.js';
import { leapList, rightUtc } from '../../../support/leapfiles.js';

const day = (text: string): Instant => instant(BigInt(Date.parse(`${text}Z`)) * 1_000_000n);

describe('leap table', () => {
  it('the built-in one has all 27 leap seconds and knows 2012', () => {
    assert.equal(BUILT_IN.entries.length, 28);
    assert.equal(BUILT_IN.entries.at(-1)!.taiUtc, 37);
    assert.equal(selfCheck(BUILT_IN), undefined);
  });

  it('a list and a time zone made of it read the same', () => {
    const list = parseLeapList(leapList());
    const zone = parseTzif(rightUtc());
    assert.ok('table' in list && 'table' in zone);
    assert.deepEqual(list.table, BUILT_IN);
    assert.deepEqual(zone.table.entries, BUILT_IN.entries);
  });

  it('names the leap second of a day, and no other day', () => {
    assert.equal(leapOfDay(BUILT_IN, day('2016-12-31T00:00:00')), 1);
    assert.equal(leapOfDay(BUILT_IN, day('2016-12-31T23:59:59.9')), 1);
    assert.equal(leapOfDay(BUILT_IN, day('2017-01-01T00:00:00')), 0);
    assert.equal(leapOfDay(BUILT_IN, day('2026-06-30T12:00:00')), 0);
    const entries = [...BUILT_IN.entries, { at: day('2030-01-01T00:00:00'), taiUtc: 36 }];
    assert.equal(leapOfDay({ entries, expires: undefined }, day('2029-12-31T12:00:00')), 2);
  });

  it('gives TAI − UTC from the midnight on', () => {
    assert.equal(taiOffsetAt(BUILT_IN, day('2016-12-31T23:59:59.999')), 36);
    assert.equal(taiOffsetAt(BUILT_IN, day('2017-01-01T00:00:00')), 37);
    assert.equal(taiOffsetAt(BUILT_IN, day('1971-12-31T23:59:59')), undefined);
  });

  it('turns TAI into UTC on both sides of a leap second', () => {
    const t = day('2017-01-01T00:00:00');
    assert.equal(utcFromTai(BUILT_IN, add(t, 37.5)), add(t, 0.5));
    assert.equal(utcFromTai(BUILT_IN, add(t, 34.5)), add(t, -1.5));
    assert.equal(utcFromTai(BUILT_IN, fromUnix(0)), undefined);
  });

  it('a table without 2012, or one second off, fails the check', () => {
    const without: LeapTable = { entries: BUILT_IN.entries.slice(0, 20), expires: undefined };
    assert.match(selfCheck(without)!, /June 2012/);
    const off = { ...BUILT_IN, entries: BUILT_IN.entries.map((e) => ({ ...e, taiUtc: e.taiUtc + 1 })) };
    assert.notEqual(selfCheck(off), undefined);
  });
});
