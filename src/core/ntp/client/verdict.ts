import { toNtp64, toShort } from '../../../base/ntp64.js';
import type { Seconds } from '../../../base/units.js';
import { MODE } from '../../../wire/ntp/header.js';
import { type NtpPacket, sameStamp } from '../../../wire/ntp/packet.js';
import type { ServerState } from '../state.js';

/**
 * The ten tests of a reply (algorithms-notes 9; RFC 5905, 9.2 for 1 to 7), as bits from the left in NtpDataReport:
 * 1 2 3 5 6 7 A B C D. A set bit = passed.
 */
export const TEST = {
  /** Not a copy of the last one. */
  DUPLICATE: 1 << 9,
  /** It answers our request. */
  BOGUS: 1 << 8,
  /** It has all stamps. */
  ZERO: 1 << 7,
  /** It is authentic. */
  AUTHENTIC: 1 << 6,
  /** The server is synchronised. */
  SYNCHRONISED: 1 << 5,
  /** Its root distance is sane. */
  ROOT: 1 << 4,
  /** Delay and response time are sane. */
  DELAY: 1 << 3,
  /** Delay against the shortest. */
  RATIO: 1 << 2,
  /** Delay against what the offsets vary by. */
  DEVIATION: 1 << 1,
  /** The server does not take its time from us. */
  LOOP: 1,
} as const;

export const VALID = TEST.DUPLICATE | TEST.BOGUS | TEST.ZERO | TEST.AUTHENTIC;
export const SYNCED = TEST.SYNCHRONISED | TEST.ROOT;
export const GOOD = VALID | SYNCED | TEST.DELAY | TEST.RATIO | TEST.DEVIATION | TEST.LOOP;

/** RFC 5905, appendix A: root distance from which on a server is of no use, s. */
const MAX_DISPERSION: Seconds = 16;

/** Kiss code when the reply is one (RFC 5905, 7.4): leap 3, stratum 0, refid in ASCII. */
export const kissCode = (p: NtpPacket): string | undefined => {
  if (p.leap !== 3 || p.stratum !== 0 || (p.mode !== MODE.SERVER && p.mode !== MODE.PASSIVE)) return undefined;
  const bytes = [24, 16, 8, 0].map((shift) => (p.refId >>> shift) & 0xff);
  if (bytes.some((b) => b !== 0 && (b < 0x20 || b > 0x7e)) || bytes[0] === 0) return undefined;
  return String.fromCharCode(...bytes.filter((b) => b !== 0));
};

/** Tests 6 and 7: what the server says of itself. */
export const serverTests = (p: NtpPacket): number => {
  let passed = 0;
  if (p.leap !== 3 && p.stratum > 0 && p.stratum < 16) passed |= TEST.SYNCHRONISED;
  if (p.rootDelay / 2 + p.rootDispersion < MAX_DISPERSION) passed |= TEST.ROOT;
  return passed;
};

/** Is it ourselves whom we have asked, by whatever address? Nobody else has our stratum, reference and time of it. */
export const isOurself = (p: NtpPacket, own: ServerState): boolean =>
  own.leap !== 3 &&
  p.stratum === own.stratum &&
  p.refId === own.refId &&
  toShort(p.rootDelay) === toShort(own.rootDelay) &&
  sameStamp(p.reference, toNtp64(own.referenceTime));

export interface DelayFigures {
  readonly delay: Seconds;
  readonly dispersion: Seconds;
  readonly precision: Seconds;
  /** Delay and response time are possible in the mode of the association. */
  readonly plausible: boolean;
  /** Shortest round trip; undefined = none yet. */
  readonly minimum: Seconds | undefined;
  /** The delay that `maxdelayquant` allows; undefined = off. */
  readonly quantile: Seconds | undefined;
  /** |foretold − measured offset|; undefined = nothing foretold. */
  readonly error: Seconds | undefined;
  /** Standard deviation of the source's offsets. */
  readonly stdDev: Seconds;
  /** What the foretold offset may have drifted by since the last sample. */
  readonly drift: Seconds;
}

export interface DelayLimits {
  readonly maxdelay: Seconds;
  readonly maxdelayratio: number;
  readonly maxdelaydevratio: number;
  readonly maxdelayquant: number;
}

/** Tests A, B and C. A delayed reply passes C where its offset is farther off than its delay explains: the clock moved. */
export const delayTests = (f: DelayFigures, limits: DelayLimits): number => {
  let passed = 0;
  const short = f.delay - f.dispersion <= limits.maxdelay && f.precision <= limits.maxdelay;
  if (f.plausible && short) passed |= TEST.DELAY;
  const { minimum } = f;
  const ratio = limits.maxdelayratio;
  if (ratio < 1 || minimum === undefined || f.delay <= ratio * minimum + f.dispersion) passed |= TEST.RATIO;
  if (isTypical(f, limits)) passed |= TEST.DEVIATION;
  return passed;
};

const isTypical = (f: DelayFigures, limits: DelayLimits): boolean => {
  if (limits.maxdelayquant > 0 && f.quantile !== undefined) return f.delay <= f.quantile + f.precision;
  const ratio = limits.maxdelaydevratio;
  if (ratio <= 0 || f.minimum === undefined || f.error === undefined) return true;
  const increase = (f.delay - f.minimum) / 2;
  return increase <= ratio * f.stdDev + f.dispersion + f.drift || f.error > increase;
};
