/** The tables of docs/chrony.md, made from the tables that the programs themselves read. */

import { LOG_NAMES } from '../conf/directives/daemon.js';
import { DRIVER_OPTIONS, REFCLOCK_OPTIONS } from '../conf/directives/refclock.js';
import { SOURCE_OPTIONS } from '../conf/directives/sources.js';
import { DIRECTIVES, findDirective } from '../conf/directives.js';
import { GROUPS } from '../conf/table.js';
import { WAITING_DIRECTIVES, WAITING_OPTIONS } from '../conf/waiting.js';
import { GROUPS as COMMAND_GROUPS } from './cli/help.js';
import { OPTIONS } from './daemon/options.js';

/** Options of the daemon that are read for chronyd's sake. */
const WAITING_DAEMON: Readonly<Record<string, string>> = {
  F: 'accepted without effect: the system call filter is the unit file’s',
};

const NO_LONGER = /No longer supported|Accepted and ignored/;

const state = (waits: string | undefined): string =>
  waits === undefined ? 'done' : waits.startsWith('accepted') ? waits : `read, waits for ${waits}`;

const directiveState = (name: string): string => {
  if (NO_LONGER.test(findDirective(name)?.doc ?? '')) return 'accepted and ignored, as by chronyd';
  return state(WAITING_DIRECTIVES[name]);
};

const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [heads, heads.map(() => '---'), ...rows].map((r) => `| ${r.join(' | ')} |`).join('\n');

const directives = (): string => {
  const rows = GROUPS.flatMap((group) =>
    DIRECTIVES.filter((d) => d.group === group).map((d) => [
      `\`${d.name}\`${d.addition === true ? ' (ours)' : ''}`,
      group,
      directiveState(d.name),
    ]),
  );
  return table(['directive', 'about', 'state'], rows);
};

const options = (): string => {
  const drivers = Object.entries(DRIVER_OPTIONS).flatMap(([driver, names]) => [
    driver,
    ...names.map((n) => `${driver}:${n}`),
  ]);
  const all = [
    ...SOURCE_OPTIONS.map((o) => ['server', o]),
    ...[...drivers, ...REFCLOCK_OPTIONS].map((o) => ['refclock', o]),
    ...['stratum', 'orphan', 'distance', 'activate', 'waitsynced', 'waitunsynced'].map((o) => ['local', o]),
    ...LOG_NAMES.map((o) => ['log', o]),
  ];
  const rows = all.map(([directive, option]) => [
    `\`${directive}\``,
    `\`${option}\``,
    state(WAITING_OPTIONS[`${directive} ${option}`]),
  ]);
  return table(['directive', 'option', 'state'], rows);
};

const daemonOptions = (): string => {
  const rows = OPTIONS.map(({ letter, long, help }) => {
    const name = letter === '' ? `--${long}` : `-${letter}`;
    return [`\`${name}\``, help, state(WAITING_DAEMON[letter])];
  });
  return table(['option', 'meaning', 'state'], rows);
};

const commands = (): string => {
  const rows = COMMAND_GROUPS.flatMap(([, lines]) =>
    lines.map(([syntax, text]) => [`\`${syntax.replaceAll('|', '\\|')}\``, text, 'done']),
  );
  return table(['command', 'meaning', 'state'], rows);
};

const SECTIONS: readonly (readonly [string, () => string])[] = [
  ['Directives', directives],
  ['Options of directives', options],
  ['Options of timeballd (as chronyd)', daemonOptions],
  ['Commands of timeball (as chronyc)', commands],
];

const MARK = '<!-- made by scripts/write-chrony-table.mjs: what follows is not edited by hand -->';

/** The document with its tables as they have to be; what stands before the mark stays. */
export const withTables = (document: string): string => {
  const guide = document.split(MARK)[0]!.trimEnd();
  const sections = SECTIONS.map(([title, make]) => `## ${title}\n\n${make()}\n`);
  return [`${guide}\n`, `${MARK}\n`, ...sections].join('\n');
};
