import type { Prng } from '../../base/prng.js';
import { split } from '../../base/time.js';
import { AccessTree } from '../../core/access/tree.js';
import { KeyTable } from '../../core/ntp/keys.js';
import type { PeerEntry } from '../../core/ntp/peerdesk.js';
import { Responder, type ResponderOptions } from '../../core/ntp/responder.js';
import { SnapshotReader, SnapshotWriter, stepGuard } from '../../core/ntp/snapshot.js';
import type { ServerState } from '../../core/ntp/state.js';
import { serveBatch } from '../../serve/loop.js';
import { type PeerNews, type PeerPacket, PeerPost } from '../../serve/peers.js';
import { newMemory, openTables } from '../../serve/tables.js';
import type { SimClock } from '../clock.js';
import { type Reply, VirtualTransport } from './transport.js';

const RECORDS = 1024;
const NO_KEYS = new KeyTable([]);

/** What a plane is made for. */
export interface SimPlaneOptions extends ResponderOptions {
  /** Its address. */
  readonly address?: readonly [number, number, number, number];
  /** What comes from peers, and what became of packets to them. */
  readonly onPeer?: (news: PeerNews) => void;
}

/** The packet plane of one daemon as it ships, on a virtual socket that everybody may ask. */
export class SimPlane {
  /** Answers what has arrived; each reply goes to `onReply` at the moment of sending. */
  readonly serve: () => void;
  private readonly transport: VirtualTransport;
  private readonly writer: SnapshotWriter;
  private readonly peers: PeerPost;
  private readonly fetchStamps: () => void;

  constructor(
    private readonly clock: SimClock,
    rng: Prng,
    onReply: (reply: Reply) => void,
    options: SimPlaneOptions = {},
  ) {
    const memory = newMemory(RECORDS, true, rng.u32(), rng.u32());
    const tables = openTables(memory);
    const access = new AccessTree();
    access.apply({ allow: true, all: false, subnet: undefined });
    this.writer = new SnapshotWriter(memory.snapshot);
    const reader = new SnapshotReader(memory.snapshot);
    this.transport = new VirtualTransport(clock, onReply, options.address);
    const { slab, txStamps } = this.transport;
    const tell = options.onPeer ?? (() => undefined);
    const peers = new PeerPost(this.transport, undefined, [4], stepGuard(memory.snapshot), memory.seed, tell);
    const otherStamp = (words: Uint32Array, at: number): boolean => peers.stamped(words, at);
    const { seed, markSeed } = memory;
    const all = { ...options, peers: peers.desk, otherStamp };
    const responder = new Responder(slab, { ...tables, access }, reader, seed, markSeed, all);
    const stamps = new Uint32Array(txStamps);
    this.peers = peers;
    this.fetchStamps = () => responder.txStamps(stamps, this.transport.drainTxStamps());
    this.serve = () => {
      serveBatch(this.transport, responder, reader, stamps, 0);
    };
  }

  setPeers(peers: readonly PeerEntry[]): void {
    this.peers.desk.setPeers(peers);
  }

  /** Stamps and sends it now. */
  sendPeer(packet: Omit<PeerPacket, 'epoch'>): void {
    this.peers.send({ ...packet, epoch: 0 }, NO_KEYS);
    this.fetchStamps();
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
