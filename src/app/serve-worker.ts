/**
 * A worker of the packet plane: its own addon instance, its own isolate, blocked in receive() for most of its life.
 * It imports nothing that it does not need: its first reply is wanted within a quarter of a second of exec.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { type AccessRule, AccessTree } from '../core/access/tree.js';
import { COUNTER } from '../core/ntp/counters.js';
import { Responder } from '../core/ntp/responder.js';
import { SnapshotReader } from '../core/ntp/snapshot.js';
import { loadNative, type NativeUdpOptions, type NativeUdpSet } from '../devices/native.js';
import { serveLoop } from '../serve/loop.js';
import { openTables, type PlaneMemory } from '../serve/tables.js';

export interface WorkerStart {
  readonly memory: PlaneMemory;
  readonly sockets: readonly NativeUdpOptions[];
  readonly access: readonly AccessRule[];
  /** Two words: messages that main has posted, and how many of them it has finished posting (wake included). */
  readonly attention: SharedArrayBuffer;
}

export type ToWorker = { readonly kind: 'access'; readonly rule: AccessRule } | { readonly kind: 'stop' };

export interface SocketFailure {
  readonly family: 4 | 6;
  readonly address: string;
  readonly port: number;
  readonly message: string;
}

export type FromWorker =
  | {
      readonly kind: 'ready';
      readonly wakeFd: number;
      readonly ports: readonly number[];
      readonly failures: readonly SocketFailure[];
    }
  | { readonly kind: 'failed'; readonly failures: readonly SocketFailure[] };

/** Rounds between two looks at the kernel's count of overflows: a call that is not worth making for every batch. */
const OVERFLOW_ROUNDS = 256;

const tryOpen = (sockets: readonly NativeUdpOptions[]): NativeUdpSet | unknown => {
  const { UdpSet } = loadNative();
  try {
    return new UdpSet([...sockets]);
  } catch (error) {
    return error;
  }
};

const isSet = (opened: NativeUdpSet | unknown): opened is NativeUdpSet =>
  typeof opened === 'object' && opened !== null && 'receive' in opened;

/** Opens all sockets; if that fails, those that can be opened alone, with the reasons for the others. */
const openSockets = (
  sockets: readonly NativeUdpOptions[],
): { set: NativeUdpSet | undefined; failures: SocketFailure[] } => {
  const all = tryOpen(sockets);
  if (isSet(all)) return { set: all, failures: [] };
  const failures: SocketFailure[] = [];
  const good = sockets.filter((s) => {
    const one = tryOpen([s]);
    if (isSet(one)) one.close();
    else failures.push({ family: s.family, address: s.address, port: s.port, message: String((one as Error).message) });
    return isSet(one);
  });
  const rest = good.length > 0 ? tryOpen(good) : undefined;
  return { set: isSet(rest) ? rest : undefined, failures };
};

/** Does what main asks for; stays cheap while main asks for nothing. */
const newControl = (access: AccessTree, set: NativeUdpSet, attention: Int32Array, counters: Float64Array) => {
  let seen = 0;
  let rounds = 0;
  const obey = (): boolean => {
    for (;;) {
      const received = receiveMessageOnPort(parentPort!) as { message: ToWorker } | undefined;
      if (received === undefined) return true;
      if (received.message.kind === 'stop') return false;
      access.apply(received.message.rule);
    }
  };
  return {
    attend: (): boolean => {
      if (++rounds % OVERFLOW_ROUNDS === 1) counters[COUNTER.overflows] = set.overflows();
      const asked = Atomics.load(attention, 0);
      if (asked === seen) return true;
      seen = asked;
      return obey();
    },
  };
};

/** Main may still be about to write to the wake descriptor: it must not be closed, or be another file's, until then. */
const awaitMain = (attention: Int32Array): void => {
  for (let tries = 0; tries < 10; tries++) {
    const done = Atomics.load(attention, 1);
    if (done === Atomics.load(attention, 0)) return;
    Atomics.wait(attention, 1, done, 100);
  }
};

const main = (start: WorkerStart): void => {
  const { set, failures } = openSockets(start.sockets);
  const tell = (message: FromWorker): void => parentPort!.postMessage(message);
  if (set === undefined) {
    tell({ kind: 'failed', failures });
    return;
  }
  const access = new AccessTree();
  for (const rule of start.access) access.apply(rule);
  const tables = openTables(start.memory);
  const snapshot = new SnapshotReader(start.memory.snapshot);
  const { seed, markSeed } = start.memory;
  const responder = new Responder(set.slab, { access, ...tables }, snapshot, seed, markSeed);
  tell({ kind: 'ready', wakeFd: set.wakeFd, ports: set.ports, failures });
  const attention = new Int32Array(start.attention);
  try {
    serveLoop(set, responder, snapshot, newControl(access, set, attention, tables.counters));
    awaitMain(attention);
  } finally {
    set.close();
  }
};

main(workerData as WorkerStart);
