import { toNtp64 } from '../../base/ntp64.js';
import { type RefId, refidToText } from '../../base/refid.js';
import type { Instant } from '../../base/time.js';
import type { NtpDataReport, SourceReport, SourcestatsReport, TrackingReport } from '../../core/report/reports.js';

/** What mode 6 may look at. */
export interface Mode6Context {
  tracking(): TrackingReport;
  sources(): readonly SourceReport[];
  sourcestats(): readonly SourcestatsReport[];
  ntpData(address: string): NtpDataReport | undefined;
  /** Cooked. */
  now(): Instant;
  /** log2 s */
  readonly precision: number;
  readonly version: string;
  readonly system: string;
  readonly processor: string;
}

export type Variables = readonly (readonly [name: string, value: string])[];

const ms = (seconds: number): string => (seconds * 1000).toFixed(6);
const quoted = (text: string): string => `"${text.replace(/[^ -~]|["\\]/g, '')}"`;
const hex32 = (n: number): string => n.toString(16).padStart(8, '0');
const stamp = (t: Instant): string => {
  const { hi, lo } = toNtp64(t);
  return `0x${hex32(hi)}.${hex32(lo)}`;
};
/** Name of a reference clock, or the address that the number stands for. */
const refText = (id: RefId, isClock: boolean): string =>
  isClock ? refidToText(id) : [24, 16, 8, 0].map((shift) => (id >>> shift) & 0xff).join('.');

/** The place of the source that we follow, as an association; 0 = none. */
const systemPeer = (sources: readonly SourceReport[]): number => sources.findIndex((s) => s.state === '*') + 1;

export const systemVariables = (c: Mode6Context): Variables => {
  const t = c.tracking();
  const sources = c.sources();
  const peer = systemPeer(sources);
  const followed = sources[peer - 1];
  return [
    ['version', quoted(c.version)],
    ['processor', quoted(c.processor)],
    ['system', quoted(c.system)],
    ['leap', String(t.leap)],
    ['stratum', String(t.stratum === 0 ? 16 : t.stratum)],
    ['precision', String(c.precision)],
    ['rootdelay', ms(t.rootDelay)],
    ['rootdisp', ms(t.rootDispersion)],
    ['refid', t.leap === 3 ? 'INIT' : refText(t.refId, t.stratum <= 1)],
    ['reftime', stamp(t.referenceTime)],
    ['clock', stamp(c.now())],
    ['peer', String(peer)],
    ['peeradr', quoted(followed?.address ?? followed?.name ?? '')],
    ['peermode', String(followed === undefined ? 0 : 3)],
    ['tc', String(followed?.pollLog2 ?? 0)],
    ['mintc', '0'],
    ['offset', ms(t.lastOffset)],
    ['frequency', t.frequencyFastPpm.toFixed(6)],
    ['sys_jitter', ms(t.rmsOffset)],
    ['clk_jitter', ms(t.rmsOffset)],
    ['clk_wander', t.skewPpm.toFixed(6)],
  ];
};

/** Of the source at a place of the report; undefined: there is none. */
export const peerVariables = (c: Mode6Context, index: number): Variables | undefined => {
  const s = c.sources()[index];
  if (s === undefined) return undefined;
  const clock = s.mode === 'refclock';
  const stats = c.sourcestats()[index];
  const data = s.address === undefined ? undefined : c.ntpData(s.address);
  return [
    // A reference clock of ntpd has an address of this kind; the name says which one it is.
    ['srcadr', s.address ?? `127.127.0.${index}`],
    ...(clock ? ([['srchost', quoted(s.name)]] as const) : []),
    ['srcport', '123'],
    ['leap', String(data?.leap ?? 0)],
    ['stratum', String(s.stratum)],
    ['precision', String(data?.precisionLog2 ?? c.precision)],
    ['rootdelay', ms(data?.rootDelay ?? 0)],
    ['rootdisp', ms(data?.rootDispersion ?? 0)],
    ['refid', data === undefined ? refText(s.refId, clock) : refText(data.refId, data.stratum <= 1)],
    ...(data === undefined ? [] : ([['reftime', stamp(data.referenceTime)]] as const)),
    ...(s.sinceSample === undefined
      ? []
      : ([['rec', stamp((c.now() - BigInt(Math.round(s.sinceSample * 1e9))) as Instant)]] as const)),
    ['reach', `0x${s.reach.toString(16)}`],
    ['unreach', '0'],
    ['hmode', '3'],
    ['pmode', clock ? '0' : '4'],
    ['hpoll', String(s.pollLog2)],
    ['ppoll', String(data?.pollLog2 ?? s.pollLog2)],
    ['headway', '0'],
    ['flash', '0'],
    ['keyid', '0'],
    ['delay', ms(data?.peerDelay ?? 0)],
    // The report's sign is that of a fast clock; here positive = the local clock is slow.
    ['offset', ms(-s.lastOffsetFast)],
    ['dispersion', ms(data?.peerDispersion ?? s.errorBound)],
    ['jitter', ms(stats?.stdDev ?? 0)],
  ];
};

/** Selection codes of the status word (RFC 9327, 3.2): reject, falseticker, outlier, candidate, system peer. */
const SELECT: Readonly<Record<SourceReport['state'], number>> = { '*': 6, '+': 4, '-': 3, '~': 1, x: 1, '?': 0 };
const CONFIGURED = 0x80;
const REACHABLE = 0x10;
const EVENT_REACHABLE = 4;
const EVENT_UNREACHABLE = 3;

export const peerStatus = (s: SourceReport): number =>
  ((CONFIGURED | (s.reach === 0 ? 0 : REACHABLE) | SELECT[s.state]) << 8) |
  (1 << 4) |
  (s.reach === 0 ? EVENT_UNREACHABLE : EVENT_REACHABLE);

/** Where the time comes from (RFC 9327, 3.1), and the last event: synchronised, or started. */
export const systemStatus = (c: Mode6Context): number => {
  const t = c.tracking();
  const clock = c.sources()[systemPeer(c.sources()) - 1]?.mode === 'refclock';
  const source = t.leap === 3 ? 0 : t.mode === 'local' ? 5 : clock ? 4 : 6;
  return (t.leap << 14) | (source << 8) | (1 << 4) | (t.leap === 3 ? 6 : 5);
};
