import type { Seconds } from '../../base/units.js';
import { fletcher8 } from './checksum.js';

/** u-blox binary messages, decoded into typed values (spec: u-blox interface descriptions, protocol 13 … 34). */

/** UTC as a message wrote it; `nano` may be negative: the epoch lies just before the second. */
export interface UbxUtc {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nano: number;
}

export type UbxAntenna = 'init' | 'unknown' | 'ok' | 'short' | 'open';
export type UbxPower = 'off' | 'on' | 'unknown';
export type UbxJamming = 'unknown' | 'ok' | 'warning' | 'critical';

export type UbxMessage =
  | {
      readonly name: 'NAV-PVT';
      /** ms of the GPS week; the same in all messages of one epoch. */
      readonly iTow: number;
      readonly utc: UbxUtc;
      /** Date, time and the second itself are resolved. */
      readonly timeValid: boolean;
      readonly accuracy: Seconds | undefined;
      readonly fixOk: boolean;
      /** 0 none, 1 dead reckoning, 2 2D, 3 3D, 4 GNSS and dead reckoning, 5 time only. */
      readonly fixType: number;
      readonly satellitesUsed: number;
    }
  | {
      readonly name: 'NAV-TIMEUTC';
      readonly iTow: number;
      readonly utc: UbxUtc;
      readonly timeValid: boolean;
      readonly accuracy: Seconds | undefined;
      /** 0 unknown, 3 USNO (GPS), 5 EU (Galileo), 6 SU (GLONASS), 7 NTSC (BeiDou) … */
      readonly standard: number;
    }
  | {
      readonly name: 'NAV-TIMEGPS';
      readonly iTow: number;
      /** ns to add to iTow. */
      readonly fTow: number;
      readonly week: number;
      /** GPS − UTC, s; undefined while it is the firmware's default. */
      readonly leap: number | undefined;
      readonly timeValid: boolean;
      readonly accuracy: Seconds | undefined;
    }
  | {
      readonly name: 'NAV-TIMELS';
      readonly iTow: number;
      /** GPS − UTC, s; undefined when not valid or the firmware's default. */
      readonly current: number | undefined;
      /** Announced change: 1, −1 or 0; undefined when not known. */
      readonly change: number | undefined;
      /** Until the announced change (negative: since the last one), s. */
      readonly timeToEvent: Seconds;
    }
  | {
      readonly name: 'NAV-STATUS' | 'NAV-SOL';
      readonly iTow: number;
      readonly fixOk: boolean;
      readonly fixType: number;
    }
  | {
      readonly name: 'TIM-TP';
      /** GPS (or UTC) week and ms of week of the NEXT pulse, plus 2^-32 ms. */
      readonly week: number;
      readonly towMs: number;
      readonly towSubMs: number;
      /** Quantisation error of that pulse: true second = edge + this. Undefined when flagged invalid. */
      readonly quantisation: Seconds | undefined;
      readonly timebase: 'gnss' | 'utc';
      readonly utcAvailable: boolean;
    }
  | {
      readonly name: 'TIM-SVIN';
      /** s */
      readonly duration: Seconds;
      /** ECEF, m. */
      readonly mean: readonly [number, number, number];
      /** m² */
      readonly variance: number;
      readonly observations: number;
      readonly valid: boolean;
      readonly active: boolean;
    }
  | {
      readonly name: 'MON-HW' | 'MON-RF';
      /** The worst of all radio paths. */
      readonly antenna: UbxAntenna;
      readonly power: UbxPower;
      readonly jamming: UbxJamming;
      /** 0 … 255 */
      readonly jamIndicator: number;
    }
  | { readonly name: 'ACK-ACK' | 'ACK-NAK'; readonly classId: number; readonly messageId: number };

type Decoder = (v: DataView) => UbxMessage | undefined;

const le = true;
const accuracy = (ns: number): Seconds | undefined => (ns === 0xffffffff ? undefined : ns * 1e-9);

const utcAt = (v: DataView, at: number, nanoAt: number): UbxUtc => ({
  year: v.getUint16(at, le),
  month: v.getUint8(at + 2),
  day: v.getUint8(at + 3),
  hour: v.getUint8(at + 4),
  minute: v.getUint8(at + 5),
  second: v.getUint8(at + 6),
  nano: v.getInt32(nanoAt, le),
});

const pvt: Decoder = (v) => ({
  name: 'NAV-PVT',
  iTow: v.getUint32(0, le),
  utc: utcAt(v, 4, 16),
  // validDate, validTime, fullyResolved: without the third the second may be off by the unknown leap count.
  timeValid: (v.getUint8(11) & 7) === 7,
  accuracy: accuracy(v.getUint32(12, le)),
  fixOk: (v.getUint8(21) & 1) !== 0,
  fixType: v.getUint8(20),
  satellitesUsed: v.getUint8(23),
});

const timeUtc: Decoder = (v) => ({
  name: 'NAV-TIMEUTC',
  iTow: v.getUint32(0, le),
  utc: utcAt(v, 12, 8),
  timeValid: (v.getUint8(19) & 7) === 7,
  accuracy: accuracy(v.getUint32(4, le)),
  standard: v.getUint8(19) >> 4,
});

const timeGps: Decoder = (v) => {
  const valid = v.getUint8(11);
  return {
    name: 'NAV-TIMEGPS',
    iTow: v.getUint32(0, le),
    fTow: v.getInt32(4, le),
    week: v.getInt16(8, le),
    leap: (valid & 4) !== 0 ? v.getInt8(10) : undefined,
    timeValid: (valid & 3) === 3,
    accuracy: accuracy(v.getUint32(12, le)),
  };
};

const timeLs: Decoder = (v) => {
  const valid = v.getUint8(23);
  const change = v.getInt8(11);
  return {
    name: 'NAV-TIMELS',
    iTow: v.getUint32(0, le),
    // Source 0 is the value the firmware was built with.
    current: (valid & 1) !== 0 && v.getUint8(8) !== 0 ? v.getInt8(9) : undefined,
    // The event has a validity bit of its own (bit 1).
    change: (valid & 2) !== 0 && Math.abs(change) <= 1 ? change : undefined,
    timeToEvent: v.getInt32(12, le),
  };
};

const status: Decoder = (v) => ({
  name: 'NAV-STATUS',
  iTow: v.getUint32(0, le),
  fixType: v.getUint8(4),
  fixOk: (v.getUint8(5) & 1) !== 0,
});

const sol: Decoder = (v) => ({
  name: 'NAV-SOL',
  iTow: v.getUint32(0, le),
  fixType: v.getUint8(10),
  fixOk: (v.getUint8(11) & 1) !== 0,
});

const timTp: Decoder = (v) => {
  const flags = v.getUint8(14);
  return {
    name: 'TIM-TP',
    week: v.getUint16(12, le),
    towMs: v.getUint32(0, le),
    towSubMs: v.getUint32(4, le) * 2 ** -32,
    quantisation: (flags & 0x10) !== 0 ? undefined : v.getInt32(8, le) * 1e-12,
    timebase: (flags & 1) !== 0 ? 'utc' : 'gnss',
    utcAvailable: (flags & 2) !== 0,
  };
};

const svin: Decoder = (v) => ({
  name: 'TIM-SVIN',
  duration: v.getUint32(0, le),
  mean: [v.getInt32(4, le) / 100, v.getInt32(8, le) / 100, v.getInt32(12, le) / 100],
  variance: v.getUint32(16, le) * 1e-6,
  observations: v.getUint32(20, le),
  valid: v.getUint8(24) === 1,
  active: v.getUint8(25) === 1,
});

/** In order of growing trouble. */
const ANTENNA: readonly UbxAntenna[] = ['init', 'unknown', 'ok', 'short', 'open'];
const POWER: readonly UbxPower[] = ['off', 'on', 'unknown'];
const JAMMING: readonly UbxJamming[] = ['unknown', 'ok', 'warning', 'critical'];

const monHw: Decoder = (v) => ({
  name: 'MON-HW',
  antenna: ANTENNA[v.getUint8(20)] ?? 'unknown',
  power: POWER[v.getUint8(21)] ?? 'unknown',
  jamming: JAMMING[(v.getUint8(22) >> 2) & 3]!,
  // The pin map before it has 17 entries, in Antaris and u-blox 5 receivers 25.
  jamIndicator: v.getUint8(v.byteLength >= 68 ? 53 : 45),
});

const monRf: Decoder = (v) => {
  const blocks = v.getUint8(1);
  if (blocks === 0 || v.byteLength < 4 + 24 * blocks) return undefined;
  let [antenna, power, jamming, jamIndicator] = [0, 0, 0, 0];
  for (let at = 4; at < 4 + 24 * blocks; at += 24) {
    jamming = Math.max(jamming, v.getUint8(at + 1) & 3);
    antenna = Math.max(antenna, v.getUint8(at + 2));
    power = Math.max(power, v.getUint8(at + 3));
    jamIndicator = Math.max(jamIndicator, v.getUint8(at + 16));
  }
  return {
    name: 'MON-RF',
    antenna: ANTENNA[antenna] ?? 'unknown',
    power: POWER[power] ?? 'unknown',
    jamming: JAMMING[jamming]!,
    jamIndicator,
  };
};

const ack =
  (name: 'ACK-ACK' | 'ACK-NAK'): Decoder =>
  (v) => ({ name, classId: v.getUint8(0), messageId: v.getUint8(1) });

/** class << 8 | id: shortest payload that carries what is read, and its decoder. */
const DECODERS: ReadonlyMap<number, readonly [number, Decoder]> = new Map<number, readonly [number, Decoder]>([
  [0x0103, [6, status]],
  [0x0106, [12, sol]],
  [0x0107, [84, pvt]],
  [0x0120, [16, timeGps]],
  [0x0121, [20, timeUtc]],
  [0x0126, [24, timeLs]],
  [0x0d01, [16, timTp]],
  [0x0d04, [26, svin]],
  [0x0a09, [60, monHw]],
  [0x0a38, [4, monRf]],
  [0x0501, [2, ack('ACK-ACK')]],
  [0x0500, [2, ack('ACK-NAK')]],
]);

/** Undefined: a message nobody here asks about. 'ubx-size': one of ours with an impossible payload. */
export const parseUbx = (
  classId: number,
  messageId: number,
  payload: Uint8Array,
): UbxMessage | 'ubx-size' | undefined => {
  const entry = DECODERS.get((classId << 8) | messageId);
  if (entry === undefined) return undefined;
  const [size, decode] = entry;
  if (payload.length < size) return 'ubx-size';
  return decode(new DataView(payload.buffer, payload.byteOffset, payload.length)) ?? 'ubx-size';
};

/** A whole frame around a payload. */
export const formatUbx = (classId: number, messageId: number, payload: Uint8Array): Uint8Array => {
  const frame = new Uint8Array(payload.length + 8);
  frame.set([0xb5, 0x62, classId, messageId, payload.length & 0xff, payload.length >> 8]);
  frame.set(payload, 6);
  const sum = fletcher8(frame, 2, payload.length + 6);
  frame[payload.length + 6] = sum & 0xff;
  frame[payload.length + 7] = sum >> 8;
  return frame;
};
