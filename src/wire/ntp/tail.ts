import { HEADER_BYTES } from './header.js';

/** Extension field types (RFC 7822, RFC 8915). Types not named here are ignored. */
export const FIELD = {
  UNIQUE_ID: 0x0104,
  NTS_COOKIE: 0x0204,
  NTS_PLACEHOLDER: 0x0304,
  NTS_AUTHENTICATOR: 0x0404,
  /** chrony's experimental field: root delay and dispersion of high resolution, and a monotonic receive stamp. */
  MONO_ROOT: 0xf323,
} as const;

/** The whole field of MONO_ROOT, and its body: magic, root delay and dispersion (u4.28 s), monotonic stamp (NTP64), epoch. */
export const MONO_ROOT_BYTES = 28;
export const MONO_ROOT = { MAGIC: 4, ROOT_DELAY: 8, ROOT_DISPERSION: 12, STAMP: 16, EPOCH: 24 } as const;
export const MONO_ROOT_MAGIC = 0xf5bedd9a;

/** RFC 7822, 3: shortest field. */
const FIELD_MIN_BYTES = 16;
/** RFC 7822, 7.5.1.3: a MAC has 20 or 24 bytes; anything longer that ends a packet without MAC is a field (28 and up). */
const MAC_MIN_BYTES = 20;
const MAC_MAX_BYTES = 24;
/** RFC 8915, 5.3: the identifier has at least 32 bytes. */
const UNIQUE_ID_MIN_BYTES = 36;

/** What stands behind the header. */
export const TAIL = {
  /** Nothing, or extension fields that ask for nothing. */
  PLAIN: 0,
  /** A MAC (or a crypto-NAK), with or without fields before it. */
  MAC: 1,
  /** Fields of network time security. */
  NTS: 2,
  /** Neither fields nor a MAC: the packet is not NTP. */
  MALFORMED: 3,
} as const;

/** Result of readTail: one object is reused for every packet, so that nothing is allocated. */
export interface Tail {
  kind: number;
  /** Offset of the MAC from the start of the view; 0 = none. */
  macAt: number;
  /** Offset of the one unique identifier field from the start of the view, and its whole length; 0 = none. */
  uniqueIdAt: number;
  uniqueIdBytes: number;
  /** Offset of a field of MONO_ROOT from the start of the view; 0 = none. */
  monoRootAt: number;
}

export const newTail = (): Tail => ({ kind: TAIL.PLAIN, macAt: 0, uniqueIdAt: 0, uniqueIdBytes: 0, monoRootAt: 0 });

/**
 * Reads what follows the header of a packet of `length` bytes (≥ 48, a multiple of 4) that starts at `start`.
 * The boundaries are decided by lengths alone (RFC 7822, 7.5; before version 4 everything is a MAC).
 */
export const readTail = (view: DataView, start: number, length: number, version: number, tail: Tail): void => {
  const end = start + length;
  tail.kind = TAIL.PLAIN;
  tail.macAt = 0;
  tail.uniqueIdAt = 0;
  tail.uniqueIdBytes = 0;
  tail.monoRootAt = 0;
  let at = start + HEADER_BYTES;
  while (at < end) {
    const rest = end - at;
    if (version < 4 || rest === 4 || (rest >= MAC_MIN_BYTES && rest <= MAC_MAX_BYTES)) {
      tail.macAt = at;
      tail.kind = rest === 4 && view.getUint32(at) !== 0 ? TAIL.MALFORMED : TAIL.MAC;
      return;
    }
    const bytes = rest > MAC_MAX_BYTES ? view.getUint16(at + 2) : 0;
    if (bytes < FIELD_MIN_BYTES || bytes > rest || (bytes & 3) !== 0 || !readField(view, at, bytes, tail)) {
      tail.kind = TAIL.MALFORMED;
      return;
    }
    at += bytes;
  }
};

/** False: a second unique identifier, which makes the packet ambiguous (RFC 8915, 5.7). */
const readField = (view: DataView, at: number, bytes: number, tail: Tail): boolean => {
  const type = view.getUint16(at);
  if (type === FIELD.NTS_COOKIE || type === FIELD.NTS_PLACEHOLDER || type === FIELD.NTS_AUTHENTICATOR) {
    tail.kind = TAIL.NTS;
  } else if (type === FIELD.UNIQUE_ID) {
    if (tail.uniqueIdAt !== 0) return false;
    if (bytes >= UNIQUE_ID_MIN_BYTES) {
      tail.uniqueIdAt = at;
      tail.uniqueIdBytes = bytes;
    }
  } else if (type === FIELD.MONO_ROOT && bytes === MONO_ROOT_BYTES) {
    if (view.getUint32(at + MONO_ROOT.MAGIC) === MONO_ROOT_MAGIC) tail.monoRootAt = at;
  }
  return true;
};
