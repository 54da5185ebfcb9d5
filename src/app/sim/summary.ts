import type { Outcome } from '../../sim/scenario.js';
import { span } from './text.js';

/** One scenario over many seeds. */
export interface Summary {
  readonly name: string;
  readonly hours: number;
  readonly runs: number;
  /** Seeds at which a bound did not hold or a judge objected. */
  readonly failed: readonly number[];
  readonly violations: number;
  /** Seconds at which it claimed to be synchronised, and those of them at which served time lay outside its bound. */
  readonly synchronised: number;
  readonly outside: number;
  /** Seconds of all runs. */
  readonly seconds: number;
  /** Largest error while synchronised, s, and its seed. */
  readonly worst: number;
  readonly worstSeed: number;
  /** Largest share of its bound that any error took up: 1 = the bound was reached. */
  readonly nearest: number;
}

export const summarise = (outcomes: readonly Outcome[]): Summary => {
  const sum = (of: (o: Outcome) => number): number => outcomes.reduce((total, o) => total + of(o), 0);
  const worst = outcomes.reduce((a, b) => (b.worst > a.worst ? b : a));
  return {
    name: worst.name,
    hours: worst.hours,
    runs: outcomes.length,
    failed: outcomes.filter((o) => o.failures.length > 0).map((o) => o.seed),
    violations: sum((o) => o.violations),
    synchronised: sum((o) => o.synchronised),
    outside: sum((o) => o.violationsByRule['distance'] ?? 0),
    seconds: sum((o) => o.seconds),
    worst: worst.worst,
    worstSeed: worst.seed,
    nearest: Math.max(...outcomes.map((o) => o.nearest)),
  };
};

export const summaryText = (s: Summary): string => {
  const percent = (part: number, whole: number): string => ((100 * part) / Math.max(1, whole)).toPrecision(3);
  const verdict = s.failed.length === 0 ? 'ok  ' : 'FAIL';
  const failed = s.failed.length === 0 ? 'all held' : `failed: seeds ${s.failed.join(' ')}`;
  return (
    `${verdict} ${s.name}: ${s.runs} runs of ${s.hours} h, ${failed}\n` +
    `  violations ${s.violations}; outside the bound at ${s.outside} of ${s.synchronised} seconds (${percent(s.outside, s.synchronised)} %); synchronised ${percent(s.synchronised, s.seconds)} % of the time\n` +
    `  largest error while synchronised ${span(s.worst)} (seed ${s.worstSeed}); an error took up at most ${(100 * s.nearest).toFixed(1)} % of its bound\n`
  );
};
