/** The file of symmetric keys (`keyfile`), in chrony's format: one key a line, `ID [TYPE] [ASCII:|HEX:]KEY`. */
import { fromHex } from '../../base/ascii.js';

/** How a key is used: H(key ‖ message), or AES-CMAC (RFC 4493, RFC 8573). */
export type MacType =
  | 'MD5'
  | 'SHA1'
  | 'SHA256'
  | 'SHA384'
  | 'SHA512'
  | 'SHA3-224'
  | 'SHA3-256'
  | 'SHA3-384'
  | 'SHA3-512'
  | 'AES128'
  | 'AES256';

export interface SymmetricKey {
  /** 1…2^32−1. */
  readonly id: number;
  readonly type: MacType;
  readonly secret: Uint8Array;
}

/** Bytes of a whole (not truncated) digest. */
export const DIGEST_BYTES: Readonly<Record<MacType, number>> = {
  MD5: 16,
  SHA1: 20,
  SHA256: 32,
  SHA384: 48,
  SHA512: 64,
  'SHA3-224': 28,
  'SHA3-256': 32,
  'SHA3-384': 48,
  'SHA3-512': 64,
  AES128: 16,
  AES256: 16,
};

const CIPHER_KEY_BYTES: Partial<Record<MacType, number>> = { AES128: 16, AES256: 32 };
const KEY_ID_BYTES = 4;
/** RFC 7822, 7.5: an NTPv4 MAC has at most 24 bytes, so that it cannot be taken for an extension field. */
const V4_DIGEST_BYTES = 20;

/** Bytes of a MAC with its key id in a packet of a version. */
export const macBytes = (type: MacType, version: number): number =>
  KEY_ID_BYTES + (version >= 4 ? Math.min(V4_DIGEST_BYTES, DIGEST_BYTES[type]) : DIGEST_BYTES[type]);

/** Longer secrets than any one needs; bounds a line. */
const MAX_SECRET_BYTES = 4096;
/** Keys that are read: more is a mistake in the file. */
const MAX_KEYS = 65_536;
const COMMENT = /^[#!;%]/;
const isType = (word: string): word is MacType => Object.hasOwn(DIGEST_BYTES, word);

/** A secret is bytes: every character of the line as read (latin-1) is one. */
const fromText = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0) & 0xff);

const toSecret = (word: string): Uint8Array | undefined => {
  if (word.startsWith('HEX:')) return fromHex(word.slice(4));
  const text = word.startsWith('ASCII:') ? word.slice(6) : word;
  return text.length > 0 ? fromText(text) : undefined;
};

/** The key of a line, or what is wrong with the line; undefined for one that holds nothing. */
const parseLine = (line: string): SymmetricKey | string | undefined => {
  const words = line.split(/[ \t\r]+/).filter((w) => w !== '');
  if (words.length === 0 || COMMENT.test(words[0]!)) return undefined;
  const [idWord, second, third] = words as [string, string | undefined, string | undefined];
  if (!/^\d{1,10}$/.test(idWord) || second === undefined || words.length > 3) return 'Could not parse key';
  const id = Number(idWord);
  if (id < 1 || id > 0xffffffff) return 'Invalid key id';
  const type = third === undefined ? 'MD5' : second.toUpperCase();
  if (!isType(type)) return `Invalid type in key ${id}`;
  const secret = toSecret(third ?? second);
  if (secret === undefined || secret.length > MAX_SECRET_BYTES) return `Could not decode key ${id}`;
  const needed = CIPHER_KEY_BYTES[type];
  if (needed !== undefined && secret.length !== needed)
    return `Invalid length of ${type} key ${id} (expected ${8 * needed} bits)`;
  return { id, type, secret };
};

/**
 * Reads a key file (text as latin-1: a byte a character). Lines that cannot be used are left out and told in
 * `warnings` (with the line's number, never with the secret); of two keys with one id the first counts.
 */
export const parseKeyFile = (
  text: string,
): { readonly keys: readonly SymmetricKey[]; readonly warnings: readonly string[] } => {
  const keys = new Map<number, SymmetricKey>();
  const warnings: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const parsed = parseLine(line);
    if (parsed === undefined) continue;
    if (typeof parsed === 'string') warnings.push(`${parsed} at line ${index + 1}`);
    else if (keys.has(parsed.id)) warnings.push(`Detected duplicate key ${parsed.id} at line ${index + 1}`);
    else if (keys.size < MAX_KEYS) keys.set(parsed.id, parsed);
  }
  return { keys: [...keys.values()], warnings };
};
