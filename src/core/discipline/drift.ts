import type { Ppm } from '../../base/units.js';

/** Content of a drift file. */
export interface Drift {
  /** Positive = the raw clock is fast (chrony's sign). */
  readonly freqFastPpm: Ppm;
  readonly skewPpm: Ppm;
}

/** The largest frequency error believed from a file; chrony's clamp, ±10 %. */
const MAX_FREQ_PPM = 100_000;
const MAX_SKEW_PPM = 1_000_000;

/** A number as strtod/printf write it: no hex, no Infinity, no empty word. */
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i;

/**
 * Reads a drift file: frequency and skew in ppm, separated by blanks, on the first line. Undefined for anything
 * else: a file cut short by a power loss, garbage, or figures no clock has.
 */
export const parseDrift = (text: string): Drift | undefined => {
  const words = (text.slice(0, 256).split('\n')[0] ?? '').trim().split(/[ \t]+/);
  if (words.length < 2) return undefined;
  const [freqWord, skewWord] = words as [string, string];
  if (!NUMBER.test(freqWord) || !NUMBER.test(skewWord)) return undefined;
  const freqFastPpm = Number(freqWord);
  const skewPpm = Number(skewWord);
  if (Math.abs(freqFastPpm) > MAX_FREQ_PPM || !(skewPpm >= 0) || skewPpm > MAX_SKEW_PPM) return undefined;
  return { freqFastPpm, skewPpm };
};

/** The line chrony writes and reads: `%20.6f %20.6f\n`. */
export const formatDrift = (drift: Drift): string =>
  `${drift.freqFastPpm.toFixed(6).padStart(20)} ${drift.skewPpm.toFixed(6).padStart(20)}\n`;
