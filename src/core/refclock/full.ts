import { add, diff, type Instant } from '../../base/time.js';
import type { ReferenceReading } from '../../ports/samples.js';
import { correctionAt } from '../clockview.js';
import type { Source } from './source.js';
import type { ClockContext, Measured, UtcFromTai } from './types.js';

/** A reading that says the whole time by itself (SHM, SOCK, PHC, RTC). */
export const fullReading = (
  source: Source,
  reading: ReferenceReading,
  ctx: ClockContext,
  floor: Instant,
  utcFromTai: UtcFromTai | undefined,
): Measured | undefined => {
  const { options } = source;
  const correction = correctionAt(ctx.view, reading.local);
  const time = add(reading.local, correction);
  source.lastMessage = time;
  source.reached = true;
  if (!source.timely(time, ctx)) return undefined;
  // SHM writers say 3 while they have no fix.
  if (reading.leap !== 0 && reading.leap !== 1 && reading.leap !== 2) return source.reject('bad-leap');
  if (!Number.isFinite(reading.offset) || Math.abs(reading.offset) > 4294967296) return source.reject('insane');
  let offset = reading.offset - correction + options.offset;
  const named = add(time, offset);
  if (options.tai) {
    const utc = utcFromTai?.(named);
    if (utc === undefined) return source.reject('no-tai-offset');
    if (typeof utc === 'string') return source.reject(utc);
    offset -= diff(named, utc);
  }
  if (add(time, offset) < floor) return source.reject('before-build-date');
  const measured = source.accept({
    time,
    offset,
    error: Math.abs(reading.error),
    delay: options.delay,
    stratum: options.stratum,
    leap: reading.leap,
    pulse: false,
  });
  if (measured !== undefined) {
    source.leap = reading.leap;
    source.lastGood = time;
  }
  return measured;
};
