import { fromUnix, split } from '../../base/time.js';
import type { Leap } from '../../base/units.js';
import type { ServerState } from './state.js';

/**
 * The server state in a SharedArrayBuffer: one writer (the engine's thread), any number of readers (serve workers),
 * guarded by a sequence lock. The counter is odd while a write is under way; a reader copies and tries again when the
 * counter was odd or has changed. Atomics on the counter give the ordering.
 */
export const SNAPSHOT_BYTES = 128;

/** Int32 words. */
const I = {
  SEQ: 0,
  LEAP: 1,
  STRATUM: 2,
  REFID: 3,
  PRECISION: 4,
  REF_SEC: 5,
  REF_NSEC: 6,
  VIEW_SEC: 7,
  VIEW_NSEC: 8,
  DISP_SEC: 9,
  DISP_NSEC: 10,
};
/** Float64 words (from byte 48). */
const F = { ROOT_DELAY: 6, ROOT_DISP: 7, DISP_RATE: 8, CORRECTION: 9, RATE: 10 };

export class SnapshotWriter {
  private readonly ints: Int32Array;
  private readonly floats: Float64Array;
  constructor(buffer: SharedArrayBuffer) {
    this.ints = new Int32Array(buffer, 0, SNAPSHOT_BYTES / 4);
    this.floats = new Float64Array(buffer, 0, SNAPSHOT_BYTES / 8);
  }

  write(s: ServerState): void {
    const { ints, floats } = this;
    const ref = split(s.referenceTime);
    const view = split(s.view.ref);
    const disp = split(s.dispersionAt);
    Atomics.add(ints, I.SEQ, 1);
    ints[I.LEAP] = s.leap;
    ints[I.STRATUM] = s.stratum;
    ints[I.REFID] = s.refId | 0;
    ints[I.PRECISION] = s.precision;
    // Seconds as u32 since 1970 wrap in 2106; readers only take differences below 68 years.
    ints[I.REF_SEC] = Number(BigInt.asIntN(32, ref.sec));
    ints[I.REF_NSEC] = ref.nsec;
    ints[I.VIEW_SEC] = Number(BigInt.asIntN(32, view.sec));
    ints[I.VIEW_NSEC] = view.nsec;
    ints[I.DISP_SEC] = Number(BigInt.asIntN(32, disp.sec));
    ints[I.DISP_NSEC] = disp.nsec;
    floats[F.ROOT_DELAY] = s.rootDelay;
    floats[F.ROOT_DISP] = s.rootDispersion;
    floats[F.DISP_RATE] = s.dispersionRate;
    floats[F.CORRECTION] = s.view.correction;
    floats[F.RATE] = s.view.rate;
    Atomics.add(ints, I.SEQ, 1);
  }
}

/** A reader's private copy, refreshed once a batch; plain fields, nothing is allocated a packet. */
export class SnapshotReader {
  leap: Leap = 3;
  stratum = 16;
  refId = 0;
  precision = -20;
  refSec = 0;
  refNsec = 0;
  viewSec = 0;
  viewNsec = 0;
  dispSec = 0;
  dispNsec = 0;
  rootDelay = 1;
  rootDispersion = 1;
  dispersionRate = 0;
  correction = 0;
  rate = 0;
  private readonly ints: Int32Array;
  private readonly floats: Float64Array;
  private seen = -1;

  constructor(buffer: SharedArrayBuffer) {
    this.ints = new Int32Array(buffer, 0, SNAPSHOT_BYTES / 4);
    this.floats = new Float64Array(buffer, 0, SNAPSHOT_BYTES / 8);
  }

  /** Copies the newest state; cheap when nothing changed. Before the first write: not synchronised. */
  refresh(): void {
    const { ints, floats } = this;
    for (;;) {
      const before = Atomics.load(ints, I.SEQ);
      if (before === this.seen || before === 0) return;
      if ((before & 1) !== 0) continue;
      this.leap = (ints[I.LEAP]! & 3) as Leap;
      this.stratum = ints[I.STRATUM]!;
      this.refId = ints[I.REFID]! >>> 0;
      this.precision = ints[I.PRECISION]!;
      this.refSec = ints[I.REF_SEC]! >>> 0;
      this.refNsec = ints[I.REF_NSEC]!;
      this.viewSec = ints[I.VIEW_SEC]! >>> 0;
      this.viewNsec = ints[I.VIEW_NSEC]!;
      this.dispSec = ints[I.DISP_SEC]! >>> 0;
      this.dispNsec = ints[I.DISP_NSEC]!;
      this.rootDelay = floats[F.ROOT_DELAY]!;
      this.rootDispersion = floats[F.ROOT_DISP]!;
      this.dispersionRate = floats[F.DISP_RATE]!;
      this.correction = floats[F.CORRECTION]!;
      this.rate = floats[F.RATE]!;
      if (Atomics.load(ints, I.SEQ) === before) {
        this.seen = before;
        return;
      }
    }
  }

  /** For tests and reports: the state as an object. */
  toState(): ServerState {
    return {
      leap: this.leap,
      stratum: this.stratum,
      refId: this.refId,
      precision: this.precision,
      referenceTime: fromUnix(this.refSec, this.refNsec),
      rootDelay: this.rootDelay,
      rootDispersion: this.rootDispersion,
      dispersionAt: fromUnix(this.dispSec, this.dispNsec),
      dispersionRate: this.dispersionRate,
      view: { ref: fromUnix(this.viewSec, this.viewNsec), correction: this.correction, rate: this.rate },
    };
  }
}
