import { getRandomValues } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { CodedError } from '../base/errors.js';
import type { IpBytes } from '../base/ip.js';
import type { Instant } from '../base/time.js';
import type { Seconds } from '../base/units.js';
import { ClientTable, clientTableBytes, SERVICE } from '../core/access/clients.js';
import type { RateLimitOptions } from '../core/access/ratelimit.js';
import { type AccessRule, AccessTree } from '../core/access/tree.js';
import { COUNTER } from '../core/ntp/counters.js';
import type { PeerEntry } from '../core/ntp/peerdesk.js';
import { SnapshotWriter, stepGuard } from '../core/ntp/snapshot.js';
import type { ServerState } from '../core/ntp/state.js';
import type { ClientReport, ServerStatsReport } from '../core/report/reports.js';
import { loadNative } from '../devices/native.js';
import { plainReason } from '../devices/retry.js';
import type { ControlAnswer, ControlRequest } from '../serve/control.js';
import type { PeerNews, PeerPacket } from '../serve/peers.js';
import { mergeClients, serverStats } from '../serve/reports.js';
import { newMemory, openTables, type PlaneMemory, type PlaneTables, recordsFor } from '../serve/tables.js';
import type { SymmetricKey } from '../wire/ntp/keyfile.js';
import { takeThread } from './serve-thread.js';
import type { FromWorker, SocketFailure, ToWorker, WorkerSocket, WorkerStart } from './serve-worker.js';

export interface PlaneSocket {
  readonly family: 4 | 6;
  /** '' = any. */
  readonly address: string;
  /** 0: the kernel chooses. */
  readonly port: number;
  readonly device?: string | undefined;
  readonly dscp?: number | undefined;
  /** Descriptors that the process was started with: the one that is bound to this very address is used. */
  readonly inherited?: readonly number[] | undefined;
  /** For NTP inside PTP messages of this domain. */
  readonly ptpDomain?: number | undefined;
}

export interface PlaneOptions {
  readonly sockets: readonly PlaneSocket[];
  /** In the order of the configuration. Nobody is allowed by default. */
  readonly access: readonly AccessRule[];
  /** Bytes for clients and interleaving (`clientloglimit`); undefined: room for 131072 clients. */
  readonly clientLogLimit?: number | undefined;
  /** Remember nobody; there are no interleaved replies then. */
  readonly noClientLog?: boolean | undefined;
  /**
   * Threads, each with sockets of its own; default 1, 0 = one a core. The kernel spreads clients by a hash of their
   * address, so that each always meets the thread that knows it.
   */
  readonly workers?: number | undefined;
  readonly keys?: readonly SymmetricKey[] | undefined;
  /** Configured peers: their packets are handed on, whoever may ask. */
  readonly peers?: readonly PeerEntry[] | undefined;
  readonly limit?: RateLimitOptions | undefined;
  /** Who may ask in mode 6, and what is answered: packets, or none. */
  readonly controlAccess?: readonly AccessRule[] | undefined;
  readonly onControl?: ((request: Uint8Array) => readonly Uint8Array[]) | undefined;
  /** What comes from configured peers, and what became of packets to them. */
  readonly onPeer?: ((news: PeerNews) => void) | undefined;
  /** A worker ended by itself and was started again. */
  readonly onRestart?: ((error: Error) => void) | undefined;
  /** Workers end again and again: the plane serves no more (or with fewer threads). */
  readonly onFault?: ((error: Error) => void) | undefined;
  /** Network cards stamp, and here is what is known of their clocks (HwTableWriter). */
  readonly hardware?: SharedArrayBuffer | undefined;
  /** Replies of a worker that may wait for their transmit stamps. */
  readonly txBuffers?: number | undefined;
  /** False: T3 without what transmit stamps tell about sending; to measure the gain. */
  readonly lateTruth?: boolean | undefined;
}

/** A worker that ends more often than this in RESTART_WINDOW_MS has a reason that a new start does not cure. */
const MAX_RESTARTS = 5;
const RESTART_WINDOW_MS = 60_000;

/** SOF_TIMESTAMPING_* (linux/net_tstamp.h): receive and transmit stamps by the kernel, transmit ones on request. */
const TX_SOFTWARE = 1 << 1;
const RX_SOFTWARE = 1 << 3;
const SOFTWARE = 1 << 4;
/** The same by network cards, on clocks of their own. */
const HARDWARE = (1 << 0) | (1 << 2) | (1 << 6);
/** A quarter of a second of requests at full rate; granted only where the kernel allows it. */
const RECEIVE_BUFFER_BYTES = 4 << 20;
/** Clients of the command port are few; their table is main's own. */
const COMMAND_RECORDS = 4096;

interface Member {
  readonly memory: PlaneMemory;
  readonly tables: PlaneTables;
  /** Those of the worker at hand; a worker that ended is followed by another. */
  worker: Worker | undefined;
  attention: Int32Array;
  wakeFd: number;
  ports: readonly number[];
  failures: readonly SocketFailure[];
  stopping: boolean;
  /** Times of the last restarts, ms. */
  restarts: number[];
}

/** What all workers are started with, as of now. */
interface Recipe {
  readonly options: PlaneOptions;
  readonly count: number;
  readonly access: AccessRule[];
  readonly controlAccess: AccessRule[];
  keys: readonly SymmetricKey[];
  peers: readonly PeerEntry[];
  /** Which worker's socket the packets of a peer come to. */
  readonly heardBy: Map<number, Member>;
  readonly members: readonly Member[];
  restarted: number;
}

/** Client log of all workers and the command ports as one table of slots (the command protocol walks it by index). */
export interface PlaneClients {
  readonly size: number;
  at(index: number): ClientReport | undefined;
  reset(index: number): void;
}

/** 1/16 s of the host's clock, as client records count. */
const tableNow = (): number => Math.floor(Date.now() / 62.5) >>> 0;

const randomWords = (): { seed: number; markSeed: number } => {
  const [seed, markSeed] = getRandomValues(new Int32Array(2));
  return { seed: seed!, markSeed: markSeed! };
};

/** The main thread's handle on the packet plane. */
export class Plane {
  /** What did not open although something else did (IPv6 on a host without it): worth a warning. */
  readonly warnings: readonly SocketFailure[];
  private readonly members: readonly Member[];
  private readonly recipe: Recipe;
  private readonly writer: SnapshotWriter;
  private readonly guard: Int32Array;
  private readonly access = new AccessTree();
  private readonly commands: ClientTable;
  private readonly remembers: boolean;
  private cmdHits = 0;
  private cmdDrops = 0;

  constructor(recipe: Recipe, members: readonly Member[]) {
    const { options } = recipe;
    this.recipe = recipe;
    this.members = members;
    this.warnings = members[0]!.failures;
    this.writer = new SnapshotWriter(members[0]!.memory.snapshot);
    this.guard = stepGuard(members[0]!.memory.snapshot);
    this.remembers = options.noClientLog !== true;
    const { seed } = members[0]!.memory;
    this.commands = new ClientTable(new ArrayBuffer(clientTableBytes(COMMAND_RECORDS)), COMMAND_RECORDS, seed);
    for (const rule of options.access) this.access.apply(rule);
  }

  /** Bound ports, in the order of the sockets that opened. */
  get ports(): readonly number[] {
    return this.members[0]!.ports;
  }

  /** What clients are told from the next batch on. */
  publish(state: ServerState, step?: { readonly after: Instant; readonly offset: Seconds }): void {
    this.writer.write(state, step);
  }

  /** Before the raw clock is stepped: nothing is answered from here to the next publish, which is to tell the step. */
  beginStep(): void {
    this.writer.beginStep();
  }

  /** Workers that ended by themselves and were started again. */
  get restarts(): number {
    return this.recipe.restarted;
  }

  /** Replaces all symmetric keys. */
  setKeys(keys: readonly SymmetricKey[]): void {
    this.recipe.keys = keys;
    for (const m of this.members) send(m, { kind: 'keys', keys });
  }

  /** Replaces all configured peers. */
  setPeers(peers: readonly PeerEntry[]): void {
    const { recipe } = this;
    recipe.peers = peers;
    for (const source of recipe.heardBy.keys()) {
      if (!peers.some((peer) => peer.source === source)) recipe.heardBy.delete(source);
    }
    for (const m of this.members) send(m, { kind: 'peers', peers });
  }

  /** To a peer, or to everybody; what becomes of it is told by onPeer. False: there is no worker to send it. */
  sendPeer(packet: Omit<PeerPacket, 'epoch'>): boolean {
    const heardBy = this.recipe.heardBy.get(packet.source);
    const able = [...(heardBy === undefined ? [] : [heardBy]), ...this.members].find((m) => m.wakeFd >= 0);
    if (able === undefined) return false;
    send(able, { kind: 'peer-send', packet: { ...packet, epoch: Atomics.load(this.guard, 0) } });
    return true;
  }

  /** The same as changeAccess, for mode 6. */
  changeControlAccess(rule: AccessRule): void {
    this.recipe.controlAccess.push(rule);
    for (const m of this.members) send(m, { kind: 'access', table: 'control', rule });
  }

  /** Applies a rule live. Throws ERR_TB_USAGE for a bad subnet. Workers follow within a batch. */
  changeAccess(rule: AccessRule): void {
    this.access.apply(rule);
    this.recipe.access.push(rule);
    for (const m of this.members) send(m, { kind: 'access', table: 'ntp', rule });
  }

  accessAllowed(address: IpBytes): boolean {
    return this.access.isAllowedAddress(address.length === 4 ? 4 : 6, address);
  }

  /** A request on a command port: `address` undefined for the local socket. */
  countCommand(address: IpBytes | undefined, dropped = false): void {
    if (dropped) this.cmdDrops++;
    else this.cmdHits++;
    if (address === undefined || !this.remembers) return;
    const record = this.commands.lookup(address, true);
    if (dropped) this.commands.drop(record, SERVICE.CMD);
    else this.commands.hit(record, SERVICE.CMD, tableNow());
  }

  serverStats(): ServerStatsReport {
    const { cmdHits, cmdDrops } = this;
    const own = { cmdHits, cmdDrops, nkeHits: 0, nkeDrops: 0, lost: this.commands.lost };
    return serverStats(
      this.members.map((m) => m.tables),
      own,
    );
  }

  /** Requests answered by each worker. */
  workerHits(): readonly number[] {
    return this.members.map((m) => m.tables.counters[COUNTER.hits]!);
  }

  /** A counter beyond the report (COUNTER), summed over the workers. */
  counter(name: keyof typeof COUNTER): number {
    return this.members.reduce((sum, m) => sum + m.tables.counters[COUNTER[name]]!, 0);
  }

  /** Undefined with noClientLog. */
  clients(): PlaneClients | undefined {
    const logs = this.members.flatMap((m) => (m.tables.clients === undefined ? [] : [m.tables.clients]));
    return this.remembers ? joinClients([...logs, this.commands]) : undefined;
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map(stopMember));
  }
}

const stopMember = (m: Member): Promise<void> => {
  m.stopping = true;
  if (m.wakeFd < 0) return Promise.resolve();
  return new Promise((resolve) => {
    m.worker!.once('exit', () => resolve());
    send(m, { kind: 'stop' });
  });
};

const send = (m: Member, message: ToWorker): void => {
  // Its descriptor may be somebody else's by now.
  if (m.wakeFd < 0) return;
  m.worker!.postMessage(message);
  const asked = Atomics.add(m.attention, 0, 1) + 1;
  loadNative().wake(m.wakeFd);
  Atomics.store(m.attention, 1, asked);
  Atomics.notify(m.attention, 1);
};

/** Tables one after the other; an address that stands in several is reported once, in the first of them. */
const joinClients = (tables: readonly ClientTable[]): PlaneClients => {
  const place = (index: number): { table: number; record: number } | undefined => {
    let record = index;
    for (const [table, t] of tables.entries()) {
      if (record < t.records) return { table, record };
      record -= t.records;
    }
    return undefined;
  };
  const others = (table: number, report: ClientReport, address: IpBytes): ClientReport | undefined => {
    let all: ClientReport = report;
    for (const [i, t] of tables.entries()) {
      const found = i === table ? -1 : t.lookup(address, false);
      const other = found < 0 ? undefined : t.report(found, tableNow());
      if (other === undefined) continue;
      if (i < table) return undefined;
      all = mergeClients(all, other);
    }
    return all;
  };
  return {
    size: tables.reduce((n, t) => n + t.records, 0),
    at(index) {
      const where = place(index);
      if (where === undefined) return undefined;
      const t = tables[where.table]!;
      const report = t.report(where.record, tableNow());
      return report === undefined ? undefined : others(where.table, report, t.address(where.record));
    },
    reset(index) {
      const where = place(index);
      if (where === undefined) return;
      const address = tables[where.table]!.address(where.record);
      for (const t of tables) {
        const found = t.lookup(address, false);
        if (found >= 0) t.reset(found);
      }
    },
  };
};

const socketOptions = (s: PlaneSocket, steerTo: number, steerSeed: number, hardware: boolean): WorkerSocket => ({
  family: s.family,
  address: s.address,
  port: s.port,
  perAddress: s.address === '' && s.ptpDomain === undefined,
  reusePort: steerTo > 1,
  steerTo,
  steerSeed,
  receiveBufferBytes: RECEIVE_BUFFER_BYTES,
  timestamping: TX_SOFTWARE | RX_SOFTWARE | SOFTWARE | (hardware ? HARDWARE : 0),
  ...(s.device === undefined ? {} : { device: s.device }),
  ...(s.dscp === undefined ? {} : { dscp: s.dscp }),
  ...(s.inherited === undefined ? {} : { inherited: s.inherited }),
  ...(s.ptpDomain === undefined ? {} : { ptpDomain: s.ptpDomain }),
});

/** chronyd's words, and why. */
export const socketFailure = (f: SocketFailure): string => {
  const host = f.address !== '' ? f.address : f.family === 4 ? '0.0.0.0' : '::';
  return `Could not open NTP socket on ${f.family === 6 ? `[${host}]` : host}:${f.port} : ${plainReason(f.message)}`;
};

const workerStart = (recipe: Recipe, m: Member): WorkerStart => {
  const { options, count } = recipe;
  // Started again: a port that the kernel chose is kept.
  const chosen = m.ports.length === options.sockets.length ? m.ports : [];
  const sockets = options.sockets.map((s, i) => ({ ...s, port: chosen[i] ?? s.port }));
  return {
    memory: m.memory,
    sockets: sockets.map((s) => socketOptions(s, count, m.memory.seed >>> 0, options.hardware !== undefined)),
    access: recipe.access,
    controlAccess: recipe.controlAccess,
    keys: recipe.keys,
    peers: recipe.peers,
    limit: options.limit,
    lateTruth: options.lateTruth,
    hardware: options.hardware,
    txBuffers: options.txBuffers,
  };
};

/** Starts a worker for a member; resolves when it answers. Its end, later, is dealt with here. */
const startWorker = (recipe: Recipe, m: Member): Promise<void> => {
  const thread = takeThread();
  const { worker } = thread;
  m.worker = worker;
  m.attention = thread.attention;
  return new Promise((resolve, reject) => {
    let fault = new Error('a worker of the packet plane ended');
    worker.on('error', (error) => {
      fault = error instanceof Error ? error : new Error(String(error));
    });
    worker.once('exit', () => {
      reject(fault);
      const served = m.wakeFd >= 0;
      m.wakeFd = -1;
      if (served && !m.stopping) restart(recipe, m, fault);
    });
    worker.on('message', (message: FromWorker) => {
      switch (message.kind) {
        case 'failed':
          reject(new CodedError('ERR_TB_SOCKET', message.failures.map(socketFailure).join('\n')));
          return;
        case 'ready':
          m.wakeFd = message.wakeFd;
          m.ports = message.ports;
          m.failures = message.failures;
          if (m.stopping) send(m, { kind: 'stop' });
          resolve();
          return;
        case 'control':
          send(m, { kind: 'control', answer: answerControl(recipe.options, message.request) });
          return;
        case 'peer':
          tellPeer(recipe, m, message.news);
      }
    });
    thread.serve(workerStart(recipe, m));
  });
};

const tellPeer = (recipe: Recipe, from: Member, news: PeerNews): void => {
  if (news.kind === 'packet') recipe.heardBy.set(news.source, from);
  if (news.kind === 'sent' && news.stamps !== undefined) {
    const { source, stamps } = news;
    for (const m of recipe.members) if (m !== from) send(m, { kind: 'peer-sent', source, stamps });
  }
  recipe.options.onPeer?.(news);
};

const answerControl = ({ onControl }: PlaneOptions, { meta, bytes }: ControlRequest): ControlAnswer => ({
  meta,
  packets: onControl?.(bytes) ?? [],
});

/**
 * A worker holds nothing that is not in shared memory: another one goes on where it stopped. Its interleave ring is void
 * (clients get basic replies once); with several workers the kernel gives its clients to the others meanwhile.
 */
const restart = (recipe: Recipe, m: Member, fault: Error): void => {
  const now = performance.now();
  m.restarts = [...m.restarts.filter((at) => now - at < RESTART_WINDOW_MS), now];
  const give = (error: unknown): void => {
    if (!m.stopping) recipe.options.onFault?.(error instanceof Error ? error : new Error(String(error)));
  };
  if (m.restarts.length > MAX_RESTARTS) {
    give(fault);
    return;
  }
  recipe.restarted++;
  recipe.options.onRestart?.(fault);
  startWorker(recipe, m).catch(give);
};

const newMember = (memory: PlaneMemory): Member => ({
  memory,
  tables: openTables(memory),
  worker: undefined,
  attention: new Int32Array(2),
  wakeFd: -1,
  ports: [],
  failures: [],
  stopping: false,
  restarts: [],
});

/**
 * Starts the workers and resolves when they answer (as not synchronised until something is published). Rejects with
 * ERR_TB_SOCKET when no socket at all could be opened.
 */
export const startPlane = async (options: PlaneOptions): Promise<Plane> => {
  const { seed, markSeed } = randomWords();
  const records = recordsFor(options.clientLogLimit);
  const count = options.workers === 0 ? availableParallelism() : (options.workers ?? 1);
  const remember = options.noClientLog !== true;
  const first = newMemory(records, remember, seed, markSeed);
  const members = Array.from({ length: count }, (_, i) =>
    newMember(i === 0 ? first : newMemory(records, remember, seed, markSeed, first.snapshot)),
  );
  const recipe: Recipe = {
    options,
    count,
    access: [...options.access],
    controlAccess: [...(options.controlAccess ?? [])],
    keys: options.keys ?? [],
    peers: options.peers ?? [],
    heardBy: new Map(),
    members,
    restarted: 0,
  };
  const outcomes = await Promise.allSettled(members.map((m) => startWorker(recipe, m)));
  const failure = outcomes.find((o) => o.status === 'rejected');
  if (failure !== undefined) {
    await Promise.all(members.map(stopMember));
    throw failure.reason;
  }
  return new Plane(recipe, members);
};
