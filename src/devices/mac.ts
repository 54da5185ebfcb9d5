import { createCipheriv, createHash, timingSafeEqual } from 'node:crypto';
import { DIGEST_BYTES, type MacType, macBytes, type SymmetricKey } from '../wire/ntp/keyfile.js';

const KEY_ID_BYTES = 4;
const BLOCK = 16;

const HASHES: Partial<Record<MacType, string>> = {
  MD5: 'md5',
  SHA1: 'sha1',
  SHA256: 'sha256',
  SHA384: 'sha384',
  SHA512: 'sha512',
  'SHA3-224': 'sha3-224',
  'SHA3-256': 'sha3-256',
  'SHA3-384': 'sha3-384',
  'SHA3-512': 'sha3-512',
};

/** Doubling in GF(2^128) (RFC 4493, 2.3). */
const double = (block: Uint8Array): Uint8Array => {
  const out = new Uint8Array(BLOCK);
  for (let i = 0; i < BLOCK; i++) out[i] = (block[i]! << 1) | ((block[i + 1] ?? 0) >> 7);
  if ((block[0]! & 0x80) !== 0) out[BLOCK - 1]! ^= 0x87;
  return out;
};

/** AES-CMAC (RFC 4493); Node's own has none, so it is made of single blocks of AES. */
const cmac = (secret: Uint8Array, message: Uint8Array): Uint8Array => {
  const aes = createCipheriv(`aes-${secret.length * 8}-ecb`, secret, null);
  aes.setAutoPadding(false);
  const encrypt = (block: Uint8Array): Uint8Array => aes.update(block);
  const k1 = double(encrypt(new Uint8Array(BLOCK)));
  const blocks = Math.max(1, Math.ceil(message.length / BLOCK));
  const padded = new Uint8Array(blocks * BLOCK);
  padded.set(message);
  const whole = message.length === padded.length;
  if (!whole) padded[message.length] = 0x80;
  const last = whole ? k1 : double(k1);
  for (let i = 0; i < BLOCK; i++) padded[padded.length - BLOCK + i]! ^= last[i]!;
  let state: Uint8Array = new Uint8Array(BLOCK);
  for (let at = 0; at < padded.length; at += BLOCK) {
    state = encrypt(state.map((byte, i) => byte ^ padded[at + i]!));
  }
  return state;
};

/** The whole digest of a message: H(key ‖ message), or AES-CMAC (RFC 5905, 7.3; RFC 8573). */
export const digestOf = ({ type, secret }: SymmetricKey, message: Uint8Array): Uint8Array => {
  const hash = HASHES[type];
  return hash === undefined ? cmac(secret, message) : createHash(hash).update(secret).update(message).digest();
};

/** The packet with key id and digest behind it, as its NTP version wants it. */
export const seal = (key: SymmetricKey, packet: Uint8Array, version: number): Uint8Array => {
  const bytes = new Uint8Array(packet.length + macBytes(key.type, version));
  bytes.set(packet);
  new DataView(bytes.buffer).setUint32(packet.length, key.id);
  const room = bytes.length - packet.length - KEY_ID_BYTES;
  bytes.set(digestOf(key, packet).subarray(0, room), packet.length + KEY_ID_BYTES);
  return bytes;
};

/**
 * The packet without its MAC when that is by this very key (a key of another source is as wrong as none); undefined
 * otherwise. Servers may send the digest cut for version 4 or whole.
 */
export const unseal = (key: SymmetricKey, bytes: Uint8Array): Uint8Array | undefined => {
  for (const room of new Set([Math.min(20, DIGEST_BYTES[key.type]), DIGEST_BYTES[key.type]])) {
    const at = bytes.length - room - KEY_ID_BYTES;
    if (at < 48) continue;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (view.getUint32(at) !== key.id) continue;
    const packet = bytes.subarray(0, at);
    const digest = digestOf(key, packet).subarray(0, room);
    if (timingSafeEqual(digest, bytes.subarray(at + KEY_ID_BYTES))) return packet;
  }
  return undefined;
};
