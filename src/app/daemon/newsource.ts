import type { NtpSourceConfig } from '../../conf/config.js';
import type { RequestValues } from '../../wire/cmdmon/packet.js';
import { ADD_FLAG } from '../../wire/cmdmon/protocol.js';
import { ADD_SOURCE_TYPE } from '../../wire/cmdmon/requests.js';

const isPoll = (value: number): boolean => value >= -7 && value <= 24;
const isSpan = (value: number): boolean => value >= 0 && Number.isFinite(value);

const KINDS: Readonly<Record<number, NtpSourceConfig['kind']>> = {
  [ADD_SOURCE_TYPE.SERVER]: 'server',
  [ADD_SOURCE_TYPE.PEER]: 'peer',
  [ADD_SOURCE_TYPE.POOL]: 'pool',
};

const DEFAULT_VERSION = 4;

const connectivityOf = (flags: number): NtpSourceConfig['connectivity'] => {
  if ((flags & ADD_FLAG.AUTO_OFFLINE) !== 0) return 'auto_offline';
  return (flags & ADD_FLAG.ONLINE) !== 0 ? 'online' : 'offline';
};

/** The source that an `add` command asks for, as a line of the configuration would; undefined: numbers that none would take. */
export const newSource = (v: RequestValues<'ADD_SOURCE'>): NtpSourceConfig | undefined => {
  const kind = KINDS[v.type];
  const { name } = v;
  const has = (flag: number): boolean => (v.flags & flag) !== 0;
  const floats = [v.maxDelay, v.maxDelayRatio, v.maxDelayDevRatio, v.minDelay, v.maxDelayQuantile];
  const sane = isPoll(v.minpoll) && isPoll(v.maxpoll) && v.port > 0 && v.port < 65536 && v.version <= 4;
  if (kind === undefined || name === undefined || !sane || !floats.every(isSpan) || v.pollTarget < 1) return undefined;
  return {
    kind,
    name,
    port: v.port,
    minpoll: v.minpoll,
    maxpoll: v.maxpoll,
    iburst: has(ADD_FLAG.IBURST),
    burst: has(ADD_FLAG.BURST),
    key: v.keyId,
    nts: has(ADD_FLAG.NTS),
    ntsport: v.ntsPort,
    certset: v.certSet,
    maxdelay: v.maxDelay,
    maxdelayratio: v.maxDelayRatio,
    maxdelaydevratio: v.maxDelayDevRatio,
    maxdelayquant: v.maxDelayQuantile,
    mindelay: v.minDelay,
    asymmetry: v.asymmetry,
    offset: v.offset,
    minsamples: v.minSamples,
    maxsamples: v.maxSamples,
    filter: Math.max(0, v.filterLength),
    maxunreach: v.maxUnreach,
    connectivity: connectivityOf(v.flags),
    prefer: has(ADD_FLAG.PREFER),
    noselect: has(ADD_FLAG.NOSELECT),
    trust: has(ADD_FLAG.TRUST),
    require: has(ADD_FLAG.REQUIRE),
    xleave: has(ADD_FLAG.INTERLEAVED),
    polltarget: v.pollTarget,
    presend: v.presendMinpoll,
    minstratum: v.minStratum,
    version: v.version === 0 ? DEFAULT_VERSION : v.version,
    extfields: [
      ...(has(ADD_FLAG.EF_EXP_MONO_ROOT) ? [0xf323] : []),
      ...(has(ADD_FLAG.EF_EXP_NET_CORRECTION) ? [0xf324] : []),
    ],
    copy: has(ADD_FLAG.COPY),
    family: has(ADD_FLAG.IPV4) ? 4 : has(ADD_FLAG.IPV6) ? 6 : undefined,
    maxsources: v.maxSources,
  };
};
