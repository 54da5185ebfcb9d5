/** Worker: reads a ClockBound file until told to stop, and counts records whose fields do not belong together. */
import { parentPort, workerData } from 'node:worker_threads';
import { readClockBound, withClockBound } from './clockbound.js';

const { path, stop } = workerData as { path: string; stop: Int32Array };
const counts = { reads: 0, torn: 0, changes: 0 };
let last = 0n;
withClockBound(path, (fd) => {
  while (Atomics.load(stop, 0) === 0) {
    const v = readClockBound(fd);
    counts.reads++;
    const b = v?.boundNs ?? 0n;
    const whole =
      v !== undefined &&
      v.asOf === b * 1_000_000_001n &&
      v.voidAfter === b * 1_000_000_002n &&
      BigInt(v.driftPpb) === b &&
      v.status === (b % 2n === 0n ? 1 : 2);
    if (!whole) counts.torn++;
    if (b !== last) {
      counts.changes++;
      Atomics.add(stop, 1, 1);
    }
    last = b;
  }
});
parentPort!.postMessage(counts);
