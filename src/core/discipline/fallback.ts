import type { Frequency, Seconds } from '../../base/units.js';

/**
 * Directive fallbackdrift: averages of the frequency over 2^min, 2^(min+1) … 2^max s. Without a reference for as long
 * as an average covers, the clock goes on with it instead of with the last frequency: what lasted longer will last longer.
 */
export class FallbackDrift {
  private readonly averages: { readonly length: Seconds; seen: Seconds; freq: Frequency }[] = [];
  private used = -1;

  /** Both log2 s. */
  constructor(min: number, max: number) {
    for (let i = min; i <= max; i++) this.averages.push({ length: 2 ** i, seen: 0, freq: 0 });
  }

  /** The clock ran with this frequency for so long, with reference. */
  observe(freq: Frequency, interval: Seconds): void {
    this.used = -1;
    for (const a of this.averages) {
      // Plain mean while it is young, then one that forgets.
      const span = Math.min(interval, a.length);
      const gain = a.seen + span < 2 * a.length ? span / (a.seen + span) : 1 - Math.exp(-span / a.length);
      if (a.seen + span > 0) a.freq += gain * (freq - a.freq);
      a.seen = Math.min(a.seen + span, 2 * a.length);
    }
  }

  /** After so long without reference: the frequency to go on with, once for each average. */
  due(without: Seconds): Frequency | undefined {
    const longest = this.averages.findLastIndex((a) => a.length <= without && a.seen >= a.length);
    if (longest <= this.used) return undefined;
    this.used = longest;
    return this.averages[longest]!.freq;
  }
}
