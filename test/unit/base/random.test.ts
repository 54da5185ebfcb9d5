import assert from 'node:assert/strict';
import { createCipheriv, createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { KeyStream } from '../../../src/base/keystream.js';
import { md5 } from '../../../src/base/md5.js';

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
