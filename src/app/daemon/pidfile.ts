import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { CodedError } from '../../base/errors.js';
import { makeDirectory } from '../../control/cmdmon/directory.js';
import { messageOf, plainReason } from '../../devices/retry.js';

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
};

/** The process that a pid file names, if it runs and is not us. */
const otherInstance = (path: string): number | undefined => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  const pid = /^\d{1,9}\s*$/.test(text) ? Number(text) : 0;
  return pid > 0 && pid !== process.pid && isRunning(pid) ? pid : undefined;
};

/** Throws ERR_TB_RUNNING with chronyd's words when another daemon has written the pid file and lives. */
export const checkOtherInstance = (path: string): void => {
  const pid = otherInstance(path);
  if (pid === undefined) return;
  throw new CodedError('ERR_TB_RUNNING', `Another chronyd may already be running (pid=${pid}), check ${path}`);
};

/** Writes our pid; returns the removal. Throws ERR_TB_SYSCALL when the file cannot be written. */
export const writePidFile = (path: string): (() => void) => {
  try {
    makeDirectory(dirname(path), 0o755);
    writeFileSync(path, `${process.pid}\n`);
  } catch (error) {
    const text = `Could not open ${path} : ${plainReason(messageOf(error))}`;
    throw new CodedError('ERR_TB_SYSCALL', text, { cause: error });
  }
  return () => {
    try {
      unlinkSync(path);
    } catch {
      // Somebody else removed it.
    }
  };
};
