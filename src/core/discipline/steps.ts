import { diff, type Instant } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';
import type { DisciplineOptions } from '../refclock/options.js';

/** `makestep`: the first updates (or all) may make the raw clock jump instead of being slewed. */
export class StepRule {
  private updates = 0;

  constructor(private rule: DisciplineOptions['makestep']) {}

  /** By command: counting begins anew. */
  replace(rule: DisciplineOptions['makestep']): void {
    this.rule = rule;
    this.updates = 0;
  }

  /** One update: may the clock be stepped by what is now to be corrected? */
  allows(pending: Seconds): boolean {
    const { rule } = this;
    if (!rule) return false;
    this.updates++;
    if (rule.limit >= 0 && this.updates > rule.limit) return false;
    return Math.abs(pending) > rule.threshold;
  }
}

/** What `maxchange` says of an offset; `again`: too large, and counted already. */
export type ChangeVerdict = 'ok' | 'ignore' | 'exit' | 'again';

/** `maxchange`: an unbelievable offset is ignored a few times, then the daemon gives up. */
export class ChangeLimit {
  private updates = 0;
  private ignored = 0;
  /** When the present update began; what comes within its interval belongs to it. */
  private since: Instant | undefined;
  private free = false;
  private counted = false;
  private over = false;

  constructor(private readonly limit: DisciplineOptions['maxchange']) {}

  /**
   * For each measurement that would be accepted. `interval`: s, those within it are one update: a pulse every tenth of a
   * second must not use up in an instant what was meant for so many polls.
   */
  judge(offset: Seconds, at: Instant, interval: Seconds): ChangeVerdict {
    const { limit } = this;
    // A negative start never comes (chrony).
    if (!limit || limit.start < 0) return 'ok';
    if (this.isNext(at, interval)) {
      this.since = at;
      this.free = this.updates++ < limit.start;
      this.counted = false;
    }
    if (this.free || Math.abs(offset) <= limit.offset) return 'ok';
    if (this.counted || this.over) return 'again';
    this.counted = true;
    this.over = limit.ignore >= 0 && this.ignored >= limit.ignore;
    this.ignored++;
    return this.over ? 'exit' : 'ignore';
  }

  private isNext(at: Instant, interval: Seconds): boolean {
    if (this.since === undefined) return true;
    const elapsed = diff(at, this.since);
    return elapsed < 0 || elapsed >= interval;
  }
}
