import type { Window } from './load.js';

export interface Figures {
  readonly cpuUs: number;
  readonly rate: number;
  readonly utilisation: number;
  readonly interleavedShare: number;
  readonly lostShare: number;
  /** Of the window with the smallest loss: the others may have been disturbed by something else. */
  readonly leastLostShare: number;
  readonly latencyP50Us: number;
  readonly latencyP99Us: number;
  readonly t2p50Us: number;
  readonly t2p99Us: number;
  readonly t3p50Us: number;
  readonly t3p99Us: number;
  readonly rssMb: number;
}

/** The first window warms up and does not count. */
export const figures = (windows: readonly Window[], rss: number): Figures => {
  const [, ...warm] = windows;
  const total = (of: (w: Window) => number): number => warm.reduce((sum, w) => sum + of(w), 0);
  const mean = (of: (w: Window) => number): number => total(of) / warm.length;
  const answered = total((w) => w.answered);
  return {
    cpuUs: total((w) => w.cpuNs) / answered / 1000,
    rate: (answered / total((w) => w.wallNs)) * 1e9,
    utilisation: total((w) => w.cpuNs) / total((w) => w.wallNs),
    interleavedShare: total((w) => w.interleaved) / answered,
    lostShare: total((w) => w.lost) / total((w) => w.requests),
    leastLostShare: Math.min(...warm.map((w) => w.lost / Math.max(1, w.requests))),
    latencyP50Us: mean((w) => w.latencyP50),
    latencyP99Us: mean((w) => w.latencyP99),
    t2p50Us: mean((w) => w.t2p50),
    t2p99Us: mean((w) => w.t2p99),
    t3p50Us: mean((w) => w.t3p50),
    t3p99Us: mean((w) => w.t3p99),
    rssMb: rss,
  };
};

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const mid = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[mid]! : (sorted[mid - 1]! + sorted[mid]!) / 2;
};

export const medians = (runs: readonly Figures[]): Figures =>
  Object.fromEntries(
    (Object.keys(runs[0]!) as (keyof Figures)[]).map((key) => [key, median(runs.map((r) => r[key]))]),
  ) as unknown as Figures;

/** A median with the range that it comes from. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export const spread = (values: readonly number[]): Spread => ({
  median: median(values),
  low: Math.min(...values),
  high: Math.max(...values),
});
