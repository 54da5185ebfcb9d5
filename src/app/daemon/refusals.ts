import { diffMono, type Mono } from '../../base/time.js';
import type { RefclockReport } from '../../core/report/reports.js';

/** s between two looks at the counters. */
const INTERVAL = 2;

/**
 * Says in the log what input of a reference clock is refused, and why: at the first time and whenever the count has
 * grown tenfold, so that a receiver that sends nothing but noise fills no disk.
 */
export class Refusals {
  private readonly told = new Map<string, number>();
  private last: Mono | undefined;

  /** `reports` is asked for only when it is time for a look. */
  look(now: Mono, reports: () => readonly RefclockReport[], say: (text: string) => void): void {
    if (this.last !== undefined && diffMono(now, this.last) < INTERVAL) return;
    this.last = now;
    for (const { name, rejected } of reports()) {
      for (const [reason, count] of Object.entries(rejected)) {
        const key = `${name} ${reason}`;
        if (count < 10 * (this.told.get(key) ?? 0.1)) continue;
        this.told.set(key, count);
        say(`${name} input refused: ${reason} (${count} so far)`);
      }
    }
  }
}
