import { fromUnix, type Instant } from '../../base/time.js';
import type { Leap, Seconds } from '../../base/units.js';

/** chrony's SOCK datagram: `struct sock_sample`, host byte order (spec gps-and-refclocks 12). */
export const SOCK_MAGIC = 0x534f434b;

export interface SockSample {
  /** Host time of the sample. */
  readonly local: Instant;
  /** Reference minus host, s. */
  readonly offset: Seconds;
  readonly pulse: boolean;
  readonly leap: Leap;
}

/** Sizes with 64-bit and with 32-bit time_t. */
const SIZE_64 = 40;
const SIZE_32 = 32;
/** s; larger offsets are no time at all. */
const MAX_OFFSET = 1e10;

/** The sample, or the reason for refusing it: 'size', 'magic', 'range', 'leap'. */
export const decodeSock = (bytes: Uint8Array): SockSample | string => {
  if (bytes.length !== SIZE_64 && bytes.length !== SIZE_32) return 'size';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const wide = bytes.length === SIZE_64;
  const tail = wide ? 24 : 16;
  if (view.getInt32(tail + 12, true) !== SOCK_MAGIC) return 'magic';
  const sec = wide ? view.getBigInt64(0, true) : BigInt(view.getInt32(0, true));
  const usec = wide ? view.getBigInt64(8, true) : BigInt(view.getInt32(4, true));
  const offset = view.getFloat64(wide ? 16 : 8, true);
  const leap = view.getInt32(tail + 4, true);
  if (usec < 0n || usec >= 1_000_000n || sec < 0n || sec > 0xffffffffffn) return 'range';
  if (!Number.isFinite(offset) || Math.abs(offset) > MAX_OFFSET) return 'range';
  if (leap < 0 || leap > 2) return 'leap';
  return { local: fromUnix(sec, usec * 1000n), offset, pulse: view.getInt32(tail, true) !== 0, leap: leap as Leap };
};

/** For senders (simulated receivers, tests): the 64-bit form. */
export const encodeSock = (s: {
  sec: bigint;
  usec: number;
  offset: Seconds;
  pulse: boolean;
  leap: number;
}): Uint8Array => {
  const bytes = new Uint8Array(SIZE_64);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, s.sec, true);
  view.setBigInt64(8, BigInt(s.usec), true);
  view.setFloat64(16, s.offset, true);
  view.setInt32(24, s.pulse ? 1 : 0, true);
  view.setInt32(28, s.leap, true);
  view.setInt32(36, SOCK_MAGIC, true);
  return bytes;
};
