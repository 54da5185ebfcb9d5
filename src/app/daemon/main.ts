/**
 * The daemon's first moments: read the command line and the configuration, open the NTP port. Everything heavy (serial
 * ports, logs, the engine) is loaded after the packet plane answers.
 */
import { basename, resolve } from 'node:path';
import { VERSION } from '../../base/build.js';
import { CodedError } from '../../base/errors.js';
import type { Config } from '../../conf/config.js';
import { type ConfigSource, flatten, forRestart, parseConfig } from '../../conf/parse.js';
import { endEarly } from '../serve-thread.js';
import { inheritedSockets } from './activation.js';
import { goToBackground, inBackground, tellStarter } from './background.js';
import { findConfigFile, readConfigFiles } from './files.js';
import { resolveHostRules } from './hostrules.js';
import { FEATURES, startLine, Told } from './lastwords.js';
import { type DaemonOptions, daemonUsage, parseDaemonArgs } from './options.js';
import { checkOtherInstance } from './pidfile.js';
import { NtpServer } from './server.js';

/** Exit codes; called by chronyd's name every failure is 1, as chronyd's. */
export const EXIT = { OK: 0, FAILED: 1, NO_DATA: 2, USAGE: 64, CONFIG: 78 } as const;

/** What every part of the daemon knows about this start. */
export interface Start {
  readonly options: DaemonOptions;
  readonly config: Config;
  readonly server: NtpServer;
  /** 'timeballd', or the name of the link ('chronyd'). */
  readonly program: string;
  readonly chronyNames: boolean;
  /** Something that no log has been told yet. */
  readonly warnings: readonly string[];
}

const exitCode = (given: unknown, chronyNames: boolean): number => {
  const error = given instanceof Told ? given.cause : given;
  if (chronyNames || !(error instanceof CodedError)) return EXIT.FAILED;
  if (error.code === 'ERR_TB_USAGE') return EXIT.USAGE;
  return error.code === 'ERR_TB_CONFIG' || error.code === 'ERR_TB_CONFIG_FILE' ? EXIT.CONFIG : EXIT.FAILED;
};

/** Called by this name the daemon is chronyd's stand-in. */
const CHRONYD = 'chronyd';

/** Where and how the last words are said. */
interface LastWords {
  readonly program: string;
  /** Undefined: the command line was not understood. */
  readonly options: DaemonOptions | undefined;
}

const stamp = (): string => `${new Date().toISOString().slice(0, 19)}Z `;

/**
 * The last words, where the log would have had them: on the terminal, in the log file or the system log, and for the
 * process that waits for a detached one. What the daemon's own log has been told already is not said again.
 */
const fatal = async (error: unknown, { program, options }: LastWords): Promise<never> => {
  const text = error instanceof Error ? error.message : String(error);
  const lines = [startLine(program), `Fatal error : ${text}`];
  const told = error instanceof Told;
  if (inBackground()) tellStarter(`${text}\n`);
  else if (options?.logToStderr === true && options.logFile === undefined) {
    const unsaid = told ? [] : options.printConfig ? lines.slice(1) : lines;
    process.stderr.write(unsaid.map((line) => `${stamp()}${line}\n`).join(''));
  } else if (options?.foreground === false) process.stderr.write(`${text}\n`);
  else process.stderr.write(`${options === undefined ? stamp() : ''}Fatal error : ${text}\n`);
  if (options !== undefined && !told) await (await import('./syslog.js')).logFatal(options, program, text);
  process.exit(exitCode(error, program === CHRONYD));
};

/** Options that are none: getopt(3)'s words, and what there is. */
const refuse = (error: CodedError, invoked: string): number => {
  const chronyNames = basename(invoked) === CHRONYD;
  // chronyd does not know of long options that might be meant.
  const text = chronyNames ? error.message.replace(/^unrecognized option .*/, "invalid option -- '-'") : error.message;
  process.stderr.write(`${invoked}: ${text}\n`);
  process.stdout.write(daemonUsage(basename(invoked)));
  return exitCode(error, chronyNames);
};

const sourceOf = (options: DaemonOptions, chronyNames: boolean): ConfigSource =>
  options.directives.length > 0
    ? { lines: options.directives }
    : { file: options.configFile ?? findConfigFile(chronyNames) };

/** Root is needed to open the port and to move the clock; who knows better says -U. */
const checkPrivilege = (options: DaemonOptions): void => {
  const exempt = !options.checkRoot || options.once === 'print' || !options.controlClock;
  if (exempt || process.getuid?.() === 0 || process.env['INVOCATION_ID'] !== undefined) return;
  throw new CodedError('ERR_TB_PRIVILEGE', 'Not superuser');
};

const families = (options: DaemonOptions): readonly (4 | 6)[] =>
  options.family === undefined ? [4, 6] : [options.family];

/** A log file on the command line is seen from the directory that the daemon is started in. */
const fromHere = (given: DaemonOptions): DaemonOptions =>
  given.logFile === undefined ? given : { ...given, logFile: resolve(given.logFile) };

const servingNobody = (config: Config): Config => ({ ...config, server: { ...config.server, access: [] } });

const asksInPtp = ({ sources, hardware: { ptpport } }: Config): boolean =>
  ptpport !== 0 && sources.some(({ port }) => port === ptpport);

const start = async (given: DaemonOptions, program: string, chronyNames: boolean): Promise<number | undefined> => {
  const options = fromHere(given);
  const context = { chronyNames };
  const source = sourceOf(options, chronyNames);
  if (options.printConfig) {
    flatten(source, readConfigFiles, context, (line) => process.stdout.write(`${line}\n`));
    return EXIT.OK;
  }
  const parsed = parseConfig(source, readConfigFiles, context);
  const config = await resolveHostRules(options.restart ? forRestart(parsed) : parsed);
  checkPrivilege(options);
  // We have no such filter and could; who moves back to chronyd could not.
  if (options.filterLevel !== 0 && config.logging.mailonchange !== undefined) {
    throw new CodedError('ERR_TB_USAGE', 'mailonchange directive cannot be used with -F enabled');
  }
  const { pidfile } = config.process;
  if (options.once === undefined && pidfile !== undefined) checkOtherInstance(pidfile);
  if (!options.foreground && !inBackground()) return goToBackground();
  // A daemon keeps nobody from unmounting a file system.
  if (inBackground()) process.chdir('/');

  const onFault = (error: Error): void => void fatal(error, { program, options });
  const once = options.once !== undefined;
  const server = new NtpServer(once ? servingNobody(config) : config, families(options), onFault, inheritedSockets());
  server.onlyPtp = once && asksInPtp(config);
  // -q and -Q open no port, but for servers that are asked from one.
  const warnings = !once || server.onlyPtp ? await server.start() : [];
  endEarly();
  const { runDaemon } = await import('./run.js');
  await runDaemon({ options, config, server, program, chronyNames, warnings });
  return undefined;
};

/** `invoked`: the name by which the program was called. Exits the process, or leaves it running as the daemon. */
export const daemonMain = async (argv: readonly string[], invoked: string): Promise<number> => {
  const program = basename(invoked);
  let options: DaemonOptions | undefined;
  try {
    options = parseDaemonArgs(argv);
    if (options.action === 'help') {
      process.stdout.write(daemonUsage(program));
      return EXIT.OK;
    }
    if (options.action === 'version') {
      process.stdout.write(`${program} (timeball) version ${VERSION} (${FEATURES})\n`);
      return EXIT.OK;
    }
    return (await start(options, program, program === CHRONYD)) ?? EXIT.OK;
  } catch (error) {
    if (options === undefined && error instanceof CodedError && !error.message.startsWith('Invalid argument')) {
      return refuse(error, invoked);
    }
    return fatal(error, { program, options });
  }
};
