import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import { add, fromUnix } from '../../../../src/base/time.js';
import { Carry, RENUMBER_VOTES, type Vote } from '../../../../src/core/refclock/carry.js';
import { Latency } from '../../../../src/core/refclock/latency.js';
import { circular, fold, medianOf, nearest, spreadAbout } from '../../../../src/core/refclock/robust.js';
import { OffsetTrack } from '../../../../src/core/refclock/track.js';

const T0 = fromUnix(1_795_000_000);
const at = (t: number) => add(T0, t);
const close = (a: number | undefined, b: number, tolerance = 1e-12): void =>
  assert.ok(a !== undefined && Math.abs(a - b) <= tolerance, `${a} ≠ ${b}`);

describe('robust figures', () => {
  const medians: readonly (readonly [string, number[], number])[] = [
    ['of one', [3], 3],
    ['of two: the mean', [4, 1], 2.5],
    ['of three: the middle', [9, 1, 2], 2],
    ['not the order of text', [10, 9, 1], 9],
  ];
  for (const [sentence, values, expected] of medians)
    it(`median ${sentence}`, () => assert.equal(medianOf(values), expected));
  it('median of none is not a number', () => assert.ok(Number.isNaN(medianOf([]))));

  it('the spread of normal noise is its standard deviation, wild points or not', () => {
    const rng = new Prng(1);
    const values = Array.from({ length: 2000 }, (_x, i) => (i % 20 === 0 ? 1e3 : rng.normal()));
    close(spreadAbout(values, 0), 1, 0.12);
  });

  const folds: readonly (readonly [number, number, number])[] = [
    [0.4, 1, 0.4],
    [0.5, 1, -0.5],
    [-0.5, 1, -0.5],
    [0.6, 1, -0.4],
    [-7.7, 1, 0.3],
    [0.13, 0.2, -0.07],
  ];
  for (const [x, period, expected] of folds) it(`fold ${x} by ${period}`, () => close(fold(x, period), expected, 1e-9));

  it('nearest goes to the target by whole periods', () => {
    close(nearest(0.3, 12.9, 1), 13.3, 1e-9);
    close(nearest(0.3, 12.7, 1), 12.3, 1e-9);
  });

  it('circular does not tear apart what straddles a second', () => {
    const { centre, spread } = circular([0.98, 0.02, 0.99, 0.01, 0.0]);
    assert.ok(centre < 0.02 || centre > 0.98, `${centre}`);
    assert.ok(spread < 0.03);
  });
});

describe('carry', () => {
  const votes = (carry: Carry, offsets: readonly number[], needed = 3): Vote[] =>
    offsets.map((o, i) => carry.vote(at(i), o, needed));

  it('takes a number after enough alike votes, begins anew at another one', () => {
    const carry = new Carry(0.4, 0.05);
    assert.deepEqual(votes(carry, [0.3, 0.3, 1.3, 0.3, 0.3, 0.3]), [
      'pending',
      'pending',
      'pending',
      'pending',
      'pending',
      'adopted',
    ]);
    close(carry.offset, 0.3);
  });

  it('a stray edge among the votes is not averaged in', () => {
    const carry = new Carry(0.4, 0.05);
    assert.deepEqual(votes(carry, [0.3, 0.5, 0.3]), ['pending', 'pending', 'pending']);
  });

  it('gives its number up at the tenth alike contradiction, not at the ninth, and an agreeing one clears the row', () => {
    const carry = new Carry(0.4, 0.05);
    carry.follow(T0, 0);
    const nine = Array.from({ length: RENUMBER_VOTES - 1 }, () => 1);
    assert.ok(votes(carry, nine).every((v) => v === 'contradicts'));
    assert.deepEqual(votes(carry, [0.1]), ['agrees']);
    assert.ok(votes(carry, nine).every((v) => v === 'contradicts'));
    assert.deepEqual(votes(carry, [1]), ['renumbered']);
    close(carry.offset, 1);
  });

  it('is uncertain by 200 ppm, or by what is known otherwise', () => {
    const carry = new Carry(0.4, 0.05);
    assert.equal(carry.uncertainty(T0, 1), Number.POSITIVE_INFINITY);
    carry.follow(T0, 0);
    close(carry.uncertainty(at(1000), 1), 0.2, 1e-9);
    close(carry.uncertainty(at(1000), 0.01), 0.01);
  });

  it('keeps true time through adjustments and steps, UTC through a leap, nothing through a foreign jump', () => {
    const kinds = [
      ['adjust', -0.25],
      ['step', -0.25],
      ['leap', 0],
    ] as const;
    for (const [kind, expected] of kinds) {
      const carry = new Carry(0.4, 0.05);
      carry.follow(T0, 0);
      carry.rebase({ at: T0, doffset: 0.25, dfreq: 0, kind });
      close(carry.offset, expected);
    }
    const carry = new Carry(0.4, 0.05);
    carry.follow(T0, 0);
    carry.rebase({ at: T0, doffset: 0.25, dfreq: 0, kind: 'unknown' });
    assert.equal(carry.offset, undefined);
  });
});

describe('latency', () => {
  const learned = (centre: number, sigma = 0.008): Latency => {
    const latency = new Latency();
    const rng = new Prng(3);
    for (let i = 0; i < 64; i++) latency.add(at(i), centre + rng.normal() * sigma);
    return latency;
  };

  const cases: readonly (readonly [string, number, string])[] = [
    ['in the middle', 0.3, 'usual'],
    ['a little late', 0.55, 'usual'],
    ['late by half a second', 0.78, 'odd'],
    ['late past the next pulse', 1.12, 'odd'],
    ['a second late, exactly', 1.3, 'whole-second'],
    ['names the next second', -0.7, 'whole-second'],
    ['three seconds off', 3.29, 'whole-second'],
  ];
  for (const [sentence, value, verdict] of cases) {
    it(`${sentence}: ${verdict}`, () => assert.equal(learned(0.3).judge(value), verdict));
  }

  it('median and spread are those of the messages, whatever a few did', () => {
    const latency = learned(0.3);
    for (let i = 0; i < 8; i++) latency.add(at(64 + i), 0.69);
    close(latency.median, 0.3, 0.005);
    close(latency.spread, 0.008, 0.004);
  });

  it('is learned anew after ten odd ones in a row, not before', () => {
    const latency = learned(0.3);
    for (let i = 0; i < 9; i++) assert.equal(latency.odd(), false);
    latency.add(at(80), 0.3);
    for (let i = 0; i < 9; i++) assert.equal(latency.odd(), false);
    assert.equal(latency.odd(), true);
    assert.equal(latency.median, undefined);
  });

  it('drift needs ten minutes', () => {
    const latency = new Latency();
    for (let i = 0; i < 500; i++) latency.add(at(i), 0.3 + i * 1e-5);
    assert.equal(latency.drift, undefined);
    for (let i = 500; i < 900; i++) latency.add(at(i), 0.3 + i * 1e-5);
    close(latency.drift, 1e-5, 1e-9);
  });
});

describe('offset track', () => {
  const ramp = (n: number, slope: number, sigma = 0, rng = new Prng(1)): OffsetTrack => {
    const track = new OffsetTrack(1e-3);
    for (let i = 0; i < n; i++) track.add(at(i), slope * i + sigma * rng.normal());
    return track;
  };

  it('predicts along the slope, from the fifth point on', () => {
    assert.equal(ramp(4, 1e-5).predict(at(4)), undefined);
    close(ramp(5, 1e-5).predict(at(5)), 5e-5, 1e-12);
    close(ramp(40, 1e-5).predict(at(42)), 42e-5, 1e-12);
  });

  it('measures noise without the slope', () => {
    close(ramp(200, 5e-5, 2e-6).sigma, 2e-6, 1e-6);
    assert.equal(ramp(3, 5e-5).sigma, 1e-3);
  });

  it('forgets what is older than a minute, but not how noisy the source is', () => {
    const track = ramp(40, 0, 2e-6);
    assert.equal(track.predict(at(200)), undefined);
    track.add(at(200), 5);
    assert.equal(track.predict(at(201)), undefined);
    assert.ok(track.sigma < 1e-5);
  });

  it('predicts on the new scale after an adjustment', () => {
    const track = ramp(20, 1e-4);
    track.rebase({ at: at(19), doffset: 19e-4, dfreq: 1e-4, kind: 'adjust' });
    close(track.predict(add(at(21), 19e-4)), 0, 1e-9);
  });

  it('is void after a foreign jump and after a step over more than a quarter of an hour', () => {
    for (const [doffset, kind] of [
      [0.1, 'unknown'],
      [2000, 'step'],
    ] as const) {
      const track = ramp(20, 1e-4);
      track.rebase({ at: at(19), doffset, dfreq: 0, kind });
      assert.equal(track.predict(at(20)), undefined);
    }
  });
});
