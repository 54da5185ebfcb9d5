import { Worker } from 'node:worker_threads';
import type { WorkerStart } from './serve-worker.js';

/** The thread of a worker of the packet plane. It loads its code, and then waits to be told what to serve. */
export class ServeThread {
  /** Messages that main has posted, and how many of them it has finished posting (wake included). */
  readonly attention = new Int32Array(new SharedArrayBuffer(8));
  readonly worker: Worker;
  private fault: Error | undefined;

  constructor() {
    const url = new URL('./serve-worker.js', import.meta.url);
    this.worker = new Worker(url, { workerData: this.attention, name: 'serve' });
    this.worker.once('error', (error) => {
      this.fault = error instanceof Error ? error : new Error(String(error));
    });
    this.worker.unref();
  }

  /** Throws what has ended it before. */
  serve(start: WorkerStart): void {
    if (this.fault !== undefined) throw this.fault;
    this.worker.ref();
    this.worker.postMessage(start);
    Atomics.store(this.attention, 1, 1);
    Atomics.store(this.attention, 0, 1);
    Atomics.notify(this.attention, 0);
  }
}

let early: ServeThread | undefined;

/**
 * Starts a thread that will probably be needed: it takes as long as main takes for the configuration, and both are to
 * be done within a fifth of a second of exec. It keeps no process alive.
 */
export const startEarly = (): void => {
  early ??= new ServeThread();
};

/** The early one, or one of its own. */
export const takeThread = (): ServeThread => {
  const taken = early ?? new ServeThread();
  early = undefined;
  return taken;
};

/** There is nothing to serve. */
export const endEarly = (): void => {
  void early?.worker.terminate();
  early = undefined;
};
