import { getRandomValues } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { CodedError } from '../base/errors.js';
import type { IpBytes } from '../base/ip.js';
import { ClientTable, clientTableBytes, SERVICE } from '../core/access/clients.js';
import { type AccessRule, AccessTree } from '../core/access/tree.js';
import { COUNTER } from '../core/ntp/counters.js';
import { SnapshotWriter } from '../core/ntp/snapshot.js';
import type { ServerState } from '../core/ntp/state.js';
import type { ClientReport, ServerStatsReport } from '../core/report/reports.js';
import { loadNative, type NativeUdpOptions } from '../devices/native.js';
import { mergeClients, serverStats } from '../serve/reports.js';
import { newMemory, openTables, type PlaneMemory, type PlaneTables, recordsFor } from '../serve/tables.js';
import type { FromWorker, SocketFailure, ToWorker, WorkerStart } from './serve-worker.js';

export interface PlaneSocket {
  readonly family: 4 | 6;
  /** '' = any. */
  readonly address: string;
  /** 0: the kernel chooses. */
  readonly port: number;
  readonly device?: string | undefined;
  readonly dscp?: number | undefined;
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
   * Threads, each with sockets of its own; default 1, 0 = one a core. The kernel spreads clients by address and port:
   * a client that changes its port may meet another thread, and gets a basic reply then.
   */
  readonly workers?: number | undefined;
  /** A worker ended by itself: the plane serves no more (or with fewer threads). */
  readonly onFault?: ((error: Error) => void) | undefined;
}

/** SOF_TIMESTAMPING_* (linux/net_tstamp.h): receive and transmit stamps by the kernel, transmit ones on request. */
const TX_SOFTWARE = 1 << 1;
const RX_SOFTWARE = 1 << 3;
const SOFTWARE = 1 << 4;
/** A quarter of a second of requests at full rate; granted only where the kernel allows it. */
const RECEIVE_BUFFER_BYTES = 4 << 20;
/** Clients of the command port are few; their table is main's own. */
const COMMAND_RECORDS = 4096;

interface Member {
  readonly worker: Worker;
  readonly memory: PlaneMemory;
  readonly tables: PlaneTables;
  readonly attention: Int32Array;
  wakeFd: number;
  ports: readonly number[];
  stopping: boolean;
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
  private readonly writer: SnapshotWriter;
  private readonly access = new AccessTree();
  private readonly commands: ClientTable;
  private readonly remembers: boolean;
  private cmdHits = 0;
  private cmdDrops = 0;

  constructor(options: PlaneOptions, members: readonly Member[], warnings: readonly SocketFailure[]) {
    this.members = members;
    this.warnings = warnings;
    this.writer = new SnapshotWriter(members[0]!.memory.snapshot);
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
  publish(state: ServerState): void {
    this.writer.write(state);
  }

  /** Applies a rule live. Throws ERR_TB_USAGE for a bad subnet. Workers follow within a batch. */
  changeAccess(rule: AccessRule): void {
    this.access.apply(rule);
    for (const m of this.members) send(m, { kind: 'access', rule });
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
    m.worker.once('exit', () => resolve());
    send(m, { kind: 'stop' });
  });
};

const send = (m: Member, message: ToWorker): void => {
  // Its descriptor may be somebody else's by now.
  if (m.wakeFd < 0) return;
  m.worker.postMessage(message);
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

const socketOptions = (s: PlaneSocket, reusePort: boolean): NativeUdpOptions => ({
  family: s.family,
  address: s.address,
  port: s.port,
  reusePort,
  receiveBufferBytes: RECEIVE_BUFFER_BYTES,
  timestamping: TX_SOFTWARE | RX_SOFTWARE | SOFTWARE,
  ...(s.device === undefined ? {} : { device: s.device }),
  ...(s.dscp === undefined ? {} : { dscp: s.dscp }),
});

const describeFailure = (f: SocketFailure): string => {
  const host = f.address !== '' ? f.address : f.family === 4 ? '0.0.0.0' : '::';
  return `Could not open IPv${f.family} UDP socket on ${f.family === 6 ? `[${host}]` : host}:${f.port} : ${f.message}`;
};

type Started = { readonly member: Member; readonly failures: readonly SocketFailure[] };

const startWorker = (options: PlaneOptions, memory: PlaneMemory, reusePort: boolean): Promise<Started> => {
  const attention = new SharedArrayBuffer(8);
  const workerData: WorkerStart = {
    memory,
    sockets: options.sockets.map((s) => socketOptions(s, reusePort)),
    access: options.access,
    attention,
  };
  const worker = new Worker(new URL('./serve-worker.js', import.meta.url), { workerData, name: 'serve' });
  const member: Member = {
    worker,
    memory,
    tables: openTables(memory),
    attention: new Int32Array(attention),
    wakeFd: -1,
    ports: [],
    stopping: false,
  };
  return new Promise((resolve, reject) => {
    let fault = new Error('a worker of the packet plane ended');
    worker.on('error', (error) => {
      fault = error instanceof Error ? error : new Error(String(error));
      reject(fault);
    });
    worker.once('exit', () => {
      reject(fault);
      const served = member.wakeFd >= 0;
      member.wakeFd = -1;
      if (served && !member.stopping) options.onFault?.(fault);
    });
    worker.once('message', (message: FromWorker) => {
      if (message.kind === 'failed') {
        reject(new CodedError('ERR_TB_SOCKET', message.failures.map(describeFailure).join('; ')));
        return;
      }
      member.wakeFd = message.wakeFd;
      member.ports = message.ports;
      resolve({ member, failures: message.failures });
    });
  });
};

/**
 * Starts the workers and resolves when they answer (as not synchronised until something is published). Rejects with
 * ERR_TB_SOCKET when no socket at all could be opened.
 */
export const startPlane = async (options: PlaneOptions): Promise<Plane> => {
  const { seed, markSeed } = randomWords();
  const records = recordsFor(options.clientLogLimit);
  const count = options.workers === 0 ? availableParallelism() : (options.workers ?? 1);
  const first = newMemory(records, options.noClientLog !== true, seed, markSeed);
  const outcomes = await Promise.allSettled(
    Array.from({ length: count }, (_, i) => {
      const memory = i === 0 ? first : newMemory(records, options.noClientLog !== true, seed, markSeed, first.snapshot);
      return startWorker(options, memory, count > 1);
    }),
  );
  const started = outcomes.flatMap((o) => (o.status === 'fulfilled' ? [o.value] : []));
  const failure = outcomes.find((o) => o.status === 'rejected');
  if (failure !== undefined) {
    await Promise.all(started.map((s) => stopMember(s.member)));
    throw failure.reason;
  }
  return new Plane(
    options,
    started.map((s) => s.member),
    started[0]!.failures,
  );
};
