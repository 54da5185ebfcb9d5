import type { Seconds } from './units.js';

declare const instantBrand: unique symbol;
declare const monoBrand: unique symbol;

/** A point on a UTC-like clock: ns since 1970-01-01 as a bigint. Raw or cooked is said by the name that holds it. */
export type Instant = bigint & { readonly [instantBrand]: true };

/** A point on CLOCK_MONOTONIC (or virtual time): ns since an arbitrary start. Never mixed with Instant. */
export type Mono = bigint & { readonly [monoBrand]: true };

export const NS_PER_S = 1_000_000_000n;

export const instant = (ns: bigint): Instant => ns as Instant;
export const mono = (ns: bigint): Mono => ns as Mono;

/** From whole seconds since 1970 and nanoseconds (may be negative or above 1e9: carried). */
export const fromUnix = (sec: number | bigint, nsec: number | bigint = 0): Instant =>
  instant(BigInt(sec) * NS_PER_S + BigInt(nsec));

/** Intervals up to here (46 days) are whole numbers of ns that a float64 holds exactly: no bigint arithmetic needed. */
const EXACT_S = 4e6;
const EXACT_NS = EXACT_S * 1e9;

/** Rounds an interval to whole nanoseconds. Precise to 1 ns up to 2^53 ns (104 days); callers deal in less or in whole seconds. */
export const toNs = (s: Seconds): bigint => {
  const whole = Math.trunc(s);
  if (Math.abs(s) < EXACT_S) return BigInt(whole * 1e9 + Math.round((s - whole) * 1e9));
  return BigInt(whole) * NS_PER_S + BigInt(Math.round((s - whole) * 1e9));
};

/** The same as `nsToSeconds` for a number of ns that is a whole one, below 46 days. */
export const countToSeconds = (ns: number): Seconds => {
  const seconds = Math.trunc(ns / 1e9);
  return seconds + (ns - seconds * 1e9) * 1e-9;
};

export const nsToSeconds = (ns: bigint): Seconds => {
  const n = Number(ns);
  if (Math.abs(n) < EXACT_NS) return countToSeconds(n);
  const whole = ns / NS_PER_S;
  return Number(whole) + Number(ns - whole * NS_PER_S) * 1e-9;
};

export const add = (t: Instant, s: Seconds): Instant => instant(t + toNs(s));
export const addMono = (t: Mono, s: Seconds): Mono => mono(t + toNs(s));

/** a − b in seconds. */
export const diff = (a: Instant, b: Instant): Seconds => nsToSeconds(a - b);
export const diffMono = (a: Mono, b: Mono): Seconds => nsToSeconds(a - b);

/** Whole seconds since 1970, rounded down (also before 1970). */
export const floorSeconds = (t: Instant): bigint => {
  const q = t / NS_PER_S;
  return t < 0n && q * NS_PER_S !== t ? q - 1n : q;
};

/** Nanoseconds inside the second, 0…999 999 999. */
export const nsInSecond = (t: Instant): number => Number(t - floorSeconds(t) * NS_PER_S);

/** Position inside the second as seconds, [0, 1). */
export const fraction = (t: Instant): Seconds => nsInSecond(t) * 1e-9;

/** Whole seconds and nanoseconds, for headers that carry them apart. */
export const split = (t: Instant): { sec: bigint; nsec: number } => {
  const sec = floorSeconds(t);
  return { sec, nsec: Number(t - sec * NS_PER_S) };
};

export const maxInstant = (a: Instant, b: Instant): Instant => (a > b ? a : b);

/** `2026-11-21T01:02:03.456789012Z`: for people and logs. */
export const toIso = (t: Instant, digits: 0 | 3 | 6 | 9 = 9): string => {
  const { sec, nsec } = split(t);
  const base = new Date(Number(sec) * 1000).toISOString().slice(0, 19);
  const frac = digits === 0 ? '' : '.' + String(nsec).padStart(9, '0').slice(0, digits);
  return `${base}${frac}Z`;
};
