import { Args, DirectiveError } from './args.js';
import type { NtpSourceConfig } from './config.js';
import { parseSource } from './directives/sources.js';
import type { FileAccess } from './files.js';
import { filesOf } from './glob.js';
import { isTooLong, splitWords } from './lexer.js';
import { atPlace } from './reader.js';

const KINDS = ['server', 'pool', 'peer'] as const;

function parseLine(words: readonly string[]): NtpSourceConfig {
  const name = words[0]!;
  const kind = KINDS.find((k) => k === name.toLowerCase());
  if (kind === undefined) throw new DirectiveError(`Invalid directive ${name}`);
  return parseSource(new Args(name, words.slice(1)), kind);
}

/**
 * The sources in the *.sources files of `sourcedir` directories. Programs write these files while the daemon runs, so
 * nothing here is fatal: a last line without its newline is still being written and left out, a wrong line is skipped
 * and told.
 */
export function readSourceDirs(
  directories: readonly string[],
  files: FileAccess,
): { readonly sources: readonly NtpSourceConfig[]; readonly problems: readonly string[] } {
  const sources: NtpSourceConfig[] = [];
  const problems: string[] = [];
  for (const file of filesOf(directories, '.sources', files)) {
    const lines = (files.read(file) ?? '').split('\n').slice(0, -1);
    for (const [i, line] of lines.entries()) {
      try {
        if (isTooLong(line)) throw new DirectiveError('String too long');
        const words = splitWords(line);
        if (words.length > 0) sources.push(parseLine(words));
      } catch (e) {
        if (!(e instanceof DirectiveError)) throw e;
        problems.push(atPlace(e.message, { file, line: i + 1 }));
      }
    }
  }
  return { sources, problems };
}
