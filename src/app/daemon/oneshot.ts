import type { TrackingReport } from '../../core/report/reports.js';

/** Updates of the clock after which a discipline that still converges is good enough. */
const ENOUGH_UPDATES = 8;

/** `-q` and `-Q`: measure, say how wrong the clock is, step it or leave it, exit. */
export class Oneshot {
  private readonly what: 'set' | 'print';
  private readonly step: () => void;
  private readonly exit: () => void;
  private updates = 0;
  private lastUpdate = 0n;
  private told = false;

  /** `step` puts what is wrong into the clock at once. */
  constructor(what: 'set' | 'print', step: () => void, exit: () => void) {
    this.what = what;
    this.step = step;
    this.exit = exit;
  }

  after(tracking: TrackingReport): void {
    if (this.told || tracking.leap === 3) return;
    if (tracking.referenceTime !== this.lastUpdate) this.updates++;
    this.lastUpdate = tracking.referenceTime;
    if (tracking.mode !== 'tracking' && this.updates < ENOUGH_UPDATES) return;
    this.told = true;
    const wrong = tracking.currentCorrection.toFixed(6);
    if (this.what === 'set') this.step();
    process.stderr.write(`System clock wrong by ${wrong} seconds (${this.what === 'set' ? 'step' : 'ignored'})\n`);
    this.exit();
  }
}
