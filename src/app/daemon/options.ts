import { CodedError } from '../../base/errors.js';
import { parseDecimal, parseInteger } from '../../conf/args.js';

/** What the daemon's command line asks for: chronyd's options, and ours. */
export interface DaemonOptions {
  readonly action: 'run' | 'version' | 'help';
  /** `-f`; undefined = the first of CONFIG_FILES that is there. Not read when there are `directives`. */
  readonly configFile: string | undefined;
  /** Arguments that are no options: each one is a line of configuration, instead of a file. */
  readonly directives: readonly string[];
  /** `-4`, `-6`: only this address family. */
  readonly family: 4 | 6 | undefined;
  /** Stay with the terminal: -n, -d, -p, -q, -Q. */
  readonly foreground: boolean;
  /** Log to stderr: -d, -p, -q, -Q. */
  readonly logToStderr: boolean;
  /** `-l`. */
  readonly logFile: string | undefined;
  /** `-L`: −1 debug, 0 info, 1 warning, 2 error, 3 fatal. A second -d lowers it to −1. */
  readonly minSeverity: number;
  /** `-p`: print the configuration and exit. */
  readonly printConfig: boolean;
  /** `-q`: correct the clock once; `-Q`: only say how wrong it is. */
  readonly once: 'set' | 'print' | undefined;
  /** `-r`: load the saved histories of sources. */
  readonly reloadDumps: boolean;
  /** `-R`: a restart; no initstepslew and no makestep with a limit. */
  readonly restart: boolean;
  /** `-s`: set the clock from the real-time clock or the drift file's age. */
  readonly setFromRtc: boolean;
  /** `-t`: exit after so many seconds; 0 = never. */
  readonly timeout: number;
  /** `-u`; goes before the directive user. */
  readonly user: string | undefined;
  /** `-U`: do not ask for root. */
  readonly checkRoot: boolean;
  /** `-F`: level of the system call filter, −2…2. timeballd has none (the unit file's does the same) and ignores it. */
  readonly filterLevel: number;
  /** `-P`; goes before sched_priority. Undefined = not given. */
  readonly priority: number | undefined;
  /** `-m`: as lock_all. */
  readonly lockMemory: boolean;
  /** False with `-x` and `-Q`: the clock is never touched. */
  readonly controlClock: boolean;
  /** `-N`: write a newline to this descriptor when ready. */
  readonly readyFd: number | undefined;
  /** `--log-json` (ours): log records as JSON, one a line. */
  readonly logJson: boolean;
}

/** Where the configuration is looked for, by the name that the daemon was called. */
export const CONFIG_FILES = {
  timeball: ['/etc/timeball/timeball.conf'],
  chrony: ['/etc/chrony/chrony.conf', '/etc/chrony.conf'],
} as const;

type Draft = { -readonly [K in keyof DaemonOptions]: DaemonOptions[K] };

/** One option. With `value` it takes an argument, whose name that is. */
interface Option {
  readonly letter: string;
  readonly long?: string;
  readonly value?: string;
  readonly help: string;
  /** What it changes; `soFar` are the options before it. */
  readonly read: (value: string, soFar: DaemonOptions) => Partial<DaemonOptions>;
}

const usage = (text: string): CodedError => new CodedError('ERR_TB_USAGE', text);

const integer = (word: string, min = -2147483648, max = 2147483647): number => {
  const value = parseInteger(word);
  if (value === undefined || value < min || value > max) throw usage(`Invalid argument ${word}`);
  return value;
};

const seconds = (word: string): number => {
  const value = parseDecimal(word);
  if (value === undefined || value < 0) throw usage(`Invalid argument ${word}`);
  return value;
};

const STDERR = { foreground: true, logToStderr: true } as const;

export const OPTIONS: readonly Option[] = [
  { letter: '4', help: 'Use IPv4 only', read: () => ({ family: 4 }) },
  { letter: '6', help: 'Use IPv6 only', read: () => ({ family: 6 }) },
  { letter: 'f', value: 'FILE', help: 'Read this configuration', read: (v) => ({ configFile: v }) },
  { letter: 'n', help: 'Stay in the foreground', read: () => ({ foreground: true }) },
  {
    letter: 'd',
    help: 'Stay in the foreground and log to stderr (twice: debug messages, too)',
    read: (_v, soFar) => ({ ...STDERR, ...(soFar.logToStderr ? { minSeverity: -1 } : {}) }),
  },
  { letter: 'l', value: 'FILE', help: 'Log to this file', read: (v) => ({ logFile: v }) },
  {
    letter: 'L',
    value: 'LEVEL',
    help: 'Log from this severity on: -1 debug, 0 info, 1 warning, 2 error, 3 fatal',
    read: (v) => ({ minSeverity: integer(v) }),
  },
  {
    letter: 'p',
    help: 'Print the configuration and exit',
    read: () => ({ ...STDERR, printConfig: true }),
  },
  {
    letter: 'q',
    help: 'Set the clock once and exit',
    read: () => ({ ...STDERR, once: 'set' }),
  },
  {
    letter: 'Q',
    help: 'Print the offset once and exit',
    read: () => ({ ...STDERR, once: 'print', controlClock: false }),
  },
  { letter: 'r', help: 'Load the saved measurements of sources', read: () => ({ reloadDumps: true }) },
  { letter: 'R', help: 'This is a restart: no steps that belong to a start', read: () => ({ restart: true }) },
  { letter: 's', help: 'Set the clock from the real-time clock', read: () => ({ setFromRtc: true }) },
  { letter: 't', value: 'SECONDS', help: 'Exit after this time', read: (v) => ({ timeout: seconds(v) }) },
  { letter: 'u', value: 'USER', help: 'Run as this user', read: (v) => ({ user: v }) },
  { letter: 'U', help: 'Do not ask for root', read: () => ({ checkRoot: false }) },
  {
    letter: 'F',
    value: 'LEVEL',
    help: "Accepted for chronyd's sake (system call filter), without effect",
    read: (v) => ({ filterLevel: integer(v) }),
  },
  {
    letter: 'P',
    value: 'PRIORITY',
    help: 'Real-time priority, 0 to 100',
    read: (v) => ({ priority: integer(v) }),
  },
  { letter: 'm', help: 'Keep the memory in RAM', read: () => ({ lockMemory: true }) },
  { letter: 'x', help: 'Never touch the clock', read: () => ({ controlClock: false }) },
  {
    letter: 'N',
    value: 'FD',
    help: 'Write a newline to this descriptor when ready',
    read: (v) => ({ readyFd: integer(v, 0, 65535) }),
  },
  {
    letter: '',
    long: 'log-json',
    help: 'Log JSON records instead of text (addition)',
    read: () => ({ logJson: true }),
  },
  { letter: 'v', long: 'version', help: 'Print the version and exit', read: () => ({ action: 'version' }) },
  { letter: 'h', long: 'help', help: 'Print this text and exit', read: () => ({ action: 'help' }) },
];

const byLetter = (letter: string): Option | undefined => OPTIONS.find((o) => o.letter === letter && letter !== '');
const byLong = (name: string): Option | undefined => OPTIONS.find((o) => o.long === name);

/** Takes one word with letters (`-xd`, `-f FILE`, `-fFILE`); returns how many further words it used. */
function applyLetters(draft: Draft, word: string, next: string | undefined): 0 | 1 {
  for (let i = 1; i < word.length && draft.action === 'run'; i++) {
    const option = byLetter(word[i]!);
    if (option === undefined) throw usage(`invalid option -- '${word[i]}'`);
    if (option.value === undefined) {
      Object.assign(draft, option.read('', draft));
      continue;
    }
    const attached = word.slice(i + 1);
    const value = attached === '' ? next : attached;
    if (value === undefined) throw usage(`option requires an argument -- '${option.letter}'`);
    Object.assign(draft, option.read(value, draft));
    return attached === '' ? 1 : 0;
  }
  return 0;
}

/**
 * Reads the arguments after the program's name as getopt(3) does: letters may be joined, options may stand after
 * directives, `--` ends them.
 * @throws CodedError ERR_TB_USAGE, with getopt's or chronyd's words.
 */
export function parseDaemonArgs(argv: readonly string[]): DaemonOptions {
  const draft: Draft = {
    action: 'run',
    configFile: undefined,
    directives: [],
    family: undefined,
    foreground: false,
    logToStderr: false,
    logFile: undefined,
    minSeverity: 0,
    printConfig: false,
    once: undefined,
    reloadDumps: false,
    restart: false,
    setFromRtc: false,
    timeout: 0,
    user: undefined,
    checkRoot: true,
    filterLevel: 0,
    priority: undefined,
    lockMemory: false,
    controlClock: true,
    readyFd: undefined,
    logJson: false,
  };
  const directives: string[] = [];
  // Nobody looks at what stands behind a -v or -h.
  for (let i = 0; i < argv.length && draft.action === 'run'; i++) {
    const word = argv[i]!;
    if (word === '--') {
      directives.push(...argv.slice(i + 1));
      break;
    }
    if (word.startsWith('--')) {
      const option = byLong(word.slice(2));
      if (option === undefined) throw usage(`unrecognized option '${word}'`);
      Object.assign(draft, option.read('', draft));
    } else if (word.startsWith('-') && word.length > 1) i += applyLetters(draft, word, argv[i + 1]);
    else directives.push(word);
  }
  return { ...draft, directives };
}

const usageLine = ({ letter, long, value, help }: Option): string => {
  const short = letter === '' ? '' : `-${letter}${value === undefined ? '' : ` ${value}`}`;
  const names = [short, long === undefined ? '' : `--${long}`].filter((name) => name !== '').join(', ');
  return `  ${names.padEnd(16)}${help}`;
};

/** The text of `--help`. */
export const daemonUsage = (program: string): string =>
  [
    `Usage: ${program} [OPTION]... [DIRECTIVE]...`,
    '',
    'Without directives the configuration is read from a file.',
    '',
    'Options:',
    ...OPTIONS.map(usageLine),
    '',
  ].join('\n');
