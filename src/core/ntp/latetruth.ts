/**
 * Late truth: a reply says when it left before it leaves. How much later it really does is learned from transmit stamps
 * of a few replies and added to all of them. The first reply of a batch finds cold caches and a sealed one waits for its
 * MAC, so each kind has an estimate of its own.
 */
/** log2 of the share of batches of which one reply is stamped: a stamp costs 1 µs. */
const SAMPLE_LOG2 = 2;
/** What a stamp may move an estimate by at most, ns: one that was held up says nothing about the others. */
const MAX_PULL = 2000;
const GAIN = 1 / 16;
/** A reply that took longer, ns, was held up by something that has nothing to do with sending. */
const MAX_LATENCY = 50_000;
const KINDS = 4;

/** The kind of a reply: its place in the batch, sealed or not. */
export const latencyKind = (slot: number, sealed: boolean): number => (slot === 0 ? 0 : 1) + (sealed ? 2 : 0);

export class LateTruth {
  private readonly estimates = new Float64Array(KINDS);
  private batches = 0;
  /** Slot of the current batch whose reply is to be stamped, −1 = none. */
  sampled = -1;

  /** A batch of `n` begins; the sampled place goes round, so that every one is seen. */
  begin(n: number): void {
    const turn = this.batches++;
    this.sampled = turn % (1 << SAMPLE_LOG2) === 0 ? (turn >>> SAMPLE_LOG2) % n : -1;
  }

  /** Whole ns to add to T3. */
  expected(kind: number): number {
    // Whole on purpose: a fraction would be boxed on its way out.
    return Math.round(this.estimates[kind]!) | 0;
  }

  /** A reply left `ns` after its T3 was read. */
  learn(kind: number, ns: number): void {
    if (ns < 0 || ns > MAX_LATENCY) return;
    const wrong = ns - this.estimates[kind]!;
    this.estimates[kind]! += Math.max(-MAX_PULL, Math.min(MAX_PULL, wrong)) * GAIN;
  }
}
