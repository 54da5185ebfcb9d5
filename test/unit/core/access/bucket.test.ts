import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseIp } from '../../../../src/base/ip.js';
import { type Mono, mono } from '../../../../src/base/time.js';
import { AddressBuckets } from '../../../../src/core/access/bucket.js';

const A = parseIp('192.0.2.1')!;
const B = parseIp('2001:db8::1')!;
const at = (s: number): Mono => mono(BigInt(Math.round(s * 1e9)));
/** Never leaks. */
const FULL = { u32: () => 0xffffffff };
const OPTIONS = { interval: 1, burst: 4, leak: 2 };

const admitted = (buckets: AddressBuckets, n: number, seconds: number): number =>
  Array.from({ length: n }, () => buckets.admits(A, at(seconds))).filter(Boolean).length;

describe('AddressBuckets', () => {
  it('a burst passes, then one request an interval', () => {
    const buckets = new AddressBuckets(OPTIONS, FULL);
    assert.equal(admitted(buckets, 10, 0), 4);
    assert.equal(admitted(buckets, 10, 2), 1);
    assert.equal(admitted(buckets, 10, 3), 0);
    assert.equal(admitted(buckets, 10, 1000), 4);
  });

  it('addresses do not share', () => {
    const buckets = new AddressBuckets(OPTIONS, FULL);
    assert.equal(admitted(buckets, 10, 0), 4);
    assert.equal(buckets.admits(B, at(0)), true);
  });

  it('leaks one in 2^leak of the rest', () => {
    let n = 0;
    const buckets = new AddressBuckets(OPTIONS, { u32: () => ((n++ % 16) * 2 ** 28) >>> 0 });
    assert.equal(admitted(buckets, 4 + 160, 0), 4 + 40);
  });

  it('remembers a bounded number of addresses, those heard last', () => {
    const buckets = new AddressBuckets(OPTIONS, FULL);
    assert.equal(admitted(buckets, 4, 0), 4);
    for (let i = 0; i < 4095; i++) buckets.admits(Uint8Array.of(10, 0, i >> 8, i & 255), at(0));
    assert.equal(buckets.admits(A, at(0)), false);
    for (let i = 0; i < 4096; i++) buckets.admits(Uint8Array.of(10, 1, i >> 8, i & 255), at(0));
    assert.equal(buckets.admits(A, at(0)), true);
  });
});
