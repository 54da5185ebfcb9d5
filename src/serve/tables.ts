import { ClientTable, clientTableBytes } from '../core/access/clients.js';
import { COUNTER_BYTES, newCounters } from '../core/ntp/counters.js';
import { InterleaveRing, interleaveBytes } from '../core/ntp/interleave.js';
import { SNAPSHOT_BYTES } from '../core/ntp/snapshot.js';

/** Memory that a worker of the packet plane shares with the main thread. */
export interface PlaneMemory {
  /** One for all workers: main writes, workers read. */
  readonly snapshot: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
  /** Undefined: no client is remembered (noclientlog). */
  readonly clients: SharedArrayBuffer | undefined;
  readonly ring: SharedArrayBuffer | undefined;
  /** Client records, and room for the stamps of as many clients; a power of two. */
  readonly records: number;
  /** Random words of this start. */
  readonly seed: number;
  readonly markSeed: number;
}

/** Clients that are remembered without a `clientloglimit`: 13 MiB once so many have come. */
export const DEFAULT_RECORDS = 1 << 17;
const MIN_RECORDS = 256;
const MAX_RECORDS = 1 << 24;
/** What a client may cost: record, tag, two entries for stamps and their index (109 B), counted as chrony counts (524288 B = 4096 clients). */
const BYTES_A_RECORD = 128;

/** Records for a limit in bytes: the largest power of two that fits. */
export const recordsFor = (limitBytes: number | undefined): number => {
  if (limitBytes === undefined) return DEFAULT_RECORDS;
  let records = MIN_RECORDS;
  while (records < MAX_RECORDS && records * 2 * BYTES_A_RECORD <= limitBytes) records *= 2;
  return records;
};

/** Shared memory is given by the kernel as zero pages when first touched: an idle server does not pay for the table. */
export const newMemory = (
  records: number,
  remember: boolean,
  seed: number,
  markSeed: number,
  snapshot = new SharedArrayBuffer(SNAPSHOT_BYTES),
): PlaneMemory => ({
  snapshot,
  counters: new SharedArrayBuffer(COUNTER_BYTES),
  clients: remember ? new SharedArrayBuffer(clientTableBytes(records)) : undefined,
  ring: remember ? new SharedArrayBuffer(interleaveBytes(records)) : undefined,
  records,
  seed,
  markSeed,
});

export interface PlaneTables {
  readonly counters: Float64Array;
  readonly clients: ClientTable | undefined;
  readonly ring: InterleaveRing | undefined;
}

/** The tables over shared memory; every thread makes its own view. */
export const openTables = (memory: PlaneMemory): PlaneTables => ({
  counters: newCounters(memory.counters),
  clients: memory.clients === undefined ? undefined : new ClientTable(memory.clients, memory.records, memory.seed),
  ring: memory.ring === undefined ? undefined : new InterleaveRing(memory.ring, memory.records),
});
