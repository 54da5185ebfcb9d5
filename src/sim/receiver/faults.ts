import type { Prng } from '../../base/prng.js';
import type { Instant } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';

/** What can go wrong with one burst. A world decides when; several at a time are applied in the order given. */
export type ReceiverFault =
  /** Nothing is sent. */
  | { readonly kind: 'silent' }
  /** No fix: status V; the receiver still keeps time. */
  | { readonly kind: 'no-fix' }
  /** No fix and no idea of the time: empty fields. */
  | { readonly kind: 'cold' }
  /** The receiver's clock stands still at this second. */
  | { readonly kind: 'frozen'; readonly at: Instant }
  /** Another second is named: ±1 for a numbering error, whole seconds for a wrong leap count. */
  | { readonly kind: 'second-error'; readonly seconds: number }
  /** So many 1024-week eras off (−1: the rollover of an old firmware). */
  | { readonly kind: 'rollover'; readonly eras: number }
  | { readonly kind: 'talker'; readonly talker: string }
  /** The burst starts so much later; above about 0.7 s it crosses the next pulse. */
  | { readonly kind: 'late'; readonly by: Seconds }
  /** UBX frames (NAV-SAT like, of no interest) before every sentence, with wrong checksums on request. */
  | { readonly kind: 'ubx-between'; readonly broken: boolean }
  /** The line end between two sentences is lost. */
  | { readonly kind: 'glue' }
  /** Only the first part of the burst comes through, 0…1. */
  | { readonly kind: 'cut'; readonly keep: number }
  | { readonly kind: 'drop-bytes'; readonly count: number }
  | { readonly kind: 'duplicate-bytes'; readonly count: number }
  | { readonly kind: 'corrupt-bytes'; readonly count: number }
  /** Random bytes before the burst. */
  | { readonly kind: 'garbage'; readonly count: number }
  /** The reader samples the line at `ratio` times the sender's speed. */
  | { readonly kind: 'wrong-baud'; readonly ratio: number };

/** Faults of the line: they change bytes, whatever the bytes say. */
export const distort = (bytes: Uint8Array, fault: ReceiverFault, prng: Prng): Uint8Array => {
  switch (fault.kind) {
    case 'cut':
      return bytes.subarray(0, Math.floor(bytes.length * fault.keep));
    case 'glue':
      return glue(bytes);
    case 'drop-bytes':
      return edit(bytes, fault.count, prng, (b, i) => b.splice(i, 1));
    case 'duplicate-bytes':
      return edit(bytes, fault.count, prng, (b, i) => b.splice(i, 0, b[i]!));
    case 'corrupt-bytes':
      return edit(bytes, fault.count, prng, (b, i) => {
        b[i] = b[i]! ^ (1 << prng.below(8));
      });
    case 'garbage':
      return Uint8Array.from([...Array.from({ length: fault.count }, () => prng.below(256)), ...bytes]);
    case 'wrong-baud':
      return resample(bytes, fault.ratio);
    default:
      return bytes;
  }
};

const edit = (bytes: Uint8Array, count: number, prng: Prng, change: (b: number[], i: number) => void): Uint8Array => {
  const copy = [...bytes];
  for (let k = 0; k < count && copy.length > 0; k++) change(copy, prng.below(copy.length));
  return Uint8Array.from(copy);
};

const glue = (bytes: Uint8Array): Uint8Array => {
  const end = bytes.indexOf(0x0d);
  return end < 0 ? bytes : Uint8Array.from([...bytes.subarray(0, end), ...bytes.subarray(end + 2)]);
};

/**
 * 8N1 bits at the sender's speed, read at another: the reader waits for a falling edge and takes eight bits at its own
 * pace. A missing stop bit still delivers the byte, as a tty that does not mark framing errors does.
 */
const resample = (bytes: Uint8Array, ratio: number): Uint8Array => {
  const bits: number[] = [];
  for (const b of bytes) {
    bits.push(0);
    for (let i = 0; i < 8; i++) bits.push((b >> i) & 1);
    bits.push(1);
  }
  const level = (t: number): number => bits[Math.floor(t)] ?? 1;
  const out: number[] = [];
  let t = 0;
  while (t < bits.length) {
    if (level(t) === 1) {
      t = Math.floor(t) + 1;
      continue;
    }
    let value = 0;
    for (let i = 0; i < 8; i++) value |= level(t + (i + 1.5) / ratio) << i;
    out.push(value);
    t += 9.5 / ratio;
  }
  return Uint8Array.from(out);
};
