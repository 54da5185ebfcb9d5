import { ANY_INT, type Args, NOT_NEGATIVE } from '../args.js';
import type { TempcompConfig } from '../config.js';
import { type Directive, scalars } from '../table.js';

const GROUP = 'System clock';
const s = scalars(GROUP);

const LEAP_MODES = ['system', 'step', 'slew', 'ignore'] as const;

/** The kernel's frequency range on Linux; chronyd clamps, too. */
const MAX_DRIFT_PPM = 100000;

/** Three words = a file with points, six = the coefficients of a parabola. */
function parseTempcomp(args: Args): TempcompConfig {
  if (args.left !== 3) args.expect(6);
  const points = args.left === 3;
  const sensor = args.word();
  const interval = args.decimal();
  if (points) return { kind: 'points', sensor, interval, file: args.word() };
  const [t0, k0, k1, k2] = [args.decimal(), args.decimal(), args.decimal(), args.decimal()];
  return { kind: 'quadratic', sensor, interval, t0, k0, k1, k2 };
}

const MULTIPLE: readonly Directive[] = [
  {
    name: 'driftfile',
    group: GROUP,
    syntax: 'FILE [interval SECONDS]',
    default: 'none; 3600',
    doc: "Remember the clock's frequency error across restarts.",
    parse: (args, draft) => {
      args.expect(1, 3);
      const path = args.word();
      let interval = 3600;
      const option = args.optional();
      if (option !== undefined) {
        if (option.toLowerCase() !== 'interval') throw args.invalidOption(option);
        interval = args.int(NOT_NEGATIVE);
      }
      draft.clock.driftfile = { path, interval };
    },
  },
  {
    name: 'makestep',
    group: GROUP,
    syntax: 'THRESHOLD LIMIT',
    default: 'off',
    doc: 'Step the clock instead of slewing when the offset exceeds the threshold, in the first updates (negative limit: in all).',
    parse: (args, draft) => {
      args.expect(2);
      draft.discipline.makestep = { threshold: args.decimal(), limit: args.int(ANY_INT) };
    },
  },
  {
    name: 'maxchange',
    group: GROUP,
    syntax: 'OFFSET START IGNORE',
    default: 'off',
    doc: 'After START updates, ignore an offset greater than OFFSET so many times and then exit (negative: ignore always).',
    parse: (args, draft) => {
      args.expect(3);
      draft.discipline.maxchange = { offset: args.decimal(), start: args.int(ANY_INT), ignore: args.int(ANY_INT) };
    },
  },
  {
    name: 'fallbackdrift',
    group: GROUP,
    syntax: 'MIN MAX',
    default: 'off',
    doc: 'Without a reference for 2^MIN to 2^MAX seconds, go on with the average of the frequency over such a time.',
    parse: (args, draft) => {
      args.expect(2);
      draft.clock.fallbackdrift = { min: args.int(ANY_INT), max: args.int(ANY_INT) };
    },
  },
  {
    name: 'leapsecmode',
    group: GROUP,
    syntax: 'system|step|slew|ignore',
    default: 'system',
    doc: 'How a leap second is put into the clock.',
    parse: (args, draft) => {
      const word = args.word().toLowerCase();
      const mode = LEAP_MODES.find((m) => m === word);
      if (mode === undefined || args.left > 0) throw args.unparsable(`the modes are ${LEAP_MODES.join(', ')}`);
      draft.discipline.leapsecmode = mode;
    },
  },
  {
    name: 'smoothtime',
    group: GROUP,
    syntax: 'MAX-FREQ MAX-WANDER [leaponly]',
    default: 'off',
    doc: 'Serve smoothed time: corrections are spread with this greatest frequency (ppm) and rate of change (ppm/s).',
    parse: (args, draft) => {
      args.expect(2, 3);
      const [maxFreqPpm, maxWanderPpm] = [args.decimal(), args.decimal()];
      const option = args.optional();
      if (option !== undefined && option.toLowerCase() !== 'leaponly') throw args.unparsable();
      draft.clock.smoothtime = { maxFreqPpm, maxWanderPpm, leaponly: option !== undefined };
    },
  },
  {
    name: 'tempcomp',
    group: GROUP,
    syntax: 'SENSOR INTERVAL (T0 K0 K1 K2 | FILE)',
    default: 'off',
    doc: 'Every INTERVAL seconds read the temperature T in the file SENSOR and make the clock run faster by K0 + K1 (T - T0) + K2 (T - T0)^2 ppm, or by what a file with the points `T PPM`, one a line, says. More than 10 ppm is not believed.',
    parse: (args, draft) => {
      draft.clock.tempcomp = parseTempcomp(args);
    },
  },
  {
    name: 'tempsensor',
    group: GROUP,
    syntax: 'SENSOR INTERVAL',
    default: 'off',
    doc: 'Every INTERVAL seconds read the temperature in the file SENSOR (in any unit). What it does to the oscillator is learned while there is a reference and made up for while there is none. With tempcomp this has no effect.',
    addition: true,
    parse: (args, draft) => {
      args.expect(2);
      draft.clock.tempsensor = { sensor: args.word(), interval: args.decimal() };
    },
  },
];

export const CLOCK_DIRECTIVES: readonly Directive[] = [
  ...MULTIPLE,
  s.decimal({ name: 'clockprecision', default: 'measured', doc: 'Precision of the system clock.' }, (d, v) => {
    // As in chronyd, nothing or less means that it is measured.
    d.clock.clockprecision = v > 0 ? v : undefined;
  }),
  s.decimal(
    {
      name: 'corrtimeratio',
      syntax: 'RATIO',
      default: '3',
      doc: 'Ratio of the duration of a correction to the interval of updates.',
    },
    (d, v) => {
      d.discipline.corrtimeratio = v;
    },
  ),
  s.text(
    {
      name: 'leapsectz',
      syntax: 'TIMEZONE',
      default: 'none',
      doc: 'Time zone of the tz database with the leap seconds, usually right/UTC. Where it is missing or older than the list of the tz database or the built-in table, the newer one is used. The table also sets the TAI offset of the kernel.',
    },
    (d, v) => {
      d.clock.leapsectz = v;
    },
  ),
  s.text(
    {
      name: 'leapseclist',
      default: 'none',
      doc: 'List of leap seconds in the NIST/IETF format, its checksum verified; it goes before leapsectz as long as it has not expired.',
    },
    (d, v) => {
      d.clock.leapseclist = v;
    },
  ),
  s.flag({ name: 'manual', default: 'off', doc: 'Allow the command settime.' }, (d) => {
    d.clock.manual = true;
  }),
  s.decimal(
    {
      name: 'maxclockerror',
      syntax: 'PPM',
      default: '1',
      doc: "Assumed greatest error of the clock's frequency on its own.",
    },
    (d, v) => {
      d.discipline.maxclockerrorPpm = v;
    },
  ),
  s.decimal(
    { name: 'maxdrift', syntax: 'PPM', default: '100000', doc: 'Greatest frequency correction, at most 100000.' },
    (d, v) => {
      d.discipline.maxdriftPpm = Math.min(v, MAX_DRIFT_PPM);
    },
  ),
  s.decimal(
    {
      name: 'maxslewrate',
      syntax: 'PPM',
      default: '83333.333',
      doc: 'Greatest rate at which an offset is slewed away.',
    },
    (d, v) => {
      d.discipline.maxslewratePpm = v;
    },
  ),
  s.decimal(
    {
      name: 'maxupdateskew',
      syntax: 'PPM',
      default: '1000',
      doc: 'A frequency estimate that is less certain than this is not used.',
    },
    (d, v) => {
      d.discipline.maxupdateskewPpm = v;
    },
  ),
];
