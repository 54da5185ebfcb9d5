import assert from 'node:assert/strict';
import { createCipheriv, createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { KeyStream } from '../../../src/base/keystream.js';
import { md5 } from '../../../src/base/md5.js';
import { Prng } from '../../../src/base/prng.js';
import { nsToSeconds, toNs } from '../../../src/base/time.js';

describe('key stream', () => {
  it('is ChaCha20: the words of OpenSSL with the same key, over block borders', () => {
    const seed = [0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c, 0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c];
    const key = Buffer.from(Uint32Array.from(seed).buffer);
    const expected = createCipheriv('chacha20', key, Buffer.alloc(16)).update(Buffer.alloc(4 * 40));
    const stream = new KeyStream(seed);
    for (let i = 0; i < 40; i++) assert.equal(stream.u32(), expected.readUInt32LE(4 * i), `word ${i}`);
  });

  it('gives another stream for another seed, and uniform numbers below one', () => {
    const a = new KeyStream([1]);
    const b = new KeyStream([2]);
    assert.notEqual(a.u32(), b.u32());
    let sum = 0;
    for (let i = 0; i < 1000; i++) {
      const u = a.uniform();
      assert.ok(u >= 0 && u < 1);
      sum += u;
    }
    assert.ok(Math.abs(sum / 1000 - 0.5) < 0.05);
  });
});

describe('md5', () => {
  it('is what OpenSSL says for every length around the block size', () => {
    for (let n = 0; n < 130; n++) {
      const message = Uint8Array.from({ length: n }, (_, i) => (i * 7 + n) & 0xff);
      assert.equal(Buffer.from(md5(message)).toString('hex'), createHash('md5').update(message).digest('hex'), `${n}`);
    }
  });
});

/** splitmix64 as its authors write it. */
const splitmix = function* (seed: bigint): Generator<bigint> {
  const wrap = (x: bigint): bigint => BigInt.asUintN(64, x);
  for (let state = wrap(seed); ; ) {
    state = wrap(state + 0x9e3779b97f4a7c15n);
    let z = wrap((state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = wrap((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    yield z ^ (z >> 31n);
  }
};

describe('random numbers of the simulator', () => {
  it('are splitmix64', () => {
    const known = new Prng(1234567);
    assert.deepEqual([known.u64(), known.u64()], [6457827717110365317n, 3203168211198807973n]);
    for (const seed of [0n, 1n, -1n, 0xffffffffn, 0xffffffff00000000n, 987654321987654321n]) {
      const words = splitmix(seed);
      const prng = new Prng(seed);
      for (let i = 0; i < 300; i++) assert.equal(prng.u64(), words.next().value, `word ${i} of seed ${seed}`);
      const u = prng.uniform();
      assert.equal(u, (Number(words.next().value! >> 11n) + 0.5) / 9007199254740992);
      assert.equal(prng.u32(), Number(words.next().value! >> 32n));
    }
  });

  it('fork into streams of their own', () => {
    const [a, again, b] = ['a', 'a', 'b'].map((label) => new Prng(7).fork(label).u64());
    assert.equal(a, again);
    assert.notEqual(a, b);
  });
});

describe('seconds and nanoseconds', () => {
  it('turn into one another the same way whatever their size', () => {
    const slowSeconds = (ns: bigint): number => Number(ns / 10n ** 9n) + Number(ns % 10n ** 9n) * 1e-9;
    const slowNs = (s: number): bigint =>
      BigInt(Math.trunc(s)) * 10n ** 9n + BigInt(Math.round((s - Math.trunc(s)) * 1e9));
    const prng = new Prng(1);
    for (let i = 0; i < 20_000; i++) {
      const ns = BigInt.asIntN(64, prng.u64()) >> BigInt(prng.below(64));
      assert.equal(nsToSeconds(ns), slowSeconds(ns), `${ns} ns`);
      const s = nsToSeconds(ns) * (1 + prng.uniform());
      assert.equal(toNs(s), slowNs(s), `${s} s`);
    }
    for (const ns of [0n, -1n, 999_999_999n, -999_999_999n, 4_000_000_000_000_000n, -3_999_999_999_999_999n]) {
      assert.equal(nsToSeconds(ns), slowSeconds(ns), `${ns} ns`);
    }
  });
});
