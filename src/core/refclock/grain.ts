import { add, diff, floorSeconds, type Instant } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';
import type { PulseError } from '../../wire/timemessage.js';
import { type ClockChange, offsetShift, timeShift } from '../sample.js';

/**
 * Receivers put their pulse on the nearest edge of their own clock (10 to 48 MHz), which is wrong by up to this for
 * minutes on end; s.
 */
export const PULSE_GRAIN: Seconds = 25e-9;
/** What is left of it once the receiver's own figure has been taken out; s. */
const CORRECTED_GRAIN: Seconds = 5e-9;
/** No receiver that is in order puts its pulse farther off than the slowest of their clocks could; s. */
const LARGEST: Seconds = 100e-9;
/** Announcements that wait for their pulse: one, and one that came late. */
const WAITING = 4;
/** Pulses over which the figures are compared with what is measured. */
const MEMORY = 2000;
/** Pulses before a verdict. */
const ENOUGH = 60;
/** Share of the announced error that must be seen in the pulses, and standard errors of that share that make a verdict. */
const SEEN = 0.5;
const SURE = 4;

interface Point {
  readonly time: Instant;
  readonly offset: Seconds;
  readonly error: Seconds;
}

interface News {
  readonly severity: 'info' | 'warn';
  readonly text: string;
}

/**
 * The error that a receiver announces for each of its pulses, found by the second that the pulse marks and not by the
 * order of arrival. Firmware has been seen to get sign or pulse wrong, so the figures have to prove themselves: second
 * differences of the measured offsets (free of the clock's phase and frequency) are regressed on those of the figures.
 * The slope is 1 when they are right, 0 when they have nothing to do with the pulses, −1 when the sign is wrong.
 */
export class Grain {
  private waiting: PulseError[] = [];
  private points: Point[] = [];
  private count = 0;
  private xx = 0;
  private xy = 0;
  private yy = 0;
  private refused = false;
  private told: boolean | undefined;
  private applied = false;

  foretold(error: PulseError): void {
    if (Math.abs(error.error) > LARGEST) return;
    if (this.waiting.length >= WAITING) this.waiting.shift();
    this.waiting.push(error);
  }

  /** What the pulses may still be off by for minutes on end, s. */
  get left(): Seconds {
    return this.applied ? CORRECTED_GRAIN : PULSE_GRAIN;
  }

  /**
   * What has to be taken from the offset of the pulse at `time` (cooked); 0 when nothing was foretold, or it is not believed.
   *
   * @param offset true − cooked as measured: an early pulse makes it too large.
   * @param wild from here on second differences say nothing about grains, s.
   */
  take(time: Instant, offset: Seconds, wild: Seconds): Seconds {
    const second = floorSeconds(add(time, offset + 0.5));
    const found = this.waiting.find((w) => floorSeconds(w.utc) === second);
    this.applied = found !== undefined && !this.refused;
    if (found === undefined) {
      this.points = [];
      return 0;
    }
    this.waiting = this.waiting.filter((w) => floorSeconds(w.utc) > second);
    this.prove({ time, offset, error: found.error }, wild);
    return this.applied ? found.error : 0;
  }

  /** What has become known since the last call. */
  news(): News | undefined {
    if (this.count < ENOUGH || this.told === this.refused) return undefined;
    this.told = this.refused;
    return this.refused
      ? { severity: 'warn', text: 'pulses do not move as the receiver says (TIM-TP): its corrections are ignored' }
      : { severity: 'info', text: 'pulses are corrected by what the receiver says of them (TIM-TP)' };
  }

  rebase(change: ClockChange): void {
    if (change.kind !== 'adjust') this.points = [];
    this.points = this.points.map((p) => ({
      time: add(p.time, timeShift(change, p.time)),
      offset: p.offset + offsetShift(change, p.time),
      error: p.error,
    }));
  }

  private prove(point: Point, wild: Seconds): void {
    const last = this.points.at(-1);
    if (last !== undefined && Math.abs(diff(point.time, last.time) - 1) > 0.1) this.points = [];
    this.points.push(point);
    if (this.points.length < 3) return;
    const [a, b, c] = this.points as [Point, Point, Point];
    this.points.shift();
    const x = c.error - 2 * b.error + a.error;
    const y = c.offset - 2 * b.offset + a.offset;
    if (Math.abs(y) <= wild + 2 * Math.abs(x)) this.regress(x, y);
  }

  private regress(x: Seconds, y: Seconds): void {
    const keep = 1 - 1 / MEMORY;
    this.count++;
    this.xx = keep * this.xx + x * x;
    this.xy = keep * this.xy + x * y;
    this.yy = keep * this.yy + y * y;
    if (this.count < ENOUGH || this.xx === 0) return;
    const slope = this.xy / this.xx;
    const n = Math.min(this.count, MEMORY);
    const error = Math.sqrt(Math.max(0, this.yy - slope * this.xy) / n / this.xx);
    if (slope + SURE * error < SEEN) this.refused = true;
    else if (slope - SURE * error > SEEN) this.refused = false;
  }
}
