import type { Ntp64 } from '../../base/ntp64.js';
import { fromShort, toShort } from '../../base/ntp64.js';
import type { RefId } from '../../base/refid.js';
import type { Leap, Seconds } from '../../base/units.js';
import { HEADER, HEADER_BYTES, leapOf, modeOf, packLvm, versionOf } from './header.js';

/** An NTP header as values (RFC 5905, 7.3). The packet plane reads bytes in place; this is for clients. */
export interface NtpPacket {
  readonly leap: Leap;
  readonly version: number;
  readonly mode: number;
  readonly stratum: number;
  readonly pollLog2: number;
  readonly precisionLog2: number;
  readonly rootDelay: Seconds;
  readonly rootDispersion: Seconds;
  readonly refId: RefId;
  readonly reference: Ntp64;
  readonly origin: Ntp64;
  readonly receive: Ntp64;
  readonly transmit: Ntp64;
}

export const ZERO_STAMP: Ntp64 = { hi: 0, lo: 0 };

export const isZero = (t: Ntp64): boolean => t.hi === 0 && t.lo === 0;
export const sameStamp = (a: Ntp64, b: Ntp64): boolean => a.hi === b.hi && a.lo === b.lo;

/** The first 48 bytes; undefined when there are fewer. */
export const parsePacket = (bytes: Uint8Array): NtpPacket | undefined => {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stamp = (at: number): Ntp64 => ({ hi: view.getUint32(at), lo: view.getUint32(at + 4) });
  const lvm = view.getUint8(HEADER.LVM);
  return {
    leap: leapOf(lvm) as Leap,
    version: versionOf(lvm),
    mode: modeOf(lvm),
    stratum: view.getUint8(HEADER.STRATUM),
    pollLog2: view.getInt8(HEADER.POLL),
    precisionLog2: view.getInt8(HEADER.PRECISION),
    rootDelay: fromShort(view.getUint32(HEADER.ROOT_DELAY)),
    rootDispersion: fromShort(view.getUint32(HEADER.ROOT_DISPERSION)),
    refId: view.getUint32(HEADER.REFID),
    reference: stamp(HEADER.REFERENCE),
    origin: stamp(HEADER.ORIGIN),
    receive: stamp(HEADER.RECEIVE),
    transmit: stamp(HEADER.TRANSMIT),
  };
};

export const formatPacket = (p: NtpPacket): Uint8Array => {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  const stamp = (at: number, t: Ntp64): void => {
    view.setUint32(at, t.hi);
    view.setUint32(at + 4, t.lo);
  };
  view.setUint8(HEADER.LVM, packLvm(p.leap, p.version, p.mode));
  view.setUint8(HEADER.STRATUM, p.stratum);
  view.setInt8(HEADER.POLL, p.pollLog2);
  view.setInt8(HEADER.PRECISION, p.precisionLog2);
  view.setUint32(HEADER.ROOT_DELAY, toShort(p.rootDelay));
  view.setUint32(HEADER.ROOT_DISPERSION, toShort(p.rootDispersion));
  view.setUint32(HEADER.REFID, p.refId);
  stamp(HEADER.REFERENCE, p.reference);
  stamp(HEADER.ORIGIN, p.origin);
  stamp(HEADER.RECEIVE, p.receive);
  stamp(HEADER.TRANSMIT, p.transmit);
  return bytes;
};
