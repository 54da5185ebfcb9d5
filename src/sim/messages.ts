import type { Prng } from '../base/prng.js';
import { add, type Instant } from '../base/time.js';
import type { Seconds } from '../base/units.js';
import type { TimeMessage } from '../wire/timemessage.js';
import { deliver, handling, nmeaEpoch, SecondTwin } from './host.js';
import type { TrueTime } from './queue.js';

/** A receiver's sentences, and what a fault may change about them. */
export interface Talk {
  /** Line dead: nothing comes in. */
  silent: boolean;
  /** False: sentences come, marked void. */
  fix: boolean;
  /** Seconds added to the second it names. */
  wrongBy: number;
  /** Pulse to the first byte of the burst, s. */
  latency: Seconds;
  /** Standard deviation of the burst's start, s. */
  jitter: Seconds;
  /** Slow wander of the latency: standard deviation and time constant (first-order Markov), s. */
  wander: Seconds;
  wanderTime: Seconds;
  /** Probability of a burst that is `lateBy` later than usual. */
  late: number;
  lateBy: Seconds;
  /** Bytes up to the end of the deciding sentence; at `baud` they take bytes × 10 / baud. */
  bytes: number;
  baud: number;
  /** Does it announce leap seconds (UBX does, NMEA does not)? */
  announcesLeap: boolean;
}

export const GOOD_TALK: Talk = {
  silent: false,
  fix: true,
  wrongBy: 0,
  latency: 0.12,
  jitter: 5e-3,
  wander: 5e-3,
  wanderTime: 1800,
  late: 0,
  lateBy: 0.9,
  bytes: 70,
  baud: 9600,
  announcesLeap: false,
};

/** Twin of a receiver behind its decoder: one TimeMessage an epoch. */
export class SimMessages extends SecondTwin {
  readonly talk: Talk;
  private drift: Seconds;

  constructor(
    source: number,
    private readonly rng: Prng,
    talk: Partial<Talk> = {},
    present = true,
  ) {
    super(source, present);
    this.talk = { ...GOOD_TALK, ...talk };
    this.drift = this.talk.wander * rng.normal();
  }

  protected second(k: number, t: TrueTime): void {
    const { talk, rng, host } = this;
    const keep = Math.exp(-1 / talk.wanderTime);
    this.drift = keep * this.drift + talk.wander * Math.sqrt(1 - keep * keep) * rng.normal();
    const jitter = talk.jitter * rng.normal();
    const late = rng.uniform() < talk.late ? talk.lateBy : 0;
    const begin = t + Math.max(1e-3, talk.latency + this.drift + jitter + late);
    if (!talk.silent) host.at(begin, { run: (u) => this.burst(k, u) });
  }

  private burst(k: number, t: TrueTime): void {
    const { talk, host } = this;
    const burstStart = host.clock.realtime();
    host.at(t + (talk.bytes * 10) / talk.baud, { run: (u) => this.sentence(k, u, burstStart) });
  }

  private sentence(k: number, t: TrueTime, burstStart: Instant): void {
    const { talk, host, rng } = this;
    const { utc, leapSecond } = host.timeline.nameOf(k);
    const message: TimeMessage = {
      ...nmeaEpoch(add(utc, talk.wrongBy), leapSecond, burstStart, host.clock.realtime()),
      valid: talk.fix,
      bytesToEnd: talk.bytes,
      leapPending: talk.announcesLeap ? host.timeline.leapPending(t) : undefined,
      satellitesUsed: talk.fix ? 9 : 0,
    };
    deliver(host, t + handling(rng), { kind: 'message', source: this.source, message });
  }
}
