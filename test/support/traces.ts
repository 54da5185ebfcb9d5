/**
 * The public noise traces of the discipline bench (`../shared/discipline-bench` beside the repository), traces of the
 * same form made here from a seed, and a runner that lets a discipline follow one. The clock model is the bench's:
 * dC/dt = (1 + raw)(1 + adjustment), error recorded at the second, then the pulse, then the discipline acts.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Prng } from '../../src/base/prng.js';
import { add, fromUnix } from '../../src/base/time.js';
import { Discipline, type DisciplineMode } from '../../src/core/discipline/discipline.js';
import { steeringTime } from '../../src/core/discipline/steer.js';
import type { DisciplineOptions } from '../../src/core/refclock/options.js';

export const BENCH_DIR = fileURLToPath(new URL('../../../../shared/discipline-bench/', import.meta.url));
export const benchPresent = (): boolean => existsSync(`${BENCH_DIR}traces/manifest.json`);

export interface Trace {
  /** s, local minus true, at second 0. */
  readonly initialOffset: number;
  /** Raw frequency error during [k, k+1), s/s; index k − 1. */
  readonly freq: Float64Array;
  /** Error of the pulse of second k, s; NaN = no pulse. */
  readonly pulse: Float64Array;
  /** Scored rows [from, to). */
  readonly scored: readonly [number, number];
  /** Seconds (first, last) without pulses. */
  readonly lost: readonly [number, number] | undefined;
}

interface Manifest {
  readonly freq_unit_s_per_s: number;
  readonly time_unit_s: number;
  readonly missing: number;
  readonly scenarios: Record<
    string,
    {
      rows: number;
      columns: string[];
      initial_offset_s: number;
      score_from: number;
      score_to: number;
      pps_lost?: [number, number];
    }
  >;
}

/** @param column which measurement: the pulses, or the time-of-day messages of S6 and S7. */
export const loadTrace = (scenario: string, seed: number, column: 'pps_noise' | 'nmea_noise' = 'pps_noise'): Trace => {
  const manifest = JSON.parse(readFileSync(`${BENCH_DIR}traces/manifest.json`, 'utf8')) as Manifest;
  const s = manifest.scenarios[scenario]!;
  const bytes = readFileSync(`${BENCH_DIR}traces/${scenario}-s${seed}.bin`);
  const width = s.columns.length;
  const at = (row: number, name: string): number => bytes.readInt32LE(4 * (row * width + s.columns.indexOf(name)));
  const freq = new Float64Array(s.rows);
  const pulse = new Float64Array(s.rows);
  for (let k = 0; k < s.rows; k++) {
    freq[k] = at(k, 'freq') * manifest.freq_unit_s_per_s;
    const noise = at(k, column);
    pulse[k] = noise === manifest.missing ? Number.NaN : noise * manifest.time_unit_s;
  }
  return { initialOffset: s.initial_offset_s, freq, pulse, scored: [s.score_from, s.score_to], lost: s.pps_lost };
};

/** Rms of the reference filter for a scenario and seed (1…5), ns: what nobody can beat without knowing more. */
export const limitOf = (scenario: string, seed: number): number => {
  const results = JSON.parse(readFileSync(`${BENCH_DIR}results.json`, 'utf8'));
  const s = (results.scenarios ?? results)[scenario];
  return (s.limit_blind ?? s.limit).rms_all[seed - 1];
};

export interface World {
  readonly rows: number;
  readonly sigma: number;
  /** Wander, 1/sqrt(s). */
  readonly q: number;
  readonly initialOffset?: number;
  readonly initialFreq?: number;
  /** Share of pulses that are ±1 ms off, and that are missing. */
  readonly outliers?: number;
  readonly missing?: number;
  /** Frequency sine. */
  readonly sine?: { readonly amplitude: number; readonly period: number };
  readonly lost?: readonly [number, number];
  /** Added to the pulse of second k, or to the raw frequency there. */
  readonly extraPulse?: (k: number) => number;
  readonly extraFreq?: (k: number) => number;
}

export const makeTrace = (world: World, seed: number): Trace => {
  const root = new Prng(seed);
  const wander = root.fork('wander');
  const noise = root.fork('noise');
  const fate = root.fork('fate');
  const freq = new Float64Array(world.rows);
  const pulse = new Float64Array(world.rows);
  let f = world.initialFreq ?? 5e-6;
  const phase = 2 * Math.PI * fate.uniform();
  for (let i = 0; i < world.rows; i++) {
    const k = i + 1;
    f += world.q * wander.normal();
    const { sine, lost } = world;
    const warm = sine ? sine.amplitude * Math.sin((2 * Math.PI * k) / sine.period + phase) : 0;
    freq[i] = f + warm + (world.extraFreq?.(k) ?? 0);
    pulse[i] = world.sigma * noise.normal() + (world.extraPulse?.(k) ?? 0);
    if (fate.uniform() < (world.outliers ?? 0)) pulse[i]! += fate.uniform() < 0.5 ? 1e-3 : -1e-3;
    if (fate.uniform() < (world.missing ?? 0)) pulse[i] = Number.NaN;
    if (lost && k >= lost[0] && k <= lost[1]) pulse[i] = Number.NaN;
  }
  return {
    initialOffset: world.initialOffset ?? 1e-3,
    freq,
    pulse,
    scored: [Math.floor(world.rows / 4), world.rows],
    lost: world.lost,
  };
};

export const OPTIONS: DisciplineOptions = {
  makestep: { threshold: 1e-3, limit: 3 },
  maxslewratePpm: 83333.333,
  maxupdateskewPpm: 1000,
  maxdriftPpm: 100000,
  maxclockerrorPpm: 1,
  corrtimeratio: 3,
  maxchange: undefined,
  leapsecmode: 'system',
  logchange: 1,
};

export interface RunOptions {
  readonly discipline?: Discipline;
  /** Time constant of the frequency-only steering, s. */
  readonly tau?: number;
  /** The noise that the source claims, s. */
  readonly sigma?: number;
  /** Only every n-th pulse is used. */
  readonly every?: number;
}

export interface Run {
  /** Raw clock minus true at second k = index + 1, s: what the bench scores. */
  readonly errors: Float64Array;
  /** The same of cooked time. */
  readonly cooked: Float64Array;
  /** Advertised half-width just before the pulse. */
  readonly bounds: Float64Array;
  readonly modes: DisciplineMode[];
  readonly refused: number;
  readonly discipline: Discipline;
}

/** Seconds without an accepted measurement after which the runner says that there is no reference (as the engine). */
const HOLD_AFTER = 8;

export const runTrace = (trace: Trace, options: RunOptions = {}): Run => {
  const { tau = 3, sigma = 1e-6, every = 1 } = options;
  const discipline = options.discipline ?? new Discipline(OPTIONS, undefined);
  const rows = trace.freq.length;
  const errors = new Float64Array(rows);
  const cooked = new Float64Array(rows);
  const bounds = new Float64Array(rows);
  const modes: DisciplineMode[] = [];
  let raw = trace.initialOffset;
  let pending = 0;
  let base = 0;
  let refused = 0;
  let last = 0;
  for (let i = 0; i < rows; i++) {
    const now = add(fromUnix(1_700_000_000 + i + 1), raw + pending);
    errors[i] = raw;
    cooked[i] = raw + pending;
    bounds[i] = discipline.bound(now).halfWidth;
    const noise = trace.pulse[i]!;
    if (!Number.isNaN(noise) && i % every === 0) {
      const correction = discipline.measure({ time: now, offset: -(raw + pending + noise), sigma, source: 0, pending });
      if (correction.accepted) {
        last = i;
        const { doffset, dfreq } = correction;
        discipline.rebase({ at: now, doffset, dfreq, kind: correction.step ? 'step' : 'adjust' });
        pending += doffset;
        base = (1 + base) * (1 + dfreq) - 1;
        if (correction.step) {
          raw += pending;
          pending = 0;
        }
      } else refused++;
    } else if (i - last >= HOLD_AFTER * every) discipline.hold(now);
    modes.push(discipline.mode);
    const slew = pending / steeringTime(pending, discipline.bound(now).sd, tau * every);
    const adjustment = (1 + base) * (1 + slew) - 1;
    const oscillator = trace.freq[i]!;
    raw += (1 + oscillator) * (1 + adjustment) - 1;
    pending += (1 + oscillator) * (base - adjustment);
  }
  return { errors, cooked, bounds, modes, refused, discipline };
};

export const rms = (values: Float64Array, from: number, to: number): number => {
  let sum = 0;
  for (let i = from; i < to; i++) sum += values[i]! ** 2;
  return Math.sqrt(sum / (to - from));
};

/** First second after which |error| stays within `limit` (until the pulses are lost, or to the end). */
export const settled = (trace: Trace, errors: Float64Array, limit: number): number => {
  let k = trace.lost ? trace.lost[0] : errors.length;
  while (k > 0 && Math.abs(errors[k - 1]!) <= limit) k--;
  return k;
};

export const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
