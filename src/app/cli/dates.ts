import { type Instant, split } from '../../base/time.js';

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const two = (n: number): string => String(n).padStart(2, '0');

/** `Sat Nov 21 01:25:23 2026`, UTC. */
export const longDate = (t: Instant): string => {
  const d = new Date(Number(split(t).sec) * 1000);
  const clock = `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
  return `${DAYS[d.getUTCDay()]} ${MONTHS[d.getUTCMonth()]} ${two(d.getUTCDate())} ${clock} ${d.getUTCFullYear()}`;
};

/** `2026-11-21 01:25:23`: the date and time of a log line, UTC. */
export const logDate = (t: Instant): string =>
  new Date(Number(split(t).sec) * 1000).toISOString().slice(0, 19).replace('T', ' ');

/** Seconds since 1970 with nanoseconds, as CSV carries times. */
export const unixSeconds = (t: Instant): string => {
  const { sec, nsec } = split(t);
  return `${sec}.${String(nsec).padStart(9, '0')}`;
};
