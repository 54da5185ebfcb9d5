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

/** `maxchange`: an unbelievable offset is ignored a few times, then the daemon gives up. */
export class ChangeLimit {
  private updates = 0;
  private ignored = 0;

  constructor(private readonly limit: DisciplineOptions['maxchange']) {}

  /** For each measurement that would be accepted. */
  judge(offset: Seconds): 'ok' | 'ignore' | 'exit' {
    const { limit } = this;
    if (!limit) return 'ok';
    if (this.updates < limit.start || Math.abs(offset) <= limit.offset) {
      this.updates++;
      return 'ok';
    }
    if (limit.ignore >= 0 && this.ignored >= limit.ignore) return 'exit';
    this.ignored++;
    return 'ignore';
  }
}
