import {
  char,
  type Fields,
  float,
  i8,
  i16,
  i32,
  ip,
  reserved,
  slots,
  text,
  timespec,
  u8,
  u16,
  u32,
  u64,
} from './fields.js';

/** Layouts of the data after the 28-byte reply header. Signs stand as on the wire: see each field's report type. */

const source = {
  address: ip,
  pollLog2: i16,
  stratum: u16,
  state: u16,
  mode: u16,
  _flags: reserved(2, 0),
  reach: u16,
  sinceSample: u32,
  lastOffsetMeasuredFast: float,
  lastOffsetFast: float,
  errorBound: float,
};

const tracking = {
  refId: u32,
  address: ip,
  stratum: u16,
  leap: u16,
  referenceTime: timespec,
  currentCorrection: float,
  lastOffset: float,
  rmsOffset: float,
  frequencyFastPpm: float,
  residualFrequencyPpm: float,
  skewPpm: float,
  rootDelay: float,
  rootDispersion: float,
  lastUpdateInterval: float,
};

const sourcestats = {
  refId: u32,
  address: ip,
  samples: u32,
  runs: u32,
  span: u32,
  stdDev: float,
  residualFreqPpm: float,
  skewPpm: float,
  offsetFast: float,
  offsetError: float,
};

const rtc = { referenceTime: timespec, samples: u16, runs: u16, span: u32, fastBy: float, gainPpm: float };

const activity = { online: i32, offline: i32, burstOnline: i32, burstOffline: i32, unresolved: i32 };

const smoothing = {
  flags: u32,
  offset: float,
  freqPpm: float,
  wanderPpm: float,
  lastUpdateAgo: float,
  remaining: float,
};

const manualTimestamp = { offsetFast: float, freqChangePpm: float, newFreqPpm: float };

const manualSample = { when: timespec, slewedOffset: float, originalOffset: float, residual: float };
const manualList = { count: u32, samples: slots(16, manualSample) };

const sourceName = { name: text(256) };

const auth = {
  mode: u16,
  keyType: u16,
  keyId: u32,
  keyLength: u16,
  keAttempts: u16,
  lastKeAgo: u32,
  cookies: u16,
  cookieLength: u16,
  nak: u16,
  _reserved: reserved(2, 0),
};

const client = {
  address: ip,
  ntpHits: u32,
  nkeHits: u32,
  cmdHits: u32,
  ntpDrops: u32,
  nkeDrops: u32,
  cmdDrops: u32,
  ntpIntervalLog2: i8,
  nkeIntervalLog2: i8,
  cmdIntervalLog2: i8,
  ntpTimeoutIntervalLog2: i8,
  lastNtpAgo: u32,
  lastNkeAgo: u32,
  lastCmdAgo: u32,
};
/** Client records that fit into one reply. */
export const CLIENTS_PER_REPLY = 8;
const clients = { tableSize: u32, nextIndex: u32, count: u32, clients: slots(CLIENTS_PER_REPLY, client) };

const serverStats = {
  ntpHits: u64,
  nkeHits: u64,
  cmdHits: u64,
  ntpDrops: u64,
  nkeDrops: u64,
  cmdDrops: u64,
  logDrops: u64,
  ntpAuthHits: u64,
  ntpInterleavedHits: u64,
  ntpTimestamps: u64,
  ntpSpanSeconds: u64,
  daemonRx: u64,
  daemonTx: u64,
  kernelRx: u64,
  kernelTx: u64,
  hardwareRx: u64,
  hardwareTx: u64,
  _reserved: reserved(32, 0xff),
};

/** Of 4.1 and before. */
const serverStats2 = {
  ntpHits: u32,
  nkeHits: u32,
  cmdHits: u32,
  ntpDrops: u32,
  nkeDrops: u32,
  cmdDrops: u32,
  logDrops: u32,
  ntpAuthHits: u32,
};
/** Of 4.2 and 4.3. */
const serverStats3 = { ...serverStats2, ntpInterleavedHits: u32, ntpTimestamps: u32, ntpSpanSeconds: u32 };

const select = {
  refId: u32,
  address: ip,
  state: char,
  authenticated: u8,
  leap: u8,
  _pad: reserved(1, 0),
  configured: u16,
  effective: u16,
  sinceSample: u32,
  score: float,
  lowLimitFast: float,
  highLimitFast: float,
};

/** Of 4.5 and before: without the counters of timestamps. */
const ntpDataBase = {
  remoteAddress: ip,
  localAddress: ip,
  remotePort: u16,
  leap: u8,
  version: u8,
  mode: u8,
  stratum: u8,
  pollLog2: i8,
  precisionLog2: i8,
  rootDelay: float,
  rootDispersion: float,
  refId: u32,
  referenceTime: timespec,
  offset: float,
  peerDelay: float,
  peerDispersion: float,
  responseTime: float,
  jitterAsymmetry: float,
  flags: u16,
  txSource: char,
  rxSource: char,
  totalTx: u32,
  totalRx: u32,
  totalValidRx: u32,
  totalGoodRx: u32,
};
const ntpData1 = { ...ntpDataBase, _reserved: reserved(12, 0xff) };
const ntpData = {
  ...ntpDataBase,
  kernelTx: u32,
  kernelRx: u32,
  hardwareTx: u32,
  hardwareRx: u32,
  _reserved: reserved(16, 0xff),
};

interface ReplySpec {
  readonly code: number;
  readonly data: Fields;
}

/** Every reply that is sent or read. The last three are the layouts of older releases. */
export const REPLIES = {
  NULL: { code: 1, data: {} },
  N_SOURCES: { code: 2, data: { count: u32 } },
  SOURCE_DATA: { code: 3, data: source },
  TRACKING: { code: 5, data: tracking },
  SOURCESTATS: { code: 6, data: sourcestats },
  RTC: { code: 7, data: rtc },
  ACTIVITY: { code: 12, data: activity },
  SMOOTHING: { code: 13, data: smoothing },
  MANUAL_TIMESTAMP: { code: 17, data: manualTimestamp },
  MANUAL_LIST: { code: 18, data: manualList },
  NTP_SOURCE_NAME: { code: 19, data: sourceName },
  AUTH_DATA: { code: 20, data: auth },
  CLIENT_ACCESSES: { code: 21, data: clients },
  SELECT_DATA: { code: 23, data: select },
  SERVER_STATS: { code: 25, data: serverStats },
  NTP_DATA: { code: 26, data: ntpData },
  NTP_DATA1: { code: 16, data: ntpData1 },
  SERVER_STATS2: { code: 22, data: serverStats2 },
  SERVER_STATS3: { code: 24, data: serverStats3 },
} as const satisfies Readonly<Record<string, ReplySpec>>;

export type ReplyName = keyof typeof REPLIES;
export type ReplyLayout<N extends ReplyName> = (typeof REPLIES)[N]['data'];
