import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { digestOf, seal, unseal } from '../../../src/devices/mac.js';
import { DIGEST_BYTES, type MacType, type SymmetricKey } from '../../../src/wire/ntp/keyfile.js';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const keyOf = (type: MacType, id = 7): SymmetricKey => ({
  id,
  type,
  secret: new Uint8Array(type === 'AES256' ? 32 : 16).fill(0x5a),
});
const TYPES = Object.keys(DIGEST_BYTES) as MacType[];
const PACKET = Uint8Array.from({ length: 48 }, (_, i) => i);

describe('message authentication', () => {
  it('AES-CMAC gives the digests of RFC 4493', () => {
    const key: SymmetricKey = { id: 1, type: 'AES128', secret: hex('2b7e151628aed2a6abf7158809cf4f3c') };
    const message = hex('6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411');
    const digest = (n: number): string => Buffer.from(digestOf(key, message.subarray(0, n))).toString('hex');
    assert.equal(digest(0), 'bb1d6929e95937287fa37d129b756746');
    assert.equal(digest(16), '070a16b46b4d4144f79bdd9dd04a287c');
    assert.equal(digest(40), 'dfa66747de9ae63030ca32611497c827');
  });

  it('digests are H(key, message)', () => {
    const key = keyOf('SHA1');
    const expected = createHash('sha1').update(key.secret).update(PACKET).digest('hex');
    assert.equal(Buffer.from(digestOf(key, PACKET)).toString('hex'), expected);
  });

  it('what is sealed opens with the same key, in versions 3 and 4', () => {
    for (const type of TYPES) {
      for (const version of [3, 4]) {
        const sealed = seal(keyOf(type), PACKET, version);
        assert.deepEqual(unseal(keyOf(type), sealed), PACKET, `${type} v${version}`);
        assert.ok(version === 3 || sealed.length <= 72, type);
      }
    }
  });

  it('nothing else opens: another id, another secret, any bit changed, no MAC', () => {
    for (const type of TYPES) {
      const key = keyOf(type);
      const sealed = seal(key, PACKET, 4);
      assert.equal(unseal(keyOf(type, 8), sealed), undefined);
      assert.equal(unseal({ ...key, secret: key.secret.map((b) => b ^ 1) }, sealed), undefined);
      for (let i = 0; i < sealed.length; i += 5) {
        const changed = sealed.slice();
        changed[i]! ^= 0x10;
        assert.equal(unseal(key, changed), undefined, `${type} byte ${i}`);
      }
      assert.equal(unseal(key, PACKET), undefined);
      assert.equal(unseal(key, sealed.subarray(0, 52)), undefined);
    }
  });
});
