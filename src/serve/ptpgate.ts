import { COUNTER } from '../core/ntp/counters.js';
import { META, SLAB_SLOTS, SLOT_BYTES, SLOT_DATA, SLOT_MAX_PACKET, TX_PREFIX_SHIFT } from '../ports/transport.js';
import { HEADER, MODE, modeOf } from '../wire/ntp/header.js';
import { correctionOf, FRAMING, type Framing, framingOf, putFraming } from '../wire/ptp/framing.js';

const SLOT_WORDS = SLOT_BYTES / 4;

/** A socket of the plane, as the gate sees it. */
export interface GateSocket {
  readonly family: 4 | 6;
  /** PTP domain of the NTP that it carries; undefined: plain NTP. */
  readonly ptpDomain?: number | undefined;
}

/**
 * Stands between the transport and who answers: takes NTP out of PTP messages that come in by a PTP socket, and puts what
 * leaves by one into a message of the same form. A reply is no longer than its request: its frame is as long, and the
 * answer inside never grew.
 */
export class PtpGate {
  private readonly view: DataView;
  private readonly meta: Uint32Array;
  private readonly bytes: Uint8Array;
  private readonly domains: readonly (number | undefined)[];
  /** Of the batch at hand. */
  private readonly framings = new Uint8Array(SLAB_SLOTS);
  private readonly corrections = new Float64Array(SLAB_SLOTS);

  /** `sequence`: number of the first message. */
  constructor(
    slab: ArrayBuffer,
    private readonly sockets: readonly GateSocket[],
    private readonly counters: Float64Array,
    private sequence: number,
  ) {
    this.view = new DataView(slab);
    this.meta = new Uint32Array(slab);
    this.bytes = new Uint8Array(slab);
    this.domains = sockets.map((s) => s.ptpDomain);
  }

  /** Index of the socket for PTP messages of a family; −1: there is none. */
  socketOf(family: 4 | 6): number {
    return this.sockets.findIndex((s) => s.ptpDomain !== undefined && s.family === family);
  }

  /** After receiving: NTP stands at the start of each slot. What is not NTP in a message of ours is emptied. */
  unwrap(n: number): void {
    for (let slot = 0; slot < n; slot++) {
      const domain = this.domains[this.meta[slot * SLOT_WORDS + META.SOCKET]!];
      this.framings[slot] = FRAMING.NONE;
      this.corrections[slot] = 0;
      if (domain !== undefined) this.open(slot, domain);
    }
  }

  /** Before sending. */
  wrap(n: number): void {
    for (let slot = 0; slot < n; slot++) {
      const framing = this.framings[slot]! as Framing;
      if (framing !== FRAMING.NONE && this.meta[slot * SLOT_WORDS + META.TX_LENGTH] !== 0) this.frame(slot, framing);
    }
  }

  framing(slot: number): Framing {
    return this.framings[slot]! as Framing;
  }

  /** s that the packet in a slot waited in transparent clocks. */
  correction(slot: number): number {
    return this.corrections[slot]!;
  }

  /** Puts the packet in a slot into a message. Its frame waits behind it until it is sent. */
  frame(slot: number, framing: Framing): void {
    const m = slot * SLOT_WORDS;
    const domain = this.domains[this.meta[m + META.SOCKET]!]!;
    const at = (slot + 1) * SLOT_BYTES - framing;
    putFraming(this.view, at, framing, this.meta[m + META.TX_LENGTH]!, domain, this.sequence++);
    this.meta[m + META.TX_FLAGS] = this.meta[m + META.TX_FLAGS]! | (framing << TX_PREFIX_SHIFT);
  }

  private open(slot: number, domain: number): void {
    const m = slot * SLOT_WORDS;
    const p = slot * SLOT_BYTES + SLOT_DATA;
    const length = this.meta[m + META.RX_LENGTH]!;
    const whole = this.meta[m + META.TRUNCATED] === 0;
    const framing = whole ? framingOf(this.view, p, length, domain) : FRAMING.NONE;
    // Mode 6 is answered later and by more than was asked: not here.
    if (framing === FRAMING.NONE || modeOf(this.view.getUint8(p + framing + HEADER.LVM)) >= MODE.CONTROL) {
      this.meta[m + META.RX_LENGTH] = 0;
      this.counters[COUNTER.ptpIgnored]!++;
      return;
    }
    this.counters[COUNTER.ptpMessages]!++;
    this.framings[slot] = framing;
    this.corrections[slot] = correctionOf(this.view, p);
    this.bytes.copyWithin(p, p + framing, p + length);
    this.meta[m + META.RX_LENGTH] = length - framing;
  }
}

/** Longest NTP packet that fits into a slot with its frame. */
export const framedMax = (framing: Framing): number => SLOT_MAX_PACKET - framing;

/** Sockets as the rest of the plane counts them: those for PTP messages are not for plain packets. */
export const plainFamilies = (sockets: readonly GateSocket[]): readonly (4 | 6 | 0)[] =>
  sockets.map((s) => (s.ptpDomain === undefined ? s.family : 0));
