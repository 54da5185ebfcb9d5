import { closeSync, fsyncSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { CodedError } from '../base/errors.js';
import type { Store } from '../ports/store.js';

/** Bytes; the files kept here are a line or a table, never more. */
const MAX_SIZE = 1 << 20;

export class FileStore implements Store {
  read(path: string): string | undefined {
    try {
      const data = readFileSync(path);
      if (data.length > MAX_SIZE) throw new CodedError('ERR_TB_SYSCALL', `${path} is too large`);
      return data.toString('latin1');
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return undefined;
      if (error instanceof CodedError) throw error;
      throw new CodedError('ERR_TB_SYSCALL', `Could not read ${path}: ${(error as Error).message}`, { cause: error });
    }
  }

  writeAtomic(path: string, text: string): void {
    const temporary = `${path}.tmp`;
    let fd: number | undefined;
    try {
      fd = openSync(temporary, 'w', 0o644);
      writeSync(fd, text);
      // Content before name: a power cut must never leave an empty file under the real name.
      fsyncSync(fd);
      closeSync(fd);
      fd = undefined;
      renameSync(temporary, path);
      syncDirectory(dirname(path));
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      try {
        unlinkSync(temporary);
      } catch {
        // It may never have come into being.
      }
      throw new CodedError('ERR_TB_SYSCALL', `Could not write ${path}: ${(error as Error).message}`, { cause: error });
    }
  }
}

const syncDirectory = (path: string): void => {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } catch {
    // Some file systems refuse to sync a directory; the rename is then as safe as they make it.
  } finally {
    closeSync(fd);
  }
};
