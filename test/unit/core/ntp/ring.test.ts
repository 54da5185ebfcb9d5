import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NTP_UNIX_OFFSET } from '../../../../src/base/ntp64.js';
import { Prng } from '../../../../src/base/prng.js';
import { InterleaveRing, interleaveBytes, NONE } from '../../../../src/core/ntp/interleave.js';

const ENTRIES = 256;
const ring = (entries = ENTRIES): InterleaveRing =>
  new InterleaveRing(new SharedArrayBuffer(interleaveBytes(entries)), entries);

interface Key {
  readonly hi: number;
  readonly lo: number;
}
/** Receive stamps 5 s apart, of 2026; `sec` since 1970. */
const SEC = 1_795_000_000;
const key = (rng: Prng, i: number): Key => ({ hi: (SEC + 5 * i + NTP_UNIX_OFFSET) | 0, lo: rng.u32() | 1 });
const secOf = (k: Key): number => (k.hi - NTP_UNIX_OFFSET) | 0;

describe('interleave ring', () => {
  it('holds what it is for, with the stamps that were set, across a second and back', () => {
    const r = ring();
    const rng = new Prng(1);
    const keys = Array.from({ length: ENTRIES }, (_, i) => key(rng, i));
    for (const [i, k] of keys.entries()) r.setTransmit(r.add(k.hi, k.lo), secOf(k) + (i % 3) - 1, i, i % 3);
    for (const [i, k] of keys.entries()) {
      const found = r.find(k.hi, k.lo);
      const stamp = [r.transmitSec(found), r.transmitNsec(found), r.kind(found)];
      assert.deepEqual(stamp, [secOf(k) + (i % 3) - 1, i, i % 3], `${i}`);
    }
    assert.deepEqual([r.held, r.spanSeconds], [ENTRIES, 5 * (ENTRIES - 1)]);
  });

  it('finds everything while it grows, and after clear() begins anew', () => {
    const r = ring(4096);
    const rng = new Prng(8);
    for (let turn = 0; turn < 2; turn++) {
      const keys = Array.from({ length: 8192 }, (_, i) => key(rng, i));
      for (const [i, k] of keys.entries()) {
        assert.notEqual(r.add(k.hi, k.lo), NONE);
        const old = keys[i >> 1]!;
        assert.notEqual(r.find(old.hi, old.lo), NONE, `${i}`);
      }
      assert.equal(r.held, 8192);
      assert.ok(keys.every((k) => r.find(k.hi, k.lo) !== NONE));
      r.clear();
      assert.ok(keys.every((k) => r.find(k.hi, k.lo) === NONE));
    }
  });

  it('beyond that the oldest give way; when all are used it is as good as new', () => {
    const r = ring();
    const rng = new Prng(2);
    const all = Array.from({ length: 100_000 }, (_, i) => key(rng, i));
    for (const k of all) assert.notEqual(r.add(k.hi, k.lo), NONE);
    const held = all.filter((k) => r.find(k.hi, k.lo) !== NONE);
    assert.equal(held.length, r.held);
    assert.deepEqual(held, all.slice(-2 * ENTRIES), 'the newest');
    for (const k of held) r.use(r.find(k.hi, k.lo));
    assert.equal(r.held, 0);
  });

  it('an entry is used once, and a late stamp does not bring it back to life', () => {
    const r = ring();
    const rng = new Prng(3);
    const k = key(rng, 0);
    const n = r.add(k.hi, k.lo);
    assert.ok(r.kind(n) < 0, 'pending');
    r.setTransmit(n, secOf(k), 0, 0);
    assert.equal(r.kind(n), 0);
    r.use(n);
    r.setTransmit(n, secOf(k), 1, 1);
    assert.equal(r.find(k.hi, k.lo), NONE);
    r.use(n);
    assert.equal(r.held, 0, 'nothing is counted twice');
  });

  it('a late stamp for a place that was given away changes nothing', () => {
    const r = ring();
    const rng = new Prng(4);
    const first = key(rng, 0);
    const old = r.add(first.hi, first.lo);
    r.use(old);
    // Until that very place has somebody else.
    for (let i = 1; i < 10_000; i++) {
      const k = key(rng, i);
      const now = r.add(k.hi, k.lo);
      r.setTransmit(old, secOf(first), 99, 2);
      assert.ok(r.kind(now) < 0);
      if ((now & (2 * ENTRIES - 1)) === (old & (2 * ENTRIES - 1))) return;
      r.use(now);
    }
    assert.fail('the place was never given away');
  });

  it('a stamp that is seconds away from its receive stamp is none', () => {
    const r = ring();
    const k = key(new Prng(5), 0);
    const n = r.add(k.hi, k.lo);
    for (const away of [-9, 9, 2 ** 31]) r.setTransmit(n, (secOf(k) + away) | 0, 5, 1);
    assert.ok(r.kind(n) < 0);
  });

  it('equal receive stamps have nothing to offer, however many there are', () => {
    const r = ring();
    const k = key(new Prng(6), 0);
    const n = r.add(k.hi, k.lo);
    r.setTransmit(n, secOf(k), 5, 1);
    assert.deepEqual([r.add(k.hi, k.lo), r.add(k.hi, k.lo)], [NONE, NONE]);
    r.setTransmit(n, secOf(k), 6, 2);
    assert.ok(r.kind(r.find(k.hi, k.lo)) < 0);
  });

  it('clear voids everything, stamps under way too, however often', () => {
    const r = ring();
    const k = key(new Prng(7), 0);
    for (let i = 0; i < 600; i++) {
      const n = r.add(k.hi, k.lo);
      assert.notEqual(n, NONE);
      r.clear();
      r.setTransmit(n, secOf(k), 5, 1);
      assert.deepEqual([r.find(k.hi, k.lo), r.held, r.spanSeconds], [NONE, 0, 0]);
    }
  });

  it('numbers are never those with a meaning, wherever and however often places are given away', () => {
    const r = ring();
    const numbers = new Set<number>();
    for (let i = 0; i < 50_000; i++) {
      const n = r.add(1, 2 * i + 1);
      assert.ok(n !== NONE && n !== -1 && n !== -2);
      numbers.add(n);
      r.use(n);
    }
    assert.equal(numbers.size, 50_000);
  });
});
