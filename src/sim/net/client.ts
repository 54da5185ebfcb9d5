import { fromNtp64, toNtp64 } from '../../base/ntp64.js';
import type { Prng } from '../../base/prng.js';
import { add, diff, type Instant } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';
import { HEADER, HEADER_BYTES, leapOf, MODE, modeOf, packLvm } from '../../wire/ntp/header.js';

interface Stamp {
  readonly hi: number;
  readonly lo: number;
}

const ZERO: Stamp = { hi: 0, lo: 0 };
const same = (a: Stamp, b: Stamp): boolean => a.hi === b.hi && a.lo === b.lo;
const read = (view: DataView, at: number): Stamp => ({ hi: view.getUint32(at), lo: view.getUint32(at + 4) });

/** What one answered exchange says about the server, measured against true time. */
export interface Exchange {
  readonly interleaved: boolean;
  readonly leap: number;
  readonly stratum: number;
  /** Root delay / 2 + root dispersion as they stood in the packet, s. */
  readonly distance: Seconds;
  /** Server's receive stamp minus the true arrival of the request, s. */
  readonly rxError: Seconds;
  /** Transmit stamp minus the true departure of the packet that it belongs to, s. */
  readonly txError: Seconds;
}

/**
 * A client whose own clock is true time: basic, or interleaved (RFC 9769) when asked. It keeps what the protocol lets
 * a client keep, and beside it, for the judge, when its packets truly arrived and left.
 */
export class SimNtpClient {
  private readonly view = new DataView(new ArrayBuffer(HEADER_BYTES));
  private sentTx: Stamp = ZERO;
  private sentRx: Stamp = ZERO;
  private lastServerRx: Stamp = ZERO;
  /** True times of the exchange under way, and departure of the reply before it. */
  private arrivedAt: Instant | undefined;
  private departedBefore: Instant | undefined;
  private waiting = false;

  constructor(
    private readonly interleave: boolean,
    private readonly rng: Prng,
  ) {}

  /** Bytes of the next request. */
  request(): Uint8Array {
    const { view } = this;
    // A random transmit stamp, as clients send today: nothing about the client leaks, replies cannot be guessed.
    this.sentTx = { hi: this.rng.u32(), lo: this.rng.u32() };
    const asks = this.interleave && !same(this.lastServerRx, ZERO);
    this.sentRx = asks ? { hi: this.rng.u32(), lo: this.rng.u32() } : ZERO;
    new Uint8Array(view.buffer).fill(0);
    view.setUint8(HEADER.LVM, packLvm(0, 4, MODE.CLIENT));
    view.setInt8(HEADER.POLL, 4);
    this.put(HEADER.ORIGIN, asks ? this.lastServerRx : ZERO);
    this.put(HEADER.RECEIVE, this.sentRx);
    this.put(HEADER.TRANSMIT, this.sentTx);
    this.waiting = true;
    this.arrivedAt = undefined;
    return new Uint8Array(view.buffer).slice();
  }

  /** The judge says when the request truly arrived at the server. */
  arrived(at: Instant): void {
    this.arrivedAt = at;
  }

  /**
   * A reply that truly left the server at `departed`. Undefined when it is none of ours: a second one for the same
   * request, or one that answers nothing we asked.
   */
  reply(bytes: Uint8Array, departed: Instant): Exchange | undefined {
    if (!this.waiting || this.arrivedAt === undefined || bytes.length < HEADER_BYTES) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const origin = read(view, HEADER.ORIGIN);
    const interleaved = !same(this.sentRx, ZERO) && same(origin, this.sentRx);
    if (modeOf(view.getUint8(0)) !== MODE.SERVER || !(interleaved || same(origin, this.sentTx))) return undefined;
    this.waiting = false;
    const rx = read(view, HEADER.RECEIVE);
    const tx = read(view, HEADER.TRANSMIT);
    const left = interleaved ? this.departedBefore : departed;
    this.departedBefore = departed;
    this.lastServerRx = rx;
    const rxTime = fromNtp64(rx.hi, rx.lo);
    const txTime = fromNtp64(tx.hi, tx.lo);
    if (rxTime === undefined || txTime === undefined || left === undefined) return undefined;
    return {
      interleaved,
      leap: leapOf(view.getUint8(0)),
      stratum: view.getUint8(HEADER.STRATUM),
      distance: view.getUint32(HEADER.ROOT_DELAY) / 131072 + view.getUint32(HEADER.ROOT_DISPERSION) / 65536,
      rxError: diff(rxTime, this.arrivedAt),
      txError: diff(txTime, left),
    };
  }

  private put(at: number, stamp: Stamp): void {
    this.view.setUint32(at, stamp.hi);
    this.view.setUint32(at + 4, stamp.lo);
  }
}

/** A request as old or odd clients send it, and outright garbage: it must be answered briefly or not at all. */
export const oddRequest = (rng: Prng, now: Instant): Uint8Array => {
  const length = [0, 1, 47, 48, 48, 48, 52, 68, 72, 200, 1024, 1600][rng.below(12)]!;
  const bytes = Uint8Array.from({ length }, () => rng.u32() & 0xff);
  if (length >= HEADER_BYTES && rng.below(2) === 0) {
    bytes[0] = packLvm(rng.below(4), 1 + rng.below(4), MODE.CLIENT);
    const { hi, lo } = toNtp64(add(now, rng.normal()));
    new DataView(bytes.buffer).setUint32(HEADER.TRANSMIT, hi);
    new DataView(bytes.buffer).setUint32(HEADER.TRANSMIT + 4, lo);
  }
  return bytes;
};
