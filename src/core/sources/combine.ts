import { diff, type Instant } from '../../base/time.js';
import type { Frequency, Seconds } from '../../base/units.js';
import type { Source } from './source.js';

/** The estimate of several sources as one. Offsets positive = local clock slow. */
export interface Combined {
  readonly offset: Seconds;
  readonly offsetSd: Seconds;
  readonly freq: Frequency;
  readonly skew: Frequency;
}

/**
 * Mean of the sources' estimates at `now`: offsets weighted by 1 / root distance, frequencies by 1 / variance. The
 * standard deviation of the offset includes how far the sources lie apart.
 */
export const combine = (sources: readonly Source[], now: Instant): Combined => {
  let weights = 0;
  let offset = 0;
  let freqWeights = 0;
  let freq = 0;
  let skew = 0;
  for (const source of sources) {
    const e = source.stats.estimate;
    const w = 1 / source.data!.rootDistance;
    const fw = 1 / Math.max(e.freqSd, 1e-12) ** 2;
    weights += w;
    offset += w * source.stats.predict(now);
    freqWeights += fw;
    freq += fw * e.freq;
    skew += 1 / e.skew ** 2;
  }
  offset /= weights;
  let variance = 0;
  for (const source of sources) {
    const e = source.stats.estimate;
    const age = diff(now, source.stats.newest!.time);
    const sd = e.offsetSd + age * e.skew;
    variance += (1 / source.data!.rootDistance / weights) * (sd * sd + (source.stats.predict(now) - offset) ** 2);
  }
  return { offset, offsetSd: Math.sqrt(variance), freq: freq / freqWeights, skew: 1 / Math.sqrt(skew) };
};
