import { type Fields, float, i32, ip, reserved, sizeOf, text, timespec, u32 } from './fields.js';
import { REPLY_HEADER, REQUEST_HEADER } from './protocol.js';
import { REPLIES, type ReplyName } from './replies.js';

/** Layouts of the data after the 20-byte request header. */

const none = {};
const unused = { _unused: reserved(4, 0) };
const one = { address: ip };
const subnet = { address: ip, bits: i32 };
const masked = { mask: ip, address: ip };
const withInt = { address: ip, value: i32 };
const withFloat = { address: ip, value: float };
const onlyFloat = { value: float };
const option = { option: i32 };
const index = { index: u32 };

const local = { enabled: i32, stratum: i32, distance: float, orphan: i32 };

export const ADD_SOURCE_TYPE = { SERVER: 1, PEER: 2, POOL: 3 } as const;
const addSource = {
  type: u32,
  name: text(256),
  port: u32,
  minpoll: i32,
  maxpoll: i32,
  presendMinpoll: i32,
  minStratum: u32,
  pollTarget: u32,
  version: u32,
  maxSources: u32,
  minSamples: i32,
  maxSamples: i32,
  keyId: u32,
  ntsPort: u32,
  maxDelay: float,
  maxDelayRatio: float,
  maxDelayDevRatio: float,
  minDelay: float,
  asymmetry: float,
  offset: float,
  flags: u32,
  filterLength: i32,
  certSet: u32,
  maxDelayQuantile: float,
  maxUnreach: i32,
};

interface RequestSpec {
  readonly code: number;
  readonly data: Fields;
  /** Reply on success. */
  readonly reply: ReplyName;
}

const ack = <C extends number, L extends Fields>(code: C, data: L) => ({ code, data, reply: 'NULL' }) as const;

/** Every live request, by chrony's name for it. */
export const REQUESTS = {
  ONLINE: ack(1, masked),
  OFFLINE: ack(2, masked),
  BURST: ack(3, { ...masked, good: i32, total: i32 }),
  MODIFY_MINPOLL: ack(4, withInt),
  MODIFY_MAXPOLL: ack(5, withInt),
  DUMP: ack(6, unused),
  MODIFY_MAXDELAY: ack(7, withFloat),
  MODIFY_MAXDELAYRATIO: ack(8, withFloat),
  MODIFY_MAXUPDATESKEW: ack(9, onlyFloat),
  SETTIME: { code: 11, data: { time: timespec }, reply: 'MANUAL_TIMESTAMP' },
  MANUAL: ack(13, option),
  N_SOURCES: { code: 14, data: none, reply: 'N_SOURCES' },
  SOURCE_DATA: { code: 15, data: index, reply: 'SOURCE_DATA' },
  REKEY: ack(16, none),
  ALLOW: ack(17, subnet),
  ALLOWALL: ack(18, subnet),
  DENY: ack(19, subnet),
  DENYALL: ack(20, subnet),
  CMDALLOW: ack(21, subnet),
  CMDALLOWALL: ack(22, subnet),
  CMDDENY: ack(23, subnet),
  CMDDENYALL: ack(24, subnet),
  ACCHECK: ack(25, one),
  CMDACCHECK: ack(26, one),
  DEL_SOURCE: ack(29, one),
  WRITERTC: ack(30, none),
  DFREQ: ack(31, onlyFloat),
  TRACKING: { code: 33, data: none, reply: 'TRACKING' },
  SOURCESTATS: { code: 34, data: index, reply: 'SOURCESTATS' },
  RTCREPORT: { code: 35, data: none, reply: 'RTC' },
  TRIMRTC: ack(36, none),
  CYCLELOGS: ack(37, none),
  MANUAL_LIST: { code: 41, data: none, reply: 'MANUAL_LIST' },
  MANUAL_DELETE: ack(42, { index: i32 }),
  MAKESTEP: ack(43, none),
  ACTIVITY: { code: 44, data: none, reply: 'ACTIVITY' },
  MODIFY_MINSTRATUM: ack(45, withInt),
  MODIFY_POLLTARGET: ack(46, withInt),
  MODIFY_MAXDELAYDEVRATIO: ack(47, withFloat),
  RESELECT: ack(48, none),
  RESELECTDISTANCE: ack(49, onlyFloat),
  MODIFY_MAKESTEP: ack(50, { limit: i32, threshold: float }),
  SMOOTHING: { code: 51, data: none, reply: 'SMOOTHING' },
  SMOOTHTIME: ack(52, option),
  REFRESH: ack(53, none),
  SERVER_STATS: { code: 54, data: none, reply: 'SERVER_STATS' },
  /** Of 4.0…4.5: LOCAL3 without its last three numbers. */
  LOCAL2: ack(56, local),
  NTP_DATA: { code: 57, data: one, reply: 'NTP_DATA' },
  SHUTDOWN: ack(62, none),
  ONOFFLINE: ack(63, none),
  ADD_SOURCE: ack(64, addSource),
  NTP_SOURCE_NAME: { code: 65, data: one, reply: 'NTP_SOURCE_NAME' },
  RESET_SOURCES: ack(66, none),
  AUTH_DATA: { code: 67, data: one, reply: 'AUTH_DATA' },
  CLIENT_ACCESSES: {
    code: 68,
    data: { firstIndex: u32, maxClients: u32, minHits: u32, reset: u32 },
    reply: 'CLIENT_ACCESSES',
  },
  SELECT_DATA: { code: 69, data: index, reply: 'SELECT_DATA' },
  RELOAD_SOURCES: ack(70, none),
  DOFFSET: ack(71, onlyFloat),
  MODIFY_SELECTOPTS: ack(72, { address: ip, refId: u32, mask: u32, options: u32 }),
  MODIFY_OFFSET: ack(73, { address: ip, refId: u32, offset: float }),
  LOCAL: ack(74, { ...local, activate: float, waitSynced: float, waitUnsynced: float }),
} as const satisfies Readonly<Record<string, RequestSpec>>;

export type RequestName = keyof typeof REQUESTS;
export type RequestLayout<N extends RequestName> = (typeof REQUESTS)[N]['data'];
export type ReplyOf<N extends RequestName> = (typeof REQUESTS)[N]['reply'];

const BY_CODE = new Map<number, RequestName>(
  (Object.keys(REQUESTS) as RequestName[]).map((name) => [REQUESTS[name].code, name]),
);

export const requestByCode = (code: number): RequestName | undefined => BY_CODE.get(code);

/** Length of the request as a current client sends it: data, and zeros that make it no shorter than its reply. */
export const requestLength = (name: RequestName): number => {
  const { data, reply } = REQUESTS[name];
  return Math.max(REQUEST_HEADER + sizeOf(data), REPLY_HEADER + sizeOf(REPLIES[reply].data));
};

/** Replies for the shorter requests of older releases, longest first. */
const OLDER: Partial<Record<RequestName, readonly ReplyName[]>> = {
  SERVER_STATS: ['SERVER_STATS3', 'SERVER_STATS2'],
  NTP_DATA: ['NTP_DATA1'],
};

/** The newest layout of this request's reply that fits a request of `length` bytes; undefined: the request is too short. */
export const replyForLength = (name: RequestName, length: number): ReplyName | undefined => {
  if (length >= requestLength(name)) return REQUESTS[name].reply;
  return OLDER[name]?.find((reply) => length >= REPLY_HEADER + sizeOf(REPLIES[reply].data));
};
