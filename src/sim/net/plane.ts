import type { Prng } from '../../base/prng.js';
import { split } from '../../base/time.js';
import { AccessTree } from '../../core/access/tree.js';
import { Responder, type ResponderOptions } from '../../core/ntp/responder.js';
import { SnapshotReader, SnapshotWriter } from '../../core/ntp/snapshot.js';
import type { ServerState } from '../../core/ntp/state.js';
import { serveBatch } from '../../serve/loop.js';
import { newMemory, openTables } from '../../serve/tables.js';
import type { SimClock } from '../clock.js';
import { type Reply, VirtualTransport } from './transport.js';

const RECORDS = 1024;

/** The packet plane of one daemon as it ships, on a virtual socket that everybody may ask. */
export class SimPlane {
  /** Answers what has arrived; each reply goes to `onReply` at the moment of sending. */
  readonly serve: () => void;
  private readonly transport: VirtualTransport;
  private readonly writer: SnapshotWriter;

  constructor(
    private readonly clock: SimClock,
    rng: Prng,
    onReply: (reply: Reply) => void,
    options: ResponderOptions = {},
  ) {
    const memory = newMemory(RECORDS, true, rng.u32(), rng.u32());
    const tables = openTables(memory);
    const access = new AccessTree();
    access.apply({ allow: true, all: false, subnet: undefined });
    this.writer = new SnapshotWriter(memory.snapshot);
    const reader = new SnapshotReader(memory.snapshot);
    this.transport = new VirtualTransport(clock, onReply);
    const { slab, txStamps } = this.transport;
    const responder = new Responder(slab, { ...tables, access }, reader, memory.seed, memory.markSeed, options);
    const stamps = new Uint32Array(txStamps);
    this.serve = () => {
      serveBatch(this.transport, responder, reader, stamps, 0);
    };
  }

  /** What the engine tells the plane. */
  publish(state: ServerState): void {
    this.writer.write(state);
  }

  /** A datagram comes in and is stamped now. */
  arrive(bytes: Uint8Array, address: readonly [number, number, number, number], port: number): void {
    const { sec, nsec } = split(this.clock.realtime());
    this.transport.arrive({ bytes, address, port, rxSec: sec, rxNsec: nsec });
  }
}
