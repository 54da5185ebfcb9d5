import { COMMANDS } from './commands.js';
import { help } from './ourhelp.js';
import { bound } from './reports/bound.js';
import { receiverStatus } from './reports/receiver.js';
import { stability } from './reports/stability.js';
import { why } from './reports/why.js';
import type { Command } from './session.js';
import { SyntaxFault } from './syntax.js';
import { watch } from './watch.js';

/** `-v` alone, or nothing. */
const verbose = (args: readonly string[]): boolean => {
  if (args.some((word) => word !== '-v')) throw new SyntaxFault('Invalid syntax for stability command');
  return args.includes('-v');
};

/** Commands that chronyc has not, or has with less. */
export const OUR_COMMANDS: Readonly<Record<string, Command>> = {
  bound: (session) => bound(session),
  help,
  receiver: async (session, args) => {
    if (args.length !== 1 || args[0] !== 'status') throw new SyntaxFault('Invalid syntax for receiver command');
    await receiverStatus(session);
  },
  sources: (session, args) => (args.includes('--why') ? why(session) : COMMANDS['sources']!(session, args)),
  stability: (session, args) => stability(session, verbose(args)),
  watch,
};
