import { lookup } from 'node:dns/promises';
import { CodedError } from '../../base/errors.js';
import { parseIp } from '../../base/ip.js';
import { refidFromText } from '../../base/refid.js';
import type { Config, NtpSourceConfig } from '../../conf/config.js';
import { parseConfig } from '../../conf/parse.js';
import type { RequestValues } from '../../wire/cmdmon/packet.js';
import { ADD_FLAG, SELECT_OPTION } from '../../wire/cmdmon/protocol.js';
import { ADD_SOURCE_TYPE } from '../../wire/cmdmon/requests.js';
import { SyntaxFault, toAddress, toNumber } from './syntax.js';

const NO_FILES = { read: () => undefined, list: () => [] };

/** The words behind `add` and `local` are those of the directives of the same names: one parser reads both. */
const asDirective = (words: readonly string[], fault: string): Config => {
  try {
    return parseConfig({ lines: [words.join(' ')] }, NO_FILES, { chronyNames: false });
  } catch (error) {
    if (error instanceof CodedError) throw new SyntaxFault(fault);
    throw error;
  }
};

const FLAGS: readonly (readonly [number, (s: NtpSourceConfig) => boolean])[] = [
  [ADD_FLAG.ONLINE, (s) => s.connectivity === 'online'],
  [ADD_FLAG.AUTO_OFFLINE, (s) => s.connectivity === 'auto_offline'],
  [ADD_FLAG.IBURST, (s) => s.iburst],
  [ADD_FLAG.PREFER, (s) => s.prefer],
  [ADD_FLAG.NOSELECT, (s) => s.noselect],
  [ADD_FLAG.TRUST, (s) => s.trust],
  [ADD_FLAG.REQUIRE, (s) => s.require],
  [ADD_FLAG.INTERLEAVED, (s) => s.xleave],
  [ADD_FLAG.BURST, (s) => s.burst],
  [ADD_FLAG.NTS, (s) => s.nts],
  [ADD_FLAG.COPY, (s) => s.copy],
  [ADD_FLAG.EF_EXP_MONO_ROOT, (s) => s.extfields.includes(0xf323)],
  [ADD_FLAG.EF_EXP_NET_CORRECTION, (s) => s.extfields.includes(0xf324)],
  [ADD_FLAG.IPV4, (s) => s.family === 4],
  [ADD_FLAG.IPV6, (s) => s.family === 6],
];

const TYPES = { server: ADD_SOURCE_TYPE.SERVER, peer: ADD_SOURCE_TYPE.PEER, pool: ADD_SOURCE_TYPE.POOL } as const;
const isKind = (word: string): word is keyof typeof TYPES => Object.hasOwn(TYPES, word);

const DEFAULT_VERSION = 0;

const addValues = (s: NtpSourceConfig, versionGiven: boolean): RequestValues<'ADD_SOURCE'> => ({
  type: TYPES[s.kind],
  name: s.name,
  port: s.port,
  minpoll: s.minpoll,
  maxpoll: s.maxpoll,
  presendMinpoll: s.presend,
  minStratum: s.minstratum,
  pollTarget: s.polltarget,
  version: versionGiven ? s.version : DEFAULT_VERSION,
  maxSources: s.maxsources,
  minSamples: s.minsamples,
  maxSamples: s.maxsamples,
  keyId: s.key,
  ntsPort: s.ntsport,
  maxDelay: s.maxdelay,
  maxDelayRatio: s.maxdelayratio,
  maxDelayDevRatio: s.maxdelaydevratio,
  minDelay: s.mindelay,
  asymmetry: s.asymmetry,
  offset: s.offset,
  flags: FLAGS.reduce((bits, [bit, has]) => (has(s) ? bits | bit : bits), 0),
  filterLength: s.filter,
  certSet: s.certset,
  maxDelayQuantile: s.maxdelayquant,
  maxUnreach: s.maxunreach,
});

/** `add server|peer|pool NAME [option]...`; the name must resolve, as chronyc wants it. */
export const addSource = async (words: readonly string[], family: 0 | 4 | 6): Promise<RequestValues<'ADD_SOURCE'>> => {
  const fault = 'Invalid syntax for add command';
  const [kind = '', name, ...options] = words;
  if (!isKind(kind) || name === undefined) throw new SyntaxFault(fault);
  const [source] = asDirective([kind, name, ...options], fault).sources;
  if (source === undefined) throw new SyntaxFault(fault);
  if (parseIp(name) === undefined) {
    await lookup(name, { family }).catch(() => {
      throw new SyntaxFault('Invalid host/IP address');
    });
  }
  return addValues(
    source,
    options.some((word) => word.toLowerCase() === 'version'),
  );
};

/** s that an orphan server waits without a word about it. */
const ORPHAN_WAIT = 300;

/** `local [option]...`, `local off`. */
export const localValues = (words: readonly string[]): RequestValues<'LOCAL'> => {
  const off = words[0] === 'off';
  const local = asDirective(['local', ...words.slice(off ? 1 : 0)], 'Invalid syntax for local command').local!;
  const given = words.some((word) => word.toLowerCase() === 'waitunsynced');
  return {
    enabled: off ? 0 : 1,
    stratum: local.stratum,
    distance: local.distance,
    orphan: local.orphan ? 1 : 0,
    activate: local.activate,
    waitSynced: local.waitsynced,
    waitUnsynced: given ? local.waitunsynced : local.orphan ? ORPHAN_WAIT : 0,
  };
};

/** A refid of up to four characters, or else an address or a host name. */
const toSource = async (
  word: string | undefined,
  family: 0 | 4 | 6,
  message: string,
): Promise<Pick<RequestValues<'MODIFY_OFFSET'>, 'address' | 'refId'>> => {
  if (word === undefined) throw new SyntaxFault(message);
  if (parseIp(word) === undefined && !word.startsWith('ID#') && /^[\x21-\x7e]{1,4}$/.test(word)) {
    return { address: undefined, refId: refidFromText(word) };
  }
  return { address: await toAddress(word, family, message), refId: 0 };
};

const SELECT_WORDS: Readonly<Record<string, readonly [mask: number, flag: number]>> = {
  noselect: [SELECT_OPTION.NOSELECT, ADD_FLAG.NOSELECT],
  prefer: [SELECT_OPTION.PREFER, ADD_FLAG.PREFER],
  trust: [SELECT_OPTION.TRUST, ADD_FLAG.TRUST],
  require: [SELECT_OPTION.REQUIRE, ADD_FLAG.REQUIRE],
};

/** `selectopts ADDRESS|REFID [+|-OPTION]...` */
export const selectOptions = async (
  words: readonly string[],
  family: 0 | 4 | 6,
): Promise<RequestValues<'MODIFY_SELECTOPTS'>> => {
  const fault = 'Invalid syntax for selectopts command';
  const source = await toSource(words[0], family, fault);
  let mask = 0;
  let options = 0;
  for (const word of words.slice(1)) {
    const name = word.slice(1).toLowerCase();
    if (!/^[+-]/.test(word) || !Object.hasOwn(SELECT_WORDS, name)) throw new SyntaxFault(fault);
    const [bit, flag] = SELECT_WORDS[name]!;
    mask |= bit;
    if (word.startsWith('+')) options |= flag;
  }
  return { ...source, mask, options };
};

/** `offset ADDRESS|REFID SECONDS` */
export const sourceOffset = async (
  words: readonly string[],
  family: 0 | 4 | 6,
): Promise<RequestValues<'MODIFY_OFFSET'>> => {
  const fault = 'Invalid syntax for offset command';
  const source = await toSource(words[0], family, fault);
  return { ...source, offset: toNumber(words[1], fault) };
};
