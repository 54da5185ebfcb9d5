import { createInterface } from 'node:readline';
import { CodedError } from '../../base/errors.js';
import { nearest } from '../../conf/suggest.js';
import type { CliOptions } from './args.js';
import { COMMANDS } from './commands.js';
import { typedLines } from './interactive.js';
import { OUR_COMMANDS } from './ourcommands.js';
import { type CliIo, type Command, Failed, type Session } from './session.js';
import { SyntaxFault } from './syntax.js';
import { Refusal, Talker } from './talk.js';

const openSession = (options: CliOptions, io: CliIo): Session => ({
  ours: options.ours,
  talker: new Talker(options),
  io,
  mode: options.json ? 'json' : options.csv ? 'csv' : 'text',
  wide: options.wide,
  naming: options.naming,
  family: options.family,
});

/** What went wrong, said where chronyc says it: the daemon's word on stdout, the user's mistake on stderr. */
const tell = (error: unknown, session: Session): void => {
  const { io, mode } = session;
  if (error instanceof Failed) return;
  if (error instanceof SyntaxFault) io.err(error.message === '' ? '' : `${error.message}\n`);
  else if (error instanceof Refusal) {
    const json = JSON.stringify({ status: error.status, error: error.message });
    io.out(`${mode === 'json' ? json : error.message}\n`);
  } else if (error instanceof CodedError) {
    io.out(`${mode === 'json' ? JSON.stringify({ code: error.code, error: error.message }) : error.message}\n`);
  } else throw error;
};

const find = (session: Session, name: string): Command | undefined => {
  if (session.ours && Object.hasOwn(OUR_COMMANDS, name)) return OUR_COMMANDS[name];
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
};

type Outcome = 'ok' | 'failed' | 'quit';

const ENDS: ReadonlySet<string> = new Set(['exit', 'quit']);
/** Old scripts begin with them; since the command key is gone they do nothing, as in chronyc. */
const RETIRED: ReadonlySet<string> = new Set(['authhash', 'password']);

const runLine = async (session: Session, line: string): Promise<Outcome> => {
  const [name = '', ...args] = line.trim().split(/\s+/);
  // Comments, for commands that come from a file.
  if (name === '' || /^[!;#%]/.test(name)) return 'ok';
  if (ENDS.has(name)) return 'quit';
  if (RETIRED.has(name)) {
    session.io.err('Authentication is no longer supported\n');
    return 'ok';
  }
  try {
    const command = find(session, name);
    if (command === undefined) throw new SyntaxFault('Unrecognized command');
    await command(session, args);
    return 'ok';
  } catch (error) {
    tell(error, session);
    return 'failed';
  }
};

/** Commands one after the other; the last one decides. `strict`: the first that fails is the last. */
const runLines = async (
  session: Session,
  lines: AsyncIterable<string> | Iterable<string>,
  { endDot, strict }: { readonly endDot: boolean; readonly strict: boolean },
): Promise<boolean> => {
  let ok = true;
  for await (const line of lines) {
    const outcome = await runLine(session, line);
    if (endDot) session.io.out('.\n');
    if (outcome === 'quit') break;
    ok = outcome === 'ok';
    if (strict && !ok) break;
  }
  return ok;
};

/** However it ends, our end of the UNIX socket is removed; a reader that is gone ends it too. */
const cleanUp = (session: Session): (() => void) => {
  const stop = (): never => {
    session.talker.close();
    process.exit(1);
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  process.stdout.once('error', stop);
  return () => {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
    process.stdout.off('error', stop);
    session.talker.close();
  };
};

const isTerminal = (input: NodeJS.ReadableStream): boolean =>
  input === process.stdin && process.stdin.isTTY === true && process.stdout.isTTY === true;

/** Standard input's lines; at a terminal with a prompt. */
const inputLines = (session: Session, input: NodeJS.ReadableStream): AsyncIterable<string> => {
  if (!isTerminal(input)) return createInterface({ input });
  const { ours } = session;
  const names = [...Object.keys(COMMANDS), ...(ours ? Object.keys(OUR_COMMANDS) : []), 'exit', 'quit'];
  return typedLines(ours ? 'timeball> ' : 'chronyc> ', [...new Set(names)].sort());
};

/** A first word that is no command is the user's slip and not the daemon's failure; chronyc asks for the daemon first. */
const slip = (session: Session, { ours, multiple, words }: CliOptions): string | undefined => {
  const [name] = words;
  if (!ours || multiple || name === undefined || /^[!;#%]/.test(name) || ENDS.has(name) || RETIRED.has(name))
    return undefined;
  if (find(session, name) !== undefined) return undefined;
  const near = nearest(name, [...Object.keys(COMMANDS), ...Object.keys(OUR_COMMANDS)]);
  const hint = near === undefined ? "'timeball help' lists them" : `did you mean '${near}'?`;
  return `timeball: there is no command '${name}' (${hint})\n`;
};

/** Commands come as words, or from standard input when there are none. Returns the exit code: 0 or 1; 64 for a slip. */
export const chronyc = async (options: CliOptions, io: CliIo, input: NodeJS.ReadableStream): Promise<number> => {
  const session = openSession(options, io);
  const wrong = slip(session, options);
  if (wrong !== undefined) {
    io.err(wrong);
    return 64;
  }
  const done = cleanUp(session);
  try {
    if (!(await session.talker.open())) {
      io.err('Could not open connection to daemon\n');
      return 1;
    }
    const { words, multiple, endDot } = options;
    const lines = multiple ? words : words.length > 0 ? [words.join(' ')] : inputLines(session, input);
    return (await runLines(session, lines, { endDot, strict: multiple })) ? 0 : 1;
  } finally {
    done();
  }
};
