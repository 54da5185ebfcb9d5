/** A daemon as the query door sees it, and its reports. */
import { refidFromText } from '../../src/base/refid.js';
import { fromUnix } from '../../src/base/time.js';
import type { QueryContext } from '../../src/control/query/context.js';
import { handleQuery } from '../../src/control/query/door.js';
import type { RefclockReport, SelectReport, TrackingReport } from '../../src/core/report/reports.js';
import type { SeriesReport } from '../../src/core/report/stability.js';

const T = fromUnix(1_800_000_000, 123_456_789);
const PPS = refidFromText('PPS');

export const QUERY_TRACKING: TrackingReport = {
  refId: PPS,
  address: undefined,
  name: 'PPS',
  stratum: 1,
  leap: 0,
  referenceTime: T,
  currentCorrection: 1.25e-6,
  lastOffset: 1e-7,
  rmsOffset: 1e-7,
  frequencyFastPpm: 1,
  residualFrequencyPpm: 0,
  skewPpm: 0.01,
  rootDelay: 2e-6,
  rootDispersion: 3e-6,
  lastUpdateInterval: 1,
  mode: 'tracking',
};

export const QUERY_REFCLOCK: RefclockReport = {
  name: 'NMEA',
  refId: refidFromText('NMEA'),
  driver: 'NMEA',
  device: '/dev/gps0',
  deviceState: 'up',
  lock: undefined,
  numbering: 'message',
  numberingReason: 'says the second itself',
  latencyMedian: 0.1712345678,
  latencySpread: 0.002,
  latencyDrift: 1e-7,
  chronyOffset: 0.1712345678,
  serialDelay: 0.02,
  samplesAccepted: 100,
  rejected: { 'no-fix': 3, checksum: 12 },
  lastReason: 'checksum',
  sinceMessage: 0.5,
  sincePulse: undefined,
  sinceFix: 0.5,
  jitter: 5e-4,
  satellitesUsed: 9,
  satellitesVisible: 12,
};

export const QUERY_SELECT: SelectReport = {
  name: 'PPS',
  refId: PPS,
  address: undefined,
  state: '*',
  authenticated: false,
  leap: 0,
  configured: { noselect: false, prefer: true, trust: false, require: false },
  effective: { noselect: false, prefer: true, trust: false, require: false },
  sinceSample: 3,
  score: 1,
  lowLimitFast: -1e-6,
  highLimitFast: 1e-6,
  reason: 'selected: root distance 4.2 us is the least',
};

const series = (kind: SeriesReport['kind'], name: string): SeriesReport => ({
  kind,
  name,
  interval: 1,
  deviations: Array.from({ length: 16 }, (_, k) => ({
    tau: 2 ** k,
    adev: 1.23456789e-9,
    tdev: 1.23456789e-8,
    mtie: 1.23456789e-7,
    terms: 86_400,
  })),
  jitter: {
    count: 86_400,
    mean: -1e-9,
    p50: 1e-8,
    p90: 2e-8,
    p99: 4e-8,
    max: 1.1e-6,
    histogram: [
      [-1e-8, -5e-9, 40_000],
      [5e-9, 1e-8, 46_400],
    ],
  },
});

export const fakeQueries = (change: Partial<QueryContext> = {}): QueryContext => ({
  tracking: () => QUERY_TRACKING,
  bound: () => ({ at: T, bound: 5e-6, drift: 2e-6, status: 'synchronised' }),
  refclocks: () => [QUERY_REFCLOCK],
  selectdata: () => [QUERY_SELECT],
  stability: () => ({
    series: [series('clock', ''), series('source', 'PPS')],
    noise: { sigma: 3e-8, wander: 1e-10, drift: 0, oneSided: 0.25 },
  }),
  ...change,
});

export type QueryReply = {
  readonly ok: boolean;
  readonly id: unknown;
  readonly code?: string;
  readonly text?: string;
  readonly data?: Record<string, unknown> & { items?: Record<string, unknown>[]; next?: number | null };
};

export const askQuery = (request: unknown, context = fakeQueries()): QueryReply => {
  const text = typeof request === 'string' ? request : JSON.stringify(request);
  return JSON.parse(new TextDecoder().decode(handleQuery(new TextEncoder().encode(text), context))) as QueryReply;
};
