import type { Instant } from '../base/time.js';

export type Severity = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/**
 * Something that happened, told once, to whoever listens (log, metrics, event log). `text` is the line that people
 * and monitoring read, in chrony's wording where chrony has one; `fields` are the same facts for programs.
 */
export interface Fact {
  readonly severity: Severity;
  /** Stable dotted name: `source.selected`, `refclock.pulse.rejected`. */
  readonly name: string;
  readonly text: string;
  readonly at: Instant;
  readonly fields?: Readonly<Record<string, string | number | boolean | undefined>>;
}

export interface Observer {
  fact(fact: Fact): void;
}
