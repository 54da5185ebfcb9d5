import { SyntaxFault } from './syntax.js';
import { DEFAULT_PORT, DEFAULT_SERVERS, OUR_SERVERS } from './talk.js';

export interface CliOptions {
  /** Called as timeball: with what chronyc has not. */
  readonly ours: boolean;
  readonly family: 0 | 4 | 6;
  readonly naming: 'dns' | 'numeric' | 'source';
  readonly csv: boolean;
  readonly json: boolean;
  readonly wide: boolean;
  /** Every reply ends with a line of one dot. */
  readonly endDot: boolean;
  /** Each word is a command. */
  readonly multiple: boolean;
  readonly servers: readonly string[];
  readonly port: number;
  readonly show: 'version' | 'help' | undefined;
  readonly words: readonly string[];
}

type Draft = { -readonly [K in keyof CliOptions]: CliOptions[K] };

const FLAGS: Readonly<Record<string, (draft: Draft, value: string) => void>> = {
  '4': (d) => {
    d.family = 4;
  },
  '6': (d) => {
    d.family = 6;
  },
  // Taken and without effect, as in chronyc (-d is its debug log).
  a: () => undefined,
  d: () => undefined,
  f: () => undefined,
  u: () => undefined,
  c: (d) => {
    d.csv = true;
  },
  e: (d) => {
    d.endDot = true;
  },
  h: (d, value) => {
    d.servers = value.split(',').filter((server) => server !== '');
  },
  m: (d) => {
    d.multiple = true;
  },
  n: (d) => {
    d.naming = 'numeric';
  },
  N: (d) => {
    d.naming = 'source';
  },
  p: (d, value) => {
    d.port = Number.parseInt(value, 10) & 0xffff;
  },
  v: (d) => {
    d.show = 'version';
  },
  w: (d) => {
    d.wide = true;
  },
};
const WITH_VALUE = 'fhpu';

/** One word of short options (`-nc`, `-p323`); returns how many further words it took. */
const takeShort = (draft: Draft, word: string, next: string | undefined): number => {
  for (let i = 1; i < word.length; i++) {
    const letter = word[i]!;
    const apply = FLAGS[letter];
    if (apply === undefined) throw new SyntaxFault(`invalid option -- '${letter}'`);
    if (!WITH_VALUE.includes(letter)) {
      apply(draft, '');
      continue;
    }
    const attached = word.slice(i + 1);
    const value = attached !== '' ? attached : next;
    if (value === undefined) throw new SyntaxFault(`option requires an argument -- '${letter}'`);
    apply(draft, value);
    return attached !== '' ? 0 : 1;
  }
  return 0;
};

const takeLong = (draft: Draft, word: string, ours: boolean): void => {
  if (word === '--help') draft.show = 'help';
  else if (word === '--version') draft.show = 'version';
  else if (word === '--json' && ours) draft.json = true;
  else throw new SyntaxFault(ours ? `unrecognized option '${word}'` : "invalid option -- '-'");
};

/** Options end at the first word that is none. `ours`: with what chronyc has not; --json also after the command. */
export const parseArgs = (argv: readonly string[], ours: boolean): CliOptions => {
  const draft: Draft = {
    ours,
    family: 0,
    naming: 'dns',
    csv: false,
    json: false,
    wide: false,
    endDot: false,
    multiple: false,
    servers: (ours ? OUR_SERVERS : DEFAULT_SERVERS).split(','),
    port: DEFAULT_PORT,
    show: undefined,
    words: [],
  };
  let at = 0;
  for (; at < argv.length; at++) {
    const word = argv[at]!;
    if (word === '--') {
      at++;
      break;
    }
    if (word.startsWith('--')) takeLong(draft, word, ours);
    else if (word.startsWith('-') && word.length > 1) at += takeShort(draft, word, argv[at + 1]);
    else break;
  }
  const rest = argv.slice(at);
  draft.words = ours ? rest.filter((word) => word !== '--json') : rest;
  draft.json ||= draft.words.length !== rest.length;
  return draft;
};
