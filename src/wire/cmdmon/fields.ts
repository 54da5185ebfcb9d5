/**
 * Layouts of cmdmon messages as tables of fields, so that one table both reads and writes a message (big-endian,
 * without implicit padding).
 */
import { fromUnix, type Instant, split } from '../../base/time.js';
import { decodeFloat, encodeFloat } from './float.js';

export interface Field<T> {
  readonly size: number;
  get(view: DataView, at: number): T;
  put(view: DataView, at: number, value: T): void;
}

/** Keys that start with `_` name bytes without meaning: no value goes in or comes out. */
export type Fields = Readonly<Record<string, Field<unknown>>>;
export type Values<L extends Fields> = {
  [K in keyof L as K extends `_${string}` ? never : K]: L[K] extends Field<infer T> ? T : never;
};

export const u8: Field<number> = { size: 1, get: (v, at) => v.getUint8(at), put: (v, at, x) => v.setUint8(at, x) };
export const i8: Field<number> = { size: 1, get: (v, at) => v.getInt8(at), put: (v, at, x) => v.setInt8(at, x) };
export const u16: Field<number> = { size: 2, get: (v, at) => v.getUint16(at), put: (v, at, x) => v.setUint16(at, x) };
export const i16: Field<number> = { size: 2, get: (v, at) => v.getInt16(at), put: (v, at, x) => v.setInt16(at, x) };
export const u32: Field<number> = { size: 4, get: (v, at) => v.getUint32(at), put: (v, at, x) => v.setUint32(at, x) };
export const i32: Field<number> = { size: 4, get: (v, at) => v.getInt32(at), put: (v, at, x) => v.setInt32(at, x) };

/** Counters; all ones = unknown to this daemon. */
export const u64: Field<bigint> = {
  size: 8,
  get: (v, at) => v.getBigUint64(at),
  put: (v, at, x) => v.setBigUint64(at, x),
};

export const float: Field<number> = {
  size: 4,
  get: (v, at) => decodeFloat(v.getUint32(at)),
  put: (v, at, x) => v.setUint32(at, encodeFloat(x)),
};

/** One ASCII character. */
export const char: Field<string> = {
  size: 1,
  get: (v, at) => String.fromCharCode(v.getUint8(at)),
  put: (v, at, x) => v.setUint8(at, x.charCodeAt(0)),
};

/** Seconds of a host with a 32-bit time_t: its upper half says so and counts as zero. */
const NO_HIGH_SECONDS = 0x7fffffff;

export const timespec: Field<Instant> = {
  size: 12,
  get: (v, at) => {
    const high = v.getUint32(at);
    const sec = (BigInt(high === NO_HIGH_SECONDS ? 0 : high) << 32n) | BigInt(v.getUint32(at + 4));
    return fromUnix(BigInt.asIntN(64, sec), Math.min(v.getUint32(at + 8), 999_999_999));
  },
  put: (v, at, t) => {
    const { sec, nsec } = split(t);
    v.setBigInt64(at, sec);
    v.setUint32(at + 8, nsec);
  },
};

/** 4 or 16 bytes: an IP address; a number: an NTP source whose name is not resolved yet; undefined: unspecified. */
export type WireAddress = Uint8Array | number | undefined;

const FAMILY = { NONE: 0, IP4: 1, IP6: 2, ID: 3 } as const;

const getBytes = (v: DataView, at: number, length: number): Uint8Array =>
  new Uint8Array(v.buffer, v.byteOffset + at, length).slice();
const putBytes = (v: DataView, at: number, bytes: Uint8Array): void =>
  new Uint8Array(v.buffer, v.byteOffset).set(bytes, at);

export const ip: Field<WireAddress> = {
  size: 20,
  get: (v, at) => {
    const family = v.getUint16(at + 16);
    if (family === FAMILY.IP4) return getBytes(v, at, 4);
    if (family === FAMILY.IP6) return getBytes(v, at, 16);
    return family === FAMILY.ID ? v.getUint32(at) : undefined;
  },
  put: (v, at, address) => {
    if (address === undefined) return;
    if (typeof address === 'number') v.setUint32(at, address);
    else putBytes(v, at, address);
    const family = typeof address === 'number' ? FAMILY.ID : address.length === 4 ? FAMILY.IP4 : FAMILY.IP6;
    v.setUint16(at + 16, family);
  },
};

/** NUL-padded text; undefined when the last byte is not NUL or a character is not printable ASCII without space. */
export const text = (size: number): Field<string | undefined> => ({
  size,
  get: (v, at) => {
    if (v.getUint8(at + size - 1) !== 0) return undefined;
    let s = '';
    for (let i = 0; i < size; i++) {
      const c = v.getUint8(at + i);
      if (c === 0) break;
      if (c <= 0x20 || c >= 0x7f) return undefined;
      s += String.fromCharCode(c);
    }
    return s;
  },
  put: (v, at, x) => {
    const s = (x ?? '').slice(0, size - 1);
    for (let i = 0; i < s.length; i++) v.setUint8(at + i, s.charCodeAt(i));
  },
});

/** Reserved bytes: written with one value, not read. */
export const reserved = (size: number, byte: number): Field<void> => ({
  size,
  get: () => undefined,
  put: (v, at) => {
    new Uint8Array(v.buffer, v.byteOffset + at, size).fill(byte);
  },
});

/** A fixed number of slots of one layout; unused slots stay zero. */
export const slots = <L extends Fields>(count: number, layout: L): Field<readonly Values<L>[]> => {
  const each = sizeOf(layout);
  return {
    size: count * each,
    get: (v, at) => Array.from({ length: count }, (_, i) => read(layout, v, at + i * each)),
    put: (v, at, items) => {
      for (const [i, item] of items.slice(0, count).entries()) write(layout, v, at + i * each, item);
    },
  };
};

export const sizeOf = (layout: Fields): number => Object.values(layout).reduce((sum, field) => sum + field.size, 0);

export const read = <L extends Fields>(layout: L, view: DataView, at: number): Values<L> => {
  const out: Record<string, unknown> = {};
  let pos = at;
  for (const [key, field] of Object.entries(layout)) {
    out[key] = field.get(view, pos);
    pos += field.size;
  }
  return out as Values<L>;
};

export const write = <L extends Fields>(layout: L, view: DataView, at: number, values: Values<L>): void => {
  let pos = at;
  for (const [key, field] of Object.entries(layout)) {
    field.put(view, pos, (values as Record<string, unknown>)[key]);
    pos += field.size;
  }
};
