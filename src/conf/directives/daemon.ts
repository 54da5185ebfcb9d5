import { type Args, DirectiveError, NOT_NEGATIVE } from '../args.js';
import type { LogName } from '../config.js';
import { type Directive, type Group, scalars } from '../table.js';

const rtc = scalars('Real-time clock');
const log = scalars('Logging');
const d = scalars('Daemon');

export const LOG_NAMES: readonly LogName[] = [
  'measurements',
  'rawmeasurements',
  'statistics',
  'selection',
  'tracking',
  'rtc',
  'refclocks',
  'tempcomp',
];

/** Names of logs are the one place where chronyd minds the case. */
const readLogName = (word: string): LogName => {
  const name = LOG_NAMES.find((n) => n === word);
  if (name === undefined) throw new DirectiveError('Invalid log parameter', `the logs are ${LOG_NAMES.join(', ')}`);
  return name;
};

const RTC: readonly Directive[] = [
  rtc.flag(
    {
      name: 'rtcsync',
      default: 'off',
      doc: 'Let the kernel copy the system time to the real-time clock every 11 minutes.',
    },
    (c) => {
      c.clock.rtcsync = true;
    },
  ),
  rtc.text(
    { name: 'rtcfile', default: 'none', doc: 'Track the real-time clock and remember its error in this file.' },
    (c, v) => {
      c.rtc.rtcfile = v;
    },
  ),
  rtc.decimal(
    { name: 'rtcautotrim', default: '0 (off)', doc: 'Set the real-time clock when it is off by more than this.' },
    (c, v) => {
      c.rtc.rtcautotrim = v;
    },
  ),
  rtc.text({ name: 'rtcdevice', default: '/dev/rtc', doc: 'Device of the real-time clock.' }, (c, v) => {
    c.rtc.rtcdevice = v;
  }),
  rtc.flag({ name: 'rtconutc', default: 'off', doc: 'The real-time clock keeps UTC and not local time.' }, (c) => {
    c.rtc.rtconutc = true;
  }),
  rtc.text(
    { name: 'hwclockfile', default: '/etc/adjtime', doc: 'File that says whether the real-time clock keeps UTC.' },
    (c, v) => {
      c.rtc.hwclockfile = v;
    },
  ),
];

const LOGGING: readonly Directive[] = [
  {
    name: 'log',
    group: 'Logging',
    syntax: 'NAME…',
    default: 'none',
    doc: `Log files to write: ${LOG_NAMES.join(', ')}.`,
    parse: (args, draft) => {
      for (const word of args.rest()) draft.logging.log.add(readLogName(word));
    },
  },
  log.text({ name: 'logdir', syntax: 'DIRECTORY', default: 'none', doc: 'Directory of the log files.' }, (c, v) => {
    c.logging.logdir = v;
  }),
  log.int(
    { name: 'logbanner', default: '32', doc: 'Entries of a log file between its headings; 0 = no headings.' },
    (c, v) => {
      c.logging.logbanner = v;
    },
  ),
  log.decimal(
    { name: 'logchange', default: '1', doc: 'Say so in the system log when the clock is wrong by more than this.' },
    (c, v) => {
      c.discipline.logchange = v;
    },
  ),
  {
    ...log.text(
      {
        name: 'eventlog',
        default: 'none',
        doc: 'Record every event in this file, for `timeball replay` (some 60 MB a day).',
      },
      (c, v) => {
        c.logging.eventlog = v;
      },
    ),
    addition: true,
  },
  {
    name: 'mailonchange',
    group: 'Logging',
    syntax: 'ADDRESS SECONDS',
    default: 'off',
    doc: 'Send a mail, through sendmail(8), when the clock was wrong by more than this.',
    parse: (args, draft) => {
      args.expect(2);
      const mailonchange = { address: args.word(), threshold: args.decimal() };
      draft.logging.mailonchange = mailonchange;
      draft.discipline.mailchange = mailonchange.threshold;
    },
  },
];

/** chronyd keeps at most this many directories of one confdir line apart. */
const MAX_CONFDIRS = 10;

function readDirectories(args: Args): readonly string[] {
  if (args.left < 1 || args.left > MAX_CONFDIRS)
    throw args.unparsable(`confdir takes 1 to ${MAX_CONFDIRS} directories`);
  return args.rest();
}

const FILES: readonly Directive[] = [
  {
    name: 'include',
    group: 'Daemon',
    syntax: 'PATTERN',
    default: 'none',
    doc: 'Read the files that match a pattern, here.',
    parse: (args, _draft, includer) => includer.include(args.expect(1).word()),
  },
  {
    name: 'confdir',
    group: 'Daemon',
    syntax: 'DIRECTORY…',
    default: 'none',
    doc: 'Read the *.conf files of these directories in the order of their names; of equal names the first directory has its way.',
    parse: (args, _draft, includer) => includer.confdir(readDirectories(args)),
  },
];

const PROCESS: readonly Directive[] = [
  d.text(
    {
      name: 'pidfile',
      syntax: 'FILE|/',
      default: '/run/timeball/timeballd.pid (called as chronyd: /var/run/chrony/chronyd.pid)',
      doc: 'File with the process number, which also keeps a second daemon away; / = none.',
    },
    (c, v) => {
      c.process.pidfile = v === '/' ? undefined : v;
    },
  ),
  d.text(
    { name: 'user', syntax: 'NAME', default: 'the user who started it', doc: 'User to run as after the start.' },
    (c, v) => {
      c.process.user = v;
    },
  ),
  d.int(
    { name: 'sched_priority', default: '0', doc: 'Real-time priority (SCHED_FIFO), 0 to 100; 0 = none.' },
    (c, v) => {
      c.process.schedPriority = v;
    },
    { ...NOT_NEGATIVE, max: 100 },
  ),
  d.flag({ name: 'lock_all', default: 'off', doc: "Keep all of the daemon's memory in RAM." }, (c) => {
    c.process.lockAll = true;
  }),
];

const retired = (name: string, group: Group = 'Daemon'): Directive => ({
  name,
  group,
  syntax: '…',
  default: 'none',
  doc: 'No longer supported; accepted with a warning.',
  parse: (args, draft) => {
    args.rest();
    draft.warnings.push(`${args.directive} directive is no longer supported`);
  },
});

const RETIRED: readonly Directive[] = [
  {
    name: 'dumponexit',
    group: 'Daemon',
    syntax: '',
    default: 'none',
    doc: 'Accepted and ignored: the history is always saved at exit when there is a dumpdir.',
    parse: (args) => {
      args.rest();
    },
  },
  retired('commandkey'),
  retired('generatecommandkey'),
  retired('linux_freq_scale'),
  retired('linux_hz'),
];

export const DAEMON_DIRECTIVES: readonly Directive[] = [...RTC, ...LOGGING, ...FILES, ...PROCESS, ...RETIRED];
