import { spawn } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';

/** Marks the process that stays; its descriptor 3 leads to the one that waits. */
const MARK = 'TIMEBALL_BACKGROUND';
const READY_FD = 3;

export const inBackground = (): boolean => process.env[MARK] === '1';

/**
 * Starts ourselves again, detached, and waits until that process is ready or has failed. Resolves to the exit status
 * of the first process: 0 only when the daemon is ready; its fatal message has then been printed to stderr.
 */
export const goToBackground = (): Promise<number> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      // Names of files on the command line are seen from where we are; it leaves for / once it has read them.
      env: { ...process.env, [MARK]: '1' },
    });
    let text = '';
    const pipe = child.stdio[READY_FD];
    pipe?.on('data', (bytes: Buffer) => {
      text += bytes.toString('utf8').slice(0, 4096);
    });
    pipe?.on('close', () => {
      child.unref();
      const ready = text.startsWith('ready');
      if (!ready) process.stderr.write(text === '' ? 'The daemon did not start\n' : text);
      resolve(ready ? 0 : 1);
    });
    child.on('error', (error) => {
      process.stderr.write(`Fatal error : ${error.message}\n`);
      resolve(1);
    });
  });

/** Tells the waiting process how it went; to be called once. Nothing happens in a process that was not detached. */
export const tellStarter = (message: string): void => {
  if (!inBackground()) return;
  try {
    writeSync(READY_FD, message);
    closeSync(READY_FD);
  } catch {
    // The starter is gone; we go on without it.
  }
};
