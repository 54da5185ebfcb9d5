import { bytesToText } from '../../base/ascii.js';
import type { Instant } from '../../base/time.js';
import { crc24q, fletcher8 } from './checksum.js';

/**
 * Splits a receiver's byte stream into NMEA sentences, UBX and RTCM3 frames and garbage. A byte state machine, because
 * lines do not work: a UBX frame has no line end, so whoever splits on CR LF loses the sentence after every frame.
 *
 * Memory is one buffer of the longest frame; every byte is looked at no more than twice (see `fail`), so a megabyte
 * without a line end costs time in proportion and nothing else.
 */

/** Nominal length is 82; real receivers exceed it. Longer lines are refused. */
export const MAX_SENTENCE = 256;
/** Longest UBX payload believed. MON-VER, NAV-SAT and RXM-RAWX of today's receivers stay below 3.5 kB. */
export const MAX_UBX_PAYLOAD = 4096;
const MAX_FRAME = MAX_UBX_PAYLOAD + 8;

/** Where something lies in the stream: bytes since the start, and raw time at which its chunk came in. */
export interface Place {
  readonly position: number;
  readonly arrival: Instant;
}

export type Frame = { readonly start: Place; readonly end: Place } & (
  | { readonly kind: 'nmea'; readonly text: string }
  | { readonly kind: 'ubx'; readonly classId: number; readonly messageId: number; readonly payload: Uint8Array }
  | { readonly kind: 'rtcm'; readonly messageType: number }
);

export type FrameReject =
  | 'garbage'
  | 'nmea-glued'
  | 'nmea-binary'
  | 'nmea-length'
  | 'ubx-length'
  | 'ubx-checksum'
  | 'rtcm-checksum'
  | 'cut';

export interface FrameSink {
  onFrame(frame: Frame): void;
  onReject(reason: FrameReject): void;
}

const CR = 0x0d;
const LF = 0x0a;
const DOLLAR = 0x24;
const BANG = 0x21;
const UBX_1 = 0xb5;
const UBX_2 = 0x62;
const RTCM_1 = 0xd3;

type State = 'idle' | 'nmea' | 'ubx' | 'rtcm';

export class Framer {
  private state: State = 'idle';
  private readonly buffer = new Uint8Array(MAX_FRAME);
  private length = 0;
  /** Position of the next byte, and of buffer[0]. */
  private position = 0;
  private start = 0;
  /** Bytes before this position have been looked at a second time already. */
  private rescanned = 0;
  private inGarbage = false;
  /** Chunks that the buffer still touches, so that a frame found late keeps the stamp of its own bytes. */
  private chunks: Place[] = [];

  constructor(private readonly sink: FrameSink) {}

  /** Bytes taken in since construction. */
  get total(): number {
    return this.position;
  }

  push(bytes: Uint8Array, arrival: Instant): void {
    const oldest = this.state === 'idle' ? this.position : this.start;
    while (this.chunks.length > 1 && this.chunks[1]!.position <= oldest) this.chunks.shift();
    this.chunks.push({ position: this.position, arrival });
    for (let i = 0; i < bytes.length; i++) this.byte(bytes[i]!);
  }

  /**
   * The line has been silent for longer than any receiver pauses inside a frame: a binary frame that is still open is
   * not one. Without this a false preamble in noise would swallow the next bursts. Text is left alone: the next `$`
   * ends it anyway.
   */
  silence(): void {
    if (this.state === 'ubx' || this.state === 'rtcm') this.fail('cut');
  }

  end(): void {
    this.silence();
    if (this.state === 'nmea') this.fail('cut');
  }

  private byte(b: number): void {
    if (this.state === 'idle') this.idle(b);
    else if (this.state === 'nmea') this.text(b);
    else if (this.state === 'ubx') this.ubx(b);
    else this.rtcm(b);
  }

  private idle(b: number): void {
    const next = b === DOLLAR || b === BANG ? 'nmea' : b === UBX_1 ? 'ubx' : b === RTCM_1 ? 'rtcm' : 'idle';
    if (next !== 'idle') {
      this.state = next;
      this.start = this.position;
      this.length = 0;
      this.store(b);
      return;
    }
    this.position++;
    if (b !== CR && b !== LF) this.garbage();
  }

  /** A run of garbage counts once. */
  private garbage(): void {
    if (!this.inGarbage) this.sink.onReject('garbage');
    this.inGarbage = true;
  }

  private store(b: number): void {
    this.buffer[this.length++] = b;
    this.position++;
  }

  private text(b: number): void {
    if (b === CR || b === LF) {
      this.position++;
      const text = bytesToText(this.buffer, 0, this.length);
      this.deliver({ kind: 'nmea', text, ...this.places() });
    } else if (b === DOLLAR && this.length === 1) {
      // `$$GPRMC`: some ST receivers double it. The second one starts the sentence.
      this.start = this.position++;
    } else if (b === DOLLAR) {
      // A sentence inside a sentence: two writers on one line, or lost bytes. The checksum covers neither.
      this.abandon('nmea-glued', b);
    } else if (b < 0x20 || b > 0x7e) {
      this.abandon('nmea-binary', b);
    } else if (this.length === MAX_SENTENCE) {
      this.abandon('nmea-length', b);
    } else {
      this.store(b);
    }
  }

  private abandon(reason: FrameReject, b: number): void {
    this.sink.onReject(reason);
    this.state = 'idle';
    this.inGarbage = true;
    this.idle(b);
  }

  private ubx(b: number): void {
    this.store(b);
    if (this.length === 2 && b !== UBX_2) this.fail('garbage');
    else if (this.length >= 6) {
      const size = this.buffer[4]! | (this.buffer[5]! << 8);
      if (size > MAX_UBX_PAYLOAD) this.fail('ubx-length');
      else if (this.length === size + 8) this.ubxEnd(size);
    }
  }

  private ubxEnd(size: number): void {
    const sum = this.buffer[size + 6]! | (this.buffer[size + 7]! << 8);
    if (fletcher8(this.buffer, 2, size + 6) === sum) {
      const payload = this.buffer.slice(6, size + 6);
      const [, , classId, messageId] = this.buffer;
      this.deliver({ kind: 'ubx', classId: classId!, messageId: messageId!, payload, ...this.places() });
    } else {
      this.fail('ubx-checksum');
    }
  }

  private rtcm(b: number): void {
    this.store(b);
    // Six reserved bits are zero: most false preambles end here.
    if (this.length === 2 && (b & 0xfc) !== 0) this.fail('garbage');
    else if (this.length >= 3) {
      const size = ((this.buffer[1]! & 3) << 8) | this.buffer[2]!;
      if (this.length === size + 6) this.rtcmEnd(size);
    }
  }

  private rtcmEnd(size: number): void {
    const [c0, c1, c2] = this.buffer.subarray(size + 3, size + 6);
    if (crc24q(this.buffer, 0, size + 3) === ((c0! << 16) | (c1! << 8) | c2!)) {
      const messageType = size < 2 ? 0 : (this.buffer[3]! << 4) | (this.buffer[4]! >> 4);
      this.deliver({ kind: 'rtcm', messageType, ...this.places() });
    } else {
      this.fail('rtcm-checksum');
    }
  }

  private deliver(frame: Frame): void {
    this.state = 'idle';
    this.inGarbage = false;
    this.sink.onFrame(frame);
  }

  private places(): { start: Place; end: Place } {
    return {
      start: { position: this.start, arrival: this.arrivalAt(this.start) },
      end: { position: this.position, arrival: this.arrivalAt(this.position - 1) },
    };
  }

  private arrivalAt(position: number): Instant {
    let i = this.chunks.length - 1;
    while (i > 0 && this.chunks[i]!.position > position) i--;
    return this.chunks[i]!.arrival;
  }

  /**
   * The frame in the buffer is none: its preamble was chance. What follows the preamble is looked at again, because a
   * real frame may stand there; but only what has not been looked at twice already, so that nested false preambles
   * cannot make the cost quadratic.
   */
  private fail(reason: FrameReject): void {
    if (reason === 'garbage') this.garbage();
    else this.sink.onReject(reason);
    const end = this.position;
    const from = Math.max(this.start + 1, this.rescanned);
    const again = from < end ? this.buffer.slice(from - this.start, this.length) : new Uint8Array(0);
    this.rescanned = Math.max(this.rescanned, end);
    this.state = 'idle';
    this.inGarbage = true;
    this.position = Math.min(from, end);
    for (const b of again) this.byte(b);
  }
}
