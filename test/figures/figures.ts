/** Figures of docs/discipline.md as they lie in docs/discipline/figures.json. */
import type { Summary } from '../../src/app/sim/summary.js';

/** One trace scenario: medians over the seeds, ns, ppb and s; null = never reached. */
export interface BenchRow {
  readonly seeds: readonly number[];
  readonly rms: number;
  readonly rmsLeast: number;
  readonly rmsMost: number;
  readonly max: number;
  readonly p99: number;
  readonly freqPpb: number;
  readonly settle1us: number | null;
  readonly reacquire5us: number | null;
  /** Median advertised bound, and the share of seconds at which served time lay outside. */
  readonly bound: number;
  readonly outside: number;
  /** The reference filter that is told the noise. */
  readonly limit: number | null;
  readonly stock: number | null;
  readonly tuned: number | null;
}

/** rms over the seeds of the error so many seconds into an outage, ns. */
export interface HoldRow {
  readonly seeds: number;
  readonly ours: Readonly<Record<string, number>>;
  readonly limit: Readonly<Record<string, number>>;
  readonly reacquire5us: number | null;
}

export interface ScenarioRow {
  readonly name: string;
  readonly what: string;
  readonly bounds: readonly {
    readonly name: string;
    readonly rms: number;
    readonly max: number;
    readonly rmsAllowed: number | null;
    readonly maxAllowed: number | null;
  }[];
  readonly synchronised: number;
  readonly outside: number;
  /** Seconds at which nobody could know better in time. */
  readonly excused: number;
  readonly otherViolations: number;
  /** Largest share of its bound that an error took up. */
  readonly nearest: number;
  readonly laziness: number;
  readonly control: string;
  readonly worse: number;
  readonly worseAsked: number;
}

export interface Cost {
  readonly cpu: string;
  readonly node: string;
  /** µs an event takes in the engine: a pulse of the selected source, and a whole virtual second of a week of storm. */
  readonly pulseMean: number;
  readonly pulseP99: number;
}

export interface Figures {
  readonly bench: Readonly<Record<string, BenchRow>>;
  readonly others: Readonly<Record<string, BenchRow>>;
  readonly hold: Readonly<Record<string, HoldRow>>;
  readonly scenarios: readonly ScenarioRow[];
  readonly weeks: Summary | null;
  readonly cost: Cost;
}
