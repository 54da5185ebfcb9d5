import { fromUnix, type Instant } from '../../base/time.js';

export const MS_PER_DAY = 86_400_000;
export const SECONDS_PER_DAY = 86_400n;

/** GPS counts weeks modulo 1024 on the air: 7168 days. */
export const ROLLOVER_DAYS = 7168;

/** A calendar date as a receiver wrote it. A two-digit year is not yet a year. */
export interface WrittenDate {
  readonly year: number;
  readonly twoDigits: boolean;
  /** 1…12 */
  readonly month: number;
  /** 1…31 */
  readonly day: number;
}

const daysInMonth = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate();

/** Whole days since 1970-01-01 (proleptic Gregorian); undefined for a date that does not exist. Years 1000…9999. */
export const dayOf = (year: number, month: number, day: number): number | undefined => {
  if (year < 1000 || year > 9999 || month < 1 || month > 12) return undefined;
  if (day < 1 || day > daysInMonth(year, month)) return undefined;
  return Date.UTC(year, month - 1, day) / MS_PER_DAY;
};

const HALF_CENTURY = 51 * 366;

/** The date's day number; a two-digit year is put into the century that brings it nearest to `near` (also a day number). */
export const resolveDay = (date: WrittenDate, near: number): number | undefined => {
  if (!date.twoDigits) return dayOf(date.year, date.month, date.day);
  const century = Math.floor(new Date(near * MS_PER_DAY).getUTCFullYear() / 100) * 100;
  let best: number | undefined;
  for (const base of [century - 100, century, century + 100]) {
    const day = dayOf(base + date.year, date.month, date.day);
    // Further off than half a century: 29 February of a year that has none, found in another century.
    if (day === undefined || Math.abs(day - near) > HALF_CENTURY) continue;
    if (best === undefined || Math.abs(day - near) < Math.abs(best - near)) best = day;
  }
  return best;
};

/** A leap second can only stand at the end of the last day of a month (ITU-R TF.460-6). */
export const isMonthEnd = (day: number): boolean => new Date((day + 1) * MS_PER_DAY).getUTCDate() === 1;

/** Start of the day plus milliseconds. 86 400 000 ms and more (a second :60) run into the next day. */
export const instantOf = (day: number, msOfDay: number): Instant => {
  const seconds = Math.floor(msOfDay / 1000);
  return fromUnix(BigInt(day) * SECONDS_PER_DAY + BigInt(seconds), (msOfDay - seconds * 1000) * 1_000_000);
};

/** Day number that an instant falls into. */
export const dayAt = (t: Instant): number => {
  const ns = SECONDS_PER_DAY * 1_000_000_000n;
  const q = t / ns;
  return Number(t < 0n && q * ns !== t ? q - 1n : q);
};

/** The day, among the neighbours of `last`, that brings a bare time of day nearest to an instant known to be recent. */
export const nearestDay = (last: Instant, msOfDay: number): number => {
  const middle = dayAt(last);
  let best = middle;
  const distance = (day: number) => {
    const d = instantOf(day, msOfDay) - last;
    return d < 0n ? -d : d;
  };
  for (const day of [middle - 1, middle + 1]) if (distance(day) < distance(best)) best = day;
  return best;
};
