/**
 * The shared-memory file of ClockBound, protocol version 2 (aws/clock-bound, docs/PROTOCOL.md). Native byte order, which
 * is little-endian on every machine this runs on. The magic number is two 32-bit words, each in native order.
 *
 *   0 magic u32 × 2 · 8 segment size u32 · 12 version u16 · 14 generation u16 · 16 as-of, 32 void-after: seconds and ns,
 *   i64 each, CLOCK_MONOTONIC_COARSE · 48 bound i64 ns · 56 disruption marker u64 · 64 max drift u32 ppb ·
 *   68 status i32 · 72 disruption support u8 · padding to 80
 */
export const CLOCKBOUND = {
  MAGIC: [0x414d5a4e, 0x43420200],
  VERSION: 2,
  SIZE: 80,
  HEADER: 16,
  GENERATION: 14,
} as const;

export const CLOCKBOUND_STATUS = { unknown: 0, synchronised: 1, holdover: 2 } as const;

/** Clients take a larger drift for a damaged file. */
const MAX_DRIFT_PPB = 999_999_999;
const NS_PER_S = 1_000_000_000n;

export interface ClockBoundRecord {
  /** CLOCK_MONOTONIC_COARSE, ns. */
  readonly asOf: bigint;
  /** After it nothing is promised any more, ns. */
  readonly voidAfter: bigint;
  /** Half-width around CLOCK_REALTIME at `asOf`, ns. */
  readonly boundNs: bigint;
  /** How fast the bound grows from `asOf` on. */
  readonly maxDriftPpb: number;
  readonly status: keyof typeof CLOCKBOUND_STATUS;
}

/** All of the header but the generation, which is written apart. */
export const encodeClockBoundHeader = (): Uint8Array => {
  const bytes = new Uint8Array(CLOCKBOUND.GENERATION);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, CLOCKBOUND.MAGIC[0], true);
  view.setUint32(4, CLOCKBOUND.MAGIC[1], true);
  view.setUint32(8, CLOCKBOUND.SIZE, true);
  view.setUint16(12, CLOCKBOUND.VERSION, true);
  return bytes;
};

/** Everything behind the header. */
export const encodeClockBound = (r: ClockBoundRecord): Uint8Array => {
  const bytes = new Uint8Array(CLOCKBOUND.SIZE - CLOCKBOUND.HEADER);
  const view = new DataView(bytes.buffer);
  for (const [at, ns] of [
    [0, r.asOf],
    [16, r.voidAfter],
  ] as const) {
    view.setBigInt64(at, ns / NS_PER_S, true);
    view.setBigInt64(at + 8, ns % NS_PER_S, true);
  }
  view.setBigInt64(32, r.boundNs, true);
  view.setUint32(48, Math.min(MAX_DRIFT_PPB, Math.ceil(r.maxDriftPpb)), true);
  view.setInt32(52, CLOCKBOUND_STATUS[r.status], true);
  return bytes;
};

/**
 * The odd generation that announces a write after `current` (even, or odd when a writer died in its work); the even one
 * that ends it is one more. Never 0, which stands for "nothing written yet". Where the low byte would overflow between
 * odd and even, three numbers are skipped: the two bytes may arrive one after the other, and half of the change from
 * 0x00ff to 0x0100 would read 0.
 */
export const writingGeneration = (current: number): number => {
  const even = current & ~1;
  return ((even & 0xff) === 0xfe ? even + 3 : even + 1) & 0xffff;
};
