import { CLOCK_DIRECTIVES } from './directives/clock.js';
import { COMMAND_DIRECTIVES } from './directives/command.js';
import { DAEMON_DIRECTIVES } from './directives/daemon.js';
import { NTS_DIRECTIVES } from './directives/nts.js';
import { REFCLOCK_DIRECTIVES } from './directives/refclock.js';
import { SELECTION_DIRECTIVES } from './directives/selection.js';
import { SERVER_DIRECTIVES } from './directives/server.js';
import { SOURCE_DIRECTIVES } from './directives/sources.js';
import type { Directive } from './table.js';

/** The one table of directives: the parser, the manual and the checks read it and nothing else. */
export const DIRECTIVES: readonly Directive[] = [
  ...REFCLOCK_DIRECTIVES,
  ...SOURCE_DIRECTIVES,
  ...SELECTION_DIRECTIVES,
  ...CLOCK_DIRECTIVES,
  ...SERVER_DIRECTIVES,
  ...COMMAND_DIRECTIVES,
  ...NTS_DIRECTIVES,
  ...DAEMON_DIRECTIVES,
];

const BY_NAME: ReadonlyMap<string, Directive> = new Map(DIRECTIVES.map((d) => [d.name, d]));

/** Names are compared without regard to case. */
export const findDirective = (name: string): Directive | undefined => BY_NAME.get(name.toLowerCase());
