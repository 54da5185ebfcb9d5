import { fromUnix, type Instant, split } from './time.js';

/** Seconds from 1900-01-01 to 1970-01-01 (RFC 5905, figure 4). */
export const NTP_UNIX_OFFSET = 2_208_988_800;

/**
 * Where an NTP era is anchored: 32-bit seconds are taken as the first instant at or after this Unix second.
 * 2010-01-01, from the product's age and not from the running clock: a dead RTC reads 1970.
 */
export const ERA_PIVOT = 1_262_304_000n;

/** NTP64 fraction of a second, smallest value that reads back as `nsec`: ceil(nsec·2^32/1e9). */
export const nsecToFraction = (nsec: number): number => Math.ceil((nsec * 4294967296) / 1e9) >>> 0;

/** floor(fraction·1e9/2^32). Exact inverse of nsecToFraction for every nanosecond. */
export const fractionToNsec = (fraction: number): number => Math.floor((fraction * 1e9) / 4294967296);

export interface Ntp64 {
  /** Seconds since 1900 modulo 2^32. */
  readonly hi: number;
  /** 2^-32 s. */
  readonly lo: number;
}

export const toNtp64 = (t: Instant): Ntp64 => {
  const { sec, nsec } = split(t);
  return { hi: Number(BigInt.asUintN(32, sec + BigInt(NTP_UNIX_OFFSET))), lo: nsecToFraction(nsec) };
};

/** Undefined for 0/0, which means "no time" and is never a date (RFC 5905, 6). */
export const fromNtp64 = (hi: number, lo: number): Instant | undefined => {
  if (hi === 0 && lo === 0) return undefined;
  const sinceP = BigInt.asUintN(32, BigInt(hi) - BigInt(NTP_UNIX_OFFSET) - ERA_PIVOT);
  return fromUnix(ERA_PIVOT + sinceP, fractionToNsec(lo));
};

/** 16.16 seconds for root delay and dispersion: rounded up, clamped, never understated. */
export const toShort = (s: number): number =>
  !(s > 0) ? 0 : s >= 65535.99998 ? 0xffffffff : Math.min(0xffffffff, Math.ceil(s * 65536)) >>> 0;

export const fromShort = (x: number): number => x / 65536;
