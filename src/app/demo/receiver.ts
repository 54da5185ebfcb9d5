import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { DemoReceiverConfig, DemoReceiverControl, DemoReceiverReady } from './receiver-config.js';

/** The parent's end of the demo's receiver process. */
export interface ReceiverHandle {
  readonly pid: number | undefined;
  readonly ready: DemoReceiverReady;
  send(control: DemoReceiverControl): void;
  /** Ends the process and waits for it. */
  stop(): Promise<void>;
}

/** Starts the receiver process and waits until its device is there; rejects with what it said when it does not come up. */
export const startReceiver = async (config: DemoReceiverConfig): Promise<ReceiverHandle> => {
  const main = fileURLToPath(new URL('./receiver-process.js', import.meta.url));
  const child = spawn(process.execPath, [main, JSON.stringify(config)], { stdio: ['pipe', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (piece: Buffer) => {
    complaint = (complaint + piece.toString()).slice(-2000);
  });
  // A control message may cross the end of the process.
  child.stdin.on('error', () => {});
  const exited = once(child, 'exit');
  const firstLine = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>;
  const line = await Promise.race([firstLine.then(([text]) => text), exited.then(() => undefined)]);
  if (line === undefined) throw new Error(`the simulated receiver did not start: ${complaint.trim()}`);
  return {
    pid: child.pid,
    ready: JSON.parse(line) as DemoReceiverReady,
    send: (control) => child.stdin.write(`${JSON.stringify(control)}\n`),
    stop: async () => {
      child.stdin.end();
      await exited;
    },
  };
};
