import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { VERSION } from '../../../src/base/build.js';
import { fractionToNsec, fromNtp64, nsecToFraction, toNtp64, toShort } from '../../../src/base/ntp64.js';
import { Prng } from '../../../src/base/prng.js';
import { refidFromText, refidToText } from '../../../src/base/refid.js';
import { add, diff, floorSeconds, fromUnix, instant, nsInSecond, toIso } from '../../../src/base/time.js';
import { readRepo } from '../../support/tree.js';

describe('time', () => {
  it('adds and subtracts without losing a nanosecond at today’s epoch', () => {
    fc.assert(
      fc.property(fc.bigInt(-1_000_000_000_000n, 1_000_000_000_000n), (ns) => {
        const t = fromUnix(1_800_000_000, 123_456_789);
        const u = instant(t + ns);
        assert.equal(add(t, diff(u, t)), u);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('whole seconds and position inside the second, also before 1970', () => {
    assert.equal(floorSeconds(instant(-1n)), -1n);
    assert.equal(nsInSecond(instant(-1n)), 999_999_999);
  });

  it('writes ISO', () => assert.equal(toIso(fromUnix(1_000_000_000, 5)), '2001-09-09T01:46:40.000000005Z'));
});

describe('NTP64', () => {
  it('every nanosecond survives the round trip', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999 }), (ns) =>
        assert.equal(fractionToNsec(nsecToFraction(ns)), ns),
      ),
      { numRuns: 2000, seed: 2 },
    );
    for (const ns of [0, 1, 2, 499_999_999, 500_000_000, 999_999_998, 999_999_999]) {
      assert.equal(fractionToNsec(nsecToFraction(ns)), ns);
    }
  });

  it('crosses the era of 2036-02-07 06:28:16 without a seam', () => {
    const wrap = 2_085_978_496;
    for (const s of [wrap - 1, wrap, wrap + 1]) {
      const { hi, lo } = toNtp64(fromUnix(s, 250_000_000));
      assert.equal(fromNtp64(hi, lo), fromUnix(s, 250_000_000));
    }
    assert.equal(toNtp64(fromUnix(wrap)).hi, 0);
  });

  it('zero is no time', () => assert.equal(fromNtp64(0, 0), undefined));

  it('short format rounds up and clamps', () => {
    assert.equal(toShort(1e-9), 1);
    assert.equal(toShort(1), 65536);
    assert.equal(toShort(1e9), 0xffffffff);
    assert.equal(toShort(-1), 0);
    assert.equal(toShort(Number.NaN), 0);
  });
});

describe('refid', () => {
  it('text and back', () => {
    assert.equal(refidFromText('PPS'), 0x50505300);
    assert.equal(refidToText(0x50505300), 'PPS');
    assert.equal(refidToText(refidFromText('GNSSX')), 'GNSS');
  });
});

describe('Prng', () => {
  it('the same seed gives the same stream; forks are independent of order', () => {
    const a = new Prng(7);
    const b = new Prng(7);
    assert.deepEqual([a.u64(), a.normal(), a.uniform()], [b.u64(), b.normal(), b.uniform()]);
    assert.equal(new Prng(7).fork('x').u64(), new Prng(7).fork('x').u64());
    assert.notEqual(new Prng(7).fork('x').u64(), new Prng(7).fork('y').u64());
  });

  it('has the moments it should have', () => {
    const r = new Prng(3);
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < 20_000; i++) {
      const v = r.normal();
      sum += v;
      squares += v * v;
    }
    assert.ok(Math.abs(sum / 20_000) < 0.03);
    assert.ok(Math.abs(squares / 20_000 - 1) < 0.05);
  });
});

describe('build', () => {
  it('the version is that of the package', () => assert.equal(VERSION, JSON.parse(readRepo('package.json')).version));
});
