import { type Args, NOT_NEGATIVE, type Range } from './args.js';
import type { Draft } from './draft.js';

/** Sections of the manual, in its order. */
export const GROUPS = [
  'Reference clocks',
  'NTP sources',
  'Source selection',
  'System clock',
  'NTP server',
  'Access',
  'Hardware time stamping',
  'Commands and monitoring',
  'NTS',
  'Real-time clock',
  'Logging',
  'Daemon',
] as const;
export type Group = (typeof GROUPS)[number];

/** What directives that pull in other files need from the reader. */
export interface Includer {
  include(pattern: string): void;
  confdir(directories: readonly string[]): void;
}

/** One row of the table: everything that parsing, the manual and the checks know about a directive. */
export interface Directive {
  readonly name: string;
  readonly group: Group;
  /** Arguments, as the manual shows them. */
  readonly syntax: string;
  /** Default, as the manual shows it. */
  readonly default: string;
  /** One line for the manual. */
  readonly doc: string;
  /** Not chrony's. */
  readonly addition?: true;
  readonly parse: (args: Args, draft: Draft, includer: Includer) => void;
}

interface Words {
  readonly name: string;
  readonly default: string;
  readonly doc: string;
  readonly syntax?: string;
  readonly addition?: true;
}

/** Constructors for the directives that have one argument or none, for one section of the manual. */
export const scalars = (group: Group) => ({
  int: (words: Words, set: (draft: Draft, value: number) => void, range: Range = NOT_NEGATIVE): Directive => ({
    syntax: 'N',
    ...words,
    group,
    parse: (args, draft) => set(draft, args.expect(1).int(range)),
  }),
  decimal: (words: Words, set: (draft: Draft, value: number) => void): Directive => ({
    syntax: 'SECONDS',
    ...words,
    group,
    parse: (args, draft) => set(draft, args.expect(1).decimal()),
  }),
  text: (words: Words, set: (draft: Draft, value: string) => void): Directive => ({
    syntax: 'FILE',
    ...words,
    group,
    parse: (args, draft) => set(draft, args.expect(1).word()),
  }),
  flag: (words: Words, set: (draft: Draft) => void): Directive => ({
    syntax: '',
    ...words,
    group,
    parse: (args, draft) => {
      args.expect(0);
      set(draft);
    },
  }),
});
