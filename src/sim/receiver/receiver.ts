import type { Prng } from '../../base/prng.js';
import { floorSeconds, type Instant, instant, NS_PER_S } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';
import { formatUbx } from '../../wire/receiver/ubx.js';
import { distort, type ReceiverFault } from './faults.js';
import { type SimSecond, type SimSentence, type SimView, write } from './sentences.js';

/** A piece of a burst as the tty hands it over. */
export interface SimChunk {
  /** When its last byte is in, counted from the true second that the burst names. */
  readonly delay: Seconds;
  readonly bytes: Uint8Array;
}

export interface SimReceiverOptions {
  readonly baud: number;
  /** In the order sent. */
  readonly sentences: readonly SimSentence[];
  readonly talker: string;
  /** Digits after the seconds' point: 0, 2 or 3. */
  readonly fractionDigits: number;
  readonly satellites: number;
  /** From the pulse to the first byte, on average. */
  readonly latency: Seconds;
  /** Slow wander of the latency: amplitude and period. */
  readonly wander: Seconds;
  readonly wanderPeriod: Seconds;
  /** Standard deviation of the latency from burst to burst. */
  readonly jitter: Seconds;
  /** Bytes handed over at once: a UART FIFO's trigger level, a USB packet. */
  readonly batchBytes: number;
  readonly gpsUtcLeap: number;
  /** A leap second to come: its instant and ±1. */
  readonly leap?: { readonly at: Instant; readonly change: 1 | -1 };
}

/** A Pi's GPS HAT at its factory speed (spec 2 and 14: 30 … 900 ms late, sd 6 … 10 ms). */
export const SIM_RECEIVER: SimReceiverOptions = {
  baud: 9600,
  sentences: ['RMC', 'GGA', 'GSA', 'GSV'],
  talker: 'GP',
  fractionDigits: 2,
  satellites: 9,
  latency: 0.12,
  wander: 0.01,
  wanderPeriod: 4 * 3600,
  jitter: 0.007,
  batchBytes: 16,
  gpsUtcLeap: 18,
};

const ERA_S = 7168n * 86_400n;
/** No receiver writes before its pulse. */
const SHORTEST_LATENCY: Seconds = 0.001;

/** Pure generator of a receiver's byte stream: a true second in, the chunks of the burst that names it out. */
export class SimReceiver {
  readonly options: SimReceiverOptions;
  private readonly phase: number;

  constructor(
    options: Partial<SimReceiverOptions>,
    private readonly prng: Prng,
  ) {
    this.options = { ...SIM_RECEIVER, ...options };
    this.phase = 2 * Math.PI * prng.uniform();
  }

  /** `error`: of the next pulse, which TIM-TP tells; s, positive = early. Random unless given. */
  burst(second: SimSecond, faults: readonly ReceiverFault[] = [], error?: Seconds): SimChunk[] {
    // Drawn for every burst, sent or not, so that a fault does not shift the noise of the bursts after it.
    const latency = this.latencyAt(second.utc);
    const random = (this.prng.uniform() - 0.5) * 20e-9;
    const quantisationPs = Math.round((error ?? random) * 1e12);
    const noise = this.prng.fork(String(second.utc));
    if (faults.some((f) => f.kind === 'silent')) return [];
    let bytes = this.compose(this.view(second, faults, quantisationPs), faults);
    for (const fault of faults) bytes = distort(bytes, fault, noise);
    const late = faults.reduce((sum, f) => sum + (f.kind === 'late' ? f.by : 0), 0);
    return this.chunks(bytes, latency + late);
  }

  private latencyAt(utc: Instant): Seconds {
    const { latency, wander, wanderPeriod, jitter } = this.options;
    const turns = (Number(floorSeconds(utc)) % wanderPeriod) / wanderPeriod;
    const now = latency + wander * Math.sin(2 * Math.PI * turns + this.phase) + jitter * this.prng.normal();
    return Math.max(SHORTEST_LATENCY, now);
  }

  private view(second: SimSecond, faults: readonly ReceiverFault[], quantisationPs: number): SimView {
    const { talker, fractionDigits, satellites, gpsUtcLeap, leap } = this.options;
    let shown = second;
    let fix: SimView['fix'] = 'fix';
    let name = talker;
    for (const f of faults) {
      if (f.kind === 'frozen') shown = { utc: f.at };
      else if (f.kind === 'second-error') shown = { utc: instant(shown.utc + BigInt(f.seconds) * NS_PER_S) };
      else if (f.kind === 'rollover') shown = { ...shown, utc: instant(shown.utc + BigInt(f.eras) * ERA_S * NS_PER_S) };
      else if (f.kind === 'no-fix' || f.kind === 'cold') fix = f.kind === 'cold' ? 'cold' : 'none';
      else if (f.kind === 'talker') name = f.talker;
    }
    const leapIn = leap === undefined ? 0 : Number((leap.at - second.utc) / NS_PER_S);
    const leapChange = leap !== undefined && leapIn > 0 ? leap.change : 0;
    const passed = leap !== undefined && leapIn <= 0 && second.leapSecond !== true ? leap.change : 0;
    return {
      second: shown,
      fix,
      talker: name,
      fractionDigits,
      satellites,
      gpsUtcLeap: gpsUtcLeap + passed,
      leapChange,
      leapIn,
      quantisationPs,
    };
  }

  private compose(view: SimView, faults: readonly ReceiverFault[]): Uint8Array {
    const between = faults.find((f) => f.kind === 'ubx-between');
    const pieces = this.options.sentences.flatMap((name) => write(name, view));
    const all = between === undefined ? pieces : pieces.flatMap((p) => [this.filler(between.broken), p]);
    const out = new Uint8Array(all.reduce((n, p) => n + p.length, 0));
    let at = 0;
    for (const piece of all) {
      out.set(piece, at);
      at += piece.length;
    }
    return out;
  }

  private filler(broken: boolean): Uint8Array {
    const frame = formatUbx(
      0x01,
      0x35,
      Uint8Array.from({ length: 32 }, (_, i) => (i * 37) & 0xff),
    );
    if (broken) frame[frame.length - 1] = frame[frame.length - 1]! ^ 0xff;
    return frame;
  }

  private chunks(bytes: Uint8Array, start: Seconds): SimChunk[] {
    const { baud, batchBytes } = this.options;
    const out: SimChunk[] = [];
    for (let from = 0; from < bytes.length; from += batchBytes) {
      const to = Math.min(bytes.length, from + batchBytes);
      out.push({ delay: start + (to * 10) / baud, bytes: bytes.subarray(from, to) });
    }
    return out;
  }
}
