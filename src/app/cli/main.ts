import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CliOptions, parseArgs } from './args.js';
import type { CliIo } from './session.js';
import { SyntaxFault } from './syntax.js';
import { DEFAULT_SERVERS, OUR_SERVERS } from './talk.js';

const EXIT = { OK: 0, FAILED: 1, USAGE: 64 } as const;

const packageVersion = (): string => {
  const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', '..');
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
};

const usage = (name: string, ours: boolean): string => `Usage: ${name} [OPTION]... [COMMAND]...

Options:
  -4, -6         Only IPv4, only IPv6
  -n             Addresses as numbers
  -N             Sources by their configured names
  -c             CSV
${ours ? '  --json         JSON\n' : ''}  -e             End each reply with a line of one dot
  -m             Each argument is a command
  -w             Wider name columns
  -h SERVER,...  Sockets or hosts to try (${ours ? OUR_SERVERS : DEFAULT_SERVERS})
  -p PORT        UDP port (323)
  -v, --version  Version
      --help     This text
${
  ours
    ? `
Commands: those of chronyc ('${name} help' lists them), and
  check          What is wrong with a configuration: check FILE
  date           How far the clock is from what servers say: date HOST...
  demo           The demonstration appliance
  nic            What network cards can stamp, and a test of it
  receiver       What a receiver says: status (asks the daemon), decode FILE
  replay         Run the engine over a recorded event log
  sim            The simulator
`
    : ''
}`;

/** Commands that need no daemon; each is loaded only when it is called. */
const OWN: Readonly<Record<string, (argv: readonly string[], io: CliIo) => Promise<number>>> = {
  check: async (argv, io) => (await import('./check.js')).check(argv, io),
  date: async (argv, io) => (await import('./date.js')).date(argv, io),
  demo: async (argv) => (await import('../demo/main.js')).demoMain(argv),
  nic: async (argv, io) =>
    (await import('./nic.js')).nic((await import('../../devices/native.js')).loadNative(), argv, io),
  receiver: async (argv, io) => {
    const [word, ...rest] = argv;
    if (word === 'decode') return (await import('./receiver-decode.js')).receiverDecode(rest, process);
    io.err(`timeball: receiver ${word === undefined ? 'what? (status, decode)' : `has no command '${word}'`}\n`);
    return EXIT.USAGE;
  },
  replay: async (argv) => (await import('../sim/main.js')).replayMain(argv, process),
  sim: async (argv) => (await import('../sim/main.js')).simMain(argv, process),
};

const standardIo: CliIo = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};

const parse = (argv: readonly string[], name: string, ours: boolean, io: CliIo): CliOptions | undefined => {
  try {
    return parseArgs(argv, ours);
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error;
    io.err(`${name}: ${error.message}\n`);
    // chronyc's usage goes where its answers go.
    if (ours) io.err(usage(name, ours));
    else io.out(usage(name, ours));
    return undefined;
  }
};

/**
 * The `timeball` command. `argv`: the words after the program; `invokedAs`: its base name. Called through a link named
 * chronyc it is chronyc and nothing else. Returns the exit code.
 */
export const cliMain = async (argv: readonly string[], invokedAs: string, io: CliIo = standardIo): Promise<number> => {
  const ours = invokedAs !== 'chronyc';
  const ownWord = argv[0] === 'receiver' && argv[1] === 'status' ? '' : (argv[0] ?? '');
  const own = ours && Object.hasOwn(OWN, ownWord) ? OWN[ownWord] : undefined;
  if (own !== undefined) return own(argv.slice(1), io);
  const options = parse(argv, invokedAs, ours, io);
  if (options === undefined) return ours ? EXIT.USAGE : EXIT.FAILED;
  if (options.show === 'help') {
    io.out(usage(invokedAs, ours));
    return EXIT.OK;
  }
  if (options.show === 'version') {
    io.out(`${invokedAs} (timeball) version ${packageVersion()}\n`);
    return EXIT.OK;
  }
  const code = await (await import('./chronyc.js')).chronyc(options, io, process.stdin);
  // An input that is still open would keep the process.
  process.stdin.destroy();
  return code;
};
