import { type ClientTable, DROPPED, INTERVAL_UNKNOWN, SPENT_MASK } from './clients.js';

/** `ratelimit` as chrony has it. */
export interface RateLimitOptions {
  /** log2 s between two requests that can go on for ever, −19…12. */
  readonly interval: number;
  /** Requests that may come at once, 1…255. */
  readonly burst: number;
  /** One in 2^leak of those beyond is answered all the same: a forger cannot silence an address for good. */
  readonly leak: number;
  /** One in 2^kod of those dropped gets a kiss of death; 0 = none. */
  readonly kod: number;
}

/** What becomes of a request. */
export const LIMIT = { PASS: 0, DROP: 1, KISS: 2 } as const;

/** A request costs this many units of a bucket; 255 requests fit 15 bits. */
const COST = 128;
/** log2 of units a 1/16 s at interval 0: COST = 2^7 units in 2^4 of them. */
const RATE_LOG2 = 3;
/** In quarters of log2: more than twice as often. */
const TWICE = 4;

/**
 * Token buckets in the client records (the word LIMITS). A bucket stores what is spent, so that a new record is a
 * full one. Refills are counted on an absolute grid of time: a client that asks more often than the grid's step still
 * earns what it is due.
 */
export class RateLimiter {
  private readonly capacity: number;
  private readonly shift: number;

  constructor(
    private readonly options: RateLimitOptions,
    private readonly clients: ClientTable,
  ) {
    this.capacity = options.burst * COST;
    this.shift = RATE_LOG2 - options.interval;
  }

  /**
   * Of a request that hit() has just counted. `last`: time of the record's hit before, 0 = none; `now`: this one's,
   * 1/16 s modulo 2^32; `random`: 32 random bits.
   */
  judge(record: number, last: number, now: number, random: number): number {
    const { clients } = this;
    const limits = clients.limits(record);
    const spent = Math.max(0, (limits & SPENT_MASK) - (last === 0 ? this.capacity : this.earned(last, now)));
    const rest = limits & ~(SPENT_MASK | DROPPED);
    if (spent + COST <= this.capacity) {
      clients.setLimits(record, rest | (spent + COST));
      return LIMIT.PASS;
    }
    const dropped = this.leaks(random) === this.hurries(record);
    clients.setLimits(record, rest | spent | (dropped ? DROPPED : 0));
    if (!dropped) return LIMIT.PASS;
    return this.options.kod > 0 && (random >>> 16) % (1 << this.options.kod) === 0 ? LIMIT.KISS : LIMIT.DROP;
  }

  private leaks(random: number): boolean {
    return (random & ((1 << this.options.leak) - 1)) === 0;
  }

  /**
   * Asks more than twice as often when it gets no answer: dropping makes more traffic than it saves, so most are
   * answered and one in 2^leak is dropped.
   */
  private hurries(record: number): boolean {
    const unanswered = this.clients.timeoutInterval(record);
    const answered = this.clients.interval(record);
    return unanswered !== INTERVAL_UNKNOWN && answered !== INTERVAL_UNKNOWN && unanswered < answered - TWICE;
  }

  private earned(last: number, now: number): number {
    const elapsed = (now - last) | 0;
    if (elapsed <= 0) return 0;
    if (this.shift >= 0) return Math.min(this.capacity, elapsed * 2 ** Math.min(this.shift, 20));
    return Math.min(this.capacity, ((now >>> -this.shift) - (last >>> -this.shift)) >>> 0);
  }
}
