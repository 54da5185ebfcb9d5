import { checkConfig, formatProblem } from '../../conf/parse.js';
import { readConfigFiles } from '../daemon/files.js';
import type { CliIo } from './session.js';

const EXIT = { OK: 0, USAGE: 64, CONFIG: 78 } as const;

/**
 * `timeball check FILE`: everything that is wrong or doubtful in a configuration, not the first error alone. 0: the
 * daemon would start with it (there may be warnings); 78: it would not.
 */
export const check = (argv: readonly string[], io: CliIo): number => {
  const [file] = argv;
  if (file === undefined || argv.length > 1 || file.startsWith('-')) {
    io.err('Usage: timeball check FILE\n');
    return EXIT.USAGE;
  }
  const problems = checkConfig({ file }, readConfigFiles, { chronyNames: false });
  for (const problem of problems) io.out(`${formatProblem(problem)}\n`);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const warnings = problems.length - errors;
  const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
  io.out(
    problems.length === 0
      ? `${file}: no problems\n`
      : `${file}: ${count(errors, 'error')}, ${count(warnings, 'warning')}\n`,
  );
  return errors > 0 ? EXIT.CONFIG : EXIT.OK;
};
