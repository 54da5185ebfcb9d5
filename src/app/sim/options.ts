import { CodedError } from '../../base/errors.js';

/** What an option takes: nothing, or one value. */
export type OptionTable = Readonly<Record<string, 'flag' | 'value'>>;

/** Long options and positional words of one subcommand. `--name value` and `--name=value`. */
export class Options {
  readonly words: readonly string[];
  private readonly values = new Map<string, string[]>();

  /** @throws CodedError ERR_TB_USAGE */
  constructor(argv: readonly string[], table: OptionTable) {
    const words: string[] = [];
    for (let i = 0; i < argv.length; i++) {
      const word = argv[i]!;
      if (!word.startsWith('--')) {
        words.push(word);
        continue;
      }
      const [name, inline] = cut(word.slice(2));
      const kind = table[name];
      if (kind === undefined) throw new CodedError('ERR_TB_USAGE', `unknown option --${name}`);
      if (kind === 'flag' && inline !== undefined) throw new CodedError('ERR_TB_USAGE', `--${name} takes no value`);
      const value = kind === 'flag' ? '' : (inline ?? argv[++i]);
      if (value === undefined) throw new CodedError('ERR_TB_USAGE', `--${name} needs a value`);
      this.values.set(name, [...(this.values.get(name) ?? []), value]);
    }
    this.words = words;
  }

  flag(name: string): boolean {
    return this.values.has(name);
  }

  /** The last one given. */
  text(name: string): string | undefined {
    return this.values.get(name)?.at(-1);
  }

  all(name: string): readonly string[] {
    return this.values.get(name) ?? [];
  }

  /** Comma-separated. */
  list(name: string): readonly string[] | undefined {
    return this.text(name)
      ?.split(',')
      .filter((x) => x !== '');
  }

  /** @throws CodedError ERR_TB_USAGE unless it is a number in [min, max]. */
  number(name: string, min: number, max: number): number | undefined {
    const given = this.text(name);
    if (given === undefined) return undefined;
    const value = given.trim() === '' ? Number.NaN : Number(given);
    if (!(value >= min && value <= max)) {
      throw new CodedError('ERR_TB_USAGE', `--${name} must be a number from ${min} to ${max}`);
    }
    return value;
  }
}

const cut = (option: string): [string, string | undefined] => {
  const i = option.indexOf('=');
  return i < 0 ? [option, undefined] : [option.slice(0, i), option.slice(i + 1)];
};
