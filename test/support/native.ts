import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';

/** The call fails in the kernel with this errno name. */
export const failsWith = (code: string, call: () => unknown): void => {
  assert.throws(call, (error: NodeJS.ErrnoException) => {
    assert.equal(error.code, code, error.message);
    assert.ok(error instanceof Error && !(error instanceof TypeError));
    assert.ok((error.errno ?? 0) > 0);
    assert.ok((error.syscall ?? '').length > 0);
    return true;
  });
};

/** Each call is misuse: a TypeError and nothing else. */
export const misused = (calls: (() => unknown)[]): void => {
  for (const call of calls) assert.throws(call, TypeError, call.toString());
};

/** Waits (bounded) until the condition holds. */
export const until = async (what: string, holds: () => boolean, timeoutMs = 5000): Promise<void> => {
  const rounds = Math.ceil(timeoutMs / 5);
  for (let i = 0; i < rounds && !holds(); i++) await sleep(5);
  assert.ok(holds(), `timed out: ${what}`);
};

/** Open descriptors of this process, but for those that lead to `except`. */
export const openFds = (except = ''): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) !== except;
    } catch {
      return false; // the listing's own
    }
  }).length;
/** Threads of this process that the addon started. */
export const threadCount = (): number =>
  readdirSync('/proc/self/task').filter((id) => {
    try {
      return readFileSync(`/proc/self/task/${id}/comm`, 'utf8').startsWith('tb-');
    } catch {
      return false; // ended meanwhile
    }
  }).length;

const nativeUrl = new URL('../../src/devices/native.js', import.meta.url).href;

/** Runs a module body in a process of its own, `native` and `gc` at hand; resolves to what it wrote. Rejects when it fails. */
export const inChild = async (body: string, env: Record<string, string> = {}): Promise<string> => {
  const code = `import { loadNative } from ${JSON.stringify(nativeUrl)};\nconst native = loadNative();\n${body}`;
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--expose-gc', '--input-type=module', '-e', code], {
    env: { ...process.env, ...env },
    timeout: 20_000,
  });
  return stdout.trim();
};

/** Runs a function body in a worker, with `native`, `data` and `parentPort` in scope. */
export const startWorker = (body: string, data: unknown = {}): Worker => {
  const code = `
    const { parentPort, workerData: data } = require('node:worker_threads');
    import(${JSON.stringify(nativeUrl)}).then(({ loadNative }) => { const native = loadNative(); ${body} });`;
  return new Worker(code, { eval: true, workerData: data });
};
