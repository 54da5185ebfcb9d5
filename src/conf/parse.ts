import { CodedError } from '../base/errors.js';
import { DeviceWordError, type DirectiveError } from './args.js';
import type { Config } from './config.js';
import type { ConfigContext } from './defaults.js';
import { type Draft, newDraft } from './draft.js';
import type { FileAccess } from './files.js';
import { atPlace, type ConfigSource, type Place, Reader } from './reader.js';
import { fatalFindings, type Severity, warningFindings } from './validate.js';

export type { ConfigContext } from './defaults.js';
export type { ConfigSource } from './reader.js';

const throwAt = (error: DirectiveError, place: Place): never => {
  const text = error instanceof DeviceWordError ? error.message : atPlace(error.message, place);
  throw new CodedError('ERR_TB_CONFIG', text, { cause: error });
};

const rethrow = (error: CodedError): never => {
  throw error;
};

/**
 * Reads a configuration. The first error ends it, as in chronyd: CodedError('ERR_TB_CONFIG') with chronyd's text
 * (without `Fatal error : `), or ERR_TB_CONFIG_FILE when a file cannot be read.
 */
export function parseConfig(source: ConfigSource, files: FileAccess, context: ConfigContext): Config {
  const draft = newDraft(context);
  new Reader(files, draft, { onError: throwAt, onFileError: rethrow }).read(source);
  const fatal = fatalFindings(draft)[0];
  if (fatal !== undefined) throw new CodedError('ERR_TB_CONFIG', fatal.text);
  draft.warnings.push(...warningFindings(draft).map(({ text }) => text));
  return draft;
}

/** Option -R: a restart makes none of the steps that belong to a start (initstepslew, a limited makestep). */
export const forRestart = (config: Config): Config => {
  const { clock, discipline } = config;
  const { makestep } = discipline;
  return {
    ...config,
    clock: { ...clock, initstepslew: undefined },
    discipline: { ...discipline, makestep: makestep !== undefined && makestep.limit > 0 ? undefined : makestep },
  };
};

export interface ConfigProblem {
  readonly severity: Severity;
  /** chronyd's message where it has one, without the place. */
  readonly text: string;
  readonly hint: string | undefined;
  /** Undefined: the configuration as a whole. */
  readonly place: Place | undefined;
}

/** Reads on after an error: everything that is wrong, in the order of the lines, then what is wrong with the whole. */
export function checkConfig(source: ConfigSource, files: FileAccess, context: ConfigContext): readonly ConfigProblem[] {
  const draft: Draft = newDraft(context);
  const problems: ConfigProblem[] = [];
  new Reader(files, draft, {
    onError: ({ message, hint }, place) => problems.push({ severity: 'error', text: message, hint, place }),
    onFileError: ({ message }, place) => problems.push({ severity: 'error', text: message, hint: undefined, place }),
  }).read(source);
  const findings = [...fatalFindings(draft), ...warningFindings(draft)];
  for (const { severity, text, hint } of findings) problems.push({ severity, text, hint, place: undefined });
  for (const text of draft.warnings) problems.push({ severity: 'warning', text, hint: undefined, place: undefined });
  return problems;
}

/** One problem as a line of text: `FILE:LINE: error: Invalid directive foo (did you mean …?)`. */
export const formatProblem = ({ severity, text, hint, place }: ConfigProblem): string => {
  const where = place === undefined ? '' : `${place.file ?? 'command line'}:${place.line}: `;
  return `${where}${severity}: ${text}${hint === undefined ? '' : ` (${hint})`}`;
};

/**
 * The flattened configuration, for `-p`: each directive as it is read, words parted by one space, included files in
 * their places. Like chronyd it prints a wrong line, too, and then throws as parseConfig does, but for what is only
 * found when devices are opened and tables are filled.
 */
export function flatten(
  source: ConfigSource,
  files: FileAccess,
  context: ConfigContext,
  print: (line: string) => void,
): void {
  const onLine = (words: readonly string[]): void => print(words.join(' '));
  const onError = (error: DirectiveError, place: Place): void => {
    if (!(error instanceof DeviceWordError)) throwAt(error, place);
  };
  new Reader(files, newDraft(context), { onLine, onError, onFileError: rethrow }).read(source);
}
