import { NTP_UNIX_OFFSET, nsecToFraction } from '../../base/ntp64.js';
import { split } from '../../base/time.js';
import {
  META,
  type PacketTransport,
  SLAB_SLOTS,
  SLOT_BYTES,
  SLOT_DATA,
  SLOT_MAX_PACKET,
  TX_FLAG,
  TXSTAMP,
  TXSTAMP_MAX,
  TXSTAMP_WORDS,
} from '../../ports/transport.js';
import type { SimClock } from '../clock.js';

/** A datagram on its way to the server. IPv4. */
export interface Datagram {
  readonly bytes: Uint8Array;
  readonly address: readonly [number, number, number, number];
  readonly port: number;
  /** Raw stamp taken by the kernel on arrival: seconds and ns. */
  readonly rxSec: bigint;
  readonly rxNsec: number;
}

export interface Reply {
  readonly bytes: Uint8Array;
  readonly address: string;
  readonly port: number;
}

const KERNEL = 1;
/** A packet leaves the kernel this long after the daemon read the clock for it, ns. */
const TX_LATENCY_NS = 900;
/** Socket buffer: beyond it datagrams are dropped, as the kernel does. */
const MAX_QUEUED = 4096;
const SLOT_WORDS = SLOT_BYTES / 4;

export const addressText = (a: readonly number[]): string => a.join('.');

/** Twin of the addon's socket loop: what native does to a slab, on a simulated clock. */
export class VirtualTransport implements PacketTransport {
  readonly slab = new ArrayBuffer(SLAB_SLOTS * SLOT_BYTES);
  readonly txStamps = new ArrayBuffer(TXSTAMP_MAX * TXSTAMP_WORDS * 4);
  /** Datagrams lost to the socket buffer. */
  dropped = 0;
  private readonly meta = new Uint32Array(this.slab);
  private readonly bytes = new Uint8Array(this.slab);
  private readonly view = new DataView(this.slab);
  private readonly stamps = new Uint32Array(this.txStamps);
  private readonly inbox: Datagram[] = [];
  private readonly pendingStamps: { id: number; sec: number; nsec: number }[] = [];
  private nextId = 0;

  constructor(
    private readonly clock: SimClock,
    private readonly onReply: (reply: Reply) => void,
    private readonly address: readonly [number, number, number, number] = [192, 0, 2, 1],
  ) {}

  arrive(datagram: Datagram): void {
    if (this.inbox.length < MAX_QUEUED) this.inbox.push(datagram);
    else this.dropped++;
  }

  /** Never waits: virtual time only moves between tasks. */
  receive(_timeoutMs: number): number {
    const batch = this.inbox.splice(0, SLAB_SLOTS);
    for (const [slot, datagram] of batch.entries()) this.fill(slot, datagram);
    return batch.length;
  }

  send(count: number): number {
    let sent = 0;
    for (let slot = 0; slot < count; slot++) if (this.sendSlot(slot)) sent++;
    return sent;
  }

  drainTxStamps(): number {
    const batch = this.pendingStamps.splice(0, TXSTAMP_MAX);
    for (const [i, stamp] of batch.entries()) {
      const at = i * TXSTAMP_WORDS;
      this.stamps[at + TXSTAMP.SOCKET] = 0;
      this.stamps[at + TXSTAMP.ID] = stamp.id;
      this.stamps[at + TXSTAMP.KIND] = KERNEL;
      this.stamps[at + TXSTAMP.SEC_LO] = stamp.sec;
      this.stamps[at + TXSTAMP.SEC_HI] = 0;
      this.stamps[at + TXSTAMP.NSEC] = stamp.nsec;
    }
    return batch.length;
  }

  private fill(slot: number, { bytes, address, port, rxSec, rxNsec }: Datagram): void {
    const { meta } = this;
    const m = slot * SLOT_WORDS;
    meta.fill(0, m, m + SLOT_DATA / 4);
    const length = Math.min(bytes.length, SLOT_MAX_PACKET);
    meta[m + META.RX_LENGTH] = length;
    meta[m + META.TRUNCATED] = bytes.length > SLOT_MAX_PACKET ? 1 : 0;
    meta[m + META.RX_SEC_LO] = Number(BigInt.asUintN(32, rxSec));
    meta[m + META.RX_SEC_HI] = Number(BigInt.asUintN(32, rxSec >> 32n));
    meta[m + META.RX_NSEC] = rxNsec;
    meta[m + META.RX_KIND] = KERNEL;
    meta[m + META.FAMILY] = 4;
    meta[m + META.SRC_PORT] = port;
    this.bytes.set(address, (m + META.SRC_ADDR) * 4);
    this.bytes.set(this.address, (m + META.DST_ADDR) * 4);
    this.bytes.set(bytes.subarray(0, length), slot * SLOT_BYTES + SLOT_DATA);
  }

  /** Stamps and sends one slot as the addon does: the clock is read for each packet. */
  private sendSlot(slot: number): boolean {
    const { meta, view } = this;
    const m = slot * SLOT_WORDS;
    const length = meta[m + META.TX_LENGTH]!;
    if (length === 0) return false;
    const { sec, nsec } = split(this.clock.realtime());
    const rawSec = Number(BigInt.asUintN(32, sec));
    const flags = meta[m + META.TX_FLAGS]!;
    const at = slot * SLOT_BYTES + SLOT_DATA;
    if ((flags & TX_FLAG.STAMP) !== 0) {
      const sum = nsec + (meta[m + META.TX_CORR_NSEC]! | 0);
      const carry = Math.floor(sum / 1e9);
      view.setUint32(at + 40, (rawSec + (meta[m + META.TX_CORR_SEC]! | 0) + carry + NTP_UNIX_OFFSET) >>> 0);
      view.setUint32(at + 44, (nsecToFraction(sum - carry * 1e9) & ~1) >>> 0);
    }
    meta[m + META.T3_SEC_LO] = rawSec;
    meta[m + META.T3_SEC_HI] = 0;
    meta[m + META.T3_NSEC] = nsec;
    meta[m + META.TX_ERRNO] = 0;
    const id = this.nextId++ >>> 0;
    meta[m + META.TX_ID] = id;
    if ((flags & TX_FLAG.WANT_TX) !== 0) this.stampLater(id, rawSec, nsec + TX_LATENCY_NS);
    const from = (m + META.SRC_ADDR) * 4;
    this.onReply({
      bytes: this.bytes.slice(at, at + length),
      address: addressText([...this.bytes.subarray(from, from + 4)]),
      port: meta[m + META.SRC_PORT]!,
    });
    return true;
  }

  private stampLater(id: number, sec: number, nsec: number): void {
    const over = nsec >= 1e9 ? 1 : 0;
    this.pendingStamps.push({ id, sec: sec + over, nsec: nsec - over * 1e9 });
  }
}

/** TX_LATENCY_NS in seconds, for who judges interleaved stamps. */
export const TX_LATENCY = TX_LATENCY_NS * 1e-9;
