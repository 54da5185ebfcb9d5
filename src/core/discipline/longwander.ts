/** Measurements over which the wander is remembered: four times what the bank remembers where nothing changes. */
const MEMORY = 8000;
/** A bank with its full memory takes the wander for smaller than it is, by luck, by no more than this factor. */
const MOST = 3;
/** Measurements after a change of the noise within which the bank's memory is not full again. */
const SHORT = 4096;
/** The average itself may be too small, by up to this share at first and ever less for so many measurements. */
const LUCK = 0.9;
const LUCK_FOR = MEMORY / 2;
/** Of the variance of a steady filter: what comes from the noise of measurements, and what from the wander. */
const FROM_NOISE = 0.75;
const FROM_WANDER = 0.25;

/**
 * The oscillator's wander as it was for long. The bank weighs its hypotheses by what the latest measurements say, and
 * after a change of the noise those are a few hundred: some calm minutes look like a calm oscillator, the filter becomes
 * too slow, and its own figure of its error too small.
 *
 * For white noise and a wander of q a steady filter with natural frequency w = sqrt(q / sigma) has an error of variance
 * sigma² w (3 + (Q / q)²) / (2 sqrt 2) where the wander is Q in truth: three quarters of what it believes come from the
 * noise, one quarter from the wander.
 */
export class LongWander {
  private log = 0;
  private seen = 0;

  /** One more measurement, after which the bank takes the oscillator's wander for this, 1/sqrt(s). */
  learn(wander: number): void {
    if (!(wander > 0)) return;
    this.seen++;
    // While young half of what was seen, as a bank that is young itself says little.
    this.log += (Math.log(wander) - this.log) / Math.min(Math.max(1, this.seen / 2), MEMORY);
  }

  /**
   * What the sd of the clock has to be multiplied with.
   *
   * @param wander the bank's figure, 1/sqrt(s).
   * @param sinceChange measurements since the noise of the source last changed.
   */
  factor(wander: number, sinceChange: number): number {
    if (this.seen === 0 || !(wander > 0)) return 1;
    const most = sinceChange < SHORT ? Number.POSITIVE_INFINITY : MOST;
    const ratio = Math.min(most, Math.max(1, (this.luck() * Math.exp(this.log)) / wander));
    return Math.sqrt(FROM_NOISE + FROM_WANDER * ratio * ratio);
  }

  private luck(): number {
    return 1 + LUCK * Math.max(0, 1 - this.seen / LUCK_FOR);
  }
}
