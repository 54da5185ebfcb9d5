import type { Seconds } from '../base/units.js';
import type { LocalOptions } from '../core/refclock/options.js';

/** The local reference (directive `local`; algorithms-notes 6): when do we serve our own clock as if it were right. */
export class LocalReference {
  /** What active() said last. */
  wasActive = false;
  /** `activate`: a root distance that must have been reached once. */
  private activated: boolean;

  constructor(private options: LocalOptions | undefined) {
    this.activated = isAlwaysActive(options);
  }

  get stratum(): number {
    return this.options?.stratum ?? 16;
  }

  /** Command `local`. */
  set(options: LocalOptions | undefined): void {
    this.options = options;
    this.activated = isAlwaysActive(options);
  }

  /** Tells of a root distance that was reached while synchronised. */
  note(distance: Seconds | undefined): void {
    if (this.options !== undefined && distance !== undefined && distance < this.options.activate) this.activated = true;
  }

  /**
   * `distance`: our root distance while synchronised, undefined when not. `sinceUpdate`: s since the last update of
   * the clock, undefined = never; `sinceStart`: s since the start, which counts as the last update before any.
   */
  active(distance: Seconds | undefined, sinceUpdate: Seconds | undefined, sinceStart: Seconds): boolean {
    this.wasActive = this.decide(distance, sinceUpdate ?? sinceStart);
    return this.wasActive;
  }

  private decide(distance: Seconds | undefined, age: Seconds): boolean {
    const o = this.options;
    if (o === undefined || !this.activated) return false;
    if (distance === undefined) return age >= o.waitunsynced;
    return distance > o.distance && age >= o.waitsynced;
  }
}

const isAlwaysActive = (options: LocalOptions | undefined): boolean => options !== undefined && options.activate <= 0;
