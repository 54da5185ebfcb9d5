import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { CodedError, plainReason } from '../base/errors.js';

const open = (path: string): number => {
  try {
    return openSync(path, 'a', 0o640);
  } catch (e) {
    const reason = e instanceof Error ? e.message : String(e);
    throw new CodedError('ERR_TB_SYSCALL', `Could not open ${path} : ${plainReason(reason)}`, { cause: e });
  }
};

/**
 * A log that lines are added to, synchronously: what was said before a crash is in the file. A line that cannot be
 * written (disk full, reader of a pipe gone) is dropped and counted; a log never ends the daemon.
 */
export class LineFile {
  readonly #path: string | undefined;
  /** Undefined = closed: the number may be another file's by now. */
  #fd: number | undefined;
  #dropped = 0;

  private constructor(fd: number, path: string | undefined) {
    this.#fd = fd;
    this.#path = path;
  }

  /** @throws CodedError ERR_TB_SYSCALL */
  static open(path: string): LineFile {
    return new LineFile(open(path), path);
  }

  /** As `open`, and makes the directory when it is missing (its parent must be there). */
  static create(path: string): LineFile {
    try {
      mkdirSync(dirname(path), { mode: 0o750 });
    } catch {
      // It is there, or what is wrong shows better when the file is opened.
    }
    return LineFile.open(path);
  }

  /** Somebody else's descriptor (stderr): never reopened or closed. */
  static of(fd: number): LineFile {
    return new LineFile(fd, undefined);
  }

  get dropped(): number {
    return this.#dropped;
  }

  write(text: string): void {
    try {
      if (this.#fd !== undefined) writeSync(this.#fd, `${text}\n`);
    } catch {
      this.#dropped++;
    }
  }

  /** After the file was moved away (logrotate, `cyclelogs`). When it cannot be opened again the old one stays. */
  reopen(): void {
    if (this.#path === undefined || this.#fd === undefined) return;
    const fresh = open(this.#path);
    closeSync(this.#fd);
    this.#fd = fresh;
  }

  close(): void {
    const fd = this.#fd;
    if (this.#path === undefined || fd === undefined) return;
    this.#fd = undefined;
    try {
      fsyncSync(fd);
    } catch {
      // Not every file can be synchronised (a pipe, /dev/null).
    }
    closeSync(fd);
  }
}
