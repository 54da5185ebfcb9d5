import { ANY_INT, type Args, DeviceWordError, NOT_NEGATIVE, type Range } from '../args.js';
import type { RefclockDriver, RefclockOptions } from '../config.js';
import { REFCLOCK_DEFAULTS } from '../defaults.js';
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
import type { Directive } from '../table.js';

const POLL: Range = { min: -32, max: 32 };

/** Options after the parameter (`DEV:name=value`), by driver. */
export const DRIVER_OPTIONS: Readonly<Record<RefclockDriver, readonly string[]>> = {
  PPS: ['clear'],
  SHM: ['perm'],
  SOCK: [],
  PHC: ['nocrossts', 'extpps', 'pin', 'channel', 'clear'],
  RTC: ['utc'],
  NMEA: ['baud'],
  UBX: ['baud'],
};

export const REFCLOCK_DRIVERS = Object.keys(DRIVER_OPTIONS) as readonly RefclockDriver[];

/** Four ASCII characters are all that a refid holds. */
const refid = (args: Args): string => {
  const word = args.word();
  if (word.length > 4 || !/^[\x21-\x7e]+$/.test(word))
    throw args.unparsable(`refid "${word}" has more than 4 characters`);
  return word;
};

const offset: OptionReader<RefclockOptions> = (args, out) => {
  out.offset = args.decimal();
  out.offsetGiven = true;
};

const delay: OptionReader<RefclockOptions> = (args, out) => {
  out.delay = args.decimal();
  out.delayGiven = true;
};

const OPTIONS: OptionTable<RefclockOptions> = {
  ...SELECT_OPTIONS,
  poll: integer('poll', POLL),
  dpoll: integer('dpoll', POLL),
  refid: (args, out) => {
    out.refid = refid(args);
  },
  lock: (args, out) => {
    out.lock = refid(args);
  },
  rate: integer('rate', NOT_NEGATIVE),
  maxlockage: integer('maxlockage', NOT_NEGATIVE),
  width: decimal('width'),
  pps: flag('pps'),
  offset,
  delay,
  stratum: integer('stratum', { min: 0, max: 15 }),
  precision: decimal('precision'),
  maxdispersion: decimal('maxdispersion'),
  filter: integer('filter', NOT_NEGATIVE),
  tai: flag('tai'),
  local: flag('local'),
  minsamples: integer('minsamples', ANY_INT),
  maxsamples: integer('maxsamples', ANY_INT),
  maxunreach: integer('maxunreach', NOT_NEGATIVE),
};

/** Names of the options behind the parameter. */
export const REFCLOCK_OPTIONS: readonly string[] = Object.keys(OPTIONS);

/**
 * Parts the driver's options from its parameter. chronyd cuts at the first colon; a serial port's own name may have
 * colons (`/dev/serial/by-path/pci-0000:00:14.0-…`), so for receivers only known options are cut off, from the end.
 */
function splitParameter(driver: RefclockDriver, text: string): { parameter: string; options: readonly string[] } {
  const parts = text.split(':');
  if (driver !== 'NMEA' && driver !== 'UBX') return { parameter: parts[0]!, options: parts.slice(1) };
  let end = parts.length;
  while (end > 1 && DRIVER_OPTIONS[driver].includes(parts[end - 1]!.split('=')[0]!)) end--;
  return { parameter: parts.slice(0, end).join(':'), options: parts.slice(end) };
}

function driverOptions(driver: RefclockDriver, options: readonly string[]): Record<string, string> {
  const out: Record<string, string> = {};
  for (const option of options) {
    const [name, ...value] = option.split('=');
    if (!DRIVER_OPTIONS[driver].includes(name!)) throw new DeviceWordError(`Invalid refclock driver option ${option}`);
    out[name!] = value.join('=');
  }
  return out;
}

/** A value that the driver cannot work with is found here and not when the device is opened. */
function checkDriver(args: Args, refclock: RefclockOptions): void {
  const { driver, parameter, driverOptions: options } = refclock;
  if (parameter === '') throw args.unparsable(`${driver} needs a parameter`);
  if (driver === 'SHM' && !/^[0-9]{1,3}$/.test(parameter)) {
    throw args.unparsable(`"${parameter}" is no SHM unit number`);
  }
  const baud = options['baud'];
  if (baud !== undefined && !/^[1-9][0-9]{2,6}$/.test(baud)) throw args.invalidValue(`"${baud}" is no baud rate`);
  const perm = options['perm'];
  if (perm !== undefined && !/^0?[0-7]{3}$/.test(perm)) throw args.invalidValue(`"${perm}" is no octal permission`);
  for (const name of ['pin', 'channel']) {
    const value = options[name];
    if (value !== undefined && !/^-?[0-9]{1,3}$/.test(value))
      throw args.invalidValue(`"${value}" is no ${name} number`);
  }
}

function parseRefclock(args: Args): RefclockOptions {
  if (args.left < 2) throw args.unparsable('a refclock needs a driver and a parameter');
  const [name, text] = [args.word(), args.word()];
  const out: Mutable<RefclockOptions> = { ...REFCLOCK_DEFAULTS };
  readOptions(args, OPTIONS, out);
  // chronyd compares driver names exactly, and looks at them and at their options last.
  const driver = REFCLOCK_DRIVERS.find((d) => d === name);
  if (driver === undefined) throw new DeviceWordError(`unknown refclock driver ${name}`);
  const { parameter, options } = splitParameter(driver, text);
  Object.assign(out, { driver, parameter, driverOptions: driverOptions(driver, options) });
  // chronyd reads a rate or filter of 0 as "not given", and polls its driver at least once in a poll.
  if (out.rate === 0) out.rate = REFCLOCK_DEFAULTS.rate;
  if (out.filter === 0) out.filter = REFCLOCK_DEFAULTS.filter;
  out.dpoll = Math.min(out.dpoll, out.poll);
  checkDriver(args, out);
  return out;
}

export const REFCLOCK_DIRECTIVES: readonly Directive[] = [
  {
    name: 'refclock',
    group: 'Reference clocks',
    syntax:
      'DRIVER PARAMETER[:OPTION…] [poll P] [dpoll P] [refid ID] [lock ID] [rate HZ] [maxlockage N] [width S] [pps] [offset S] [delay S] [stratum N] [precision S] [maxdispersion S] [filter N] [prefer] [noselect] [trust] [require] [tai] [local] [minsamples N] [maxsamples N] [maxunreach N]',
    default: 'none',
    doc: 'A reference clock: PPS DEVICE[:clear] (a PPS source, or a terminal whose carrier detect line has the pulse), SHM UNIT[:perm=MODE], SOCK PATH, PHC DEVICE[:nocrossts][:extpps][:pin=N][:channel=N][:clear], RTC DEVICE[:utc]; additions: NMEA DEVICE[:baud=RATE] and UBX DEVICE[:baud=RATE], a receiver on a serial port.',
    parse: (args, draft) => {
      draft.refclocks.push(parseRefclock(args));
    },
  },
];
