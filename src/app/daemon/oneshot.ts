import type { RefclockOptions } from '../../core/refclock/options.js';
import type { TrackingReport } from '../../core/report/reports.js';

/** Updates of the clock after which a discipline that still converges is good enough. */
const ENOUGH_UPDATES = 8;
/** Polls in which a source fills its reachability register; one that has not been heard by then is not there. */
const REACH_POLLS = 8;

export interface OneshotParts {
  readonly what: 'set' | 'print';
  /** Puts what is wrong into the clock at once. */
  readonly step: () => void;
  readonly exit: (ok: boolean) => void;
  readonly say: (text: string) => void;
}

/** `-q` and `-Q`: measure, say how wrong the clock is, step it or leave it, exit. */
export class Oneshot {
  private readonly parts: OneshotParts;
  private updates = 0;
  private lastUpdate = 0n;
  private told = false;

  constructor(parts: OneshotParts) {
    this.parts = parts;
  }

  /** Gives up when every source had its chance; at once when there is none. */
  start(sources: readonly Pick<RefclockOptions, 'poll'>[]): void {
    const patience = REACH_POLLS * Math.max(0, ...sources.map((s) => 2 ** s.poll));
    setTimeout(() => this.fail(), patience * 1000);
  }

  after(tracking: TrackingReport): void {
    if (this.told || tracking.leap === 3) return;
    if (tracking.referenceTime !== this.lastUpdate) this.updates++;
    this.lastUpdate = tracking.referenceTime;
    if (tracking.mode !== 'tracking' && this.updates < ENOUGH_UPDATES) return;
    this.told = true;
    const wrong = tracking.currentCorrection.toFixed(6);
    const set = this.parts.what === 'set';
    if (set) this.parts.step();
    this.parts.say(`System clock wrong by ${wrong} seconds (${set ? 'step' : 'ignored'})`);
    this.parts.exit(true);
  }

  private fail(): void {
    if (this.told) return;
    this.told = true;
    this.parts.say('No suitable source for synchronisation');
    this.parts.exit(false);
  }
}
