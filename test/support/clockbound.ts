/** A client of ClockBound 2, written from its protocol page: offsets by hand, nothing shared with the writer. */
import { closeSync, openSync, readSync } from 'node:fs';

export interface ClockBoundView {
  readonly generation: number;
  readonly asOf: bigint;
  readonly voidAfter: bigint;
  readonly boundNs: bigint;
  readonly marker: bigint;
  readonly driftPpb: number;
  readonly status: number;
  readonly disruption: number;
}

const timespec = (view: DataView, at: number): bigint =>
  view.getBigInt64(at, true) * 1_000_000_000n + view.getBigInt64(at + 8, true);

/** Undefined: nothing written yet. Throws for what is not such a file, or when no copy is whole in many tries. */
export const readClockBound = (fd: number): ClockBoundView | undefined => {
  const bytes = new Uint8Array(80);
  const view = new DataView(bytes.buffer);
  const after = new Uint8Array(2);
  for (let attempt = 0; attempt < 200_000; attempt++) {
    // Field by field in order, as a client reads its mapping.
    for (const [at, length] of [
      [0, 16],
      [16, 64],
    ] as const) {
      if (readSync(fd, bytes, at, length, at) !== length) throw new Error('short file');
    }
    readSync(fd, after, 0, 2, 14);
    if (view.getUint32(0, true) !== 0x414d5a4e || view.getUint32(4, true) !== 0x43420200) throw new Error('magic');
    if (view.getUint32(8, true) !== 80 || view.getUint16(12, true) !== 2) throw new Error('size or version');
    const generation = view.getUint16(14, true);
    if (generation === 0) return undefined;
    if (generation % 2 === 1 || generation !== after[0]! + 256 * after[1]!) continue;
    return {
      generation,
      asOf: timespec(view, 16),
      voidAfter: timespec(view, 32),
      boundNs: view.getBigInt64(48, true),
      marker: view.getBigUint64(56, true),
      driftPpb: view.getUint32(64, true),
      status: view.getInt32(68, true),
      disruption: view.getUint8(72),
    };
  }
  throw new Error('never whole');
};

/** The interval that a client computes: [earliest, latest] of CLOCK_REALTIME now, ns. */
export const intervalOf = (v: ClockBoundView, realtime: bigint, monotonicCoarse: bigint): [bigint, bigint] => {
  const seconds = Number(monotonicCoarse - v.asOf) / 1e9;
  const bound = v.boundNs + BigInt(Math.trunc(seconds * v.driftPpb));
  return [realtime - bound, realtime + bound];
};

export const withClockBound = <T>(path: string, use: (fd: number) => T): T => {
  const fd = openSync(path, 'r');
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
};
