/** A fixed daemon behind the real command door, for clients under test. */
import { formatIp, type IpBytes, parseIp } from '../../src/base/ip.js';
import { refidFromText } from '../../src/base/refid.js';
import { fromUnix } from '../../src/base/time.js';
import { OPEN_COMMANDS } from '../../src/conf/directives/command.js';
import type { AccessChange, CmdmonContext, DaemonCommand } from '../../src/control/cmdmon/context.js';
import { openCommandCodes } from '../../src/control/cmdmon/opencommands.js';
import type {
  ClientReport,
  NtpDataReport,
  SelectReport,
  SourceReport,
  SourcestatsReport,
  TrackingReport,
} from '../../src/core/report/reports.js';
import { STATUS, type Status } from '../../src/wire/cmdmon/protocol.js';

export const FAKE_TRACKING: TrackingReport = {
  refId: refidFromText('PPS0'),
  address: undefined,
  name: 'PPS0',
  stratum: 1,
  leap: 0,
  referenceTime: fromUnix(1_700_000_000, 123_456_789),
  currentCorrection: 1.25e-7,
  lastOffset: 3.3e-8,
  rmsOffset: 4.4e-8,
  frequencyFastPpm: -12.3456,
  residualFrequencyPpm: -0.0012,
  skewPpm: 0.0345,
  rootDelay: 1e-9,
  rootDispersion: 1.2345e-5,
  lastUpdateInterval: 1,
  mode: 'tracking',
};

const source = (name: string, change: Partial<SourceReport>): SourceReport => ({
  name,
  refId: refidFromText(name),
  address: undefined,
  mode: 'refclock',
  state: '*',
  stratum: 0,
  pollLog2: 0,
  reach: 0o377,
  sinceSample: 1,
  lastOffsetMeasuredFast: 1.2e-8,
  lastOffsetFast: -3.4e-8,
  errorBound: 2.1e-7,
  ...change,
});

/** One more interval to be printed. */
const withError = (errorBound: number): SourceReport => source('ERR', { errorBound, lastOffsetFast: -errorBound });

/** Every state, both modes of NTP sources, and magnitudes on both sides of each change of unit. */
export const FAKE_SOURCES: readonly SourceReport[] = [
  source('PPS0', {}),
  source('NMEA', {
    state: '-',
    pollLog2: -2,
    reach: 0o17,
    sinceSample: 1199,
    lastOffsetFast: 0.0099994,
    lastOffsetMeasuredFast: -0.0123,
    errorBound: 0.5,
  }),
  source('X', {
    state: '?',
    reach: 0,
    sinceSample: undefined,
    lastOffsetFast: 0,
    lastOffsetMeasuredFast: 0,
    errorBound: 0,
  }),
  source('192.0.2.1', {
    address: '192.0.2.1',
    mode: 'client',
    state: '+',
    stratum: 2,
    pollLog2: 6,
    sinceSample: 1200,
    lastOffsetFast: 9.9994e-6,
    lastOffsetMeasuredFast: -9.9996e-6,
    errorBound: 1.5,
  }),
  source('2001:db8:1111:2222:3333:4444:5555:6666', {
    address: '2001:db8:1111:2222:3333:4444:5555:6666',
    mode: 'client',
    state: 'x',
    stratum: 15,
    pollLog2: 10,
    sinceSample: 40_000,
    lastOffsetFast: -998.5,
    lastOffsetMeasuredFast: 1000.25,
    errorBound: 99_998,
  }),
  source('198.51.100.7', {
    address: '198.51.100.7',
    mode: 'peer',
    state: '~',
    stratum: 3,
    pollLog2: 17,
    sinceSample: 400_000,
    lastOffsetFast: 1e6,
    lastOffsetMeasuredFast: -1e6,
    errorBound: 1e8,
  }),
  source('203.0.113.9', {
    address: '203.0.113.9',
    mode: 'client',
    state: '?',
    stratum: 0,
    pollLog2: 6,
    sinceSample: 200_000_000,
    lastOffsetFast: -0.0,
    errorBound: 9.9996e-3,
  }),
  ...[1e-8, 1e7, 3e9, 1e10, 3e12, 999.5, 12.05, 12.15, 0.5e-9, 2.5e-9].map(withError),
];

const statsOf = (s: SourceReport, i: number): SourcestatsReport => ({
  name: s.name,
  refId: s.refId,
  address: s.address,
  samples: 7 * i,
  runs: 3 * i,
  spanS: [0, 59, 1199, 1200, 36_000, 345_600, 900_000_000][i] ?? 0,
  stdDev: s.errorBound / 3,
  residualFreqPpm: [0.0004, -0.0006, 12.3456, -99_999.4, 123_456.7, -0.0, 1e-9][i] ?? 0,
  skewPpm: [2000, 0.0345, 0.5, 99_999.6, 1e7, 0, 12.5][i] ?? 0,
  offsetFast: s.lastOffsetFast / 2,
  offsetError: 1e-9,
});

const STATES: readonly SelectReport['state'][] = ['*', '-' as '*', 'M', '+', 'x', '~', 'N'];
const selectOf = (s: SourceReport, i: number): SelectReport => ({
  name: s.name,
  refId: s.refId,
  address: s.address,
  state: STATES[i] ?? 'M',
  authenticated: i === 3,
  leap: (i % 4) as 0 | 1 | 2 | 3,
  configured: { noselect: i === 6, prefer: i === 0, trust: i === 1, require: i === 2 },
  effective: { noselect: i === 6, prefer: i === 0, trust: i >= 1, require: i === 5 },
  sinceSample: s.sinceSample ?? 0,
  score: [1, 1.25, 0.04999, 1234.5, 99.96, 0, 3][i] ?? 1,
  lowLimitFast: s.lastOffsetFast - s.errorBound,
  highLimitFast: s.lastOffsetFast + s.errorBound,
  reason: '',
});

const client = (i: number): ClientReport => ({
  address: i % 3 === 0 ? `2001:db8::${(i + 1).toString(16)}` : `192.0.2.${i + 1}`,
  ntpHits: i === 4 ? 4_000_000_000 : 100 * i,
  nkeHits: i,
  cmdHits: 2 * i,
  ntpDrops: i === 4 ? 123_456 : 0,
  nkeDrops: 0,
  cmdDrops: i === 5 ? 7 : 0,
  ntpIntervalLog2: i % 2 === 0 ? 127 : 6,
  nkeIntervalLog2: 127,
  cmdIntervalLog2: i % 5 === 0 ? -2 : 10,
  ntpTimeoutIntervalLog2: i === 3 ? -4 : 127,
  lastNtpAgo: 31 * i * i,
  lastNkeAgo: 0xffffffff,
  lastCmdAgo: i === 2 ? 0xffffffff : 7000 * i,
});
/** More than a reply holds, with holes. */
export const FAKE_CLIENTS: readonly (ClientReport | undefined)[] = Array.from({ length: 30 }, (_, i) =>
  i % 4 === 3 ? undefined : client(i),
);

export const FAKE_NTP_DATA: NtpDataReport = {
  remoteAddress: '192.0.2.1',
  localAddress: '192.0.2.200',
  remotePort: 123,
  leap: 0,
  version: 4,
  mode: 'server',
  stratum: 1,
  pollLog2: 6,
  precisionLog2: -24,
  rootDelay: 1.5e-5,
  rootDispersion: 3.05e-5,
  refId: refidFromText('GPS'),
  referenceTime: fromUnix(1_700_000_001, 5),
  offset: -6.0e-5,
  peerDelay: 1.75681e-4,
  peerDispersion: 6.81e-7,
  responseTime: 5.305e-5,
  jitterAsymmetry: -0.25,
  tests: 0x3fe,
  interleaved: true,
  authenticated: false,
  txSource: 'kernel',
  rxSource: 'hardware',
  totalTx: 24,
  totalRx: 23,
  totalValidRx: 22,
  totalGoodRx: 21,
  kernelTx: 20,
  kernelRx: 19,
  hardwareTx: 18,
  hardwareRx: 17,
};

export interface Recorded {
  readonly commands: DaemonCommand[];
  readonly changes: AccessChange[];
  readonly resets: number[];
  /** Requests counted, and how many of them were exempt from rate limits. */
  counted: number;
  exempt: number;
}

/** Answers the same every time; what it is told to do is recorded and changes nothing. */
export const fakeDaemon = (change: Partial<CmdmonContext> = {}): { context: CmdmonContext; recorded: Recorded } => {
  const recorded: Recorded = { commands: [], changes: [], resets: [], counted: 0, exempt: 0 };
  const run = (command: DaemonCommand): Status => {
    recorded.commands.push(command);
    return command.name === 'makestep' ? STATUS.FAILED : STATUS.SUCCESS;
  };
  const context: CmdmonContext = {
    openCommands: openCommandCodes(OPEN_COMMANDS),
    countAccess: (_, exempt) => {
      recorded.counted++;
      if (exempt) recorded.exempt++;
      return true;
    },
    accessAllowed: (table: string, address: IpBytes) => table === 'ntp' && formatIp(address).startsWith('192.0.2.'),
    changeAccess: (access) => void recorded.changes.push(access),
    tracking: () => FAKE_TRACKING,
    sources: () => FAKE_SOURCES,
    sourcestats: () => FAKE_SOURCES.map(statsOf),
    selectdata: () => FAKE_SOURCES.map(selectOf),
    unresolved: () => [],
    activity: () => ({ online: 3, offline: 1, burstOnline: 0, burstOffline: 2, unresolved: 10 }),
    serverStats: () => ({
      ntpHits: 1234567,
      nkeHits: 2,
      cmdHits: 99,
      ntpDrops: 12,
      nkeDrops: 1,
      cmdDrops: 4,
      logDrops: 5,
      ntpAuthHits: 6,
      ntpInterleavedHits: 777,
      ntpTimestamps: 4096,
      ntpSpanSeconds: 3600,
      daemonRx: 1,
      daemonTx: 2,
      kernelRx: 3,
      kernelTx: 4,
      hardwareRx: 5,
      hardwareTx: 6,
    }),
    clients: () => ({
      size: FAKE_CLIENTS.length,
      at: (i) => FAKE_CLIENTS[i],
      reset: (i) => void recorded.resets.push(i),
    }),
    ntpData: (address) => {
      if (typeof address === 'number') return undefined;
      const found = FAKE_SOURCES.find((s) => s.address === formatIp(address));
      return found?.address === undefined
        ? undefined
        : { ...FAKE_NTP_DATA, remoteAddress: found.address, stratum: found.stratum };
    },
    sourceName: (address) => {
      const found = FAKE_SOURCES.find((s) => s.address === formatIp(address));
      return found === undefined ? undefined : `a-rather-long-name-for-${found.stratum}.ntp.example`;
    },
    authData: (address) =>
      typeof address !== 'number' && formatIp(address) === '192.0.2.1'
        ? { mode: 'symmetric', keyId: 7, key: { type: 'AES128', bits: 128 } }
        : undefined,
    smoothing: () => undefined,
    rtc: () => undefined,
    manualList: () => [],
    setTime: () => STATUS.NOT_ENABLED,
    run,
    ...change,
  };
  return { context, recorded };
};

export const address = (text: string): IpBytes => parseIp(text)!;
