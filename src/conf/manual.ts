import { DIRECTIVES } from './directives.js';
import { type Directive, GROUPS } from './table.js';

const HEAD = `# timeball.conf(5)

The configuration of timeballd. Its language is that of chrony.conf(5), version 4.8: one directive a line, at most 2048
characters. Words are parted by blanks. A line whose first character is one of \`! ; # %\` is a comment; there are no
comments behind a directive. Names of directives and options may be written in either case. Of a directive that is
given twice the last counts, unless it adds to a list. An error ends the start; \`timeball check FILE\` shows all of them.

Directives marked *(addition)* are not chrony's. Numbers must be decimal and are read to their end: where chrony takes
\`1x\` for 1, and \`inf\` or \`nan\` for a number, timeballd refuses the line.

This page is made from the table of directives (\`scripts/write-man.mjs\`).
`;

const entry = ({ name, syntax, default: value, doc, addition }: Directive): string => {
  const usage = syntax === '' ? name : `${name} ${syntax}`;
  return `- \`${usage}\`: ${doc} Default: ${value}.${addition === true ? ' *(addition)*' : ''}`;
};

/** The manual page timeball.conf(5), one line for each directive. */
export function manual(): string {
  const sections = GROUPS.map((group) => {
    const lines = DIRECTIVES.filter((d) => d.group === group).map(entry);
    return `## ${group}\n\n${lines.join('\n')}\n`;
  });
  return [HEAD, ...sections].join('\n');
}
