import type { Instant } from '../base/time.js';
import { PPM } from '../base/units.js';
import type { TempcompConfig } from '../conf/config.js';
import {
  compensationPpm,
  TEMPCOMP_LIMIT,
  type TempcompModel,
  type TempcompPoint,
} from '../core/discipline/tempcomp.js';
import type { ManagerFact } from '../core/refclock/types.js';
import type { CookedClock } from './clock.js';

/** The model of the configuration; points have been read from their file by the host. */
export const tempcompModel = (
  config: TempcompConfig | undefined,
  points: readonly TempcompPoint[] | undefined,
): TempcompModel | undefined => {
  if (config === undefined) return undefined;
  if (config.kind === 'points') return points === undefined ? undefined : { kind: 'points', points };
  const { t0, k0, k1, k2 } = config;
  return { kind: 'quadratic', t0, k0, k1, k2 };
};

/** Applies the compensation for a temperature to the clock's rate. */
export class Compensation {
  private refused = false;

  constructor(private readonly model: TempcompModel | undefined) {}

  /** The compensation that is now in force, ppm; undefined = it has not changed, perhaps because of `fact`. */
  apply(temperature: number, clock: CookedClock, raw: Instant): { readonly ppm?: number; readonly fact?: ManagerFact } {
    if (this.model === undefined) return {};
    const ppm = compensationPpm(this.model, temperature);
    if (Math.abs(ppm) <= TEMPCOMP_LIMIT) {
      this.refused = false;
      clock.compensate(raw, ppm * PPM);
      return { ppm };
    }
    const told = this.refused;
    this.refused = true;
    if (told) return {};
    const text = `Temperature compensation of ${ppm.toFixed(3)} ppm exceeds sanity limit of ${TEMPCOMP_LIMIT.toFixed(1)}`;
    return { fact: { severity: 'warn', name: 'tempcomp.refused', text, fields: { temperature } } };
  }
}
