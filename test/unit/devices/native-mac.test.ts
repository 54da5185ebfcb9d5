import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { loadNative } from '../../../src/devices/native.js';
import { META, SLOT_DATA, TX_FLAG } from '../../../src/ports/transport.js';
import { DIGEST_BYTES, type MacType } from '../../../src/wire/ntp/keyfile.js';
import { misused } from '../../support/native.js';

const native = loadNative();
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** RFC 4493, 4, and NIST SP 800-38B, D.3: one message, taken in four lengths. */
const MESSAGE = hex(
  '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710',
);
const CMAC: Record<string, [string, Record<number, string>]> = {
  AES128: [
    '2b7e151628aed2a6abf7158809cf4f3c',
    {
      0: 'bb1d6929e95937287fa37d129b756746',
      16: '070a16b46b4d4144f79bdd9dd04a287c',
      40: 'dfa66747de9ae63030ca32611497c827',
      64: '51f0bebf7e3b9d92fc49741779363cfe',
    },
  ],
  AES256: [
    '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4',
    {
      0: '028962f61b7bf89efc6b551f4667d983',
      16: '28a7023f452e8f82bd4bf28d8c37c35c',
      40: 'aaf3d8f1de5640c232f5b169b9c911e6',
      64: 'e1992190549f6ed5696a2c056c315410',
    },
  ],
};

describe('native message authentication', () => {
  it('AES-CMAC: the published vectors', () => {
    for (const [type, [key, vectors]] of Object.entries(CMAC)) {
      for (const [length, digest] of Object.entries(vectors)) {
        assert.equal(toHex(native.ntpMac(type, hex(key), MESSAGE.subarray(0, Number(length)))), digest);
      }
    }
  });

  it("digests: the key before the message, as node:crypto's", () => {
    const secret = Buffer.from('tulip');
    for (const [type, bytes] of Object.entries(DIGEST_BYTES)) {
      if (type.startsWith('AES')) continue;
      const digest = native.ntpMac(type, secret, MESSAGE);
      assert.equal(digest.length, bytes);
      const name = type.toLowerCase();
      assert.equal(toHex(digest), createHash(name).update(secret).update(MESSAGE).digest('hex'), type);
    }
  });

  it('misuse', () => {
    misused([
      () => native.ntpMac('NONE', hex('00'), MESSAGE),
      () => native.ntpMac('AES128', hex('00'), MESSAGE),
      () => native.ntpMac('MD5', 'x' as unknown as Uint8Array, MESSAGE),
    ]);
  });

  it('a set seals what it sends with the time inside, and verifies what came', () => {
    const set = new native.UdpSet([{ family: 4, address: '127.0.0.1', port: 0 }]);
    const secret = Buffer.from('rose');
    set.setKeys([{ id: 0x80000001, type: 'SHA256', secret }]);
    const meta = new Uint32Array(set.slab, 0, 32);
    const bytes = new Uint8Array(set.slab);
    meta[META.FAMILY] = 4;
    meta[META.SRC_PORT] = set.ports[0]!;
    bytes.set([127, 0, 0, 1], META.SRC_ADDR * 4);
    meta[META.TX_LENGTH] = 72;
    meta[META.TX_FLAGS] = TX_FLAG.STAMP;
    meta[META.TX_KEY] = 1;
    meta[META.TX_MAC] = 24;
    assert.equal(set.send(1), 1);
    assert.equal(set.receive(1000), 1);
    const packet = bytes.slice(SLOT_DATA, SLOT_DATA + 72);
    assert.notEqual(new DataView(packet.buffer).getUint32(40), 0, 'T3');
    assert.equal(new DataView(packet.buffer).getUint32(48), 0x80000001);
    const whole = createHash('sha256').update(secret).update(packet.subarray(0, 48)).digest();
    assert.equal(toHex(packet.subarray(52)), whole.subarray(0, 20).toString('hex'));
    assert.equal(set.verify(0, 0, 48, 24), true);
    bytes[SLOT_DATA + 3]! ^= 1;
    assert.equal(set.verify(0, 0, 48, 24), false, 'another message');
    bytes[SLOT_DATA + 3]! ^= 1;
    bytes[SLOT_DATA + 71]! ^= 1;
    assert.equal(set.verify(0, 0, 48, 24), false, 'another digest');
    assert.equal(set.verify(0, 1, 48, 24), false, 'no such key');
    assert.equal(set.verify(0, 0, 48, 4), false, 'no digest at all proves nothing');
    set.close();
  });

  it('a seal that is not possible sends nothing', () => {
    const set = new native.UdpSet([{ family: 4, address: '127.0.0.1', port: 0 }]);
    const meta = new Uint32Array(set.slab, 0, 32);
    meta[META.FAMILY] = 4;
    meta[META.SRC_PORT] = set.ports[0]!;
    new Uint8Array(set.slab).set([127, 0, 0, 1], META.SRC_ADDR * 4);
    set.setKeys([{ id: 1, type: 'MD5', secret: Buffer.from('x') }]);
    for (const [length, key, mac] of [
      [68, 2, 20],
      [60, 1, 20],
      [72, 1, 24],
      [51, 1, 3],
    ] as const) {
      meta[META.TX_LENGTH] = length;
      meta[META.TX_KEY] = key;
      meta[META.TX_MAC] = mac;
      assert.equal(set.send(1), 0);
    }
    set.close();
  });

  it('types known here are those of the key file', () => {
    const set = new native.UdpSet([{ family: 4, address: '127.0.0.1', port: 0 }]);
    const secretOf = (type: string): Uint8Array => new Uint8Array(type === 'AES128' ? 16 : 32);
    set.setKeys(
      (Object.keys(DIGEST_BYTES) as MacType[]).map((type, i) => ({ id: i + 1, type, secret: secretOf(type) })),
    );
    set.close();
  });
});

describe('native guard against steps', () => {
  const roundTrip = (change: (guard: Int32Array) => void): { sent: number; errno: number } => {
    const guard = new Int32Array(new SharedArrayBuffer(4));
    const set = new native.UdpSet([{ family: 4, address: '127.0.0.1', port: 0 }], guard);
    const meta = new Uint32Array(set.slab, 0, 32);
    meta[META.FAMILY] = 4;
    meta[META.SRC_PORT] = set.ports[0]!;
    new Uint8Array(set.slab).set([127, 0, 0, 1], META.SRC_ADDR * 4);
    meta[META.TX_LENGTH] = 48;
    set.send(1);
    assert.equal(set.receive(1000), 1);
    assert.ok((meta[META.RX_AGE]! | 0) >= 0 && meta[META.RX_AGE]! < 1e6);
    change(guard);
    meta[META.TX_LENGTH] = 48;
    const sent = set.send(1);
    set.close();
    return { sent, errno: meta[META.TX_ERRNO]! };
  };

  it('a batch received before the word changed is not sent after it', () => {
    assert.deepEqual(
      roundTrip(() => {}),
      { sent: 1, errno: 0 },
    );
    const ECANCELED = 125;
    assert.deepEqual(
      roundTrip((g) => void Atomics.add(g, 0, 1)),
      { sent: 0, errno: ECANCELED },
    );
  });

  it('misuse', () => {
    misused([() => new native.UdpSet([{ family: 4, address: '127.0.0.1', port: 0 }], [0] as unknown as Int32Array)]);
  });
});
