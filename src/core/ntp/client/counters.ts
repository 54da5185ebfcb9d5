import type { StampKind } from '../../../base/units.js';
import type { NtpDataReport } from '../../report/reports.js';

export type CounterReport = Pick<
  NtpDataReport,
  'totalTx' | 'totalRx' | 'totalValidRx' | 'totalGoodRx' | 'kernelTx' | 'kernelRx' | 'hardwareTx' | 'hardwareRx'
>;

/** Packets of one association, as ntpdata counts them. */
export class Counters {
  valid = 0;
  good = 0;
  requests = 0;
  private readonly tx = { daemon: 0, kernel: 0, hardware: 0 };
  private readonly rx = { daemon: 0, kernel: 0, hardware: 0 };

  sent(kind: StampKind): void {
    this.tx[kind]++;
  }

  received(kind: StampKind): void {
    this.rx[kind]++;
  }

  report(): CounterReport {
    const sum = (c: Readonly<Record<StampKind, number>>): number => c.daemon + c.kernel + c.hardware;
    return {
      totalTx: this.requests,
      totalRx: sum(this.rx),
      totalValidRx: this.valid,
      totalGoodRx: this.good,
      kernelTx: this.tx.kernel,
      kernelRx: this.rx.kernel,
      hardwareTx: this.tx.hardware,
      hardwareRx: this.rx.hardware,
    };
  }
}
