import type { Seconds } from '../base/units.js';
import type { LocalOptions } from '../core/refclock/options.js';
import type { OrphanRule } from '../core/sources/selection.js';
import type { Finding } from '../core/sources/types.js';

/** The local reference (directive `local`; algorithms-notes 6): when do we serve our own clock as if it were right. */
export class LocalReference {
  /** What active() said last. */
  wasActive = false;
  private told = false;
  /** `activate`: a root distance that must have been reached once. */
  private activated: boolean;

  constructor(private options: LocalOptions | undefined) {
    this.activated = isAlwaysActive(options);
  }

  get stratum(): number {
    return this.options?.stratum ?? 16;
  }

  /** NTP sources from our own stratum on serve local time like us; undefined = everybody is believed. */
  orphans(ownRefId: OrphanRule['ownRefId']): OrphanRule | undefined {
    return this.options?.orphan === true ? { stratum: this.options.stratum, ownRefId } : undefined;
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

  /** Does who has this stratum serve local time as we would? */
  isOrphan(stratum: number | undefined): boolean {
    return this.options?.orphan === true && stratum === this.options.stratum;
  }

  /** What has changed since it was asked last. */
  news(): Finding | undefined {
    const { wasActive } = this;
    if (wasActive === this.told) return undefined;
    this.told = wasActive;
    const text = wasActive
      ? `No reference to follow: serving local time as stratum ${this.stratum}`
      : 'Local time is no longer served';
    return { severity: 'info', name: wasActive ? 'local.active' : 'local.inactive', text };
  }

  private decide(distance: Seconds | undefined, age: Seconds): boolean {
    const o = this.options;
    if (o === undefined || !this.activated) return false;
    if (distance === undefined) return age >= o.waitunsynced;
    return distance > o.distance && age >= o.waitsynced;
  }
}

const isAlwaysActive = (options: LocalOptions | undefined): boolean => options !== undefined && options.activate <= 0;
