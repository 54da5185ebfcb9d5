import { parseIp } from '../../base/ip.js';
import type { Config } from '../../conf/config.js';
import type { NtpSourceOptions } from '../../core/ntp/client/options.js';
import type { RefclockOptions } from '../../core/refclock/options.js';
import type { TrackingReport } from '../../core/report/reports.js';
import { initialServers } from '../../engine/config.js';

/** Updates of the clock after which a discipline that still converges is good enough. */
const ENOUGH_UPDATES = 8;
/** The same for a server on the network: three replies of an `iburst`, of which the first two select it. */
const ENOUGH_REPLIES = 2;
/** s in which an `iburst` gets its replies, or never; a name has to be resolved first. */
const BURST_PATIENCE = 12;
const NAME_PATIENCE = 20;
/** Polls in which a source fills its reachability register; one that has not been heard by then is not there. */
const REACH_POLLS = 8;

/**
 * What a one-shot run measures with. Local time is no reference, and nobody is an orphan: who is asked has to know
 * better. Servers of `initstepslew` are asked instead of everything else, as chronyd does.
 */
export const oneshotConfig = (config: Config): Config => {
  const servers = initialServers(config);
  const { clock, client } = config;
  const quiet = { ...config, local: undefined, clock: { ...clock, initstepslew: undefined } };
  if (servers.length === 0) return quiet;
  return { ...quiet, sources: servers, refclocks: [], client: { ...client, sourcedirs: [] } };
};

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
  private latest: TrackingReport | undefined;

  constructor(parts: OneshotParts) {
    this.parts = parts;
  }

  /** Gives up when every source had its chance; at once when there is none. */
  start(
    refclocks: readonly Pick<RefclockOptions, 'poll'>[],
    servers: readonly Pick<NtpSourceOptions, 'name' | 'iburst' | 'minpoll'>[],
  ): void {
    const waits = [
      ...refclocks.map((s) => REACH_POLLS * 2 ** s.poll),
      ...servers.map((s) => {
        const burst = parseIp(s.name) === undefined ? NAME_PATIENCE : BURST_PATIENCE;
        return s.iburst ? burst : Math.max(burst, REACH_POLLS * 2 ** s.minpoll);
      }),
    ];
    setTimeout(() => this.giveUp(), Math.max(0, ...waits) * 1000);
  }

  after(tracking: TrackingReport): void {
    if (this.told || tracking.leap === 3) return;
    this.latest = tracking;
    if (tracking.referenceTime !== this.lastUpdate) this.updates++;
    this.lastUpdate = tracking.referenceTime;
    const enough = tracking.address === undefined ? ENOUGH_UPDATES : ENOUGH_REPLIES;
    if (tracking.mode !== 'tracking' && this.updates < enough) return;
    this.tell(tracking);
  }

  private tell(tracking: TrackingReport): void {
    this.told = true;
    const wrong = tracking.currentCorrection.toFixed(6);
    const set = this.parts.what === 'set';
    if (set) this.parts.step();
    this.parts.say(`System clock wrong by ${wrong} seconds (${set ? 'step' : 'ignored'})`);
    this.parts.exit(true);
  }

  private giveUp(): void {
    if (this.told) return;
    // Fewer replies than hoped for are better than none.
    if (this.latest?.address !== undefined) {
      this.tell(this.latest);
      return;
    }
    this.told = true;
    this.parts.say('No suitable source for synchronisation');
    this.parts.exit(false);
  }
}
