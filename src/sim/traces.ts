import { CodedError } from '../base/errors.js';
import { errorFigures } from './figures.js';
import type { Oscillator } from './oscillator.js';

/** Noise traces of the discipline bench: row k of a trace belongs to true second k (k = 1 …), int32 columns. */
export interface TraceManifest {
  readonly freq_unit_s_per_s: number;
  readonly time_unit_s: number;
  readonly missing: number;
  readonly seeds: readonly number[];
  readonly scenarios: Readonly<Record<string, TraceScenario>>;
}

export interface TraceScenario {
  readonly rows: number;
  readonly columns: readonly string[];
  readonly initial_offset_s: number;
  /** Scored are the errors of seconds score_from + 1 … score_to. */
  readonly score_from: number;
  readonly score_to: number;
  /** First and last second without a pulse. */
  readonly pps_lost?: readonly [number, number];
}

/** @throws CodedError ERR_TB_REPLAY */
export const parseManifest = (text: string): TraceManifest => {
  let value: Partial<TraceManifest>;
  try {
    value = JSON.parse(text) as Partial<TraceManifest>;
  } catch (cause) {
    throw new CodedError('ERR_TB_REPLAY', 'the manifest is not JSON', { cause });
  }
  const { freq_unit_s_per_s: f, time_unit_s: t, missing, seeds, scenarios } = value;
  const numbers = [f, t, missing].every((x) => typeof x === 'number');
  if (!numbers || !Array.isArray(seeds) || typeof scenarios !== 'object') {
    throw new CodedError('ERR_TB_REPLAY', 'the manifest lacks units, seeds or scenarios');
  }
  return value as TraceManifest;
};

/** One trace file, read column by column. */
export class Trace {
  private readonly rows: Int32Array;
  private readonly width: number;

  /** `bytes`: row-major little-endian int32. @throws CodedError ERR_TB_REPLAY when it is too short. */
  constructor(
    readonly manifest: TraceManifest,
    readonly scenario: TraceScenario,
    bytes: Uint8Array,
  ) {
    this.width = scenario.columns.length;
    const cells = scenario.rows * this.width;
    if (bytes.byteLength < cells * 4) {
      throw new CodedError('ERR_TB_REPLAY', `a trace of ${scenario.rows} rows needs ${cells * 4} bytes`);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.rows = Int32Array.from({ length: cells }, (_, i) => view.getInt32(i * 4, true));
  }

  has(column: string): boolean {
    return this.scenario.columns.includes(column);
  }

  /** s, or s/s for `freq`; undefined = missing or outside the trace. k from 1. */
  value(column: string, k: number): number | undefined {
    const c = this.scenario.columns.indexOf(column);
    if (c < 0 || k < 1 || k > this.scenario.rows) return undefined;
    const raw = this.rows[(k - 1) * this.width + c]!;
    if (raw === this.manifest.missing) return undefined;
    return raw * (column === 'freq' ? this.manifest.freq_unit_s_per_s : this.manifest.time_unit_s);
  }

  oscillator(): Oscillator {
    return { next: (k) => this.value('freq', k) ?? 0 };
  }
}

/** Score of one run, ns, ppb and s as in the bench's README; absent where it does not apply, null where it was never reached. */
export interface Score {
  readonly rms_ns: number;
  readonly max_ns: number;
  readonly p99_ns: number;
  readonly mean_ns: number;
  readonly freq_rms_ppb: number;
  readonly settle_1ms_s: number | null;
  readonly settle_100us_s: number | null;
  readonly settle_10us_s: number | null;
  readonly settle_1us_s: number | null;
  readonly hold_60s_ns?: number;
  readonly hold_600s_ns?: number;
  readonly hold_1800s_ns?: number;
  readonly hold_3600s_ns?: number;
  readonly reacquire_5us_s?: number | null;
  /** Median of the advertised root distance, and the share of seconds at which served time lay outside. */
  readonly bound_ns?: number;
  readonly bound_outside?: number;
}

/** `errors[i]`, `freqs[i]`: clock error and total frequency error at true second i + 1. */
export const score = (scenario: TraceScenario, errors: Float64Array, freqs: Float64Array): Score => {
  const { score_from: from, score_to: to, pps_lost: lost } = scenario;
  const window = errorFigures(errors, from, to);
  const end = lost === undefined ? errors.length : lost[0];
  const settle = (limit: number): number | null => settled(errors, 0, end, limit);
  const hold = (t: number, gap: readonly [number, number]): number => Math.abs(errors[gap[0] + t - 2]!) * 1e9;
  return {
    rms_ns: window.rms * 1e9,
    max_ns: window.max * 1e9,
    p99_ns: window.p99 * 1e9,
    mean_ns: window.mean * 1e9,
    freq_rms_ppb: errorFigures(freqs, from, to).rms * 1e9,
    settle_1ms_s: settle(1e-3),
    settle_100us_s: settle(1e-4),
    settle_10us_s: settle(1e-5),
    settle_1us_s: settle(1e-6),
    ...(lost === undefined
      ? {}
      : {
          hold_60s_ns: hold(60, lost),
          hold_600s_ns: hold(600, lost),
          hold_1800s_ns: hold(1800, lost),
          hold_3600s_ns: hold(3600, lost),
          reacquire_5us_s: settled(errors, lost[1], errors.length, 5e-6),
        }),
  };
};

/** Seconds from `from` after which |error| stays within the limit until `end`; null when it does not. */
const settled = (errors: Float64Array, from: number, end: number, limit: number): number | null => {
  let k = end;
  while (k > from && Math.abs(errors[k - 1]!) <= limit) k--;
  return k < end ? k - from : null;
};
