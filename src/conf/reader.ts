import { CodedError } from '../base/errors.js';
import { Args, DirectiveError } from './args.js';
import { findDirective } from './directives.js';
import type { Draft } from './draft.js';
import type { FileAccess } from './files.js';
import { filesOf, glob } from './glob.js';
import { isTooLong, splitLines, splitWords } from './lexer.js';
import { suggest } from './suggest.js';
import type { Includer } from './table.js';

/** A file, or the directives of the command line (each one a line; errors then name no file). */
export type ConfigSource = { readonly file: string } | { readonly lines: readonly string[] };

/** Where a line stands. */
export interface Place {
  readonly file: string | undefined;
  /** From 1. */
  readonly line: number;
}

/** chronyd's ending of a message about a line. */
export const atPlace = (text: string, { file, line }: Place): string =>
  `${text} at line ${line}${file === undefined ? '' : ` in file ${file}`}`;

export interface ReaderHooks {
  /** Before a directive takes effect; those that read other files are not told. */
  readonly onLine?: (words: readonly string[]) => void;
  /** A line is wrong: throw to end the reading, return to go on with the next line. */
  readonly onError: (error: DirectiveError, place: Place) => void;
  /** A file cannot be read, or the files are nested too deeply: throw, or return to go on without it. */
  readonly onFileError: (error: CodedError, place: Place | undefined) => void;
}

/** Files inside files, the first one included. */
const MAX_DEPTH = 10;

const INCLUDERS: ReadonlySet<string> = new Set(['include', 'confdir']);

/** Walks through lines and the files that they pull in, and lets the directives write to a draft. */
export class Reader implements Includer {
  readonly #files: FileAccess;
  readonly #draft: Draft;
  readonly #hooks: ReaderHooks;
  #depth = 0;
  /** Files that include themselves over and over would keep a reader that goes on after errors busy for ever. */
  #stopped = false;
  #place: Place | undefined;

  constructor(files: FileAccess, draft: Draft, hooks: ReaderHooks) {
    this.#files = files;
    this.#draft = draft;
    this.#hooks = hooks;
  }

  read(source: ConfigSource): void {
    if ('file' in source) this.#readFile(source.file);
    else for (const [i, line] of source.lines.entries()) this.#readLine(line, { file: undefined, line: i + 1 });
  }

  include(pattern: string): void {
    for (const path of glob(pattern, this.#files)) this.#readFile(path);
  }

  confdir(directories: readonly string[]): void {
    for (const path of filesOf(directories, '.conf', this.#files)) this.#readFile(path);
  }

  #readFile(path: string): void {
    const from = this.#place;
    const text = this.#open(path, from);
    if (text === undefined) return;
    this.#depth++;
    for (const [i, line] of splitLines(text).entries()) this.#readLine(line, { file: path, line: i + 1 });
    this.#depth--;
    this.#place = from;
  }

  #open(path: string, from: Place | undefined): string | undefined {
    if (this.#stopped) return undefined;
    if (this.#depth >= MAX_DEPTH) {
      this.#stopped = true;
      this.#hooks.onFileError(new CodedError('ERR_TB_CONFIG', 'Maximum include level reached'), from);
      return undefined;
    }
    try {
      const text = this.#files.read(path);
      if (text !== undefined) return text;
    } catch (e) {
      if (!(e instanceof CodedError)) throw e;
      this.#hooks.onFileError(e, from);
      return undefined;
    }
    const text = `Could not open ${path} : No such file or directory`;
    this.#hooks.onFileError(new CodedError('ERR_TB_CONFIG_FILE', text), from);
    return undefined;
  }

  #readLine(line: string, place: Place): void {
    this.#place = place;
    try {
      if (isTooLong(line)) throw new DirectiveError('String too long');
      const words = splitWords(line);
      if (words.length > 0) this.#apply(words);
    } catch (e) {
      if (!(e instanceof DirectiveError)) throw e;
      this.#hooks.onError(e, place);
    }
  }

  #apply(words: readonly string[]): void {
    const name = words[0]!;
    const directive = findDirective(name);
    if (directive === undefined || !INCLUDERS.has(directive.name)) this.#hooks.onLine?.(words);
    if (directive === undefined) throw new DirectiveError(`Invalid directive ${name}`, suggest(name));
    const place = this.#place!;
    directive.parse(new Args(name, words.slice(1), (text) => atPlace(text, place)), this.#draft, this);
  }
}
