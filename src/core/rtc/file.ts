import { fromUnix, type Instant } from '../../base/time.js';
import { type Frequency, PPM, type Seconds } from '../../base/units.js';

/** What is remembered of the RTC over a restart: a straight line. */
export interface RtcLine {
  /** When it was `fast`: RTC minus true time. */
  readonly at: Instant;
  readonly fast: Seconds;
  /** s/s, positive = it gains. */
  readonly gain: Frequency;
}

/** No crystal is worse, and a wrong file must not run the clock away, s/s. */
const MAX_GAIN: Frequency = 0.01;
/** A century. */
const MAX_FAST: Seconds = 3.2e9;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i;

/** chrony's line: valid flag, seconds since 1970, s fast, ppm gained. Undefined: nothing that can be believed. */
export const parseRtcFile = (text: string): RtcLine | undefined => {
  const words = text.slice(0, 256).trim().split(/\s+/).slice(0, 4);
  if (words.length < 4 || !words.every((word) => NUMBER.test(word))) return undefined;
  const [valid, at, fast, gainPpm] = words.map(Number) as [number, number, number, number];
  const gain = gainPpm * PPM;
  if (valid !== 1 || !(at >= 0 && at < 1e11)) return undefined;
  if (Math.abs(fast) > MAX_FAST || Math.abs(gain) > MAX_GAIN) return undefined;
  return { at: fromUnix(Math.trunc(at)), fast, gain };
};

/** `%1d %.0f %.6f %.3f`, as chrony writes it. The line is moved to a whole second, or the file would lose the fraction. */
export const formatRtcFile = ({ at, fast, gain }: RtcLine): string => {
  const second = (at + 500_000_000n) / 1_000_000_000n;
  const later = Number(second * 1_000_000_000n - at) * 1e-9;
  return `1 ${second} ${(fast + gain * later).toFixed(6)} ${(gain / PPM).toFixed(3)}\n`;
};
