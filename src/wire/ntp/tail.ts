import { HEADER_BYTES } from './header.js';

/** Extension field types (RFC 7822, RFC 8915). Types not named here are ignored. */
export const FIELD = {
  UNIQUE_ID: 0x0104,
  NTS_COOKIE: 0x0204,
  NTS_PLACEHOLDER: 0x0304,
  NTS_AUTHENTICATOR: 0x0404,
  /** chrony's experimental field: root delay and dispersion of high resolution, and a monotonic receive stamp. */
  MONO_ROOT: 0xf323,
  /** How long the request waited in transparent clocks, where it came inside a PTP message; chrony 4.5 to 4.8 … */
  CORRECTION_EXPERIMENTAL: 0xf324,
  /** … and later ones. */
  CORRECTION: 0x010a,
} as const;

/** Either field of a correction: NTP64, behind the magic where there is one; the rest is zero. Zero = none, or a question. */
export const CORRECTION_BYTES = 28;
export const CORRECTION_MAGIC = 0x07ac2ceb;
export const CORRECTION_AT = { MAGIC: 4, EXPERIMENTAL: 8, VALUE: 4 } as const;

/** The whole field of MONO_ROOT, and its body: magic, root delay and dispersion (u4.28 s), monotonic stamp (NTP64), epoch. */
export const MONO_ROOT_BYTES = 28;
export const MONO_ROOT = { MAGIC: 4, ROOT_DELAY: 8, ROOT_DISPERSION: 12, STAMP: 16, EPOCH: 24 } as const;
export const MONO_ROOT_MAGIC = 0xf5bedd9a;

/** s; no packet waits that long. */
const LARGEST_CORRECTION = 16;

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
  /** The same of the fields of a correction. */
  correctionAt: number;
  correctionExperimentalAt: number;
}

export const newTail = (): Tail => ({
  kind: TAIL.PLAIN,
  macAt: 0,
  uniqueIdAt: 0,
  uniqueIdBytes: 0,
  monoRootAt: 0,
  correctionAt: 0,
  correctionExperimentalAt: 0,
});

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
  tail.correctionAt = 0;
  tail.correctionExperimentalAt = 0;
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

/** u4.28 s. */
const FINE = 2 ** 28;
/** Rounded up; what does not fit is the largest value. */
const toFine = (s: number): number => Math.min(0xffffffff, Math.ceil(Math.max(0, s) * FINE));

/** Writes the field MONO_ROOT at `at`, with root values, s, or as a question (zeros), and no stamp. Returns its length. */
export const putMonoRoot = (view: DataView, at: number, rootDelay: number, rootDispersion: number): number => {
  for (let i = 0; i < MONO_ROOT_BYTES; i += 4) view.setUint32(at + i, 0);
  view.setUint16(at, FIELD.MONO_ROOT);
  view.setUint16(at + 2, MONO_ROOT_BYTES);
  view.setUint32(at + MONO_ROOT.MAGIC, MONO_ROOT_MAGIC);
  view.setUint32(at + MONO_ROOT.ROOT_DELAY, toFine(rootDelay));
  view.setUint32(at + MONO_ROOT.ROOT_DISPERSION, toFine(rootDispersion));
  return MONO_ROOT_BYTES;
};

/** Writes a field of a correction, s, at `at`; not positive = zero. Returns its length. */
export const putCorrection = (view: DataView, at: number, type: number, correction: number): number => {
  const experimental = type === FIELD.CORRECTION_EXPERIMENTAL;
  for (let i = 0; i < CORRECTION_BYTES; i += 4) view.setUint32(at + i, 0);
  view.setUint16(at, type);
  view.setUint16(at + 2, CORRECTION_BYTES);
  if (experimental) view.setUint32(at + CORRECTION_AT.MAGIC, CORRECTION_MAGIC);
  if (!(correction > 0 && correction < LARGEST_CORRECTION)) return CORRECTION_BYTES;
  const value = at + (experimental ? CORRECTION_AT.EXPERIMENTAL : CORRECTION_AT.VALUE);
  view.setUint32(value, Math.floor(correction));
  view.setUint32(value + 4, Math.floor((correction % 1) * 4294967296));
  return CORRECTION_BYTES;
};

/** Answers the fields of corrections that were asked for: both where a client does not know which one we are of. Returns their length. */
export const putCorrections = (view: DataView, at: number, tail: Tail, correction: number): number => {
  const first = tail.correctionAt === 0 ? 0 : putCorrection(view, at, FIELD.CORRECTION, correction);
  if (tail.correctionExperimentalAt === 0) return first;
  return first + putCorrection(view, at + first, FIELD.CORRECTION_EXPERIMENTAL, correction);
};

/** The correction in a field at `at`, s. */
export const readCorrection = (view: DataView, at: number): number => {
  const experimental = view.getUint16(at) === FIELD.CORRECTION_EXPERIMENTAL;
  const value = at + (experimental ? CORRECTION_AT.EXPERIMENTAL : CORRECTION_AT.VALUE);
  return view.getUint32(value) + view.getUint32(value + 4) / 4294967296;
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
  } else if (type === FIELD.CORRECTION && bytes === CORRECTION_BYTES) {
    tail.correctionAt = at;
  } else if (type === FIELD.CORRECTION_EXPERIMENTAL && bytes === CORRECTION_BYTES) {
    if (view.getUint32(at + CORRECTION_AT.MAGIC) === CORRECTION_MAGIC) tail.correctionExperimentalAt = at;
  }
  return true;
};
