import { join } from 'node:path';
import type { Trace } from '../core/report/traces.js';
import { banner, type ChronyLogName, COLUMNS, lineOf } from './chronylog.js';
import { LineFile } from './linefile.js';

export interface ChronyFilesOptions {
  readonly logdir: string;
  /** Entries between headings; 0 = no headings. */
  readonly logbanner: number;
  /** Logs that were asked for; others are not written. */
  readonly names: ReadonlySet<string>;
  /** Told once for a file that cannot be opened. */
  readonly onProblem: (text: string) => void;
}

/** `logdir/NAME.log`, opened with its first entry. */
class EntryFile {
  readonly #name: ChronyLogName;
  readonly #options: ChronyFilesOptions;
  #file: LineFile | undefined;
  #entries = 0;
  #failed = false;

  constructor(name: ChronyLogName, options: ChronyFilesOptions) {
    this.#name = name;
    this.#options = options;
  }

  write(line: string): void {
    const file = this.#open();
    if (file === undefined) return;
    const { logbanner } = this.#options;
    if (logbanner > 0 && this.#entries % logbanner === 0) file.write(banner(this.#name));
    this.#entries++;
    file.write(line);
  }

  /** The next entry opens the file anew, with a heading. */
  cycle(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#entries = 0;
    this.#failed = false;
  }

  #open(): LineFile | undefined {
    if (this.#file !== undefined || this.#failed) return this.#file;
    try {
      this.#file = LineFile.create(join(this.#options.logdir, `${this.#name}.log`));
    } catch (e) {
      this.#failed = true;
      this.#options.onProblem(e instanceof Error ? e.message : String(e));
    }
    return this.#file;
  }
}

/** All ten tests passed. */
const ALL_TESTS = 0x3ff;

/** Raw measurements go to the same file as those that pass the tests. */
const isWanted = (name: ChronyLogName, asked: ReadonlySet<string>): boolean =>
  asked.has(name) || (name === 'measurements' && asked.has('rawmeasurements'));

/** chrony's log files in one directory. Entries of logs that were not asked for cost nothing. */
export class ChronyFiles {
  readonly #files: ReadonlyMap<ChronyLogName, EntryFile>;
  readonly #raw: boolean;

  constructor(options: ChronyFilesOptions) {
    this.#raw = options.names.has('rawmeasurements');
    const names = (Object.keys(COLUMNS) as ChronyLogName[]).filter((n) => isWanted(n, options.names));
    this.#files = new Map(names.map((n) => [n, new EntryFile(n, options)]));
  }

  write(trace: Trace): void {
    if (trace.log === 'measurements' && trace.tests !== ALL_TESTS && !this.#raw) return;
    this.#files.get(trace.log)?.write(lineOf(trace));
  }

  /** Command cyclelogs, after logrotate has moved the files away. */
  cycle(): void {
    for (const file of this.#files.values()) file.cycle();
  }

  close(): void {
    this.cycle();
  }
}
