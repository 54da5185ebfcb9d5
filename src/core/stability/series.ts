import { diff, type Instant } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';
import type { Deviation } from '../report/stability.js';
import { Ladder } from './ladder.js';

/** Intervals whose median is the spacing. */
const LEARN = 9;
/** s; faster sources give one point a second, slower ones than this do not exist. */
const MIN_STEP = 1;
const MAX_STEP = 1024;
/** Longest averaging time that is told, s. */
const MAX_TAU = 2 ** 15;
/** Grid points that are filled in at the most; a longer gap breaks the record. */
const MAX_FILL = 1024;
/** Points after which the share of missing ones is looked at; one gap counts as no more than GAP_WEIGHT. */
const LOOK = 64;
const GAP_WEIGHT = 4;

/**
 * Measurements of a phase, as they come, onto a grid of equal steps and up the ladder. The step is learned; short gaps
 * are filled with a straight line and counted, so that one lost pulse does not cost a day of long averages.
 */
export class Series {
  private ladder = new Ladder();
  private step = 0;
  private times: Instant[] = [];
  private origin: Instant | undefined;
  private index = 0;
  private x: Seconds = 0;
  private seen = 0;
  private missed = 0;

  get interval(): Seconds | undefined {
    return this.step === 0 ? undefined : this.step;
  }

  /** @param x phase at `time`, s. */
  add(time: Instant, x: Seconds): void {
    if (this.step === 0) this.learn(time);
    else if (this.origin === undefined) this.begin(time, x);
    else this.place(Math.round(diff(time, this.origin) / this.step), time, x);
  }

  /** What comes next has nothing to do with what came before; the figures stay. */
  cut(): void {
    this.origin = undefined;
    this.ladder.cut();
  }

  deviations(): readonly Deviation[] {
    return this.step === 0 ? [] : this.ladder.deviations(this.step).filter(({ tau }) => tau <= MAX_TAU);
  }

  private learn(time: Instant): void {
    this.times.push(time);
    if (this.times.length <= LEARN) return;
    const gaps = this.times.slice(1).map((t, i) => Math.abs(diff(t, this.times[i]!)));
    gaps.sort((a, b) => a - b);
    const median = gaps[(LEARN - 1) / 2]!;
    this.step = Math.min(MAX_STEP, Math.max(MIN_STEP, 2 ** Math.round(Math.log2(median))));
    this.times = [];
  }

  private begin(time: Instant, x: Seconds): void {
    this.ladder.cut();
    this.origin = time;
    this.index = 0;
    this.put(x);
  }

  private place(index: number, time: Instant, x: Seconds): void {
    const gap = index - this.index;
    // A second point of the same step, of a source that is faster than the grid.
    if (gap === 0) return;
    if (gap < 0 || gap > MAX_FILL) {
      this.begin(time, x);
      return;
    }
    const from = this.x;
    for (let i = 1; i < gap; i++) this.ladder.push(from + ((x - from) * i) / gap, true);
    this.index = index;
    this.put(x);
    this.missed += Math.min(gap - 1, GAP_WEIGHT);
    if (++this.seen + this.missed >= LOOK) this.look();
  }

  private put(x: Seconds): void {
    this.x = x;
    this.ladder.push(x, false);
  }

  /** Half of the points missing: the source has become slower, and its figures begin anew on a wider grid. */
  private look(): void {
    if (this.missed > this.seen * 0.8) {
      this.step = 0;
      this.origin = undefined;
      this.ladder = new Ladder();
    }
    this.seen = 0;
    this.missed = 0;
  }
}
