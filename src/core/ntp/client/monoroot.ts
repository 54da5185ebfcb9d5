import type { Ntp64 } from '../../../base/ntp64.js';
import type { Seconds } from '../../../base/units.js';
import { HEADER_BYTES } from '../../../wire/ntp/header.js';
import { isZero } from '../../../wire/ntp/packet.js';
import {
  CORRECTION_BYTES,
  FIELD,
  MONO_ROOT,
  MONO_ROOT_BYTES,
  newTail,
  putCorrection,
  putMonoRoot,
  readCorrection,
  readTail,
  TAIL,
} from '../../../wire/ntp/tail.js';

/** What a server says in the field F323: finer root values, and a clock of its that is never corrected. */
export interface MonoRoot {
  readonly rootDelay: Seconds;
  readonly rootDispersion: Seconds;
  /** When it received the request, by that clock; zero = it has none. */
  readonly stamp: Ntp64;
  /** Another number, another clock. */
  readonly epoch: number;
}

/** What stands behind the header of a packet without a MAC (any more). */
export interface Fields {
  /** Nothing, or fields that nobody asked for: a MAC would be somebody else's. */
  readonly plain: boolean;
  readonly monoRoot: MonoRoot | undefined;
  /** s that our request waited in transparent clocks; 0 = nobody told. */
  readonly wait: Seconds;
  /** Types of the fields of corrections that are there. */
  readonly corrections: readonly number[];
}

/** Which of the two forms a server knows is not known before its first reply. */
export const ANY_CORRECTION: readonly number[] = [FIELD.CORRECTION, FIELD.CORRECTION_EXPERIMENTAL];

const NO_FIELDS: Fields = { plain: true, monoRoot: undefined, wait: 0, corrections: [] };
/** u4.28 s. */
const FINE = 2 ** 28;
/** A server whose clock was moved by more than this, s, is better measured anew. */
const LARGEST_MOVE = 16;

export const fieldsOf = (bytes: Uint8Array, version: number): Fields => {
  if (bytes.length === HEADER_BYTES) return NO_FIELDS;
  if (bytes.length % 4 !== 0) return { ...NO_FIELDS, plain: false };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tail = newTail();
  readTail(view, 0, bytes.length, version, tail);
  const plain = tail.kind === TAIL.PLAIN;
  if (!plain) return { ...NO_FIELDS, plain };
  const monoRoot = tail.monoRootAt > 0 ? readMonoRoot(view, tail.monoRootAt) : undefined;
  const waitAt = tail.correctionAt > 0 ? tail.correctionAt : tail.correctionExperimentalAt;
  const corrections = ANY_CORRECTION.filter(
    (type) => (type === FIELD.CORRECTION ? tail.correctionAt : tail.correctionExperimentalAt) > 0,
  );
  return { plain, monoRoot, wait: waitAt > 0 ? readCorrection(view, waitAt) : 0, corrections };
};

/** The packet with the question behind it how long it waited, in the forms of these types. */
export const withCorrections = (bytes: Uint8Array, types: readonly number[]): Uint8Array => {
  const out = new Uint8Array(bytes.length + types.length * CORRECTION_BYTES);
  out.set(bytes);
  const view = new DataView(out.buffer);
  let at = bytes.length;
  for (const type of types) at += putCorrection(view, at, type, 0);
  return out;
};

const readMonoRoot = (view: DataView, at: number): MonoRoot => ({
  rootDelay: view.getUint32(at + MONO_ROOT.ROOT_DELAY) / FINE,
  rootDispersion: view.getUint32(at + MONO_ROOT.ROOT_DISPERSION) / FINE,
  stamp: { hi: view.getUint32(at + MONO_ROOT.STAMP), lo: view.getUint32(at + MONO_ROOT.STAMP + 4) },
  epoch: view.getUint32(at + MONO_ROOT.EPOCH),
});

/** The packet with the field behind it: a question without `root` (client), else our own values (peer). */
export const withMonoRoot = (
  bytes: Uint8Array,
  root?: { readonly rootDelay: Seconds; readonly rootDispersion: Seconds },
): Uint8Array => {
  const out = new Uint8Array(bytes.length + MONO_ROOT_BYTES);
  out.set(bytes);
  putMonoRoot(new DataView(out.buffer), bytes.length, root?.rootDelay ?? 0, root?.rootDispersion ?? 0);
  return out;
};

const between = (later: Ntp64, earlier: Ntp64): Seconds =>
  ((later.hi - earlier.hi) | 0) + (later.lo - earlier.lo) / 4294967296;

/** Sees how a server moves its clock between two replies, by the clock that it never moves. */
export class MonoTrack {
  private last: { readonly mono: Ntp64; readonly receive: Ntp64; readonly epoch: number } | undefined;

  /** Seconds that the server's clock was moved forward by since the last reply; 0 when nobody can tell. */
  moved(field: MonoRoot | undefined, receive: Ntp64): Seconds {
    const { last } = this;
    this.last =
      field === undefined || isZero(field.stamp) ? undefined : { mono: field.stamp, receive, epoch: field.epoch };
    if (last === undefined || this.last === undefined || last.epoch !== this.last.epoch) return 0;
    const by = between(receive, last.receive) - between(this.last.mono, last.mono);
    return Math.abs(by) <= LARGEST_MOVE ? by : 0;
  }

  reset(): void {
    this.last = undefined;
  }
}
