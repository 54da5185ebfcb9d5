import { formatIp, parseIp } from '../../base/ip.js';
import { ANY_INT, type Args, DirectiveError, NOT_NEGATIVE, PORT, type Range } from '../args.js';
import type { NtpSourceConfig } from '../config.js';
import { SOURCE_DEFAULTS } from '../defaults.js';
import {
  decimal,
  flag,
  integer,
  type Mutable,
  type OptionReader,
  type OptionTable,
  readOptions,
  SELECT_OPTIONS,
} from '../optionwords.js';
import { type Directive, scalars } from '../table.js';

/** log2 s: from 1/128 s to half a year. */
const POLL: Range = { min: -7, max: 24 };

/** Experimental fields that may be asked for: F323 (monotonic time, root), F324 or its older number 10A (correction). */
const EXTENSION_FIELDS: Readonly<Record<string, number>> = { F323: 0xf323, F324: 0xf324, '10A': 0xf324 };

const extfield: OptionReader<NtpSourceConfig> = (args, out) => {
  const word = args.word();
  const field = EXTENSION_FIELDS[word.toUpperCase().replace(/^0X/, '').replace(/^0+/, '')];
  if (field === undefined) throw args.unparsable(`extension field ${word} is not known`);
  out.extfields = [...new Set([...out.extfields, field])];
};

const connectivity =
  (value: NtpSourceConfig['connectivity']): OptionReader<NtpSourceConfig> =>
  (_args, out) => {
    out.connectivity = value;
  };

const family =
  (value: 4 | 6): OptionReader<NtpSourceConfig> =>
  (_args, out) => {
    out.family = value;
  };

const OPTIONS: OptionTable<NtpSourceConfig> = {
  ...SELECT_OPTIONS,
  port: integer('port', PORT),
  minpoll: integer('minpoll', POLL),
  maxpoll: integer('maxpoll', POLL),
  iburst: flag('iburst'),
  burst: flag('burst'),
  key: integer('key', { min: 1, max: 4294967295 }),
  nts: flag('nts'),
  ntsport: integer('ntsport', PORT),
  certset: integer('certset', NOT_NEGATIVE),
  maxdelay: decimal('maxdelay'),
  maxdelayratio: decimal('maxdelayratio'),
  maxdelaydevratio: decimal('maxdelaydevratio'),
  maxdelayquant: decimal('maxdelayquant'),
  mindelay: decimal('mindelay'),
  asymmetry: decimal('asymmetry'),
  offset: decimal('offset'),
  minsamples: integer('minsamples', ANY_INT),
  maxsamples: integer('maxsamples', ANY_INT),
  filter: integer('filter', NOT_NEGATIVE),
  maxunreach: integer('maxunreach', NOT_NEGATIVE),
  offline: connectivity('offline'),
  auto_offline: connectivity('auto_offline'),
  xleave: flag('xleave'),
  polltarget: integer('polltarget', ANY_INT),
  presend: integer('presend', ANY_INT),
  minstratum: integer('minstratum', NOT_NEGATIVE),
  version: integer('version', { min: 1, max: 4 }),
  extfield,
  copy: flag('copy'),
  ipv4: family(4),
  ipv6: family(6),
  maxsources: integer('maxsources', NOT_NEGATIVE),
};

/** Names of the options of server, pool and peer. */
export const SOURCE_OPTIONS: readonly string[] = Object.keys(OPTIONS);

/** chronyd reports whatever is wrong with a source's value in one form (its parser is shared with chronyc). */
function readSourceOptions(args: Args, out: Mutable<NtpSourceConfig>): void {
  try {
    readOptions(args, OPTIONS, out);
  } catch (e) {
    if (!(e instanceof DirectiveError) || e.message.startsWith('Invalid option')) throw e;
    throw args.invalidValue(e.hint ?? e.message);
  }
}

export function parseSource(args: Args, kind: NtpSourceConfig['kind']): NtpSourceConfig {
  const out: Mutable<NtpSourceConfig> = { ...SOURCE_DEFAULTS, kind, name: args.word() };
  readSourceOptions(args, out);
  return out;
}

const OPTION_SYNTAX =
  '[minpoll P] [maxpoll P] [iburst] [burst] [key ID] [nts] [ntsport PORT] [certset ID] [maxdelay S] [maxdelayratio R] [maxdelaydevratio R] [maxdelayquant P] [mindelay S] [asymmetry R] [offset S] [minsamples N] [maxsamples N] [filter N] [maxunreach N] [offline] [auto_offline] [prefer] [noselect] [trust] [require] [xleave] [polltarget N] [port PORT] [presend P] [minstratum N] [version N] [extfield HEX] [copy] [ipv4] [ipv6]';

const source = (kind: NtpSourceConfig['kind'], doc: string, syntax = OPTION_SYNTAX): Directive => ({
  name: kind,
  group: 'NTP sources',
  syntax: `NAME ${syntax}`,
  default: 'none',
  doc,
  parse: (args, draft) => {
    draft.sources.push(parseSource(args, kind));
  },
});

/** One address of each family may be bound. */
export const readAddress = (args: Args): { family: 4 | 6; address: string } => {
  const word = args.expect(1).word();
  const bytes = parseIp(word);
  if (bytes === undefined) throw args.unparsable(`"${word}" is no IP address`);
  return { family: bytes.length === 4 ? 4 : 6, address: formatIp(bytes) };
};

const s = scalars('NTP sources');

export const SOURCE_DIRECTIVES: readonly Directive[] = [
  source(
    'server',
    'An NTP server to take time from. extfield F323 asks it for finer root values and for a clock that it never corrects; 10A (F324) means something only with ptpport.',
  ),
  source('pool', 'A name that stands for many NTP servers; some of them are used.', `${OPTION_SYNTAX} [maxsources N]`),
  source(
    'peer',
    'A symmetric NTP association: each side takes time from the other, packets go from port to port of the two servers. Its packets are heard without allow. iburst, burst and presend are for servers and have no effect here. Use a key: without one whoever sees the packets can forge them.',
  ),
  {
    name: 'broadcast',
    group: 'NTP sources',
    syntax: 'INTERVAL ADDRESS [PORT]',
    default: 'none; port 123',
    doc: 'Send NTP broadcast packets from the NTP port to an address (broadcast, multicast or of one host) every so many seconds.',
    parse: (args, draft) => {
      if (args.left < 2 || args.left > 3)
        throw args.unparsable('a broadcast has an interval, an address and perhaps a port');
      const interval = args.int(NOT_NEGATIVE);
      const bytes = parseIp(args.word());
      if (bytes === undefined) throw args.unparsable('the second word must be an IP address');
      const port = args.left > 0 ? args.int(PORT) : 123;
      draft.server.broadcasts.push({ interval, address: formatIp(bytes), port });
    },
  },
  {
    name: 'initstepslew',
    group: 'NTP sources',
    syntax: 'THRESHOLD [NAME…]',
    default: 'off',
    doc: 'Measure the servers quickly at start and step the clock if it is off by at least the threshold (makestep does this better).',
    parse: (args, draft) => {
      draft.clock.initstepslew = { threshold: args.decimal(), servers: args.rest() };
    },
  },
  {
    name: 'sourcedir',
    group: 'NTP sources',
    syntax: 'DIRECTORY…',
    default: 'none',
    doc: 'Read server, pool and peer lines from *.sources files; they are read again by the command "reload sources".',
    parse: (args, draft) => {
      draft.client.sourcedirs.push(...args.rest());
    },
  },
  s.int(
    {
      name: 'refresh',
      syntax: 'SECONDS',
      default: '1209600',
      doc: 'Resolve the names of sources again after so long.',
    },
    (d, v) => {
      d.client.refresh = v;
    },
  ),
  s.int(
    {
      name: 'acquisitionport',
      syntax: 'PORT',
      default: 'a random port for each request',
      doc: 'Source port of client requests.',
    },
    (d, v) => {
      d.client.acquisitionport = v;
    },
    PORT,
  ),
  {
    name: 'bindacqaddress',
    group: 'NTP sources',
    syntax: 'ADDRESS',
    default: 'any',
    doc: 'Local address of the client sockets, one for each address family.',
    parse: (args, draft) => {
      const { family: f, address } = readAddress(args);
      if (f === 4) draft.client.bindacqaddress4 = address;
      else draft.client.bindacqaddress6 = address;
    },
  },
  s.text(
    {
      name: 'bindacqdevice',
      syntax: 'INTERFACE',
      default: 'any',
      doc: 'Bind the client sockets to a network interface.',
    },
    (d, v) => {
      d.client.bindacqdevice = v;
    },
  ),
  s.int(
    { name: 'dscp', default: '0', doc: 'DSCP of NTP packets, 0 to 63.' },
    (d, v) => {
      d.server.dscp = v;
    },
    { min: 0, max: 63 },
  ),
  s.text(
    {
      name: 'dumpdir',
      syntax: 'DIRECTORY',
      default: 'none',
      doc: 'Save the measurement history of sources at exit, for a start with -r.',
    },
    (d, v) => {
      d.client.dumpdir = v;
    },
  ),
  s.text({ name: 'keyfile', default: 'none', doc: 'File with the symmetric keys for NTP authentication.' }, (d, v) => {
    d.client.keyfile = v;
  }),
  s.int({ name: 'minsamples', default: '6', doc: 'Fewest measurements kept for a source.' }, (d, v) => {
    d.selection.minsamples = v;
  }),
  s.int({ name: 'maxsamples', default: '0 (64)', doc: 'Most measurements kept for a source.' }, (d, v) => {
    d.selection.maxsamples = v;
  }),
];
