import type { AccessTree } from '../core/access/tree.js';
import type { ControlDesk } from '../core/ntp/responder.js';
import { META, type PacketTransport, SLAB_SLOTS, SLOT_BYTES, SLOT_DATA, SLOT_META } from '../ports/transport.js';

/** A request of mode 6 on its way to main: the slot's metadata (who, by which socket), and the packet. */
export interface ControlRequest {
  readonly meta: Uint32Array;
  readonly bytes: Uint8Array;
}

/** What comes back; no packets = no reply. */
export interface ControlAnswer {
  readonly meta: Uint32Array;
  readonly packets: readonly Uint8Array[];
}

/** Requests that main has not answered yet: more are dropped, so that nobody can fill its queue. */
const MAX_WAITING = 32;
/** Longer than any read request. */
const MAX_REQUEST_BYTES = 512;

/** Hands requests of mode 6 out of the packet plane, and sends what comes back. */
export class ControlPost implements ControlDesk {
  private readonly words: Uint32Array;
  private readonly bytes: Uint8Array;
  private waiting = 0;

  constructor(
    private readonly transport: PacketTransport,
    private readonly access: AccessTree,
    private readonly post: (request: ControlRequest) => void,
  ) {
    this.words = new Uint32Array(transport.slab);
    this.bytes = new Uint8Array(transport.slab);
  }

  admits(family: number, w0: number, w1: number, w2: number, w3: number): boolean {
    return this.access.isAllowed(family, w0, w1, w2, w3);
  }

  take(slot: number): boolean {
    const at = (slot * SLOT_BYTES) / 4;
    const length = this.words[at + META.RX_LENGTH]!;
    if (this.waiting >= MAX_WAITING || length > MAX_REQUEST_BYTES) return false;
    this.waiting++;
    const start = slot * SLOT_BYTES + SLOT_DATA;
    this.post({ meta: this.words.slice(at, at + SLOT_META), bytes: this.bytes.slice(start, start + length) });
    return true;
  }

  /** Between two batches: the slab is free then. */
  answer({ meta, packets }: ControlAnswer): void {
    this.waiting = Math.max(0, this.waiting - 1);
    const n = Math.min(packets.length, SLAB_SLOTS);
    for (let slot = 0; slot < n; slot++) {
      const at = (slot * SLOT_BYTES) / 4;
      this.words.set(meta, at);
      this.words[at + META.TX_LENGTH] = packets[slot]!.length;
      this.words[at + META.TX_FLAGS] = 0;
      this.words[at + META.TX_KEY] = 0;
      this.bytes.set(packets[slot]!, slot * SLOT_BYTES + SLOT_DATA);
    }
    this.transport.send(n);
  }
}
