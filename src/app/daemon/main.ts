/**
 * The daemon's first moments: read the command line and the configuration, open the NTP port. Everything heavy (serial
 * ports, logs, the engine) is loaded after the packet plane answers.
 */
import { basename } from 'node:path';
import { VERSION } from '../../base/build.js';
import { CodedError } from '../../base/errors.js';
import type { Config } from '../../conf/config.js';
import { type ConfigSource, flatten, forRestart, parseConfig } from '../../conf/parse.js';
import { inheritedSockets } from './activation.js';
import { goToBackground, inBackground, tellStarter } from './background.js';
import { findConfigFile, readConfigFiles } from './files.js';
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

const exitCode = (error: unknown, chronyNames: boolean): number => {
  if (chronyNames || !(error instanceof CodedError)) return EXIT.FAILED;
  if (error.code === 'ERR_TB_USAGE') return EXIT.USAGE;
  return error.code === 'ERR_TB_CONFIG' || error.code === 'ERR_TB_CONFIG_FILE' ? EXIT.CONFIG : EXIT.FAILED;
};

/** Called by this name the daemon is chronyd's stand-in. */
const CHRONYD = 'chronyd';

/** The last words: to the terminal, or to the process that waits for a detached one. */
const fatal = async (error: unknown, program: string, options: DaemonOptions | undefined): Promise<never> => {
  const text = error instanceof Error ? error.message : String(error);
  const message = `Fatal error : ${text}\n`;
  process.stderr.write(message);
  tellStarter(message);
  if (options !== undefined) await (await import('./syslog.js')).logFatal(options, program, text);
  process.exit(exitCode(error, program === CHRONYD));
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

const start = async (options: DaemonOptions, program: string, chronyNames: boolean): Promise<number | undefined> => {
  const context = { chronyNames };
  const source = sourceOf(options, chronyNames);
  if (options.printConfig) {
    flatten(source, readConfigFiles, context, (line) => process.stdout.write(`${line}\n`));
    return EXIT.OK;
  }
  const parsed = parseConfig(source, readConfigFiles, context);
  const config = options.restart ? forRestart(parsed) : parsed;
  checkPrivilege(options);
  const { pidfile } = config.process;
  if (options.once === undefined && pidfile !== undefined) checkOtherInstance(pidfile);
  if (!options.foreground && !inBackground()) return goToBackground();

  const onFault = (error: Error): void => void fatal(error, program, options);
  const server = new NtpServer(config, families(options), onFault, inheritedSockets());
  // -q and -Q open no port.
  const warnings = options.once === undefined ? await server.start() : [];
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
      process.stdout.write(`${program} (timeball) version ${VERSION}\n`);
      return EXIT.OK;
    }
    return (await start(options, program, program === CHRONYD)) ?? EXIT.OK;
  } catch (error) {
    return fatal(error, program, options);
  }
};
