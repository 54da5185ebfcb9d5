/** Leap seconds as a table knows them (TAI − UTC), in place of what a reference announces. */
import { add, type Instant, instant } from '../../base/time.js';
import type { LeapTable } from '../../wire/leapfile.js';
import { endOfDay } from './leap.js';

/** Midnights UTC at which a leap second had just been inserted: IERS Bulletins C, till 2017. All were insertions. */
const INSERTED: readonly (readonly [year: number, half: 'July' | 'January'])[] = [
  [1972, 'July'],
  ...[1973, 1974, 1975, 1976, 1977, 1978, 1979, 1980].map((year) => [year, 'January'] as const),
  [1981, 'July'],
  [1982, 'July'],
  [1983, 'July'],
  [1985, 'July'],
  [1988, 'January'],
  [1990, 'January'],
  [1991, 'January'],
  [1992, 'July'],
  [1993, 'July'],
  [1994, 'July'],
  [1996, 'January'],
  [1997, 'July'],
  [1999, 'January'],
  [2006, 'January'],
  [2009, 'January'],
  [2012, 'July'],
  [2015, 'July'],
  [2017, 'January'],
];

const midnight = (year: number, month: number, day: number): Instant =>
  instant(BigInt(Date.UTC(year, month - 1, day)) * 1_000_000n);

/** What was known when this program was made; complete until 2026-06-28 (the list of the IERS, issued in July 2025). */
export const BUILT_IN: LeapTable = {
  entries: [
    { at: midnight(1972, 1, 1), taiUtc: 10 },
    ...INSERTED.map(([year, half], i) => ({ at: midnight(year, half === 'July' ? 7 : 1, 1), taiUtc: 11 + i })),
  ],
  expires: midnight(2026, 6, 28),
};

/** TAI − UTC at an instant of UTC, s; undefined before 1972. */
export const taiOffsetAt = ({ entries }: LeapTable, utc: Instant): number | undefined => {
  let found: number | undefined;
  for (const entry of entries) {
    if (entry.at > utc) break;
    found = entry.taiUtc;
  }
  return found;
};

/** The leap second at the end of the day: 1 inserted, 2 deleted, 0 none. */
export const leapOfDay = (table: LeapTable, utc: Instant): 0 | 1 | 2 => {
  const end = endOfDay(utc);
  const i = table.entries.findIndex((e) => e.at === end);
  const [before, after] = [table.entries[i - 1], table.entries[i]];
  if (before === undefined || after === undefined) return 0;
  return after.taiUtc > before.taiUtc ? 1 : 2;
};

/** UTC of an instant that was counted as TAI; undefined before 1972. */
export const utcFromTai = (table: LeapTable, tai: Instant): Instant | undefined => {
  // The offset holds in UTC, so it is looked up at the TAI instant first and then where that leads.
  const first = taiOffsetAt(table, tai);
  if (first === undefined) return undefined;
  const offset = taiOffsetAt(table, add(tai, -first));
  return offset === undefined ? undefined : add(tai, -offset);
};

/** A table that does not know 2012 is none: chrony's test. In words what is wrong, undefined when nothing is. */
export const selfCheck = (table: LeapTable): string | undefined => {
  const june = midnight(2012, 6, 30);
  const december = midnight(2012, 12, 31);
  if (leapOfDay(table, june) !== 1 || taiOffsetAt(table, june) !== 34) return 'no leap second at the end of June 2012';
  if (leapOfDay(table, december) !== 0 || taiOffsetAt(table, december) !== 35) return 'TAI-UTC is wrong in 2012';
  return undefined;
};
