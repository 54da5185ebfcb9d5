import type { RequestValues } from '../../wire/cmdmon/packet.js';
import { STATUS, statusText } from '../../wire/cmdmon/protocol.js';
import type { RequestName } from '../../wire/cmdmon/requests.js';
import { HELP } from './help.js';
import { generateKey } from './keygen.js';
import { fixed } from './numbers.js';
import { ntpdata } from './reports/ntpdata.js';
import { authdata, manualList, rtcdata, smoothing } from './reports/other.js';
import { activity, clients, serverstats } from './reports/server.js';
import { type ListOptions, selectdata, sources, sourcestats } from './reports/sources.js';
import { tracking } from './reports/tracking.js';
import { type Command, Failed, printOne, type Session } from './session.js';
import { parseMoment } from './settime.js';
import { cell, label } from './sheet.js';
import { addSource, localValues, selectOptions, sourceOffset } from './sourcecommands.js';
import { SyntaxFault, toAddress, toInt, toMasked, toNumber, toSubnet } from './syntax.js';
import { Refusal } from './talk.js';
import { waitsync } from './waitsync.js';

const NO_ADDRESS = 'Could not read address';
const NO_HOST = 'Could not get address for hostname';

/** A request without data to show: prints the daemon's word. */
const ack = async <N extends RequestName>(session: Session, name: N, values: RequestValues<N>): Promise<void> => {
  const status = await session.talker.command(name, values);
  const done = status === STATUS.SUCCESS || status === STATUS.ACCESS_ALLOWED || status === STATUS.ACCESS_DENIED;
  if (!done) throw new Refusal(statusText(status), status);
  const text = statusText(status);
  session.io.out(session.mode === 'json' ? `${JSON.stringify({ status, text })}\n` : `${text}\n`);
};

const plain =
  (
    name:
      | 'MAKESTEP'
      | 'RESELECT'
      | 'CYCLELOGS'
      | 'REKEY'
      | 'SHUTDOWN'
      | 'REFRESH'
      | 'ONOFFLINE'
      | 'TRIMRTC'
      | 'WRITERTC'
      | 'DUMP',
  ): Command =>
  (session) =>
    ack(session, name, {});

const list =
  (report: (session: Session, options: ListOptions) => Promise<void>): Command =>
  (session, args) =>
    report(session, { all: args.includes('-a'), verbose: args.includes('-v') });

/** chronyc says nothing about a wrong number where `message` is empty. */
const oneNumber =
  (name: 'RESELECTDISTANCE' | 'MODIFY_MAXUPDATESKEW' | 'DFREQ' | 'DOFFSET', message: string): Command =>
  (session, args) =>
    ack(session, name, { value: toNumber(args[0], message) });

/** Where chronyc takes all that is left of a line for one address, a word too many is an address that there is none of. */
const words = (args: readonly string[]): string | undefined => (args.length === 0 ? undefined : args.join(' '));

const accessRule =
  (name: 'ALLOW' | 'DENY' | 'CMDALLOW' | 'CMDDENY'): Command =>
  async (session, args) => {
    const all = args[0] === 'all';
    const subnet = await toSubnet(words(args.slice(all ? 1 : 0)), session.family);
    await ack(session, all ? `${name}ALL` : name, subnet);
  };

const accessCheck =
  (name: 'ACCHECK' | 'CMDACCHECK'): Command =>
  async (session, args) =>
    ack(session, name, { address: await toAddress(words(args), session.family, NO_ADDRESS) });

const perSource =
  (
    name:
      | 'MODIFY_MINPOLL'
      | 'MODIFY_MAXPOLL'
      | 'MODIFY_MINSTRATUM'
      | 'MODIFY_POLLTARGET'
      | 'MODIFY_MAXDELAY'
      | 'MODIFY_MAXDELAYRATIO'
      | 'MODIFY_MAXDELAYDEVRATIO',
    parse: typeof toInt,
  ): Command =>
  async (session, args) => {
    const value = parse(args[1], 'Invalid syntax for address value');
    await ack(session, name, { address: await toAddress(args[0], session.family, NO_HOST), value });
  };

const connectivity =
  (name: 'ONLINE' | 'OFFLINE'): Command =>
  async (session, args) =>
    ack(session, name, await toMasked(args[0], session.family));

const burst: Command = async (session, args) => {
  const counts = /^(\d+)\/(\d+)$/.exec(args[0] ?? '');
  if (counts === null) throw new SyntaxFault('Invalid syntax for burst command');
  const masked = await toMasked(args[1], session.family);
  await ack(session, 'BURST', { ...masked, good: Number(counts[1]), total: Number(counts[2]) });
};

const makestep: Command = (session, args) => {
  if (args.length === 0) return ack(session, 'MAKESTEP', {});
  const message = 'Bad syntax for makestep command';
  return ack(session, 'MODIFY_MAKESTEP', { threshold: toNumber(args[0], message), limit: toInt(args[1], message) });
};

const clientsCommand: Command = (session, args) => {
  let minHits = 0;
  const at = args.indexOf('-p');
  if (at >= 0) minHits = toInt(args[at + 1], 'Invalid syntax for clients command');
  return clients(session, { minHits, nke: args.includes('-k'), reset: args.includes('-r') });
};

const ntpdataCommand: Command = async (session, args) =>
  ntpdata(session, args.length === 0 ? undefined : await toAddress(args[0], session.family, NO_HOST));

const sourcename: Command = async (session, args) => {
  const address = await toAddress(args[0], session.family, NO_ADDRESS);
  const name = (await session.talker.ask('NTP_SOURCE_NAME', { address })).name ?? '';
  printOne(session, [cell('name', name, name)]);
};

const deleteSource: Command = async (session, args) => {
  if (args[0] === undefined) throw new SyntaxFault('Invalid syntax for address');
  await ack(session, 'DEL_SOURCE', { address: await toAddress(args[0], session.family, NO_HOST) });
};

const MANUAL_OPTION: Readonly<Record<string, number>> = { off: 0, on: 1, reset: 2 };

const manual: Command = (session, [word = '', ...args]) => {
  if (word === 'list') return manualList(session);
  if (word === 'delete') {
    return ack(session, 'MANUAL_DELETE', { index: toInt(args[0], 'Bad syntax for manual delete command') });
  }
  const option = MANUAL_OPTION[word];
  if (option === undefined || args.length > 0) throw new SyntaxFault('Invalid syntax for manual command');
  return ack(session, 'MANUAL', { option });
};

const SMOOTHTIME_OPTION: Readonly<Record<string, number>> = { reset: 0, activate: 1 };

const smoothtime: Command = (session, [word = '']) => {
  const option = SMOOTHTIME_OPTION[word];
  if (option === undefined) throw new SyntaxFault('Invalid syntax for smoothtime command');
  return ack(session, 'SMOOTHTIME', { option });
};

const twoWords =
  (verb: string, noun: string, name: 'RELOAD_SOURCES' | 'RESET_SOURCES'): Command =>
  (session, args) => {
    if (args.length !== 1 || args[0] !== noun) throw new SyntaxFault(`Invalid syntax for ${verb} command`);
    return ack(session, name, {});
  };

const DNS: Readonly<Record<string, (session: Session) => void>> = {
  '-n': (s) => {
    s.naming = 'numeric';
  },
  '+n': (s) => {
    s.naming = 'dns';
  },
  '-4': (s) => {
    s.family = 4;
  },
  '-6': (s) => {
    s.family = 6;
  },
  '-46': (s) => {
    s.family = 0;
  },
};

const dns: Command = async (session, [word = '']) => {
  const change = DNS[word];
  if (change === undefined) throw new SyntaxFault('Unrecognized dns command');
  change(session);
};

const settime: Command = async (session, args) => {
  const time = parseMoment(args.join(' '), Date.now());
  if (time === undefined) {
    session.io.out('510 - Could not parse date string\n');
    throw new Failed();
  }
  const done = await session.talker.ask('SETTIME', { time });
  const offset = fixed(done.offsetFast, 2);
  const [change, freq] = [fixed(done.freqChangePpm, 2), fixed(done.newFreqPpm, 2)];
  if (session.mode === 'text') session.io.out(`${statusText(STATUS.SUCCESS)}\n`);
  printOne(session, [
    label('Clock was '),
    cell('offsetFastSeconds', done.offsetFast, offset),
    label(' seconds fast.  Frequency change = '),
    cell('frequencyChangePpm', done.freqChangePpm, change),
    label('ppm, new frequency = '),
    cell('frequencyFastPpm', done.newFreqPpm, freq),
    label('ppm'),
  ]);
};

const keygen: Command = async (session, args) => {
  const { id, type, hex } = generateKey(args);
  const key = `HEX:${hex}`;
  if (session.mode === 'json') session.io.out(`${JSON.stringify({ id, type, key })}\n`);
  else session.io.out(`${id} ${type} ${key}\n`);
};

const MIN_TIMEOUT_MS = 100;

const timeout: Command = async (session, args) => {
  // As chronyc reads it: what is no number is 0, and that is too short.
  const ms = Number.parseInt(args[0] ?? '', 10) || 0;
  if (ms < MIN_TIMEOUT_MS) throw new SyntaxFault(`Timeout ${ms} is too short`);
  session.talker.timeoutMs = ms;
};

const MAX_RETRIES = 30;

const retries: Command = async (session, args) => {
  const n = Number.parseInt(args[0] ?? '', 10) || 0;
  if (n < 0 || n > MAX_RETRIES) throw new SyntaxFault('Invalid maximum number of retries');
  session.talker.retries = n;
};

const help: Command = async (session) => session.io.out(HELP);

/** Every command of chronyc that this client has. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  accheck: accessCheck('ACCHECK'),
  activity,
  add: async (session, args) => ack(session, 'ADD_SOURCE', await addSource(args, session.family)),
  allow: accessRule('ALLOW'),
  authdata: list(authdata),
  burst,
  clients: clientsCommand,
  cmdaccheck: accessCheck('CMDACCHECK'),
  cmdallow: accessRule('CMDALLOW'),
  cmddeny: accessRule('CMDDENY'),
  cyclelogs: plain('CYCLELOGS'),
  delete: deleteSource,
  deny: accessRule('DENY'),
  dfreq: oneNumber('DFREQ', 'Invalid value'),
  dns,
  doffset: oneNumber('DOFFSET', 'Invalid value'),
  dump: plain('DUMP'),
  help,
  keygen,
  local: async (session, args) => ack(session, 'LOCAL', localValues(args)),
  makestep,
  manual,
  maxdelay: perSource('MODIFY_MAXDELAY', toNumber),
  maxdelaydevratio: perSource('MODIFY_MAXDELAYDEVRATIO', toNumber),
  maxdelayratio: perSource('MODIFY_MAXDELAYRATIO', toNumber),
  maxpoll: perSource('MODIFY_MAXPOLL', toInt),
  maxupdateskew: oneNumber('MODIFY_MAXUPDATESKEW', ''),
  minpoll: perSource('MODIFY_MINPOLL', toInt),
  minstratum: perSource('MODIFY_MINSTRATUM', toInt),
  ntpdata: ntpdataCommand,
  offset: async (session, args) => ack(session, 'MODIFY_OFFSET', await sourceOffset(args, session.family)),
  offline: connectivity('OFFLINE'),
  online: connectivity('ONLINE'),
  onoffline: plain('ONOFFLINE'),
  polltarget: perSource('MODIFY_POLLTARGET', toInt),
  refresh: plain('REFRESH'),
  rekey: plain('REKEY'),
  reload: twoWords('reload', 'sources', 'RELOAD_SOURCES'),
  reselect: plain('RESELECT'),
  reselectdist: oneNumber('RESELECTDISTANCE', ''),
  reset: twoWords('reset', 'sources', 'RESET_SOURCES'),
  retries,
  rtcdata,
  selectdata: list(selectdata),
  selectopts: async (session, args) => ack(session, 'MODIFY_SELECTOPTS', await selectOptions(args, session.family)),
  serverstats,
  settime,
  shutdown: plain('SHUTDOWN'),
  smoothing,
  smoothtime,
  sourcename,
  sources: list(sources),
  sourcestats: list(sourcestats),
  timeout,
  tracking,
  trimrtc: plain('TRIMRTC'),
  waitsync,
  writertc: plain('WRITERTC'),
};
