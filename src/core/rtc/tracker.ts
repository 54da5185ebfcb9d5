import { add, diff, type Instant } from '../../base/time.js';
import type { Frequency, Seconds } from '../../base/units.js';
import { medianOf, spreadAbout } from '../refclock/robust.js';
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
/** Rate that a quartz has of which nothing is known: standard deviation, s/s. */
const UNKNOWN_RATE: Frequency = 20e-6;
/** The same about one that was measured before: temperature and age. */
const KNOWN_RATE: Frequency = 5e-6;
/** s: an interrupt comes late by something like this, however well a few of them agree. */
const NOISE: Seconds = 1e-3;
/** The next measurement is due after this part of the time that is looked back on. */
const SHARE = 16;

interface Point {
  /** Cooked. */
  when: Instant;
  /** RTC minus cooked time. */
  fast: Seconds;
}

interface Fit extends RtcLine {
  readonly runs: number;
  /** Standard deviation of the rate, s/s. */
  readonly gainSd: Frequency;
}

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
    const line = this.fit();
    if (line !== undefined && line.gainSd < KNOWN_RATE) this.gain = line.gain;
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
    this.fitted = this.fitLine(last.when);
    return this.fitted;
  }

  /**
   * The robust line's slope counts for as much as it is known against what a quartz does: a rate that a minute of
   * measurements seems to show would be seconds after a night.
   */
  private fitLine(at: Instant): Fit {
    const ages = (): number[] => this.points.map((p) => diff(p.when, at));
    const fasts = (): number[] => this.points.map((p) => p.fast);
    const prior = { mean: this.gain ?? 0, sd: this.gain === undefined ? UNKNOWN_RATE : KNOWN_RATE };
    let measured = { mean: 0, sd: Number.POSITIVE_INFINITY };
    if (this.valid) {
      const line = robustLine(ages(), fasts());
      this.points = this.points.slice(line.start);
      measured = { mean: line.slope, sd: this.slopeSd(line) };
    }
    const [p, m] = [1 / prior.sd ** 2, 1 / measured.sd ** 2];
    const gain = (prior.mean * p + measured.mean * m) / (p + m);
    const x = ages();
    const level = fasts().map((fast, i) => fast - gain * x[i]!);
    const fast = medianOf(level);
    return { at, fast, gain, gainSd: 1 / Math.sqrt(p + m), runs: countRuns(level.map((v) => v - fast)) };
  }

  /** Of evenly spaced measurements, s/s. */
  private slopeSd({ at0, slope }: { readonly at0: number; readonly slope: number }): Frequency {
    const { when } = this.points.at(-1)!;
    const residuals = this.points.map((p) => p.fast - at0 - slope * diff(p.when, when));
    const sd = Math.max(NOISE, spreadAbout(residuals, 0));
    return (sd * Math.sqrt(12 / this.points.length)) / this.span;
  }
}
