import { fromUnix, instant } from '../../base/time.js';
import type { PulseError } from '../timemessage.js';
import { dayOf, MS_PER_DAY } from './calendar.js';
import type { TimedRecord } from './timed.js';
import type { UbxMessage, UbxUtc } from './ubx.js';

/** From the UBX messages that carry time to the same records that NMEA sentences give. */

const GPS_EPOCH_DAY = 3657; // 1980-01-06
const MS_PER_WEEK = 7 * MS_PER_DAY;

/** How a day number is written down again, for records that computed it. */
const written = (day: number) => {
  const d = new Date(day * MS_PER_DAY);
  return { year: d.getUTCFullYear(), month: d.getUTCMonth() + 1, day: d.getUTCDate(), twoDigits: false };
};

/**
 * `nano` is where the navigation epoch lies, to the nanosecond; rounded to the ms, because what is wanted is the
 * second that the burst names, and −400 ns must not name the one before.
 */
const recordOfUtc = (utc: UbxUtc): Pick<TimedRecord, 'msOfDay' | 'date'> | 'time' | 'date' => {
  const { year, month, day, hour, minute, second, nano } = utc;
  const leap = second === 60 && hour === 23 && minute === 59;
  if (hour > 23 || minute > 59 || (second > 59 && !leap) || Math.abs(nano) > 1e9) return 'time';
  const number = dayOf(year, month, day);
  if (number === undefined) return 'date';
  const ms = (hour * 60 + minute) * 60_000 + second * 1000 + Math.round(nano / 1e6);
  return ms < 0 ? { msOfDay: ms + MS_PER_DAY, date: written(number - 1) } : { msOfDay: ms, date: written(number) };
};

/** Fix types that vouch for time: 2D, 3D, combined, time only. Dead reckoning does not. */
const TIME_FIX = new Set([2, 3, 4, 5]);
export const fixVouches = (m: { readonly fixOk: boolean; readonly fixType: number }): boolean =>
  m.fixOk && TIME_FIX.has(m.fixType);

/**
 * The error of the next pulse; undefined where the receiver does not know it, or names a GPS second whose place in UTC is
 * not known yet. A receiver steered to another system counts that system's weeks, and no pulse will match.
 */
export const pulseErrorOf = (
  m: Extract<UbxMessage, { name: 'TIM-TP' }>,
  gpsUtcLeap: number | undefined,
): PulseError | undefined => {
  const leap = m.timebase === 'utc' ? 0 : gpsUtcLeap;
  if (m.quantisation === undefined || leap === undefined) return undefined;
  const ms = GPS_EPOCH_DAY * MS_PER_DAY + m.week * MS_PER_WEEK + m.towMs - leap * 1000;
  // A pulse marks a whole second; where it is said to lie beside one, it is the user who shifted it.
  return { utc: instant(fromUnix(Math.round(ms / 1000))), error: m.quantisation };
};

type Carrier = Extract<UbxMessage, { name: 'NAV-PVT' | 'NAV-TIMEUTC' | 'NAV-TIMEGPS' }>;

const gpsToUtc = (m: Extract<Carrier, { name: 'NAV-TIMEGPS' }>) => {
  const ms = m.week * MS_PER_WEEK + m.iTow + Math.round(m.fTow / 1e6) - (m.leap ?? 0) * 1000;
  const days = Math.floor(ms / MS_PER_DAY);
  return { msOfDay: ms - days * MS_PER_DAY, date: written(GPS_EPOCH_DAY + days) };
};

/**
 * @param fix what NAV-STATUS or NAV-SOL of the same epoch said; undefined when there was none (TIMEUTC's own validity
 *   bits stay set for a while after the fix is lost, so the fix is asked where it is known).
 */
export const timedFromUbx = (m: Carrier, fix: boolean | undefined): TimedRecord | 'time' | 'date' => {
  const from = m.name.slice(4);
  const rest = {
    from,
    key: m.name,
    weight: 'alone' as const,
    ...(m.accuracy !== undefined && { accuracy: m.accuracy }),
  };
  if (m.name === 'NAV-TIMEGPS') {
    // Without the leap count it is GPS time, 18 s off: no UTC at all.
    if (m.leap === undefined) return { ...rest, msOfDay: undefined, date: undefined, fix: false };
    return { ...rest, ...gpsToUtc(m), fix: m.timeValid && fix !== false };
  }
  const vouched = m.name === 'NAV-PVT' ? fixVouches(m) : fix !== false;
  const parts = recordOfUtc(m.utc);
  if (typeof parts !== 'string') return { ...rest, ...parts, fix: m.timeValid && vouched };
  // A cold receiver sends zeros or its build date: not an error, just no time yet.
  return m.timeValid ? parts : { ...rest, msOfDay: undefined, date: undefined, fix: false };
};
