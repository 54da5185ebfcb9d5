/** Programs in the guest: started, asked, ended. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/** Programs of the peers come with libraries of their own. */
export const LOADER = ['/peer/ld.so', '--library-path', '/peer/lib'];

/** Starts a program that prints into the file `log`. */
export const startLogged = (log: string, words: readonly string[]): ChildProcess => {
  const out = openSync(log, 'a');
  const [program, ...rest] = words;
  const child = spawn(program!, rest, { stdio: ['ignore', out, out] });
  closeSync(out);
  return child;
};

/** Ends a program and waits for it; one that has ended already, or was never started, is none. */
export const stop = async (child: ChildProcess | undefined): Promise<void> => {
  if (child === undefined || child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill();
  await ended;
};

/** What the peer's client says of the daemon with its socket in `folder`; '' when that does not answer. */
export const chronyc = (folder: string, words: readonly string[]): string => {
  const [program, ...rest] = [...LOADER, '/peer/chronyc', '-h', `${folder}/sock`, '-n', ...words];
  const { status, stdout } = spawnSync(program!, rest, { encoding: 'utf8' });
  return status === 0 ? stdout : '';
};
