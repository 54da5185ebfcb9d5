import type { Args, DirectiveError, Range } from './args.js';

/** `{ -readonly }` all the way that the draft of a configuration needs. */
export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Reads the value of one option, if it has one, into `out`. */
export type OptionReader<T> = (args: Args, out: Mutable<T>) => void;

/** Options by their lower-case name. */
export type OptionTable<T> = Readonly<Record<string, OptionReader<T>>>;

type KeysOf<T, V> = { [K in keyof T]-?: T[K] extends V ? (V extends T[K] ? K : never) : never }[keyof T];

export const flag =
  <T>(key: KeysOf<T, boolean>): OptionReader<T> =>
  (_args, out) => {
    (out as Record<PropertyKey, unknown>)[key] = true;
  };

export const integer =
  <T>(key: KeysOf<T, number>, range?: Range): OptionReader<T> =>
  (args, out) => {
    (out as Record<PropertyKey, unknown>)[key] = args.int(range);
  };

export const decimal =
  <T>(key: KeysOf<T, number>): OptionReader<T> =>
  (args, out) => {
    (out as Record<PropertyKey, unknown>)[key] = args.decimal();
  };

/** The four selection options, which NTP sources and reference clocks share. */
export const SELECT_OPTIONS: OptionTable<{
  prefer: boolean;
  noselect: boolean;
  trust: boolean;
  require: boolean;
}> = { prefer: flag('prefer'), noselect: flag('noselect'), trust: flag('trust'), require: flag('require') };

/**
 * Reads options until the line ends. `unknown` makes the error for a word that is no option: chronyd words it
 * differently in different directives.
 */
export function readOptions<T>(
  args: Args,
  table: OptionTable<T>,
  out: Mutable<T>,
  unknown: (word: string) => DirectiveError = (word) => args.invalidOption(word),
): void {
  for (let word = args.optional(); word !== undefined; word = args.optional()) {
    const name = word.toLowerCase();
    if (!Object.hasOwn(table, name)) throw unknown(word);
    table[name]!(args, out);
  }
}
