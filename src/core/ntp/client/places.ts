import type { Mono } from '../../../base/time.js';
import type { NtpDataReport, SelectOptions } from '../../report/reports.js';
import type { Association } from './association.js';
import { Counters } from './counters.js';
import type { NtpSourceOptions } from './options.js';
import { unheardReport } from './unheard.js';

/** What a command may change of a source that runs. */
export type NtpChange = Partial<
  Pick<NtpSourceOptions, 'maxdelay' | 'maxdelayratio' | 'maxdelaydevratio' | 'minstratum' | 'offset'>
> & { readonly minpoll?: number; readonly maxpoll?: number; readonly polltarget?: number };

export const applyChange = (association: Association, change: NtpChange): void => {
  const { minpoll, maxpoll, polltarget, ...rest } = change;
  association.options = { ...association.options, ...rest };
  if (minpoll !== undefined) association.polls.setMin(minpoll);
  if (maxpoll !== undefined) association.polls.setMax(maxpoll);
  if (polltarget !== undefined) association.polls.target = polltarget;
};

/** What commands have said of a source that has no address yet: it is done when there is one. */
export class PlaceOrders {
  online: boolean;
  /** The last one that was asked for. */
  burst: { readonly good: number; readonly total: number } | undefined;
  private change: NtpChange = {};
  private select: Partial<SelectOptions> = {};

  constructor(online: boolean) {
    this.online = online;
  }

  add(change: NtpChange): void {
    this.change = { ...this.change, ...change };
  }

  /** There is an address now. */
  follow(association: Association, now: Mono): void {
    applyChange(association, this.change);
    if (association.online !== this.online) association.setOnline(this.online, now);
    if (this.burst !== undefined) association.burst(this.burst.good, this.burst.total, now);
  }

  /** The shortest interval moves the first one as it moves that of a source that runs, log2 s. */
  poll(minpoll: number): number {
    const { minpoll: min = minpoll, maxpoll: max = Number.POSITIVE_INFINITY } = this.change;
    return Math.min(Math.max(minpoll, min), max);
  }

  selected(options: SelectOptions): SelectOptions {
    const { noselect, prefer, trust, require } = options;
    return { noselect, prefer, trust, require, ...this.select };
  }

  setOptions(change: Partial<SelectOptions>): void {
    this.select = { ...this.select, ...change };
  }
}

/** Of a source that cannot have been asked. */
export const placeData = (remoteAddress: string, remotePort: number): NtpDataReport =>
  unheardReport({
    address: remoteAddress,
    options: { port: remotePort },
    counters: new Counters(),
  });
