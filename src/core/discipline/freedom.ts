import type { Frequency, Seconds } from '../../base/units.js';

/** s between remembered frequencies. */
const STEP = 16;
/** Lags of 16 s … 8192 s. */
const OCTAVES = 10;
const LENGTH = (1 << (OCTAVES - 1)) + 1;
/** Fewest pairs for a usable mean square; a lag also has to be seen twice over. */
const ENOUGH = 16;
/** Pairs over which a mean square is remembered, and how often at least the lag fits into that. */
const PAIRS = 300;
const LAGS = 4;

/**
 * How far this oscillator has been seen to move in frequency over 16 s, 32 s, … 8192 s (its structure function). It
 * says how wrong the clock can be after a time without reference, whatever drives it: wander, ageing or a heating that
 * comes and goes. Memory is fixed; a remembered frequency is the whole rate given to the clock.
 */
export class Freedom {
  private readonly past = new Float64Array(LENGTH);
  private readonly square = new Float64Array(OCTAVES);
  private readonly pairs = new Int32Array(OCTAVES);
  private count = 0;
  private wait: Seconds = 0;

  /** `dt` seconds passed with reference, at whose end the clock's total rate is `freq`. */
  observe(freq: Frequency, dt: Seconds): void {
    this.wait += dt;
    if (this.wait < STEP && this.count > 0) return;
    // After a gap the remembered points would not be 16 s apart any more: begin anew, keep the figures.
    if (this.wait > 2 * STEP) this.count = 0;
    this.wait = this.count === 0 ? 0 : this.wait - STEP;
    this.past[this.count % LENGTH] = freq;
    for (let k = 0; k < OCTAVES && this.count >= 1 << k; k++) {
      const change = freq - this.past[(this.count - (1 << k)) % LENGTH]!;
      this.pairs[k]!++;
      const n = Math.min(this.pairs[k]!, Math.max(PAIRS, LAGS << k));
      this.square[k]! += (change * change - this.square[k]!) / n;
    }
    this.count++;
  }

  /**
   * Root mean square of the phase error after `t` seconds without reference: the integral of the rms frequency change
   * (Minkowski's inequality: never too small). Beyond the lags seen, the rms grows in proportion to time.
   *
   * @param wander the random walk of the frequency, 1/sqrt(s), that is known otherwise: a floor.
   * @param fallback rms frequency change over 64 s as long as nothing was seen.
   */
  phaseError(t: Seconds, wander: number, fallback: Frequency): Seconds {
    let area = 0;
    let from = 0;
    let rms = 0;
    for (let k = 0; k < OCTAVES && from < t && this.pairs[k]! >= Math.max(ENOUGH, 2 << k); k++) {
      const lag = STEP << k;
      const next = Math.max(rms, Math.sqrt(this.square[k]!));
      const to = Math.min(t, lag);
      // A square root up to the first lag, then chords.
      if (k === 0) area = (2 / 3) * next * to * Math.sqrt(to / lag);
      else area += (to - from) * (rms + ((next - rms) * (to - from)) / (lag - from) / 2);
      from = to;
      rms = next;
    }
    if (from < t) {
      const lag = Math.max(from, STEP);
      const known = Math.max(rms, wander * Math.sqrt(lag), from === 0 ? (fallback * lag) / 64 : 0);
      area += ((known / lag) * (t * t - from * from)) / 2;
    }
    return Math.max(area, (wander * t ** 1.5) / Math.sqrt(3));
  }
}
