import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { plainReason } from '../../base/errors.js';

/** Owner of the daemon at run time. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const DIRECTORY_MODE = 0o770;

const missing = (path: string): boolean => {
  try {
    lstatSync(path);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
};

/**
 * As `mkdir -p`: parents that are missing are made as everybody's. Not mkdirSync's `recursive`, which in Node 20 never
 * returns where a parent exists and nothing can be made in it (/proc). Throws what the system says.
 */
export const makeDirectory = (directory: string, mode: number): void => {
  if (existsSync(directory)) return;
  makeDirectory(dirname(directory), 0o755);
  mkdirSync(directory, { mode });
};

/** Parents as everybody's, the directory itself closed to all but the daemon's user and group. */
const create = (directory: string, owner: Owner): void => {
  makeDirectory(directory, DIRECTORY_MODE);
  // mkdir's mode went through the umask.
  chmodSync(directory, DIRECTORY_MODE);
  chownSync(directory, owner.uid, owner.gid);
};

const judge = (directory: string, found: Stats, owner: Owner): string | undefined => {
  if (!found.isDirectory()) return `${directory} is not a directory`;
  if ((found.mode & 0o777 & ~DIRECTORY_MODE) !== 0) return `Wrong permissions on ${directory}`;
  if (found.uid !== owner.uid) return `Wrong owner of ${directory} (UID != ${owner.uid})`;
  if (found.gid !== owner.gid) return `Wrong owner of ${directory} (GID != ${owner.gid})`;
  return undefined;
};

/**
 * Makes sure of the directory that guards the command socket: whoever may enter it has full access. Returns what is
 * wrong with it, in chronyd's words; undefined when all is well.
 */
export const prepareSocketDirectory = (directory: string, owner: Owner): string | undefined => {
  try {
    if (missing(directory)) create(directory, owner);
    return judge(directory, lstatSync(directory), owner);
  } catch (error) {
    return `Could not access ${directory} : ${plainReason((error as Error).message)}`;
  }
};
