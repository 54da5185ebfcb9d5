import { randomBytes } from 'node:crypto';
import { toHex } from '../../base/ascii.js';
import { SyntaxFault } from './syntax.js';

/** Types of keys that can be used here; ciphers with the only length (bits) that they take. */
const TYPES: Readonly<Record<string, number | undefined>> = {
  MD5: undefined,
  SHA1: undefined,
  SHA256: undefined,
  SHA384: undefined,
  SHA512: undefined,
  'SHA3-224': undefined,
  'SHA3-256': undefined,
  'SHA3-384': undefined,
  'SHA3-512': undefined,
  AES128: 128,
  AES256: 256,
};

export const KEY_TYPE_NAMES: readonly string[] = Object.keys(TYPES);

const MIN_BITS = 80;
const MAX_BITS = 4096;
const DEFAULT_BITS = 160;

export interface NewKey {
  readonly id: number;
  readonly type: string;
  readonly hex: string;
}

const SYNTAX = 'Invalid syntax for keygen command';

const toUnsigned = (word: string): number => {
  if (!/^\d{1,20}$/.test(word)) throw new SyntaxFault(SYNTAX);
  // As chronyc's scanf: modulo 2^32.
  return Number(BigInt.asUintN(32, BigInt(word)));
};

/** `keygen [ID [TYPE [BITS]]]`: a key as a line of the key file. */
export const generateKey = (words: readonly string[]): NewKey => {
  const [idWord = '1', type = 'SHA1', bitsWord = String(DEFAULT_BITS)] = words;
  const id = toUnsigned(idWord);
  const wanted = toUnsigned(bitsWord);
  if (words.length > 3) throw new SyntaxFault(SYNTAX);
  if (!Object.hasOwn(TYPES, type)) throw new SyntaxFault(`Unknown hash function or cipher ${type}`);
  const bits = TYPES[type] ?? Math.min(MAX_BITS, Math.max(MIN_BITS, wanted));
  return { id, type, hex: toHex(randomBytes(Math.ceil(bits / 8))) };
};
