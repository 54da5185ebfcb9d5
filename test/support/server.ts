import { refidFromText } from '../../src/base/refid.js';
import { fromUnix, type Instant } from '../../src/base/time.js';
import { type AccessRule, AccessTree } from '../../src/core/access/tree.js';
import { IDENTITY_VIEW } from '../../src/core/clockview.js';
import { Responder, type ResponderOptions } from '../../src/core/ntp/responder.js';
import { SnapshotReader, SnapshotWriter } from '../../src/core/ntp/snapshot.js';
import type { ServerState } from '../../src/core/ntp/state.js';
import { serveBatch } from '../../src/serve/loop.js';
import { newMemory, openTables } from '../../src/serve/tables.js';
import { type Arrival, FakeTransport, type Reply } from './packets.js';

export const STATE: ServerState = {
  leap: 0,
  stratum: 1,
  refId: refidFromText('PPS'),
  referenceTime: fromUnix(1_799_999_999, 0),
  rootDelay: 0,
  rootDispersion: 1e-6,
  dispersionAt: fromUnix(1_800_000_000, 0),
  dispersionRate: 1e-6,
  precision: -25,
  view: IDENTITY_VIEW,
};

export const ALLOW_ALL: AccessRule = { allow: true, all: true, subnet: undefined };

/** The responder with everything around it but sockets. */
export class TestServer {
  readonly transport = new FakeTransport();
  readonly memory;
  readonly tables;
  readonly access = new AccessTree();
  readonly responder: Responder;
  private readonly reader: SnapshotReader;
  private readonly writer: SnapshotWriter;
  private readonly stamps: Uint32Array;

  constructor(
    options: {
      state?: ServerState | undefined;
      records?: number;
      remember?: boolean;
      allow?: boolean;
      responder?: ResponderOptions;
    } = {},
  ) {
    this.memory = newMemory(options.records ?? 256, options.remember ?? true, 0x1234567, 0x89abcde);
    this.tables = openTables(this.memory);
    this.reader = new SnapshotReader(this.memory.snapshot);
    this.writer = new SnapshotWriter(this.memory.snapshot);
    if (options.allow ?? true) this.access.apply(ALLOW_ALL);
    const { seed, markSeed } = this.memory;
    this.responder = new Responder(
      this.transport.slab,
      { access: this.access, ...this.tables },
      this.reader,
      seed,
      markSeed,
      options.responder,
    );
    this.stamps = new Uint32Array(this.transport.txStamps);
    if (!('state' in options)) this.publish(STATE);
    else if (options.state !== undefined) this.publish(options.state);
  }

  publish(state: ServerState, step?: { after: Instant; offset: number }): void {
    this.writer.write(state, step);
  }

  beginStep(): void {
    this.writer.beginStep();
  }

  /** One batch through the real loop; replies in the order of the arrivals. */
  exchange(...arrivals: Arrival[]): (Reply | undefined)[] {
    this.transport.queue.push(...arrivals);
    this.transport.replies.length = 0;
    while (serveBatch(this.transport, this.responder, this.reader, this.stamps, 0) > 0);
    return [...this.transport.replies];
  }

  ask(bytes: Uint8Array, arrival: Omit<Arrival, 'bytes'> = {}): Reply | undefined {
    return this.exchange({ ...arrival, bytes })[0];
  }
}
