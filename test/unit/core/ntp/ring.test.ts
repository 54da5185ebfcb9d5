import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import { InterleaveRing, interleaveBytes, NONE } from '../../../../src/core/ntp/interleave.js';

const ring = (entries = 256): InterleaveRing =>
  new InterleaveRing(new SharedArrayBuffer(interleaveBytes(entries)), entries);

describe('interleave ring', () => {
  it('finds the newest entries and none that has left', () => {
    const r = ring();
    const rng = new Prng(1);
    const keys = Array.from({ length: 1000 }, (_, i) => ({ hi: -300_000_000 + i, lo: rng.u32() | 0 }));
    for (const [i, k] of keys.entries()) r.setTransmit(r.add(k.hi, k.lo), i, 5, 1);
    for (const [i, k] of keys.entries()) {
      const found = r.find(k.hi, k.lo);
      assert.equal(found !== NONE, i >= 744, `${i}`);
      if (found !== NONE) assert.deepEqual([r.transmitSec(found), r.transmitNsec(found), r.kind(found)], [i, 5, 1]);
    }
    assert.deepEqual([r.held, r.spanSeconds], [256, 255]);
  });

  it('an entry that was used does not come back to life with a late stamp', () => {
    const r = ring();
    const n = r.add(1, 1);
    assert.ok(r.kind(n) < 0, 'pending');
    r.setTransmit(n, 10, 0, 0);
    r.use(n);
    r.setTransmit(n, 10, 1, 1);
    assert.ok(r.kind(r.find(1, 1)) < 0);
  });

  it('a late stamp for a place that was given away changes nothing', () => {
    const r = ring();
    const old = r.add(1, 1);
    for (let i = 0; i < 256; i++) r.setTransmit(r.add(2, i), 7, 0, 0);
    r.setTransmit(old, 99, 9, 2);
    const now = r.find(2, 255);
    assert.deepEqual([r.transmitSec(now), r.find(1, 1)], [7, NONE]);
  });

  it('clear voids everything, stamps under way too', () => {
    const r = ring();
    const n = r.add(1, 1);
    r.clear();
    r.setTransmit(n, 5, 5, 1);
    assert.deepEqual([r.find(1, 1), r.held], [NONE, 0]);
    assert.notEqual(r.find(3, r.add(3, 4) === NONE ? 0 : 4), NONE);
  });

  it('goes on when its running number wraps', () => {
    const buffer = new SharedArrayBuffer(interleaveBytes(256));
    const r = new InterleaveRing(buffer, 256);
    const head = new Int32Array(buffer, 0, 2);
    head[0] = -100;
    head[1] = -100;
    for (let i = 0; i < 300; i++) {
      const n = r.add(9, i);
      assert.notEqual(n, NONE);
      r.setTransmit(n, i, 0, 0);
      assert.equal(r.transmitSec(r.find(9, i)), i);
    }
    assert.notEqual(r.find(9, 250), NONE);
    assert.equal(r.held, 256);
  });

  it('never searches far, even when every key meets in one chain', () => {
    const r = ring();
    for (let i = 0; i < 256; i++) r.add(0, Math.imul(i, 1 << 24));
    assert.ok(r.held === 256);
  });
});
