import type { Seconds } from '../base/units.js';
import type { Event } from '../engine/events.js';
import { deliver, nmeaEpoch, SecondTwin } from './host.js';
import type { TrueTime } from './queue.js';
import type { Trace } from './traces.js';

/** Pulse to sentence, s: large enough that the noise of a bad receiver stays behind the pulse. */
export const TRACE_LATENCY: Seconds = 0.2;
/** The discipline acts this long after a stamp, s. */
const HANDLING: Seconds = 50e-6;

/** The pulse column, as an edge or as the reading that a refclock program would put into shared memory. */
export class TracePulses extends SecondTwin {
  constructor(
    source: number,
    private readonly trace: Trace,
    private readonly as: 'pulse' | 'reading',
  ) {
    super(source);
  }

  protected second(k: number, t: TrueTime): void {
    const noise = this.trace.value('pps_noise', k);
    if (noise === undefined) return;
    // A late stamp is a late interrupt: the daemon cannot have it before it was taken.
    deliver(this.host, t + Math.max(0, noise) + HANDLING, this.event(k, noise));
  }

  private event(k: number, noise: Seconds): Event {
    const { source, host } = this;
    const stamp = host.clock.realtime(noise);
    if (this.as === 'pulse') {
      return { kind: 'pulse', source, edge: { edge: 'assert', time: stamp, sequence: k, missed: 0 } };
    }
    const offset = -(host.clock.error() + noise);
    return { kind: 'reading', source, reading: { local: stamp, offset, error: 0, leap: 0, pulse: false } };
  }
}

/** The column of sentence noise; the sentence comes in one piece, as over USB, TRACE_LATENCY + noise after the second. */
export class TraceMessages extends SecondTwin {
  constructor(
    source: number,
    private readonly trace: Trace,
  ) {
    super(source);
  }

  protected second(k: number, t: TrueTime): void {
    const noise = this.trace.value('nmea_noise', k);
    if (noise !== undefined) this.host.at(t + TRACE_LATENCY + noise, { run: () => this.sentence(k) });
  }

  private sentence(k: number): void {
    const { host } = this;
    const arrival = host.clock.realtime();
    const message = nmeaEpoch(host.timeline.nameOf(k).utc, false, arrival, arrival);
    host.post({ kind: 'message', source: this.source, message });
  }
}
