import type { Prng } from '../../../../src/base/prng.js';
import { add, diff, fromUnix, type Instant, nsToSeconds } from '../../../../src/base/time.js';
import type { Seconds } from '../../../../src/base/units.js';
import { type ClockView, cook, correctionAt, IDENTITY_VIEW } from '../../../../src/core/clockview.js';
import { type ClockContext, type Measured, RefclockManager } from '../../../../src/core/refclock/manager.js';
import type { RefclockOptions } from '../../../../src/core/refclock/options.js';
import type { ClockChange } from '../../../../src/core/sample.js';
import type { TimeMessage } from '../../../../src/wire/timemessage.js';

/** 2026-11-21T12:00:00Z: UTC at the start of every test. */
export const START = 1_795_262_400;
export const FLOOR = fromUnix(1_793_000_000);

export const options = (o: Partial<RefclockOptions>): RefclockOptions => ({
  driver: 'PPS',
  parameter: '/dev/pps0',
  driverOptions: {},
  poll: 4,
  dpoll: 0,
  refid: '',
  lock: '',
  rate: 1,
  maxlockage: 2,
  width: 0,
  pps: false,
  offset: 0,
  offsetGiven: false,
  delay: 1e-9,
  delayGiven: false,
  stratum: 0,
  precision: 0,
  maxdispersion: 0,
  filter: 64,
  prefer: false,
  noselect: false,
  trust: false,
  require: false,
  tai: false,
  local: false,
  minsamples: -1,
  maxsamples: -1,
  maxunreach: 100000,
  ...o,
});

export const NMEA = options({ driver: 'NMEA', parameter: '/dev/gps0', refid: 'NMEA' });
export const PPS = options({ driver: 'PPS', refid: 'PPS', lock: 'NMEA' });

export interface World {
  /** Raw clock minus truth at the start, s. */
  readonly ahead?: Seconds;
  /** Raw clock's rate error, s/s. */
  readonly freq?: number;
}

/** A raw clock that is wrong, the manager under test, and everything that it measured. */
export class Bench {
  view: ClockView = IDENTITY_VIEW;
  synchronised = false;
  rootDistance = 1;
  selected: number | undefined;
  stratum = 1;
  localActive = false;
  sequence = 0;
  readonly out: Measured[] = [];
  private jumped = 0;

  constructor(
    readonly manager: RefclockManager,
    private readonly world: World = {},
  ) {}

  static of(clocks: readonly RefclockOptions[], world?: World): Bench {
    return new Bench(new RefclockManager(clocks, 1e-7, FLOOR), world);
  }

  /** Raw clock at `t` true seconds after START. */
  raw(t: Seconds): Instant {
    return add(fromUnix(START), t + (this.world.ahead ?? 0) + this.jumped + (this.world.freq ?? 0) * t);
  }

  ctx(t: Seconds): ClockContext {
    const { view, synchronised, rootDistance, selected, stratum, localActive } = this;
    return { now: cook(view, this.raw(t)), view, synchronised, rootDistance, selected, stratum, localActive };
  }

  private keep(list: readonly Measured[]): readonly Measured[] {
    this.out.push(...list);
    return list;
  }

  pulse(source: number, t: Seconds, late = 0): readonly Measured[] {
    const edge = { edge: 'assert' as const, time: this.raw(t + late), sequence: ++this.sequence, missed: 0 };
    return this.keep(this.manager.pulse(source, edge, this.ctx(t + late + 1e-4)));
  }

  /** The sentence that names second `second`, `latency` after it. */
  message(source: number, second: number, latency: Seconds, more: Partial<TimeMessage> = {}): readonly Measured[] {
    const message: TimeMessage = {
      utc: fromUnix(START + second),
      leapSecond: false,
      valid: true,
      from: 'RMC',
      burstStart: this.raw(second + latency),
      arrival: this.raw(second + latency + 0.07),
      bytesToEnd: 70,
      leapPending: undefined,
      gpsUtcLeap: undefined,
      accuracy: undefined,
      rolloverRepaired: false,
      satellitesUsed: undefined,
      satellitesVisible: undefined,
      ...more,
    };
    return this.keep(this.manager.message(source, message, this.ctx(second + latency + 0.07)));
  }

  reading(source: number, t: Seconds, error: Seconds, leap: 0 | 1 | 2 | 3 = 0, pulse = false): readonly Measured[] {
    const local = this.raw(t);
    const offset = nsToSeconds(add(fromUnix(START), t) - local) + error;
    return this.keep(this.manager.reading(source, { local, offset, error: 0, leap, pulse }, this.ctx(t + 1e-3)));
  }

  /** Adds to the cooked clock, as the engine does after a measurement. */
  change(t: Seconds, doffset: Seconds, dfreq: number, kind: ClockChange['kind'] = 'adjust'): void {
    const raw = this.raw(t);
    const { view } = this;
    const at = cook(view, raw);
    this.view = { ref: raw, correction: correctionAt(view, raw) + doffset, rate: view.rate + dfreq };
    this.manager.rebase({ at, doffset, dfreq, kind });
  }

  /** The raw clock is moved by another program. */
  jump(t: Seconds, by: Seconds): void {
    this.jumped += by;
    this.manager.rebase({ at: this.ctx(t).now, doffset: by, dfreq: 0, kind: 'unknown' });
  }

  /** How wrong a measurement was: its offset against the true one at its time. */
  errorOf(m: Measured): Seconds {
    // cooked(t) = START + t·(1+f) + ahead + correction: solved for the instant that the sample names.
    const cooked = diff(m.sample.time, fromUnix(START));
    const gain = 1 + (this.world.freq ?? 0);
    const { view } = this;
    let t = cooked;
    for (let i = 0; i < 4; i++) {
      const correction = correctionAt(view, this.raw(t));
      t = (cooked - correction - (this.world.ahead ?? 0) - this.jumped) / gain;
    }
    return m.sample.offset - (t - cooked);
  }

  /** `n` ordinary seconds from `from` on: pulse of source 1, then message of source 0. */
  seconds(from: number, n: number, latency: Seconds, rng?: Prng, spread = 0.005): void {
    for (let s = from; s < from + n; s++) {
      this.pulse(1, s, rng === undefined ? 0 : rng.normal() * 1e-6);
      this.message(0, s, latency + (rng === undefined ? 0 : rng.normal() * spread));
    }
  }

  pulses(): Measured[] {
    return this.out.filter((m) => m.pulse);
  }
}
