import { add, fromUnix, type Instant, split } from '../../base/time.js';
import type { Leap, Seconds } from '../../base/units.js';
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
  /** Odd while the raw clock is being stepped; changes with every step. */
  STEP_EPOCH: 11,
  /** Raw time, on the old scale and on the new one, after which a stamp is not from before the last step. */
  BEFORE_SEC: 22,
  BEFORE_NSEC: 23,
  AFTER_SEC: 24,
  AFTER_NSEC: 25,
};
/** Float64 words (from byte 48). */
const F = { ROOT_DELAY: 6, ROOT_DISP: 7, DISP_RATE: 8, CORRECTION: 9, RATE: 10 };

/** The word that changes with every step of the raw clock, for the thread that sends. */
export const stepGuard = (buffer: SharedArrayBuffer): Int32Array => new Int32Array(buffer, I.STEP_EPOCH * 4, 1);

export class SnapshotWriter {
  private readonly ints: Int32Array;
  private readonly floats: Float64Array;
  constructor(buffer: SharedArrayBuffer) {
    this.ints = new Int32Array(buffer, 0, SNAPSHOT_BYTES / 4);
    this.floats = new Float64Array(buffer, 0, SNAPSHOT_BYTES / 8);
  }

  /** The raw clock is about to be stepped: from now on nothing is answered until the next write. */
  beginStep(): void {
    if ((this.ints[I.STEP_EPOCH]! & 1) === 0) Atomics.add(this.ints, I.STEP_EPOCH, 1);
  }

  /**
   * `step`: the raw clock was stepped by `offset` s since beginStep(), and read `after` just afterwards. Without it a
   * step that was begun did not happen.
   */
  write(s: ServerState, step?: { readonly after: Instant; readonly offset: Seconds }): void {
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
    if (step !== undefined) this.putStep(step.after, step.offset);
    Atomics.add(ints, I.SEQ, 1);
    if ((ints[I.STEP_EPOCH]! & 1) === 1) Atomics.add(ints, I.STEP_EPOCH, 1);
  }

  private putStep(after: Instant, offset: Seconds): void {
    const { ints } = this;
    const a = split(after);
    const b = split(add(after, -offset));
    ints[I.AFTER_SEC] = Number(BigInt.asIntN(32, a.sec));
    ints[I.AFTER_NSEC] = a.nsec;
    ints[I.BEFORE_SEC] = Number(BigInt.asIntN(32, b.sec));
    ints[I.BEFORE_NSEC] = b.nsec;
  }
}

const isEarlier = (sec: number, nsec: number, otherSec: number, otherNsec: number): boolean => {
  const d = (sec - otherSec) | 0;
  return d < 0 || (d === 0 && nsec < otherNsec);
};

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
  /** The last step of the raw clock: see isFromBefore. Zero: there was none. */
  beforeSec = 0;
  beforeNsec = 0;
  afterSec = 0;
  afterNsec = 0;
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
      this.beforeSec = ints[I.BEFORE_SEC]! >>> 0;
      this.beforeNsec = ints[I.BEFORE_NSEC]!;
      this.afterSec = ints[I.AFTER_SEC]! >>> 0;
      this.afterNsec = ints[I.AFTER_NSEC]!;
      if (Atomics.load(ints, I.SEQ) === before) {
        this.seen = before;
        return;
      }
    }
  }

  /** The raw clock is being stepped: nobody knows the scale of a stamp. */
  get stepping(): boolean {
    return (Atomics.load(this.ints, I.STEP_EPOCH) & 1) === 1;
  }

  /**
   * May this raw stamp be from before the last step? Certainly when it lies before the step's end on the new scale.
   * After a step back a stamp between the new and the old scale's end can be from either side, as long as something
   * from before may still lie in a socket (`lingerSec`, whole seconds).
   */
  isFromBefore(sec: number, nsec: number, lingerSec: number): boolean {
    if (this.afterSec === 0) return false;
    if (isEarlier(sec, nsec, this.afterSec, this.afterNsec)) return true;
    if (!isEarlier(sec, nsec, this.beforeSec, this.beforeNsec)) return false;
    return ((sec - this.afterSec) | 0) <= lingerSec;
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
