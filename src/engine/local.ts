import { add, diff, type Instant } from '../base/time.js';
import type { Seconds } from '../base/units.js';
import type { LocalOptions } from '../core/refclock/options.js';
import type { OrphanRule } from '../core/sources/selection.js';
import type { Finding } from '../core/sources/types.js';

/** s. It is renewed outside of these. */
const REFERENCE_AGE = { min: 1, max: 64 };

/** The local reference (directive `local`; algorithms-notes 6): when do we serve our own clock as if it were right. */
export class LocalReference {
  /** What active() said last. */
  wasActive = false;
  private told = false;
  private reference: Instant | undefined;
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

  /**
   * What local time is served with. It stays for a while, so that who asks himself by mistake sees his own and knows; and
   * it is of the moment it was first asked for, so that no two who serve local time take one another for themselves.
   */
  referenceTime(cooked: Instant): Instant {
    const age = this.reference === undefined ? Number.POSITIVE_INFINITY : diff(cooked, this.reference);
    if (this.reference === undefined || age < REFERENCE_AGE.min || age > REFERENCE_AGE.max)
      this.reference = add(cooked, -REFERENCE_AGE.min);
    return this.reference;
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
