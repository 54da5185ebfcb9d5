import type { Prng } from '../base/prng.js';
import type { Seconds } from '../base/units.js';
import { deliver, handling, SecondTwin } from './host.js';
import type { TrueTime } from './queue.js';

/** Everything about a pulse line that a fault may change while the world runs. */
export interface PulseLine {
  /** No pulses at all: antenna, cable or receiver gone. */
  silent: boolean;
  /** Standard deviation of the interrupt stamp, s. */
  sigma: Seconds;
  /** Mean of a one-sided interrupt latency on top, s. */
  latency: Seconds;
  /** Probability of a pulse that is `outlierSize` off (either sign), per pulse. */
  outliers: number;
  outlierSize: Seconds;
  /** Outliers are of any size up to `outlierSize`: some of them look like good pulses. */
  anySize: boolean;
  /** Probability, per pulse, that a burst begins: a mean of `burstLength` pulses of which every second is an outlier. */
  bursts: number;
  burstLength: number;
  missing: number;
  /** Probability of a second edge (bounce, cross-talk) within the second. */
  doubled: number;
  /** The captured edge is the pulse's end: cable inverted, wrong edge configured. */
  wrongEdge: boolean;
  width: Seconds;
  /** The receiver's own clock is wrong by this (a free-running receiver, a wrong cable delay), s. */
  bias: Seconds;
  /** Half the grid of the receiver's own clock, on whose edges its pulses lie: an error that is anything but white, s. */
  sawtooth: Seconds;
}

export const GOOD_PULSES: PulseLine = {
  silent: false,
  sigma: 1e-6,
  latency: 0,
  outliers: 0,
  outlierSize: 1e-3,
  anySize: false,
  bursts: 0,
  burstLength: 8,
  missing: 0,
  doubled: 0,
  wrongEdge: false,
  width: 0.1,
  bias: 0,
  sawtooth: 0,
};

/** The receiver's clock against its grid: cycles a second, swinging through 0 (hanging bridges) within this period, s. */
const BEAT = 0.03;
const BEAT_PERIOD = 2400;

/** Position of pulse k on the grid, −1 … 1: so many half grids it comes late. */
export const onGrid = (k: number): number => {
  const cycles = (BEAT * BEAT_PERIOD * (1 - Math.cos((2 * Math.PI * k) / BEAT_PERIOD))) / (2 * Math.PI) + 0.3;
  return 2 * (cycles - Math.floor(cycles)) - 1;
};

/** Twin of ports/pps: one edge a true second. */
export class SimPulses extends SecondTwin {
  readonly line: PulseLine;
  private sequence = 0;
  private inBurst = false;
  private readonly wildness: Prng;

  constructor(
    source: number,
    private readonly rng: Prng,
    line: Partial<PulseLine> = {},
    present = true,
  ) {
    super(source, present);
    this.line = { ...GOOD_PULSES, ...line };
    this.wildness = rng.fork('wildness');
  }

  protected second(k: number, t: TrueTime): void {
    const { line, rng, host } = this;
    // The same draws in every case, so that a fault does not shift the noise of the rest of the run.
    const noise = line.sigma * rng.normal() + line.latency * rng.exponential();
    const [lost, wild, sign, twice, where] = [
      rng.uniform(),
      rng.uniform(),
      rng.uniform(),
      rng.uniform(),
      rng.uniform(),
    ];
    if (line.silent || lost < line.missing) return;
    const late = line.bias + (line.wrongEdge ? line.width : 0);
    const off = wild < this.share() ? (sign < 0.5 ? -1 : 1) * this.size() : 0;
    const stamped = noise + line.sawtooth * onGrid(k) + off;
    // A pulse that comes early belongs to the second after this one.
    host.at(late >= 0 ? t + late : t + 1 + late, { run: (u) => this.edge(u, stamped) });
    if (twice < line.doubled) host.at(t + 1e-4 + 0.8 * where, { run: (u) => this.edge(u, noise) });
  }

  /** Share of outliers at this moment. */
  private share(): number {
    const { line, wildness } = this;
    const change = wildness.uniform();
    this.inBurst = this.inBurst ? change > 1 / line.burstLength : change < line.bursts;
    return this.inBurst ? 0.5 : line.outliers;
  }

  private size(): Seconds {
    const { outlierSize, anySize } = this.line;
    return anySize ? outlierSize * this.wildness.uniform() : outlierSize;
  }

  private edge(t: TrueTime, noise: Seconds): void {
    const { host, source } = this;
    this.sequence = (this.sequence + 1) >>> 0;
    const edge = { edge: 'assert', time: host.clock.realtime(noise), sequence: this.sequence, missed: 0 } as const;
    // A late stamp is a late interrupt: the daemon cannot have it before it was taken.
    deliver(host, t + Math.max(0, noise) + handling(this.rng), { kind: 'pulse', source, edge });
  }
}
