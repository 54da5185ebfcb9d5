/**
 * PTP management messages (IEEE 1588-2019, 15), as ptp4l of linuxptp takes them on its Unix socket: what a time receiver
 * knows, and the quality that a grandmaster is to announce.
 */

export const MANAGEMENT = {
  PARENT_DATA_SET: 0x2002,
  TIME_PROPERTIES_DATA_SET: 0x2003,
  PORT_DATA_SET: 0x2004,
  /** linuxptp's own. */
  GRANDMASTER_SETTINGS_NP: 0xc001,
} as const;

export const ACTION = { GET: 0, SET: 1, RESPONSE: 2 } as const;

export interface Management {
  readonly action: number;
  readonly id: number;
  readonly sequence: number;
  /** Of the management TLV; empty in a question. */
  readonly data: Uint8Array;
  /** managementErrorId, when the answer is a refusal. */
  readonly error: number | undefined;
}

const HEADER_BYTES = 48;
const TLV_BYTES = 6;
const TYPE_MANAGEMENT = 0x0d;
const TLV_MANAGEMENT = 0x0001;
const TLV_ERROR = 0x0002;
const CONTROL_MANAGEMENT = 4;
/** Log message interval of messages that have none. */
const NO_INTERVAL = 0x7f;
const AT = {
  TYPE: 0,
  VERSION: 1,
  LENGTH: 2,
  DOMAIN: 4,
  PORT: 28,
  SEQUENCE: 30,
  CONTROL: 32,
  INTERVAL: 33,
  TARGET: 34,
  ACTION: 46,
} as const;

/** A message to every port of the clock at the other end of the socket, and to no other clock. `port`: ours, u16. */
export const formatManagement = (
  { action, id, sequence, data }: Pick<Management, 'action' | 'id' | 'sequence' | 'data'>,
  domain: number,
  port: number,
): Uint8Array => {
  const bytes = new Uint8Array(HEADER_BYTES + TLV_BYTES + data.length);
  const view = new DataView(bytes.buffer);
  bytes[AT.TYPE] = TYPE_MANAGEMENT;
  bytes[AT.VERSION] = 2;
  view.setUint16(AT.LENGTH, bytes.length);
  bytes[AT.DOMAIN] = domain;
  view.setUint16(AT.PORT, port);
  view.setUint16(AT.SEQUENCE, sequence);
  bytes[AT.CONTROL] = CONTROL_MANAGEMENT;
  bytes[AT.INTERVAL] = NO_INTERVAL;
  bytes.fill(0xff, AT.TARGET, AT.TARGET + 10);
  bytes[AT.ACTION] = action;
  view.setUint16(HEADER_BYTES, TLV_MANAGEMENT);
  view.setUint16(HEADER_BYTES + 2, 2 + data.length);
  view.setUint16(HEADER_BYTES + 4, id);
  bytes.set(data, HEADER_BYTES + TLV_BYTES);
  return bytes;
};

/** Undefined for what is no management message of this domain. */
export const parseManagement = (bytes: Uint8Array, domain: number): Management | undefined => {
  if (bytes.length < HEADER_BYTES + TLV_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint16(AT.LENGTH);
  if ((bytes[AT.TYPE]! & 0x0f) !== TYPE_MANAGEMENT || (bytes[AT.VERSION]! & 0x0f) !== 2) return undefined;
  // A suffix may follow; what is longer than it came is cut.
  if (length > bytes.length || length < HEADER_BYTES + TLV_BYTES || bytes[AT.DOMAIN] !== domain) return undefined;
  const type = view.getUint16(HEADER_BYTES);
  const end = HEADER_BYTES + 4 + view.getUint16(HEADER_BYTES + 2);
  if (end > length || end < HEADER_BYTES + TLV_BYTES) return undefined;
  const message = { action: bytes[AT.ACTION]! & 0x0f, sequence: view.getUint16(AT.SEQUENCE) };
  const first = view.getUint16(HEADER_BYTES + 4);
  if (type === TLV_MANAGEMENT) {
    return { ...message, id: first, data: bytes.slice(HEADER_BYTES + TLV_BYTES, end), error: undefined };
  }
  if (type !== TLV_ERROR || end < HEADER_BYTES + TLV_BYTES + 2) return undefined;
  return { ...message, id: view.getUint16(HEADER_BYTES + 6), data: new Uint8Array(0), error: first };
};

/** What a grandmaster says of its time. */
export interface TimeProperties {
  /** TAI − UTC, s. */
  readonly utcOffset: number;
  readonly utcOffsetValid: boolean;
  /** 0 none, 1 inserted, 2 deleted at the end of the day. */
  readonly leap: 0 | 1 | 2;
  /** TAI; false: an arbitrary epoch. */
  readonly ptpTimescale: boolean;
  readonly timeTraceable: boolean;
  readonly frequencyTraceable: boolean;
  /** TIME_SOURCE. */
  readonly timeSource: number;
}

export const TIME_SOURCE = { GNSS: 0x20, PTP: 0x40, NTP: 0x50, OTHER: 0x90, OSCILLATOR: 0xa0 } as const;

const FLAG = { LEAP_61: 1, LEAP_59: 2, UTC_VALID: 4, PTP: 8, TIME_TRACEABLE: 16, FREQUENCY_TRACEABLE: 32 } as const;

const fromFlags = (utcOffset: number, flags: number, timeSource: number): TimeProperties => ({
  utcOffset,
  utcOffsetValid: (flags & FLAG.UTC_VALID) !== 0,
  leap: (flags & FLAG.LEAP_61) !== 0 ? 1 : (flags & FLAG.LEAP_59) !== 0 ? 2 : 0,
  ptpTimescale: (flags & FLAG.PTP) !== 0,
  timeTraceable: (flags & FLAG.TIME_TRACEABLE) !== 0,
  frequencyTraceable: (flags & FLAG.FREQUENCY_TRACEABLE) !== 0,
  timeSource,
});

const toFlags = (t: TimeProperties): number =>
  (t.leap === 1 ? FLAG.LEAP_61 : t.leap === 2 ? FLAG.LEAP_59 : 0) |
  (t.utcOffsetValid ? FLAG.UTC_VALID : 0) |
  (t.ptpTimescale ? FLAG.PTP : 0) |
  (t.timeTraceable ? FLAG.TIME_TRACEABLE : 0) |
  (t.frequencyTraceable ? FLAG.FREQUENCY_TRACEABLE : 0);

const viewOf = (data: Uint8Array): DataView => new DataView(data.buffer, data.byteOffset, data.byteLength);

export const readTimeProperties = (data: Uint8Array): TimeProperties | undefined =>
  data.length < 4 ? undefined : fromFlags(viewOf(data).getInt16(0), data[2]!, data[3]!);

/** clockQuality of a clock. */
export interface Quality {
  readonly clockClass: number;
  readonly accuracy: number;
  /** offsetScaledLogVariance. */
  readonly variance: number;
}

export interface Grandmaster extends Quality {
  /** Hexadecimal. */
  readonly identity: string;
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');

export const readGrandmaster = (data: Uint8Array): Grandmaster | undefined => {
  if (data.length < 32) return undefined;
  const variance = viewOf(data).getUint16(21);
  return { clockClass: data[19]!, accuracy: data[20]!, variance, identity: hex(data.subarray(24, 32)) };
};

/** IEEE 1588, table 20. */
export const PORT_STATE = { PASSIVE: 7, MASTER: 6, UNCALIBRATED: 8, SLAVE: 9 } as const;

export const readPortState = (data: Uint8Array): number | undefined => data[10];

/** What ptp4l is to announce while it is the grandmaster. */
export interface GrandmasterSettings extends Quality {
  readonly time: TimeProperties;
}

const SETTINGS_BYTES = 8;

export const writeSettings = ({ clockClass, accuracy, variance, time }: GrandmasterSettings): Uint8Array => {
  const data = new Uint8Array(SETTINGS_BYTES);
  const view = viewOf(data);
  data[0] = clockClass;
  data[1] = accuracy;
  view.setUint16(2, variance);
  view.setInt16(4, time.utcOffset);
  data[6] = toFlags(time);
  data[7] = time.timeSource;
  return data;
};

export const readSettings = (data: Uint8Array): GrandmasterSettings | undefined => {
  if (data.length < SETTINGS_BYTES) return undefined;
  const view = viewOf(data);
  const time = fromFlags(view.getInt16(4), data[6]!, data[7]!);
  return { clockClass: data[0]!, accuracy: data[1]!, variance: view.getUint16(2), time };
};
