/** Processes of the benchmark, each in a network namespace and on cores of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

/** Children are in sessions of their own: an interrupt of ours has to be handed on. */
const children = new Set<ChildProcess>();

export const killChildren = (): void => {
  for (const child of children) child.kill('SIGKILL');
};

/**
 * Both sides run ahead of what else the machine does: in a session of their own, because the kernel's autogroups make
 * niceness count inside a session only.
 */
export const inNamespace = (ns: string, cores: string, args: readonly string[]): ChildProcess => {
  const whole = ['netns', 'exec', ns, 'nice', '-n', '-15', 'taskset', '-c', cores, ...args];
  const child = spawn('ip', whole, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  children.add(child);
  child.once('exit', () => children.delete(child));
  try {
    writeFileSync(`/proc/${child.pid}/autogroup`, '-15');
  } catch {
    // No autogroups here: niceness alone does it.
  }
  return child;
};

export const rssMb = (pid: number): number => {
  const [, kb] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kb ?? 0) / 1024;
};

export const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
};
