import { statSync } from 'node:fs';
import { diff, fromUnix, type Instant } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';

/** The drift file was written when the clock was right: time cannot be earlier. Undefined: it says nothing. */
export const lastKnownTime = (driftFile: string | undefined): Instant | undefined => {
  if (driftFile === undefined) return undefined;
  try {
    return fromUnix(Math.floor(statSync(driftFile).mtimeMs / 1000));
  } catch {
    return undefined;
  }
};

/** Option -s: by how much the clock lies before the last known time, s; undefined: it does not. */
export const behindLastTime = (now: Instant, last: Instant | undefined): Seconds | undefined => {
  const behind = last === undefined ? 0 : diff(last, now);
  return behind > 0 ? behind : undefined;
};
