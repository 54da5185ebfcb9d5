import {
  META,
  type PacketTransport,
  SLAB_SLOTS,
  SLOT_BYTES,
  SLOT_DATA,
  SLOT_META,
  STAMP_FOLLOWED,
  TX_FLAG,
  TXSTAMP,
  TXSTAMP_MAX,
  TXSTAMP_WORDS,
} from '../../src/ports/transport.js';

export interface Ntp64Text {
  readonly hi: number;
  readonly lo: number;
}
export const ZERO: Ntp64Text = { hi: 0, lo: 0 };

export interface RequestFields {
  readonly version?: number;
  readonly mode?: number;
  readonly poll?: number;
  readonly origin?: Ntp64Text;
  readonly receive?: Ntp64Text;
  readonly transmit?: Ntp64Text;
  /** Whole length; what is behind the header is zero unless `tail` says otherwise. */
  readonly length?: number;
  readonly tail?: Uint8Array;
}

/** An NTP request as bytes. */
export const request = (f: RequestFields = {}): Uint8Array => {
  const bytes = new Uint8Array(f.length ?? 48 + (f.tail?.length ?? 0));
  const view = new DataView(bytes.buffer);
  const put = (at: number, t: Ntp64Text): void => {
    if (at + 8 > bytes.length) return;
    view.setUint32(at, t.hi);
    view.setUint32(at + 4, t.lo);
  };
  if (bytes.length > 2) {
    view.setUint8(0, ((f.version ?? 4) << 3) | (f.mode ?? 3));
    view.setInt8(2, f.poll ?? 6);
  }
  put(24, f.origin ?? ZERO);
  put(32, f.receive ?? ZERO);
  put(40, f.transmit ?? { hi: 0x12345678, lo: 0x9abcdef0 });
  if (f.tail !== undefined) bytes.set(f.tail, 48);
  return bytes;
};

/** An extension field: `bytes` long as a whole, filled with `fill`. */
export const field = (type: number, bytes: number, fill = 0): Uint8Array => {
  const out = new Uint8Array(bytes).fill(fill);
  const view = new DataView(out.buffer);
  view.setUint16(0, type);
  view.setUint16(2, bytes);
  return out;
};

export interface Arrival {
  readonly bytes: Uint8Array;
  /** 4 or 16 bytes; default 192.0.2.1. */
  readonly from?: readonly number[];
  readonly to?: readonly number[];
  readonly port?: number;
  /** Raw receive stamp. */
  readonly sec?: number;
  readonly nsec?: number;
  readonly kind?: number;
  readonly truncated?: boolean;
  /** Of the receive stamp when the batch is taken. */
  readonly ageUs?: number;
}

export interface Reply {
  readonly bytes: Uint8Array;
  readonly lvm: number;
  readonly leap: number;
  readonly version: number;
  readonly mode: number;
  readonly stratum: number;
  readonly poll: number;
  readonly precision: number;
  readonly rootDelay: number;
  readonly rootDispersion: number;
  readonly refId: number;
  readonly reference: Ntp64Text;
  readonly origin: Ntp64Text;
  readonly receive: Ntp64Text;
  readonly transmit: Ntp64Text;
}

export const decodeReply = (bytes: Uint8Array): Reply => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stamp = (at: number): Ntp64Text => ({ hi: view.getUint32(at), lo: view.getUint32(at + 4) });
  const lvm = view.getUint8(0);
  return {
    bytes,
    lvm,
    leap: lvm >> 6,
    version: (lvm >> 3) & 7,
    mode: lvm & 7,
    stratum: view.getUint8(1),
    poll: view.getInt8(2),
    precision: view.getInt8(3),
    rootDelay: view.getUint32(4) / 65536,
    rootDispersion: view.getUint32(8) / 65536,
    refId: view.getUint32(12),
    reference: stamp(16),
    origin: stamp(24),
    receive: stamp(32),
    transmit: stamp(40),
  };
};

/** Seconds a − b of two NTP64 stamps. */
export const stampDiff = (a: Ntp64Text, b: Ntp64Text): number => ((a.hi - b.hi) | 0) + (a.lo - b.lo) / 4294967296;

/**
 * A transport without sockets: arrivals are queued, sends are collected. T3 = receive stamp + `turnaroundNs`; the
 * kernel's transmit stamp comes `wireNs` after T3 (undefined: it never comes).
 */
export class FakeTransport implements PacketTransport {
  readonly slab = new ArrayBuffer(SLAB_SLOTS * SLOT_BYTES);
  readonly txStamps = new ArrayBuffer(TXSTAMP_MAX * TXSTAMP_WORDS * 4);
  readonly queue: Arrival[] = [];
  readonly replies: (Reply | undefined)[] = [];
  turnaroundNs = 20_000;
  wireNs: number | undefined = 1500;
  txKind = 1;
  /** A network card's stamp so long after T3, after the kernel's; null: it is expected, and does not come. */
  cardNs: number | null | undefined;
  errno = 0;
  private nextId = 7;
  private readonly stamps: number[][] = [];

  receive(_timeoutMs: number): number {
    const n = Math.min(SLAB_SLOTS, this.queue.length);
    for (let i = 0; i < n; i++) this.fill(i, this.queue.shift()!);
    return n;
  }

  private fill(slot: number, a: Arrival): void {
    const meta = new Uint32Array(this.slab, slot * SLOT_BYTES, SLOT_META);
    meta.fill(0);
    const from = a.from ?? [192, 0, 2, 1];
    const bytes = new Uint8Array(this.slab);
    const base = slot * SLOT_BYTES;
    meta[META.RX_LENGTH] = a.bytes.length;
    meta[META.TRUNCATED] = a.truncated ? 1 : 0;
    meta[META.RX_SEC_LO] = a.sec ?? 1_800_000_000;
    meta[META.RX_NSEC] = a.nsec ?? 123_456_789;
    meta[META.RX_AGE] = a.ageUs ?? 0;
    meta[META.RX_KIND] = a.kind ?? 1;
    meta[META.FAMILY] = from.length === 4 ? 4 : 6;
    meta[META.SRC_PORT] = a.port ?? 40000;
    bytes.set(from, base + META.SRC_ADDR * 4);
    bytes.set(
      a.to ?? (from.length === 4 ? [192, 0, 2, 99] : [0x20, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]),
      base + META.DST_ADDR * 4,
    );
    // Left-overs of earlier packets are there in the real slab too.
    bytes.fill(0xee, base + SLOT_DATA, base + SLOT_BYTES);
    bytes.set(a.bytes, base + SLOT_DATA);
  }

  send(count: number): number {
    let sent = 0;
    for (let slot = 0; slot < count; slot++) {
      const meta = new Uint32Array(this.slab, slot * SLOT_BYTES, SLOT_META);
      const length = meta[META.TX_LENGTH]!;
      if (length === 0) {
        this.replies.push(undefined);
        continue;
      }
      this.stamp(slot, meta);
      meta[META.TX_ERRNO] = this.errno;
      const at = slot * SLOT_BYTES + SLOT_DATA;
      this.replies.push(decodeReply(new Uint8Array(this.slab.slice(at, at + length))));
      sent++;
    }
    return sent;
  }

  private stamp(slot: number, meta: Uint32Array): void {
    const ns = meta[META.RX_NSEC]! + this.turnaroundNs;
    const t3 = { sec: meta[META.RX_SEC_LO]! + Math.floor(ns / 1e9), nsec: ns % 1e9 };
    meta[META.T3_SEC_LO] = t3.sec;
    meta[META.T3_NSEC] = t3.nsec;
    const flags = meta[META.TX_FLAGS]!;
    if ((flags & TX_FLAG.STAMP) !== 0) {
      const view = new DataView(this.slab, slot * SLOT_BYTES + SLOT_DATA, 48);
      const total = t3.nsec + (meta[META.TX_CORR_NSEC]! | 0);
      const sec = t3.sec + (meta[META.TX_CORR_SEC]! | 0) + Math.floor(total / 1e9);
      const nsec = ((total % 1e9) + 1e9) % 1e9;
      view.setUint32(40, (sec + 2_208_988_800) >>> 0);
      view.setUint32(44, (Math.ceil((nsec * 4294967296) / 1e9) & ~1) >>> 0);
    }
    if ((flags & TX_FLAG.WANT_TX) === 0) return;
    meta[META.TX_ID] = this.nextId;
    const push = (kind: number, afterNs: number): void => {
      const wire = t3.nsec + afterNs;
      this.stamps.push([meta[META.SOCKET]!, this.nextId, kind, t3.sec + Math.floor(wire / 1e9), 0, wire % 1e9]);
    };
    if (this.wireNs !== undefined) push(this.cardNs === undefined ? this.txKind : 1 | STAMP_FOLLOWED, this.wireNs);
    if (typeof this.cardNs === 'number') push(2, this.cardNs);
    this.nextId++;
  }

  drainTxStamps(): number {
    const words = new Uint32Array(this.txStamps);
    const n = this.stamps.length;
    for (const [i, s] of this.stamps.splice(0).entries()) words.set(s, i * TXSTAMP_WORDS + TXSTAMP.SOCKET);
    return n;
  }
}
