import { add, diff, type Instant } from '../../base/time.js';
import type { Frequency, Seconds } from '../../base/units.js';
import { medianOf } from '../refclock/robust.js';
import type { RtcReport } from '../report/reports.js';
import { robustLine } from '../robustline.js';
import { type ClockChange, timeShift } from '../sample.js';
import { countRuns } from '../sources/regress.js';
import type { RtcLine } from './file.js';

/** Measurements remembered; as many as chrony has. */
const MAX_SAMPLES = 64;
/** Fewer give no rate. */
const MIN_SAMPLES = 3;
/** s between two measurements: chrony's limits. */
const SHORTEST: Seconds = 15;
const LONGEST: Seconds = 480;
/** s: until this much is looked back on a rate that was known before is better than what a few measurements say. */
const KNOWN: Seconds = 900;
/** The next measurement is due after this part of the time that is looked back on. */
const SHARE = 16;

interface Point {
  /** Cooked. */
  when: Instant;
  /** RTC minus cooked time. */
  fast: Seconds;
}

type Fit = RtcLine & { readonly runs: number };

/**
 * How the real-time clock runs against ours: a robust straight line through the measurements of the last hours. The RTC
 * counts on through leap seconds and our own steps, so every change of our clock is a change of the offsets.
 */
export class RtcTracker {
  private points: Point[] = [];
  /** Undefined: not fitted since the last change. */
  private fitted: Fit | undefined;

  /** Its rate by measurements that are gone; undefined: nothing is known. */
  private gain: Frequency | undefined;

  /** What is known of its rate before there are measurements. */
  remember(gain: Frequency): void {
    this.gain = gain;
  }

  add(when: Instant, fast: Seconds): void {
    const last = this.points.at(-1);
    // Two for one second say nothing, and our clock may have been set back.
    if (last !== undefined && diff(when, last.when) < 1) this.points = this.points.filter((p) => p.when < when);
    this.points.push({ when, fast });
    if (this.points.length > MAX_SAMPLES) this.points.shift();
    this.fitted = undefined;
    // Now, so that what no longer lies on the line is dropped in time.
    this.fit();
  }

  /** The RTC has been set, or our clock moved by nobody knows how much. Its rate is what it was. */
  forget(): void {
    this.gain = this.estimate?.gain ?? this.gain;
    this.points = [];
    this.fitted = undefined;
  }

  rebase(change: ClockChange): void {
    if (change.kind === 'unknown') {
      this.forget();
      return;
    }
    for (const p of this.points) {
      const shift = timeShift(change, p.when);
      p.fast -= shift;
      p.when = add(p.when, shift);
    }
    // Our clock changes with every pulse, and nobody asks as often.
    this.fitted = undefined;
  }

  get samples(): number {
    return this.points.length;
  }

  /** Enough of them for a rate that is measured. */
  get valid(): boolean {
    return this.points.length >= MIN_SAMPLES;
  }

  /** As of the last measurement; undefined: there is none. */
  get estimate(): RtcLine | undefined {
    return this.fit();
  }

  fastAt(when: Instant): Seconds | undefined {
    const line = this.fit();
    return line === undefined ? undefined : line.fast + line.gain * diff(when, line.at);
  }

  /** s until the next measurement: the longer the past is straight, the rarer they can be. */
  get interval(): Seconds {
    return Math.round(Math.min(LONGEST, Math.max(SHORTEST, this.span / SHARE)));
  }

  report(): RtcReport {
    const line = this.fit();
    return {
      referenceTime: line?.at,
      samples: this.points.length,
      runs: line?.runs ?? 0,
      span: this.span,
      fast: line?.fast ?? 0,
      gain: line?.gain ?? this.gain ?? 0,
    };
  }

  private get span(): Seconds {
    return this.points.length === 0 ? 0 : diff(this.points.at(-1)!.when, this.points[0]!.when);
  }

  private fit(): Fit | undefined {
    const last = this.points.at(-1);
    if (last === undefined || this.fitted !== undefined) return this.fitted;
    const { gain } = this;
    if (gain !== undefined && this.span < KNOWN) this.fitted = this.shifted(last.when, gain);
    else if (this.valid) this.fitted = this.measuredLine(last.when);
    else this.fitted = { at: last.when, fast: last.fast, gain: 0, runs: 0 };
    return this.fitted;
  }

  /** A line of known slope. */
  private shifted(at: Instant, gain: Frequency): Fit {
    const at0 = this.points.map((p) => p.fast - gain * diff(p.when, at));
    const fast = medianOf(at0);
    return { at, fast, gain, runs: countRuns(at0.map((v) => v - fast)) };
  }

  private measuredLine(at: Instant): Fit {
    const x = this.points.map((p) => diff(p.when, at));
    const line = robustLine(
      x,
      this.points.map((p) => p.fast),
    );
    this.points = this.points.slice(line.start);
    return { at, fast: line.at0, gain: line.slope, runs: line.runs };
  }
}
