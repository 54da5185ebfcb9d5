import type { Deviation } from '../report/stability.js';
import { type Block, Level, PARTS } from './level.js';

/** The first rung serves 1, 2, 4 and 8 grid steps; each further one twice the averaging time: up to 2^15 steps. */
const LEVELS = 13;
/** Grid points an epoch: three days at one a second, eight of the longest averaging times. */
const EPOCH = 2 ** 18;

/**
 * ADEV, TDEV and MTIE of a phase record at octave averaging times, online and in bounded memory: each rung halves the
 * rate of the one before (means of pairs for TDEV, ends for ADEV, extremes for MTIE), so the cost a point does not grow
 * with the averaging time.
 */
export class Ladder {
  private readonly levels: readonly Level[];
  /** The first of a pair, waiting for the second. */
  private halves: (Block | undefined)[] = new Array(LEVELS).fill(undefined);
  private last: number | undefined;
  private count = 0;

  constructor() {
    this.levels = Array.from({ length: LEVELS }, (_, k) => new Level(2 ** k, k === 0 ? [1, 2, 4, PARTS] : [PARTS]));
  }

  /** The next point of the grid. `filled`: nobody measured it, it lies between its neighbours. */
  push(x: number, filled: boolean): void {
    const before = this.last ?? x;
    this.last = x;
    const block = { end: x, mean: x, low: Math.min(x, before), high: Math.max(x, before), filled: filled ? 1 : 0 };
    this.climb(0, block);
    if (++this.count % EPOCH === 0) for (const level of this.levels) level.rotate();
  }

  /** The record breaks off here; what follows has nothing to do with it. */
  cut(): void {
    this.last = undefined;
    this.halves.fill(undefined);
    for (const level of this.levels) level.cut();
  }

  /** @param step s between grid points. */
  deviations(step: number): Deviation[] {
    return this.levels.flatMap((level) => level.deviations(step));
  }

  private climb(k: number, block: Block): void {
    this.levels[k]!.push(block);
    if (k + 1 === LEVELS) return;
    const first = this.halves[k];
    this.halves[k] = first === undefined ? block : undefined;
    if (first !== undefined) this.climb(k + 1, join(first, block));
  }
}

const join = (a: Block, b: Block): Block => ({
  end: b.end,
  mean: (a.mean + b.mean) / 2,
  low: Math.min(a.low, b.low),
  high: Math.max(a.high, b.high),
  filled: a.filled + b.filled,
});
