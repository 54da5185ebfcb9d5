import type { BoundReport } from '../../core/report/bound.js';
import { ClockBoundFile, monotonicCoarse } from '../../devices/clockbound.js';
import type { Native } from '../../devices/native.js';

/** ns; as ClockBound's own daemon. After 5 s without news clients call the clock free-running all the same. */
const VOID_AFTER = 1000n * 1_000_000_000n;

/** Publishes the bound to clients of ClockBound. */
export class ClockBoundPublisher {
  private readonly file: ClockBoundFile;
  private readonly native: Native;

  /** Throws ERR_TB_SYSCALL. */
  constructor(path: string, native: Native) {
    this.file = new ClockBoundFile(path);
    this.native = native;
  }

  /** @param bound asked for after the time stamp was taken, so that the drift from there on covers it. */
  publish(bound: () => BoundReport): void {
    const asOf = monotonicCoarse(this.native);
    const { bound: s, drift, status } = bound();
    this.file.write({
      asOf,
      voidAfter: asOf + VOID_AFTER,
      boundNs: BigInt(Math.ceil(s * 1e9)),
      maxDriftPpb: drift * 1e9,
      status,
    });
  }

  close(): void {
    this.file.close();
  }
}
