/**
 * A worker of the packet plane: its own addon instance, its own isolate, blocked in receive() for most of its life.
 * It imports nothing that it does not need: its first reply is wanted within a fifth of a second of exec.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { RateLimitOptions } from '../core/access/ratelimit.js';
import { type AccessRule, AccessTree } from '../core/access/tree.js';
import { COUNTER } from '../core/ntp/counters.js';
import { KeyTable } from '../core/ntp/keys.js';
import type { Origin, PeerEntry } from '../core/ntp/peerdesk.js';
import { Responder } from '../core/ntp/responder.js';
import { SnapshotReader, stepGuard } from '../core/ntp/snapshot.js';
import { loadNative, type NativeUdpOptions, type NativeUdpSet } from '../devices/native.js';
import { type ControlAnswer, ControlPost, type ControlRequest } from '../serve/control.js';
import { HardwareTransport } from '../serve/hwstamps.js';
import { serveLoop } from '../serve/loop.js';
import { type PeerNews, type PeerPacket, PeerPost } from '../serve/peers.js';
import { PtpGate, plainFamilies } from '../serve/ptpgate.js';
import { openTables, type PlaneMemory } from '../serve/tables.js';
import type { SymmetricKey } from '../wire/ntp/keyfile.js';

/** A socket; `ptpDomain`: for NTP inside PTP messages of this domain. */
export interface WorkerSocket extends NativeUdpOptions {
  readonly ptpDomain?: number;
}

export interface WorkerStart {
  readonly memory: PlaneMemory;
  readonly sockets: readonly WorkerSocket[];
  readonly access: readonly AccessRule[];
  /** Who may ask in mode 6. */
  readonly controlAccess: readonly AccessRule[];
  readonly keys: readonly SymmetricKey[];
  readonly peers: readonly PeerEntry[];
  readonly limit: RateLimitOptions | undefined;
  readonly lateTruth: boolean | undefined;
  /** What is known of the clocks of network cards that stamp. */
  readonly hardware: SharedArrayBuffer | undefined;
  /** Replies that may wait for their transmit stamps. */
  readonly txBuffers: number | undefined;
}

export type ToWorker =
  | { readonly kind: 'access'; readonly table: 'ntp' | 'control'; readonly rule: AccessRule }
  | { readonly kind: 'keys'; readonly keys: readonly SymmetricKey[] }
  | { readonly kind: 'control'; readonly answer: ControlAnswer }
  | { readonly kind: 'peers'; readonly peers: readonly PeerEntry[] }
  | { readonly kind: 'peer-send'; readonly packet: PeerPacket }
  /** Another worker has sent a packet to a peer, whose answer may come to this one. */
  | { readonly kind: 'peer-sent'; readonly source: number; readonly stamps: Origin }
  | { readonly kind: 'stop' };

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
  | { readonly kind: 'control'; readonly request: ControlRequest }
  | { readonly kind: 'peer'; readonly news: PeerNews }
  | { readonly kind: 'failed'; readonly failures: readonly SocketFailure[] };

/** Rounds between two looks at the kernel's count of overflows: a call that is not worth making for every batch. */
const OVERFLOW_ROUNDS = 256;

const tryOpen = (sockets: readonly NativeUdpOptions[], guard: Int32Array): NativeUdpSet | unknown => {
  const { UdpSet } = loadNative();
  try {
    return new UdpSet([...sockets], guard);
  } catch (error) {
    return error;
  }
};

const isSet = (opened: NativeUdpSet | unknown): opened is NativeUdpSet =>
  typeof opened === 'object' && opened !== null && 'receive' in opened;

/** Opens all sockets; if that fails, those that can be opened alone, with the reasons for the others. */
const openSockets = (
  sockets: readonly WorkerSocket[],
  guard: Int32Array,
): { set: NativeUdpSet | undefined; opened: readonly WorkerSocket[]; failures: SocketFailure[] } => {
  const all = tryOpen(sockets, guard);
  if (isSet(all)) return { set: all, opened: sockets, failures: [] };
  const failures: SocketFailure[] = [];
  const good = sockets.filter((s) => {
    const one = tryOpen([s], guard);
    if (isSet(one)) one.close();
    else failures.push({ family: s.family, address: s.address, port: s.port, message: String((one as Error).message) });
    return isSet(one);
  });
  const rest = good.length > 0 ? tryOpen(good, guard) : undefined;
  return { set: isSet(rest) ? rest : undefined, opened: good, failures };
};

/** Does what main asks for; stays cheap while main asks for nothing. */
const newControl = (
  obeyOne: (message: ToWorker) => void,
  set: NativeUdpSet,
  attention: Int32Array,
  counters: Float64Array,
) => {
  let seen = 0;
  let rounds = 0;
  const obey = (): boolean => {
    for (;;) {
      const received = receiveMessageOnPort(parentPort!) as { message: ToWorker } | undefined;
      if (received === undefined) return true;
      if (received.message.kind === 'stop') return false;
      obeyOne(received.message);
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

const main = (start: WorkerStart, attention: Int32Array): void => {
  const guard = stepGuard(start.memory.snapshot);
  const { set, opened, failures } = openSockets(start.sockets, guard);
  const tell = (message: FromWorker): void => parentPort!.postMessage(message);
  if (set === undefined) {
    tell({ kind: 'failed', failures });
    return;
  }
  const access = new AccessTree();
  const controlAccess = new AccessTree();
  for (const rule of start.access) access.apply(rule);
  for (const rule of start.controlAccess) controlAccess.apply(rule);
  const control = new ControlPost(set, controlAccess, (request) => tell({ kind: 'control', request }));
  for (const memory of [start.memory.clients, start.memory.ring]) {
    if (memory !== undefined) loadNative().preferHugePages(new Int32Array(memory, 0, memory.byteLength >> 2));
  }
  const tables = openTables(start.memory);
  const snapshot = new SnapshotReader(start.memory.snapshot);
  const { seed, markSeed } = start.memory;
  // After a crash: what the last worker had under way is not to be trusted.
  tables.ring?.clear();
  const { limit, lateTruth, hardware, txBuffers } = start;
  const transport = hardware === undefined ? set : new HardwareTransport(set, hardware, tables.counters);
  const hasPtp = opened.some((o) => o.ptpDomain !== undefined);
  const gate = hasPtp ? new PtpGate(set.slab, opened, tables.counters, seed) : undefined;
  const correction = gate && ((slot: number): number => gate.correction(slot));
  const peers = new PeerPost(
    set,
    set,
    plainFamilies(opened),
    guard,
    seed,
    (news) => tell({ kind: 'peer', news }),
    gate,
  );
  peers.desk.setPeers(start.peers);
  const otherStamp = (stamps: Uint32Array, at: number): boolean => peers.stamped(stamps, at);
  const options = { verifier: set, limit, control, lateTruth, peers: peers.desk, otherStamp, correction, txBuffers };
  const responder = new Responder(set.slab, { access, ...tables }, snapshot, seed, markSeed, options);
  const stamps = new Uint32Array(set.txStamps);
  let table = new KeyTable([]);
  const useKeys = (keys: readonly SymmetricKey[]): void => {
    set.setKeys(keys);
    table = new KeyTable(keys);
    responder.setKeys(table);
  };
  useKeys(start.keys);
  const obey = (message: ToWorker): void => {
    if (message.kind === 'access') (message.table === 'ntp' ? access : controlAccess).apply(message.rule);
    else if (message.kind === 'keys') useKeys(message.keys);
    else if (message.kind === 'control') control.answer(message.answer);
    else if (message.kind === 'peers') peers.desk.setPeers(message.peers);
    else if (message.kind === 'peer-sent') peers.desk.sent(message.source, message.stamps);
    else if (message.kind === 'peer-send') {
      peers.send(message.packet, table);
      // The stamp is there already, mostly, and nothing else would fetch it for as long as nobody asks.
      responder.txStamps(stamps, transport.drainTxStamps());
    }
  };
  tell({ kind: 'ready', wakeFd: set.wakeFd, ports: set.ports, failures });
  try {
    serveLoop(transport, responder, snapshot, newControl(obey, set, attention, tables.counters), gate);
    awaitMain(attention);
  } finally {
    set.close();
  }
};

/** Blocks until main says what is to be served: that is its first message. */
const awaitStart = (attention: Int32Array): WorkerStart => {
  Atomics.wait(attention, 0, 0);
  return (receiveMessageOnPort(parentPort!) as { message: WorkerStart }).message;
};

// ServeThread.attention
const attention = workerData as Int32Array;
main(awaitStart(attention), attention);
