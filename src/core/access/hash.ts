/** Mixes one more word into a hash (multiply and fold; the constants are the golden ratio's and murmur3's). */
export const mix = (h: number, word: number): number => {
  const x = Math.imul(h ^ word, 0x9e3779b1);
  return Math.imul(x ^ (x >>> 15), 0x85ebca6b) ^ (x >>> 13);
};

/**
 * Hash of a client's address as a signed 32-bit word. The seed is random at every start: without it anybody could
 * choose addresses that meet in one bucket.
 */
export const hashAddress = (seed: number, family: number, w0: number, w1: number, w2: number, w3: number): number =>
  family === 4 ? mix(mix(seed, 4), w0) : mix(mix(mix(mix(mix(seed, 6), w0), w1), w2), w3);
