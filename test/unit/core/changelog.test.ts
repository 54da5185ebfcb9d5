import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../src/base/prng.js';
import { add, fromUnix, type Instant } from '../../../src/base/time.js';
import { ChangeLog } from '../../../src/core/changelog.js';
import { type ClockChange, offsetShift, timeShift } from '../../../src/core/sample.js';

const T0 = fromUnix(1_772_323_200);
const KINDS = ['adjust', 'adjust', 'adjust', 'step', 'leap'] as const;

interface Point {
  time: Instant;
  offset: number;
}

const follow = (point: Point, change: ClockChange): void => {
  point.offset += offsetShift(change, point.time);
  point.time = add(point.time, timeShift(change, point.time));
};

const changesOf = (rng: Prng, many: number, size: number): ClockChange[] =>
  Array.from({ length: many }, (_, i) => ({
    at: add(T0, i + rng.uniform()),
    doffset: size * rng.normal(),
    dfreq: 1e-6 * rng.normal(),
    kind: KINDS[rng.below(KINDS.length)]!,
  }));

describe('log of clock changes', () => {
  for (const size of [1e-9, 1e-3, 1, 1e5, 1e9]) {
    it(`carries a measurement as if it had followed each change at once (${size} s)`, () => {
      const rng = new Prng(7);
      const log = new ChangeLog();
      const points = Array.from({ length: 20 }, (_, i) => ({
        point: { time: add(T0, 3 * i), offset: rng.normal() },
        first: { time: add(T0, 3 * i), offset: 0 },
        from: 3 * i,
      }));
      for (const p of points) p.first.offset = p.point.offset;
      for (const [i, change] of changesOf(rng, 60, size).entries()) {
        log.push(change);
        for (const p of points) if (i >= p.from) follow(p.point, change);
      }
      for (const { point, first, from } of points) {
        log.carry(first.time, first.offset, from);
        assert.deepEqual({ time: log.time, offset: log.offset }, point);
      }
    });
  }

  it('carries what is months older than the changes', () => {
    const log = new ChangeLog();
    const change: ClockChange = { at: T0, doffset: 1e-3, dfreq: 1e-9, kind: 'adjust' };
    const point = { time: add(T0, -2e7), offset: 1 };
    log.push(change);
    log.carry(point.time, point.offset);
    follow(point, change);
    assert.deepEqual({ time: log.time, offset: log.offset }, point);
  });

  it('begins anew when it is cleared', () => {
    const log = new ChangeLog();
    log.push({ at: T0, doffset: 1e9, dfreq: 0, kind: 'step' });
    log.clear();
    assert.equal(log.length, 0);
    log.carry(T0, 5);
    assert.deepEqual([log.time, log.offset], [T0, 5]);
  });
});
