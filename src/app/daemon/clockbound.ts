import { ClockBoundFile, monotonicCoarse } from '../../devices/clockbound.js';
import type { Native } from '../../devices/native.js';
import { messageOf } from '../../devices/retry.js';
import { errorBound } from '../../engine/bound.js';
import type { Engine } from '../../engine/engine.js';
import type { Now } from '../../engine/events.js';
import type { Severity } from '../../ports/observer.js';

/** ns; as ClockBound's own daemon. After 5 s without news clients call the clock free-running all the same. */
const VOID_AFTER = 1000n * 1_000_000_000n;

/** s. A reader's coarse clock may be so much older than ours was: a tick of a kernel with CONFIG_HZ=100. */
const COARSE_TICK = 0.01;

/** Publishes the bound of the system clock's error to clients of ClockBound. A file that fails is told and given up. */
export class ClockBoundPublisher {
  private readonly native: Native;
  private readonly say: (severity: Severity, name: string, text: string) => void;
  private file: ClockBoundFile | undefined;

  constructor(path: string, native: Native, say: (severity: Severity, name: string, text: string) => void) {
    this.native = native;
    this.say = say;
    this.guard(() => {
      this.file = new ClockBoundFile(path);
    });
  }

  /** `now` is asked for after the time stamp of the record was taken, so that the drift from there on covers it. */
  publish(engine: Engine, now: () => Now): void {
    this.guard(() => {
      const asOf = monotonicCoarse(this.native);
      const { bound, drift, status } = errorBound(engine, now());
      const boundNs = BigInt(Math.ceil((bound + drift * COARSE_TICK) * 1e9));
      this.file?.write({ asOf, voidAfter: asOf + VOID_AFTER, boundNs, maxDriftPpb: drift * 1e9, status });
    });
  }

  /** The file stays: its bound goes on growing, and clients see that nobody writes. */
  close(): void {
    this.file?.close();
    this.file = undefined;
  }

  private guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.say('error', 'clockbound', messageOf(error));
      this.close();
    }
  }
}
