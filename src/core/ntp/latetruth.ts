/**
 * Late truth: a reply says when it left before it leaves. How much later it really does is learned from transmit stamps
 * of a few replies and added to all of them. The first reply of a batch finds cold caches and a sealed one waits for its
 * MAC, so each kind has an estimate of its own.
 */
/** One in four batches has a reply that is stamped (a stamp costs 1 µs), another one a reply whose sending is timed. */
const ROUND = 4;
/**
 * Asking for a stamp makes sending slower, partly before the stamp is taken (the control message, memory for the stamp),
 * partly after it (the error queue). How much slower is measured; this share of it is taken off again.
 */
const BEFORE_STAMP = 0.6;
/** What a stamp may move an estimate by at most, ns: one that was held up says nothing about the others. */
const MAX_PULL = 2000;
const GAIN = 1 / 16;
/** A reply that took longer, ns, was held up by something that has nothing to do with sending. */
const MAX_LATENCY = 50_000;
const KINDS = 4;

/** The kind of a reply: its place in the batch, sealed or not. */
export const latencyKind = (slot: number, sealed: boolean): number => (slot === 0 ? 0 : 1) + (sealed ? 2 : 0);

export class LateTruth {
  /** Latency of stamped replies, and how long sending takes with a stamp and without; 0 = not known. */
  private readonly latency = new Float64Array(KINDS);
  private readonly stampedCall = new Float64Array(KINDS);
  private readonly plainCall = new Float64Array(KINDS);
  private batches = 0;
  /** Slot of the current batch whose reply is to be stamped, −1 = none. */
  sampled = -1;
  /** The same for the reply that is only timed. */
  timed = -1;

  /** A batch of `n` begins; the sampled place goes round, so that every one is seen. */
  begin(n: number): void {
    const turn = this.batches++;
    const slot = (turn >>> 2) % n;
    this.sampled = turn % ROUND === 0 ? slot : -1;
    this.timed = turn % ROUND === 2 ? slot : -1;
  }

  /** Whole ns to add to T3. */
  expected(kind: number): number {
    // Whole on purpose: a fraction would be boxed on its way out.
    const extra = this.plainCall[kind]! > 0 ? this.stampedCall[kind]! - this.plainCall[kind]! : 0;
    return Math.max(0, Math.round(this.latency[kind]! - BEFORE_STAMP * Math.max(0, extra))) | 0;
  }

  /** A stamped reply left `ns` after its T3 was read. */
  learn(kind: number, ns: number): void {
    pull(this.latency, kind, ns);
  }

  /** Sending a reply took `ns`. */
  learnCall(kind: number, stamped: boolean, ns: number): void {
    pull(stamped ? this.stampedCall : this.plainCall, kind, ns);
  }
}

const pull = (estimates: Float64Array, kind: number, ns: number): void => {
  if (ns < 0 || ns > MAX_LATENCY) return;
  const wrong = ns - estimates[kind]!;
  estimates[kind]! += Math.max(-MAX_PULL, Math.min(MAX_PULL, wrong)) * GAIN;
};
