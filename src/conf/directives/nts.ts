import { type Args, NOT_NEGATIVE, PORT, POSITIVE } from '../args.js';
import { NTS_RATELIMIT } from '../defaults.js';
import type { Draft } from '../draft.js';
import { parseRateLimit } from '../ratelimit.js';
import { type Directive, scalars } from '../table.js';

const s = scalars('NTS');

/** AEAD_AES_SIV_CMAC_256 and AEAD_AES_128_GCM_SIV (IANA numbers). */
const AEADS: readonly number[] = [15, 30];

const setDumpdir = (d: Draft, v: string): void => {
  d.nts.dumpdir = v;
};

function parseTrusted(args: Args): { set: number; path: string } {
  args.expect(1, 2);
  const set = args.left === 2 ? args.int(NOT_NEGATIVE) : 0;
  return { set, path: args.word() };
}

/** As in chronyd, algorithms that we have not got are passed over. */
function parseAeads(args: Args, draft: Draft): void {
  const aeads: number[] = [];
  while (args.left > 0) {
    const id = args.int(NOT_NEGATIVE);
    if (AEADS.includes(id)) aeads.push(id);
    else draft.warnings.push(`ntsaeads: there is no algorithm ${id}, only 15 and 30`);
  }
  draft.nts.aeads = aeads;
}

export const NTS_DIRECTIVES: readonly Directive[] = [
  s.text(
    { name: 'ntsservercert', default: 'none', doc: 'Certificate of the NTS-KE server; may be repeated.' },
    (d, v) => {
      d.nts.certs.push(v);
    },
  ),
  s.text(
    { name: 'ntsserverkey', default: 'none', doc: 'Private key of the NTS-KE server, one for each certificate.' },
    (d, v) => {
      d.nts.keys.push(v);
    },
  ),
  s.int(
    { name: 'ntsport', syntax: 'PORT', default: '4460', doc: 'TCP port of the NTS-KE server.' },
    (d, v) => {
      d.nts.port = v;
    },
    PORT,
  ),
  s.int(
    { name: 'ntsprocesses', default: '1', doc: 'Helpers of the NTS-KE server, 0 to 1000.' },
    (d, v) => {
      d.nts.processes = v;
    },
    { min: 0, max: 1000 },
  ),
  s.int(
    { name: 'maxntsconnections', default: '100', doc: 'NTS-KE connections at the same time.' },
    (d, v) => {
      d.nts.maxconnections = v;
    },
    POSITIVE,
  ),
  s.text(
    {
      name: 'ntsdumpdir',
      syntax: 'DIRECTORY',
      default: 'none',
      doc: 'Keep the server keys and client cookies of NTS across restarts.',
    },
    setDumpdir,
  ),
  s.text({ name: 'ntscachedir', syntax: 'DIRECTORY', default: 'none', doc: 'Older name of ntsdumpdir.' }, setDumpdir),
  s.text(
    {
      name: 'ntsntpserver',
      syntax: 'NAME',
      default: 'the same host',
      doc: 'NTP server that the NTS-KE server tells its clients.',
    },
    (d, v) => {
      d.nts.ntpserver = v;
    },
  ),
  s.int(
    { name: 'ntsrotate', syntax: 'SECONDS', default: '604800', doc: 'Interval in which the server key is changed.' },
    (d, v) => {
      d.nts.rotate = v;
    },
  ),
  s.int(
    { name: 'ntsrefresh', syntax: 'SECONDS', default: '2419200', doc: 'Greatest age of client cookies.' },
    (d, v) => {
      d.nts.refresh = v;
    },
  ),
  {
    name: 'ntsaeads',
    group: 'NTS',
    syntax: 'ID…',
    default: '30 15',
    doc: 'AEAD algorithms in order of preference: 15 = AES-SIV-CMAC-256, 30 = AES-128-GCM-SIV.',
    parse: parseAeads,
  },
  {
    name: 'ntsratelimit',
    group: 'NTS',
    syntax: '[interval P] [burst N] [leak P]',
    default: 'off; interval 6, burst 8, leak 2',
    doc: 'Limit the rate of NTS-KE connections of each client address.',
    parse: (args, draft) => {
      draft.nts.ratelimit = parseRateLimit(args, NTS_RATELIMIT);
    },
  },
  {
    name: 'ntstrustedcerts',
    group: 'NTS',
    syntax: '[SET] FILE|DIRECTORY',
    default: 'none; set 0',
    doc: 'Further certificates that NTS sources are trusted by.',
    parse: (args, draft) => {
      draft.nts.trustedcerts.push(parseTrusted(args));
    },
  },
  s.flag({ name: 'nosystemcert', default: 'off', doc: "Do not trust the system's certificate authorities." }, (d) => {
    d.nts.nosystemcert = true;
  }),
  s.int(
    {
      name: 'nocerttimecheck',
      default: '0',
      doc: 'Skip the dates of certificates until so many clock updates were made.',
    },
    (d, v) => {
      d.nts.nocerttimecheck = v;
    },
  ),
];
