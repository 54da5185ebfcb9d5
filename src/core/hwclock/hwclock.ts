/**
 * The clock of a network card (PHC) against the system clock: which system time is a stamp of the card? Readings of
 * both, a straight line through the newest of them, and doubts: slow readings, slips and jumps.
 */
import { add, diff, type Instant, instant, nsToSeconds } from '../../base/time.js';
import type { Frequency, Seconds } from '../../base/units.js';
import { robustLine } from '../robustline.js';

/** System clock before and after, PHC between, ns. Exact cross time stamps: before = after. */
export interface PhcBracket {
  readonly before: bigint;
  readonly phc: bigint;
  readonly after: bigint;
}

export interface HwClockOptions {
  /** Readings before anything is translated, and kept at most. */
  readonly minSamples: number;
  readonly maxSamples: number;
  /** Smallest error of a reading. */
  readonly precision: Seconds;
}

/** system = local + (t − phc) · (1 + rate), for a stamp t of the card. */
export interface HwMapping {
  readonly phc: bigint;
  readonly local: Instant;
  /** Of the system clock against the card's; dimensionless. */
  readonly rate: Frequency;
  readonly error: Seconds;
}

/**
 * What became of a set of readings: taken; too slow to say anything; off the line, and alone in that; off the line together
 * with the last one (or once too often), so the line begins anew.
 */
export type Verdict = 'used' | 'slow' | 'outlier' | 'reset';

interface Sample {
  readonly phc: bigint;
  /** System time, moved on to the rate that the system clock has now; the part below 1 ns and what was moved in `moved`, ns. */
  readonly local: Instant;
  moved: number;
  readonly error: Seconds;
}

const MAX_SAMPLES = 64;
/** A bracket this many times as wide as usual is not looked at … */
const SLOW = 4;
/** … unless the last good one is so many readings ago: a card that has become slow has to be lived with. */
const PATIENCE = 8;
/** Two oscillators change their rate against each other by this a second, at most: a fan goes on, a slew begins. */
const WANDER = 1e-6;
/** A card's clock that is off by more is broken (chrony asks the same). */
const MAX_RATE = 2 / 3;
/** Two readings off the line belong together when the rate between them is that of the line, but for a slew. */
const SLEW = 1e-3;
/** Readings off the line, none with the last, before the line is given up. */
const STRIKES = 3;
/** The quickest readings are averaged: this share of them, unless their brackets are wider than the best by that part of it. */
const SHARE = 4;
const NEARLY = 1 / 4;

export class HwClock {
  private samples: Sample[] = [];
  private line: { readonly at0: number; readonly rate: number } | undefined;
  private suspect: Sample | undefined;
  private skipped = 0;
  private strikes = 0;
  private readonly keep: number;
  private readonly least: number;

  constructor(private readonly options: HwClockOptions) {
    // 0 stands for the default (minsamples 0, maxsamples 0), and two points make a line.
    this.keep = Math.min(MAX_SAMPLES, options.maxSamples === 0 ? MAX_SAMPLES : Math.max(2, options.maxSamples));
    this.least = Math.min(this.keep, Math.max(2, options.minSamples));
  }

  /** Readings of one moment, at least one. */
  add(readings: readonly PhcBracket[]): Verdict {
    const sample = this.average(readings);
    const last = this.samples.at(-1);
    if (last === undefined) {
      this.samples = [sample];
      return 'used';
    }
    if (sample.phc <= last.phc || sample.local <= last.local) return this.restart([sample]);
    if (this.isSlow(sample)) {
      this.skipped++;
      return 'slow';
    }
    this.skipped = 0;
    if (this.agrees(sample, last)) return this.take(sample);
    const { suspect } = this;
    if (suspect !== undefined && this.belongs(sample, suspect)) return this.restart([suspect, sample]);
    if (++this.strikes >= STRIKES) return this.restart([sample]);
    this.suspect = sample;
    return 'outlier';
  }

  /** Undefined until there are enough readings. */
  mapping(): HwMapping | undefined {
    const last = this.samples.at(-1);
    const { line } = this;
    if (last === undefined || line === undefined || this.samples.length < this.least) return undefined;
    const local = instant(last.local + BigInt(Math.round(last.moved + line.at0)));
    return { phc: last.phc, local, rate: line.rate, error: last.error };
  }

  /** The system clock runs faster by `change` from `at` on: as if it always had. */
  slewed(at: Instant, change: Frequency): void {
    const move = (s: Sample): void => {
      s.moved += diff(s.local, at) * change * 1e9;
    };
    for (const s of this.samples) move(s);
    if (this.suspect !== undefined) move(this.suspect);
    if (this.samples.length > 1) this.fit();
  }

  /** The system clock was stepped. */
  stepped(offset: Seconds): void {
    const move = (s: Sample): Sample => ({ ...s, local: add(s.local, offset) });
    this.samples = this.samples.map(move);
    if (this.suspect !== undefined) this.suspect = move(this.suspect);
  }

  /** The card was reset, or nothing is known of the system clock any more. */
  reset(): void {
    this.restart([]);
  }

  private average(readings: readonly PhcBracket[]): Sample {
    const byWidth = [...readings].sort((a, b) => Number(a.after - a.before - (b.after - b.before)));
    const best = byWidth[0]!;
    const most = width(best) + Math.max(NEARLY * width(best), this.options.precision * 1e9);
    const quick = byWidth.slice(0, Math.max(1, Math.floor(readings.length / SHARE))).filter((r) => width(r) <= most);
    const middle = best.before + (best.after - best.before) / 2n;
    const off = quick.map((r) => Number(r.before - middle - (r.phc - best.phc)) + width(r) / 2);
    const moved = off.reduce((sum, x) => sum + x, 0) / off.length;
    const error = Math.max((width(best) / 2) * 1e-9, this.options.precision);
    return { phc: best.phc, local: instant(middle), moved, error };
  }

  private isSlow(sample: Sample): boolean {
    if (this.skipped >= PATIENCE) return false;
    const errors = this.samples.map((s) => s.error).sort((a, b) => a - b);
    return sample.error > SLOW * errors[Math.floor(errors.length / 2)]!;
  }

  private agrees(sample: Sample, last: Sample): boolean {
    const { line } = this;
    if (line === undefined) return this.isStraight(last, sample);
    const elapsed = nsToSeconds(sample.phc - last.phc);
    const span = nsToSeconds(last.phc - this.samples[0]!.phc);
    // The line's rate is as good as its ends are, over its length.
    const rateError = WANDER + (2 * last.error) / Math.max(span, elapsed / 4);
    const expected = line.at0 + line.rate * elapsed * 1e9;
    return Math.abs(behind(sample, last) - expected) * 1e-9 <= 2 * (sample.error + last.error) + rateError * elapsed;
  }

  private belongs(sample: Sample, suspect: Sample): boolean {
    const elapsed = nsToSeconds(sample.phc - suspect.phc);
    if (elapsed <= 0) return false;
    const expected = (this.line?.rate ?? 0) * elapsed * 1e9;
    const tolerance = 2 * (sample.error + suspect.error) + (this.line === undefined ? MAX_RATE : SLEW) * elapsed;
    return Math.abs(behind(sample, suspect) - expected) * 1e-9 <= tolerance;
  }

  private isStraight(a: Sample, b: Sample): boolean {
    return Math.abs(behind(b, a) * 1e-9) <= MAX_RATE * nsToSeconds(b.phc - a.phc);
  }

  private take(sample: Sample): Verdict {
    this.suspect = undefined;
    this.strikes = 0;
    this.samples.push(sample);
    if (this.samples.length > this.keep) this.samples.shift();
    this.fit();
    return 'used';
  }

  private restart(samples: Sample[]): Verdict {
    this.samples = samples;
    this.suspect = undefined;
    this.line = undefined;
    this.strikes = 0;
    this.skipped = 0;
    if (samples.length > 1) this.fit();
    return 'reset';
  }

  /** Offsets are counted from the newest sample, ns: exact, whatever the epochs of the two clocks. */
  private fit(): void {
    const last = this.samples.at(-1)!;
    const x = this.samples.map((s) => nsToSeconds(s.phc - last.phc));
    const y = this.samples.map((s) => behind(s, last));
    const { at0, slope, start } = robustLine(x, y);
    // What the oscillators did before they changed is forgotten.
    this.samples.splice(0, Math.min(start, this.samples.length - this.least));
    this.line = { at0, rate: slope * 1e-9 };
  }
}

const width = (r: PhcBracket): number => Number(r.after - r.before);

/** ns by which the system clock has gained on the card's from `from` to `s`. */
const behind = (s: Sample, from: Sample): number =>
  Number(s.local - from.local - (s.phc - from.phc)) + s.moved - from.moved;

/** System time of a stamp of the card. */
export const translate = ({ phc, local, rate }: HwMapping, stamp: bigint): Instant => {
  const elapsed = stamp - phc;
  return instant(local + elapsed + BigInt(Math.round(Number(elapsed) * rate)));
};
