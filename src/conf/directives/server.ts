import { type Args, NOT_NEGATIVE, PORT, type Range } from '../args.js';
import type { HwTimestampConfig, LocalOptions, Ptp4lConfig } from '../config.js';
import { LOCAL_DEFAULTS, NTP_RATELIMIT } from '../defaults.js';
import { decimal, flag, integer, type Mutable, type OptionTable, readOptions } from '../optionwords.js';
import { parseRateLimit } from '../ratelimit.js';
import { parseAccessRule } from '../subnet.js';
import { type Directive, scalars } from '../table.js';
import { readAddress } from './sources.js';

const s = scalars('NTP server');
const hw = scalars('Hardware time stamping');

/** Wait before an orphan starts to serve, unless it says otherwise. */
const ORPHAN_WAIT = 300;

const LOCAL_OPTIONS: OptionTable<LocalOptions> = {
  stratum: integer('stratum', { min: 1, max: 15 }),
  orphan: flag('orphan'),
  distance: decimal('distance'),
  activate: decimal('activate'),
  waitsynced: decimal('waitsynced'),
  waitunsynced: decimal('waitunsynced'),
};

/** `local [options]`; an option that cannot be read is "Could not parse", whatever is wrong with it. */
export function parseLocal(args: Args): LocalOptions {
  const out: Mutable<LocalOptions> = { ...LOCAL_DEFAULTS, waitunsynced: -1 };
  try {
    readOptions(args, LOCAL_OPTIONS, out);
  } catch (e) {
    throw args.unparsable(e instanceof Error ? e.message : undefined);
  }
  if (out.waitunsynced < 0) out.waitunsynced = out.orphan ? ORPHAN_WAIT : LOCAL_DEFAULTS.waitunsynced;
  return out;
}

const RX_FILTERS = ['none', 'ntp', 'ptp', 'all'] as const;
/** What the kernel tells of a provider of hardware stamps; N are its numbers. */
const PROVIDER_WORD = /^(mac|phy\d{0,9}|ptp\d{1,9}|precise|approx)$/;
const POLL: Range = { min: -6, max: 20 };

const HW_OPTIONS: OptionTable<HwTimestampConfig> = {
  minpoll: integer('minpoll', POLL),
  maxpoll: integer('maxpoll', POLL),
  minsamples: integer('minsamples', NOT_NEGATIVE),
  maxsamples: integer('maxsamples', NOT_NEGATIVE),
  precision: decimal('precision'),
  txcomp: decimal('txcomp'),
  rxcomp: decimal('rxcomp'),
  nocrossts: flag('nocrossts'),
  rxfilter: (args, out) => {
    const word = args.word().toLowerCase();
    out.rxfilter = RX_FILTERS.find((f) => f === word);
    if (out.rxfilter === undefined) throw args.unparsable(`the filters are ${RX_FILTERS.join(', ')}`);
  },
  provider: (args, out) => {
    out.provider = args.word().toLowerCase().split(',');
    if (!out.provider.every((word) => PROVIDER_WORD.test(word)))
      throw args.unparsable('a provider is mac, phy, phyN, ptpN, precise or approx, or several of these with commas');
  },
};

/** Stands for "not given" until all options are read. */
const NO_POLL = Number.MAX_SAFE_INTEGER;

function parseHwTimestamp(args: Args): HwTimestampConfig {
  const out: Mutable<HwTimestampConfig> = {
    name: args.word(),
    minpoll: 0,
    maxpoll: NO_POLL,
    minsamples: 2,
    maxsamples: 16,
    precision: 100e-9,
    txcomp: 0,
    rxcomp: 0,
    nocrossts: false,
    rxfilter: undefined,
    provider: [],
  };
  readOptions(args, HW_OPTIONS, out);
  if (out.maxpoll === NO_POLL) out.maxpoll = out.minpoll + 1;
  return out;
}

const access = (name: string, action: 'allow' | 'deny', list: 'server' | 'command', doc: string): Directive => ({
  name,
  group: 'Access',
  syntax: '[all] [SUBNET]',
  default: list === 'server' ? 'nothing is allowed' : 'localhost is allowed',
  doc,
  parse: (args, draft) => {
    draft[list].access.push(parseAccessRule(args, action));
  },
});

const SERVING: readonly Directive[] = [
  s.int(
    { name: 'port', syntax: 'PORT', default: '123', doc: 'UDP port of the NTP server; 0 = no server.' },
    (d, v) => {
      d.server.port = v;
    },
    PORT,
  ),
  {
    name: 'bindaddress',
    group: 'NTP server',
    syntax: 'ADDRESS',
    default: 'any',
    doc: 'Local address of the NTP server, one for each address family.',
    parse: (args, draft) => {
      const { family, address } = readAddress(args);
      if (family === 4) draft.server.bindaddress4 = address;
      else draft.server.bindaddress6 = address;
    },
  },
  s.text(
    { name: 'binddevice', syntax: 'INTERFACE', default: 'any', doc: 'Bind the NTP server to a network interface.' },
    (d, v) => {
      d.server.binddevice = v;
    },
  ),
  {
    name: 'local',
    group: 'NTP server',
    syntax: '[stratum N] [orphan] [distance S] [activate S] [waitsynced S] [waitunsynced S]',
    default: 'off; stratum 10, distance 1, activate 0, waitsynced 0, waitunsynced 0 (300 with orphan)',
    doc: 'Serve time from the own clock when it is not synchronised.',
    parse: (args, draft) => {
      draft.local = parseLocal(args);
    },
  },
  s.int(
    {
      name: 'clientloglimit',
      syntax: 'BYTES',
      default: '524288',
      doc: 'Memory for the table of clients and interleaved time stamps.',
    },
    (d, v) => {
      d.server.clientloglimit = v;
    },
  ),
  s.flag(
    { name: 'noclientlog', default: 'off', doc: 'Keep no record of clients; this disables interleaved answers, too.' },
    (d) => {
      d.server.noclientlog = true;
    },
  ),
  {
    name: 'ratelimit',
    group: 'NTP server',
    syntax: '[interval P] [burst N] [leak P] [kod P]',
    default: 'off; interval 3, burst 8, leak 2, kod 0',
    doc: 'Limit the rate of answers to each client address.',
    parse: (args, draft) => {
      draft.server.ratelimit = parseRateLimit(args, NTP_RATELIMIT, true);
    },
  },
  s.text(
    { name: 'ntpsigndsocket', syntax: 'DIRECTORY', default: 'off', doc: 'Have Samba sign the answers to its clients.' },
    (d, v) => {
      d.server.ntpsigndsocket = v;
    },
  ),
  s.int(
    {
      name: 'servethreads',
      default: '1',
      doc: 'Threads that answer NTP requests, 1 to 64; 0: one a core.',
      addition: true,
    },
    (d, v) => {
      d.server.servethreads = v;
    },
    { min: 0, max: 64 },
  ),
];

const ACCESS: readonly Directive[] = [
  access(
    'allow',
    'allow',
    'server',
    'Let hosts of a subnet ask for the time; "all" overrides earlier rules inside it.',
  ),
  access('deny', 'deny', 'server', 'Do not answer NTP requests from a subnet.'),
  access('cmdallow', 'allow', 'command', 'Let hosts of a subnet use the monitoring commands over UDP.'),
  access('cmddeny', 'deny', 'command', 'Do not answer monitoring commands from a subnet.'),
];

const HARDWARE: readonly Directive[] = [
  {
    name: 'hwtimestamp',
    group: 'Hardware time stamping',
    syntax:
      'INTERFACE|* [minpoll P] [maxpoll P] [minsamples N] [maxsamples N] [precision S] [txcomp S] [rxcomp S] [nocrossts] [rxfilter none|ntp|ptp|all] [provider WORD[,WORD]...]',
    default: 'off; minpoll 0, maxpoll minpoll+1, minsamples 2, maxsamples 16, precision 100e-9',
    doc: 'Let the network interface time-stamp NTP packets; * = every interface that can. An addition: provider says whose stamps, where the kernel (Linux 6.14) offers several, by the words mac, phy, phyN, ptpN, precise, approx; otherwise the best are taken.',
    parse: (args, draft) => {
      draft.hardware.hwtimestamp.push(parseHwTimestamp(args));
    },
  },
  hw.decimal(
    { name: 'hwtstimeout', default: '0.001', doc: 'How long to wait for a late transmit time stamp.' },
    (d, v) => {
      d.hardware.hwtstimeout = v;
    },
  ),
  hw.int(
    {
      name: 'maxtxbuffers',
      default: '0 (1024)',
      doc: 'Replies of a thread that may wait for their transmit time stamps; at least 1024.',
    },
    (d, v) => {
      d.hardware.maxtxbuffers = v;
    },
    { min: 0, max: 1048576 },
  ),
  hw.int(
    {
      name: 'ptpport',
      syntax: 'PORT',
      default: '0 (off)',
      doc: 'Port for NTP inside PTP event messages, usually 319: for network cards that stamp only PTP. Messages as of chrony up to 4.8 and as of later ones are answered in kind. Servers and peers with this port are spoken to so.',
    },
    (d, v) => {
      d.hardware.ptpport = v;
    },
    PORT,
  ),
  hw.int(
    { name: 'ptpdomain', default: '123', doc: 'PTP domain of NTP inside PTP event messages, 0 to 255.' },
    (d, v) => {
      d.hardware.ptpdomain = v;
    },
    { ...NOT_NEGATIVE, max: 255 },
  ),
  {
    name: 'ptp4l',
    group: 'Hardware time stamping',
    syntax: 'SOCKET [domain N] [grandmaster [phc DEVICE] [holdover S] [degraded S]]',
    default: 'none',
    doc: 'A running ptp4l of linuxptp, by its Unix socket (/var/run/ptp4l), and the PTP domain it speaks in (0). One that receives time tells TAI-UTC, and reference clocks with the option tai are used only while it follows a grandmaster. One that gives time (grandmaster) is told our clockClass and accuracy as they change: 6 while there is a reference, 7 in holdover while the error is below holdover (1e-5 s), 52 while it is below degraded (1e-3 s), 248 else; phc steers the PHC of its network card (device or interface) from our clock.',
    addition: true,
    parse: (args, draft) => {
      args.expect(1, Number.POSITIVE_INFINITY);
      draft.hardware.ptp4l = [...draft.hardware.ptp4l, parsePtp4l(args)];
    },
  },
];

function parsePtp4l(args: Args): Ptp4lConfig {
  const out = { socket: args.word(), domain: 0, grandmaster: false, holdover: 1e-5, degraded: 1e-3 };
  let phc: string | undefined;
  for (let word = args.optional(); word !== undefined; word = args.optional()) {
    if (word === 'domain') out.domain = args.int({ min: 0, max: 255 });
    else if (word === 'grandmaster') out.grandmaster = true;
    else if (word === 'phc') phc = args.word();
    else if (word === 'holdover') out.holdover = args.decimal();
    else if (word === 'degraded') out.degraded = args.decimal();
    else throw args.invalidOption(word);
  }
  if (phc !== undefined && !out.grandmaster)
    throw args.invalidValue('phc needs grandmaster: else ptp4l steers the PHC');
  return { ...out, phc };
}

export const SERVER_DIRECTIVES: readonly Directive[] = [...SERVING, ...ACCESS, ...HARDWARE];
