/**
 * Reading the words after a directive's name. Everything that does not fit throws a DirectiveError with chronyd's
 * wording; the reader of the file adds the place (` at line N in file F`).
 */

/** What is wrong in one line. `text` is chronyd's message without the place; `hint` says more, for `check`. */
export class DirectiveError extends Error {
  override name = 'DirectiveError';
  readonly hint: string | undefined;
  constructor(text: string, hint?: string) {
    super(text);
    this.hint = hint;
  }
}

/** chronyd finds it when it opens the device, and knows no line any more: its message ends without the place. */
export class DeviceWordError extends DirectiveError {}

/** A range of whole numbers, both ends allowed. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

const INT_MAX = 2147483647;
export const ANY_INT: Range = { min: -INT_MAX - 1, max: INT_MAX };
export const NOT_NEGATIVE: Range = { min: 0, max: INT_MAX };
export const POSITIVE: Range = { min: 1, max: INT_MAX };
export const PORT: Range = { min: 0, max: 65535 };

/** Strict base 10; undefined when the word is anything else. Leading zeros are allowed, as strtol does. */
export const parseInteger = (word: string): number | undefined => {
  if (!/^[+-]?[0-9]{1,18}$/.test(word)) return undefined;
  const value = Number(word);
  return value === 0 ? 0 : value;
};

/** Decimal with or without exponent. Stricter than chronyd, whose scanf takes `nan`, `inf` and trailing letters. */
export const parseDecimal = (word: string): number | undefined => {
  if (!/^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i.test(word)) return undefined;
  const value = Number(word);
  return Number.isFinite(value) ? value : undefined;
};

export class Args {
  /** As written: chronyd repeats the directive's name in the case it was given. */
  readonly directive: string;
  /** Adds to a message where the line stands, for what is only found out when nobody knows the line any more. */
  readonly at: (text: string) => string;
  readonly #words: readonly string[];
  #next = 0;

  constructor(directive: string, words: readonly string[], at: (text: string) => string = (text) => text) {
    this.directive = directive;
    this.at = at;
    this.#words = words;
  }

  get left(): number {
    return this.#words.length - this.#next;
  }

  /** Checks how many words there are, before any is read. */
  expect(min: number, max = min): this {
    if (this.left < min) throw new DirectiveError(`Missing arguments for ${this.directive} directive`);
    if (this.left > max) {
      throw new DirectiveError(`Too many arguments for ${this.directive} directive`, this.#trailingComment());
    }
    return this;
  }

  /** The next word as it stands; an error when there is none. */
  word(): string {
    const word = this.optional();
    if (word === undefined) throw this.unparsable();
    return word;
  }

  optional(): string | undefined {
    return this.left > 0 ? this.#words[this.#next++] : undefined;
  }

  rest(): readonly string[] {
    const rest = this.#words.slice(this.#next);
    this.#next = this.#words.length;
    return rest;
  }

  int(range: Range = ANY_INT): number {
    const word = this.word();
    const value = parseInteger(word);
    if (value === undefined) throw this.unparsable(`"${word}" is not a whole number`);
    if (value < range.min || value > range.max) {
      const { min, max } = range;
      throw new DirectiveError(`Invalid value ${word} in ${this.directive} directive (min ${min}, max ${max})`);
    }
    return value;
  }

  decimal(): number {
    const word = this.word();
    const value = parseDecimal(word);
    if (value === undefined) throw this.unparsable(`"${word}" is not a number`);
    return value;
  }

  unparsable(hint?: string): DirectiveError {
    return new DirectiveError(`Could not parse ${this.directive} directive`, hint ?? this.#trailingComment());
  }

  invalidOption(word: string): DirectiveError {
    const hint = this.#trailingComment() ?? `"${word}" is no option of ${this.directive.toLowerCase()}`;
    return new DirectiveError(`Invalid option in ${this.directive} directive`, hint);
  }

  invalidValue(hint: string): DirectiveError {
    return new DirectiveError(`Invalid value in ${this.directive} directive`, hint);
  }

  #trailingComment(): string | undefined {
    const word = this.#words.find((w) => /^[#!;%]/.test(w));
    return word === undefined ? undefined : `a comment must be a line of its own; "${word}" was read as an argument`;
  }
}
