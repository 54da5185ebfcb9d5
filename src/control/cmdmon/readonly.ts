import { type IpBytes, parseIp } from '../../base/ip.js';
import { fromUnix } from '../../base/time.js';
import { PPM } from '../../base/units.js';
import type {
  AuthReport,
  NtpDataReport,
  SelectOptions,
  ServerStatsReport,
  SourceMode,
  SourceReport,
  SourceState,
} from '../../core/report/reports.js';
import type { WireAddress } from '../../wire/cmdmon/fields.js';
import type { ReplyValues, RequestValues } from '../../wire/cmdmon/packet.js';
import { NEVER, SELECT_OPTION, STATUS, type Status } from '../../wire/cmdmon/protocol.js';
import { CLIENTS_PER_REPLY } from '../../wire/cmdmon/replies.js';
import type { ReplyOf, RequestName } from '../../wire/cmdmon/requests.js';
import type { AccessTable, CmdmonContext } from './context.js';
import { unresolvedAt, unresolvedSelection, unresolvedSource, unresolvedStats } from './unresolved.js';

/** Data of the reply, or a status without data. */
export type Answer<N extends RequestName> = ReplyValues<ReplyOf<N>> | Status;
export type Handler<N extends RequestName> = (request: RequestValues<N>, context: CmdmonContext) => Answer<N>;
export type Handlers = { readonly [N in RequestName]?: Handler<N> };

const STATES: Readonly<Record<SourceState, number>> = { '*': 0, '?': 1, x: 2, '~': 3, '+': 4, '-': 5 };
const MODES: Readonly<Record<SourceMode, number>> = { client: 0, peer: 1, refclock: 2 };
const NTP_MODES: Readonly<Record<NtpDataReport['mode'], number>> = { active: 1, passive: 2, server: 4 };
const STAMPS = { daemon: 'D', kernel: 'K', hardware: 'H' } as const;
const SMOOTHING_FLAG = { ACTIVE: 1, LEAP_ONLY: 2 } as const;
const FLAG_INTERLEAVED = 0x4000;
const FLAG_AUTHENTICATED = 0x8000;

const toAddress = (text: string | undefined): IpBytes | undefined => (text === undefined ? undefined : parseIp(text));

const isBytes = (address: WireAddress): address is IpBytes => address instanceof Uint8Array;

/** Whole seconds of an age, without turning a long one into "never". */
const age = (seconds: number | undefined): number =>
  seconds === undefined ? NEVER : Math.min(Math.max(Math.trunc(seconds), 0), NEVER - 1);

/** A refclock has no address: its refid stands where the IPv4 address would. */
const refidAsAddress = (refId: number): IpBytes =>
  Uint8Array.of(refId >>> 24, (refId >>> 16) & 0xff, (refId >>> 8) & 0xff, refId & 0xff);

const sourceData = (s: SourceReport): ReplyValues<'SOURCE_DATA'> => ({
  address: s.mode === 'refclock' ? refidAsAddress(s.refId) : toAddress(s.address),
  pollLog2: s.pollLog2,
  stratum: s.stratum,
  state: STATES[s.state],
  mode: MODES[s.mode],
  reach: s.reach,
  sinceSample: age(s.sinceSample),
  lastOffsetMeasuredFast: s.lastOffsetMeasuredFast,
  lastOffsetFast: s.lastOffsetFast,
  errorBound: s.errorBound,
});

const optionBits = (o: SelectOptions): number =>
  (o.noselect ? SELECT_OPTION.NOSELECT : 0) |
  (o.prefer ? SELECT_OPTION.PREFER : 0) |
  (o.trust ? SELECT_OPTION.TRUST : 0) |
  (o.require ? SELECT_OPTION.REQUIRE : 0);

const count = (x: number): bigint => (x > 0 && x <= Number.MAX_SAFE_INTEGER ? BigInt(Math.trunc(x)) : 0n);

const serverStats = (s: ServerStatsReport): ReplyValues<'SERVER_STATS'> => ({
  ntpHits: count(s.ntpHits),
  nkeHits: count(s.nkeHits),
  cmdHits: count(s.cmdHits),
  ntpDrops: count(s.ntpDrops),
  nkeDrops: count(s.nkeDrops),
  cmdDrops: count(s.cmdDrops),
  logDrops: count(s.logDrops),
  ntpAuthHits: count(s.ntpAuthHits),
  ntpInterleavedHits: count(s.ntpInterleavedHits),
  ntpTimestamps: count(s.ntpTimestamps),
  ntpSpanSeconds: count(s.ntpSpanSeconds),
  daemonRx: count(s.daemonRx),
  daemonTx: count(s.daemonTx),
  kernelRx: count(s.kernelRx),
  kernelTx: count(s.kernelTx),
  hardwareRx: count(s.hardwareRx),
  hardwareTx: count(s.hardwareTx),
});

const ntpData = (r: NtpDataReport): ReplyValues<'NTP_DATA'> => ({
  ...r,
  remoteAddress: toAddress(r.remoteAddress),
  localAddress: toAddress(r.localAddress),
  mode: r.unheard === true ? 0 : NTP_MODES[r.mode],
  flags: (r.tests & 0x3ff) | (r.interleaved ? FLAG_INTERLEAVED : 0) | (r.authenticated ? FLAG_AUTHENTICATED : 0),
  txSource: r.unheard === true ? '\0' : STAMPS[r.txSource],
  rxSource: r.unheard === true ? '\0' : STAMPS[r.rxSource],
});

/** Numbers of key types (cmdmon 11.11). */
const KEY_TYPES: Readonly<Record<string, number>> = {
  MD5: 1,
  SHA1: 2,
  SHA256: 3,
  SHA384: 4,
  SHA512: 5,
  'SHA3-224': 6,
  'SHA3-256': 7,
  'SHA3-384': 8,
  'SHA3-512': 9,
  AES128: 13,
  AES256: 14,
};
const AUTH_MODES: Readonly<Record<AuthReport['mode'], number>> = { none: 0, symmetric: 1 };

const authData = ({ mode, keyId, key }: AuthReport): ReplyValues<'AUTH_DATA'> => ({
  mode: AUTH_MODES[mode],
  keyType: key === undefined ? 0 : (KEY_TYPES[key.type] ?? 0),
  keyId,
  keyLength: key?.bits ?? 0,
  keAttempts: 0,
  lastKeAgo: NEVER,
  cookies: 0,
  cookieLength: 0,
  nak: 0,
});

/** Which records the client wants, at most a reply's worth; tells it where to go on. */
const clients: Handler<'CLIENT_ACCESSES'> = ({ firstIndex, maxClients, minHits, reset }, context) => {
  const table = context.clients();
  if (table === undefined) return STATUS.INACTIVE;
  const wanted = Math.min(maxClients, CLIENTS_PER_REPLY);
  const found: ReplyValues<'CLIENT_ACCESSES'>['clients'][number][] = [];
  let index = firstIndex;
  for (; index < table.size && found.length < wanted; index++) {
    const record = table.at(index);
    if (record === undefined) continue;
    if (reset !== 0) table.reset(index);
    if (Math.max(record.ntpHits, record.nkeHits, record.cmdHits) < minHits) continue;
    found.push({ ...record, address: toAddress(record.address) });
  }
  return { tableSize: table.size, nextIndex: index, count: found.length, clients: found };
};

const checkAccess =
  (table: AccessTable) =>
  ({ address }: { readonly address: WireAddress }, context: CmdmonContext): Status =>
    isBytes(address) && context.accessAllowed(table, address) ? STATUS.ACCESS_ALLOWED : STATUS.ACCESS_DENIED;

/** Requests that change nothing. Over UDP only those of the open set are reached. */
export const READ_ONLY: Handlers = {
  N_SOURCES: (_, context) => ({ count: context.sources().length + context.unresolved().length }),
  SOURCE_DATA: ({ index }, context) => {
    const all = context.sources();
    if (index < all.length) return sourceData(all[index]!);
    const unresolved = context.unresolved()[index - all.length];
    return unresolved === undefined ? STATUS.NO_SUCH_SOURCE : unresolvedSource(unresolved);
  },
  TRACKING: (_, context) => {
    const t = context.tracking();
    return { ...t, address: toAddress(t.address), lastOffset: -t.lastOffset };
  },
  SOURCESTATS: ({ index }, context) => {
    const all = context.sourcestats();
    const unresolved = context.unresolved()[index - all.length];
    if (unresolved !== undefined) return unresolvedStats(unresolved);
    const s = all[index];
    if (s === undefined) return STATUS.NO_SUCH_SOURCE;
    return { ...s, address: toAddress(s.address), span: age(s.spanS) };
  },
  SELECT_DATA: ({ index }, context) => {
    const all = context.selectdata();
    const unresolved = context.unresolved()[index - all.length];
    if (unresolved !== undefined) return unresolvedSelection(unresolved, optionBits(unresolved.configured));
    const s = all[index];
    if (s === undefined) return STATUS.NO_SUCH_SOURCE;
    return {
      ...s,
      address: toAddress(s.address),
      authenticated: s.authenticated ? 1 : 0,
      configured: optionBits(s.configured),
      effective: optionBits(s.effective),
      sinceSample: age(s.sinceSample),
    };
  },
  ACTIVITY: (_, context) => context.activity(),
  SERVER_STATS: (_, context) => serverStats(context.serverStats()),
  CLIENT_ACCESSES: clients,
  NTP_DATA: ({ address }, context) => {
    const report = address === undefined ? undefined : context.ntpData(address);
    return report === undefined ? STATUS.NO_SUCH_SOURCE : { ...ntpData(report), remoteAddress: address };
  },
  NTP_SOURCE_NAME: ({ address }, context) => {
    const name = isBytes(address) ? context.sourceName(address) : unresolvedAt(address, context)?.name;
    return name === undefined ? STATUS.NO_SUCH_SOURCE : { name };
  },
  AUTH_DATA: ({ address }, context) => {
    const report = address === undefined ? undefined : context.authData(address);
    return report === undefined ? STATUS.NO_SUCH_SOURCE : authData(report);
  },
  ACCHECK: checkAccess('ntp'),
  CMDACCHECK: checkAccess('cmd'),
  RTCREPORT: (_, context) => {
    const r = context.rtc();
    if (r === undefined) return STATUS.NO_RTC;
    const { samples, runs } = r;
    const referenceTime = r.referenceTime ?? fromUnix(0);
    return { referenceTime, samples, runs, span: age(r.span), fastBy: r.fast, gainPpm: r.gain / PPM };
  },
  SMOOTHING: (_, context) => {
    const s = context.smoothing();
    if (s === undefined) return STATUS.NOT_ENABLED;
    return { ...s, flags: (s.active ? SMOOTHING_FLAG.ACTIVE : 0) | (s.leapOnly ? SMOOTHING_FLAG.LEAP_ONLY : 0) };
  },
  MANUAL_LIST: (_, context) => {
    const samples = context.manualList().map((m) => ({
      when: m.when,
      slewedOffset: m.slewedOffsetFast,
      originalOffset: m.originalOffsetFast,
      residual: m.residual,
    }));
    return { count: samples.length, samples };
  },
};
