import type { Deviation } from '../report/stability.js';
import { Tally } from './tally.js';

/** Sub-blocks an averaging time: every eighth of it a new, overlapping term. */
export const PARTS = 8;
/** Three averaging times: as far as a second difference of averages reaches. */
const KEEP = 3 * PARTS;
/** Share of filled-in points that a term may rest on. */
const FILLED_SHARE = 0.25;

/** A stretch of the phase record. */
export interface Block {
  /** Phase at its end, s. */
  end: number;
  /** Mean phase, s. */
  mean: number;
  /** Extremes, the end of the block before included, s. */
  low: number;
  high: number;
  /** Grid points of it that were filled in. */
  filled: number;
}

interface Figures {
  readonly adev: Tally;
  readonly tdev: Tally;
  readonly mtie: Tally;
}

/**
 * One rung of the ladder: the record in blocks of `spacing` grid points, kept for three averaging times of up to
 * PARTS blocks. Definitions: IEEE Std 1139, ITU-T G.810 Appendix II; all estimators are overlapping ones, with a stride
 * of one block.
 */
export class Level {
  private blocks: Block[] = [];
  private readonly figures: readonly (Figures & { readonly m: number })[];

  /** @param ms averaging times to be served, in blocks (at most PARTS). */
  constructor(
    private readonly spacing: number,
    ms: readonly number[],
  ) {
    this.figures = ms.map((m) => ({ m, adev: new Tally(), tdev: new Tally(), mtie: new Tally() }));
  }

  push(block: Block): void {
    if (this.blocks.length === KEEP) this.blocks.shift();
    this.blocks.push(block);
    for (const f of this.figures) this.observe(f.m, f);
  }

  /** The record breaks off; the figures stay. */
  cut(): void {
    this.blocks = [];
  }

  rotate(): void {
    for (const { adev, tdev, mtie } of this.figures) for (const t of [adev, tdev, mtie]) t.rotate();
  }

  /** @param step s between grid points. */
  deviations(step: number): Deviation[] {
    return this.figures
      .filter(({ adev, tdev, mtie }) => adev.count > 0 && tdev.count > 0 && mtie.count > 0)
      .map(({ m, adev, tdev, mtie }) => {
        const tau = m * this.spacing * step;
        return {
          tau,
          adev: Math.sqrt(adev.mean / 2) / tau,
          tdev: Math.sqrt(tdev.mean / 6),
          mtie: mtie.peak,
          terms: adev.count,
        };
      });
  }

  private observe(m: number, { adev, tdev, mtie }: Figures): void {
    const { blocks } = this;
    const n = blocks.length;
    if (n > 2 * m) {
      const [a, b, c] = [blocks[n - 1]!, blocks[n - 1 - m]!, blocks[n - 1 - 2 * m]!];
      const most = FILLED_SHARE * this.spacing;
      if (a.filled <= most && b.filled <= most && c.filled <= most) adev.add((a.end - 2 * b.end + c.end) ** 2);
    }
    if (n >= m && this.filled(m) <= FILLED_SHARE * m * this.spacing) mtie.add(this.range(m));
    if (n >= 3 * m && this.filled(3 * m) <= FILLED_SHARE * 3 * m * this.spacing) {
      tdev.add((this.mean(0, m) - 2 * this.mean(m, m) + this.mean(2 * m, m)) ** 2);
    }
  }

  private filled(last: number): number {
    let sum = 0;
    for (let i = this.blocks.length - last; i < this.blocks.length; i++) sum += this.blocks[i]!.filled;
    return sum;
  }

  /** Mean phase of `m` blocks that end `back` blocks ago. */
  private mean(back: number, m: number): number {
    const end = this.blocks.length - back;
    let sum = 0;
    for (let i = end - m; i < end; i++) sum += this.blocks[i]!.mean;
    return sum / m;
  }

  private range(m: number): number {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (let i = this.blocks.length - m; i < this.blocks.length; i++) {
      low = Math.min(low, this.blocks[i]!.low);
      high = Math.max(high, this.blocks[i]!.high);
    }
    return high - low;
  }
}
