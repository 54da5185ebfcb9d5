import { formatIp, parseIp } from '../../base/ip.js';
import { type Args, PORT } from '../args.js';
import type { OpenCommand } from '../config.js';
import { CMD_RATELIMIT } from '../defaults.js';
import type { Draft } from '../draft.js';
import { parseRateLimit } from '../ratelimit.js';
import { type Directive, scalars } from '../table.js';

const GROUP = 'Commands and monitoring';
const s = scalars(GROUP);

/** Commands that may be opened for UDP. */
export const OPEN_COMMANDS: readonly OpenCommand[] = [
  'activity',
  'manual',
  'rtcdata',
  'smoothing',
  'sourcename',
  'sources',
  'sourcestats',
  'tracking',
];

/** What may be opened besides. */
const CLOSED_COMMANDS: readonly OpenCommand[] = ['authdata', 'clients', 'ntpdata', 'selectdata', 'serverstats'];
const ALL_COMMANDS: readonly OpenCommand[] = [...OPEN_COMMANDS, ...CLOSED_COMMANDS].sort();

function parseBindCommand(args: Args, draft: Draft): void {
  const word = args.expect(1).word();
  if (word.startsWith('/')) {
    draft.command.socket = word === '/' ? undefined : word;
    return;
  }
  const bytes = parseIp(word);
  if (bytes === undefined) throw args.unparsable(`"${word}" is neither an IP address nor a path`);
  if (bytes.length === 4) draft.command.bindcmdaddress4 = formatIp(bytes);
  else draft.command.bindcmdaddress6 = formatIp(bytes);
}

function parseOpenCommands(args: Args): OpenCommand[] {
  return args.rest().map((word) => {
    const command = ALL_COMMANDS.find((c) => c === word.toLowerCase());
    if (command === undefined) throw args.invalidOption(word);
    return command;
  });
}

export const COMMAND_DIRECTIVES: readonly Directive[] = [
  {
    name: 'bindcmdaddress',
    group: GROUP,
    syntax: 'ADDRESS|/PATH|/',
    default: '127.0.0.1, ::1 and the Unix socket',
    doc: 'Where commands are taken: an address for UDP, or the path of the Unix socket (/ = no socket).',
    parse: parseBindCommand,
  },
  s.text(
    {
      name: 'bindcmddevice',
      syntax: 'INTERFACE',
      default: 'any',
      doc: 'Bind the UDP command socket to a network interface.',
    },
    (d, v) => {
      d.command.bindcmddevice = v;
    },
  ),
  s.int(
    { name: 'cmdport', syntax: 'PORT', default: '323', doc: 'UDP port for monitoring commands; 0 = none.' },
    (d, v) => {
      d.command.cmdport = v;
    },
    PORT,
  ),
  {
    name: 'cmdratelimit',
    group: GROUP,
    syntax: '[interval P] [burst N] [leak P]',
    default: 'off; interval -4, burst 8, leak 2',
    doc: 'Limit the rate of answers to UDP commands.',
    parse: (args, draft) => {
      draft.command.cmdratelimit = parseRateLimit(args, CMD_RATELIMIT);
    },
  },
  {
    name: 'opencommands',
    group: GROUP,
    syntax: '[NAME…]',
    default: OPEN_COMMANDS.join(' '),
    doc: 'Monitoring commands that are answered over UDP.',
    parse: (args, draft) => {
      draft.command.opencommands = parseOpenCommands(args);
    },
  },
  s.int(
    {
      name: 'httpport',
      syntax: 'PORT',
      default: '0 (off)',
      doc: 'TCP port of the dashboard and the metrics, on the loopback addresses.',
      addition: true,
    },
    (d, v) => {
      d.command.httpport = v;
    },
    PORT,
  ),
  s.text(
    {
      name: 'clockboundfile',
      default: 'none',
      doc: "Publish the bound of the clock's error in this file, for clients of ClockBound 2 (/var/run/clockbound/shm0 is where they look).",
      addition: true,
    },
    (d, v) => {
      d.command.clockboundfile = v;
    },
  ),
];
