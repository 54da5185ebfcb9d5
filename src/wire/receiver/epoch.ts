import { diff, type Instant, nsInSecond } from '../../base/time.js';
import type { TimeMessage } from '../timemessage.js';
import type { WrittenDate } from './calendar.js';
import type { Place } from './framer.js';
import type { TimedRecord } from './timed.js';
import type { Resolved, Timeline, TimelineReject } from './timeline.js';

/**
 * Gathers the timed records of one epoch into exactly one TimeMessage, as early as it can be said.
 *
 * An epoch is what carries one time of day. RMC and the UBX messages settle it alone. GGA, GLL and GNS have validity
 * but no date, ZDA a date but no validity: they settle it together, or with the date of the epoch before where the
 * receiver is not known to send an RMC (waiting for one that comes later in the burst keeps one sentence type
 * deciding, which the latency statistics need).
 */

/** Facts that a message carries along from elsewhere in the stream. */
export interface Extras {
  readonly leapPending: number | undefined;
  readonly gpsUtcLeap: number | undefined;
  readonly satellitesUsed: number | undefined;
  readonly satellitesVisible: number | undefined;
}

export interface EpochSink {
  emit(message: TimeMessage): void;
  reject(reason: TimelineReject | 'frozen'): void;
  /** A new epoch begins. */
  began(): void;
  extras(): Extras;
}

interface Epoch {
  msOfDay: number | undefined;
  start: Place;
  readonly seen: Set<string>;
  date: WrittenDate | undefined;
  /** False as soon as one sentence denies it. */
  fix: boolean | undefined;
  decided: boolean;
  last: { record: TimedRecord; end: Place };
}

/** A receiver that has sent an RMC (or UBX time) within so many epochs is expected to send one in this. */
const EXPECT_EPOCHS = 5;
/** Epochs closer together than this come from a receiver that navigates more than once a second. */
const SUB_SECOND = 0.95;

/** Bounded: an epoch that never ends (a frozen clock) sees no more than every talker's handful of types. */
const note = (seen: Set<string>, key: string): void => {
  if (seen.size < 64) seen.add(key);
};

export class EpochAssembler {
  private epoch: Epoch | undefined;
  private previous: Pick<Epoch, 'msOfDay' | 'seen'> | undefined;
  /** Start of the burst that is coming in, when the line was silent before it and no timed record has claimed it. */
  private burst: Place | undefined;
  /** The line was silent since the last timed record. */
  private silent = false;
  private epochsSinceAlone = Number.POSITIVE_INFINITY;
  private lastUtc: Instant | undefined;
  private fast = false;

  constructor(
    private readonly timeline: Timeline,
    private readonly sink: EpochSink,
  ) {}

  /** The line was silent and begins again here. */
  burstBegins(at: Place): void {
    this.burst = at;
    this.silent = true;
  }

  accept(record: TimedRecord, start: Place, end: Place): void {
    if (this.belongsToPrevious(record)) return;
    if (!this.belongs(record)) {
      this.close();
      this.open(record, this.burst ?? start, end);
    }
    this.burst = undefined;
    this.silent = false;
    this.merge(record, end);
    if (!this.epoch!.decided) this.tryDecide(record);
  }

  /**
   * No more comes for the open epoch: say what can be said. May be called at every pause of the line; a sentence that
   * comes later with the same time is a straggler.
   */
  close(): void {
    const epoch = this.epoch;
    if (epoch === undefined) return;
    if (!epoch.decided) this.decide(epoch, epoch.fix === true);
    this.previous = epoch;
    this.epoch = undefined;
  }

  /**
   * A straggler: some receivers repeat the time of the epoch before in one sentence of the next burst, or pause in a
   * burst. The same sentence with the same time in another burst is a clock that stands still.
   */
  private belongsToPrevious(record: TimedRecord): boolean {
    const { previous } = this;
    if (previous === undefined || record.msOfDay === undefined || record.msOfDay !== previous.msOfDay) return false;
    if (this.epoch === undefined && this.silent && previous.seen.has(record.key)) this.sink.reject('frozen');
    else note(previous.seen, record.key);
    return true;
  }

  private belongs(record: TimedRecord): boolean {
    const epoch = this.epoch;
    if (epoch === undefined) return false;
    const repeated = epoch.seen.has(record.key);
    if (record.msOfDay === undefined || epoch.msOfDay === undefined) return !repeated && !this.silent;
    if (record.msOfDay !== epoch.msOfDay) return false;
    if (!repeated || !this.silent) return true;
    // The same time again in another burst: the receiver's clock stands still.
    this.sink.reject('frozen');
    return true;
  }

  private open(record: TimedRecord, start: Place, end: Place): void {
    this.epochsSinceAlone++;
    this.sink.began();
    this.epoch = {
      msOfDay: record.msOfDay,
      start,
      seen: new Set(),
      date: undefined,
      fix: undefined,
      decided: false,
      last: { record, end },
    };
  }

  private merge(record: TimedRecord, end: Place): void {
    const epoch = this.epoch!;
    note(epoch.seen, record.key);
    epoch.msOfDay ??= record.msOfDay;
    epoch.date = record.date ?? epoch.date;
    if (record.fix !== undefined) epoch.fix = record.fix && epoch.fix !== false;
    if (!epoch.decided) epoch.last = { record, end };
    if (record.weight === 'alone') this.epochsSinceAlone = 0;
  }

  private tryDecide(record: TimedRecord): void {
    const epoch = this.epoch!;
    const waits = this.epochsSinceAlone <= EXPECT_EPOCHS;
    if (record.weight === 'alone') this.decide(epoch, epoch.fix === true);
    else if (epoch.fix === true && (epoch.date !== undefined || (!waits && this.canCarry(epoch))))
      this.decide(epoch, true);
    else if (epoch.fix === false && !waits) this.decide(epoch, false);
  }

  private canCarry(epoch: Epoch): boolean {
    const { msOfDay, last } = epoch;
    return msOfDay !== undefined && typeof this.timeline.carry(msOfDay, last.end.arrival) !== 'string';
  }

  private decide(epoch: Epoch, vouched: boolean): void {
    epoch.decided = true;
    const resolved = this.resolve(epoch, vouched);
    const valid = vouched && resolved !== undefined && this.inOrder(resolved, epoch.last.end.arrival);
    this.sink.emit(this.message(epoch, resolved, valid));
  }

  private resolve(epoch: Epoch, vouched: boolean): Resolved | undefined {
    const { msOfDay, date, last } = epoch;
    if (msOfDay === undefined) return undefined;
    const resolved =
      date !== undefined ? this.timeline.resolve(date, msOfDay) : this.timeline.carry(msOfDay, last.end.arrival);
    if (typeof resolved !== 'string') return resolved;
    // A receiver without a fix shows its build date or nothing: that is no fault to count.
    if (vouched) this.sink.reject(resolved);
    return undefined;
  }

  private inOrder(resolved: Resolved, arrival: Instant): boolean {
    const refusal = this.timeline.advance(resolved, arrival);
    if (refusal !== undefined) this.sink.reject(refusal);
    return refusal === undefined;
  }

  private message(epoch: Epoch, resolved: Resolved | undefined, valid: boolean): TimeMessage {
    const { record, end } = epoch.last;
    return {
      utc: resolved?.utc,
      leapSecond: resolved?.leapSecond ?? false,
      valid,
      from: record.from,
      burstStart: epoch.start.arrival,
      arrival: end.arrival,
      bytesToEnd: end.position - epoch.start.position,
      accuracy: record.accuracy,
      rolloverRepaired: resolved?.rolloverRepaired ?? false,
      betweenSeconds: this.betweenSeconds(resolved?.utc),
      ...this.sink.extras(),
    };
  }

  /** A constant fraction, once a second, is how some receivers are; fractions that follow one another are a fast rate. */
  private betweenSeconds(utc: Instant | undefined): boolean {
    if (utc === undefined) return false;
    const step = this.lastUtc === undefined ? 0 : diff(utc, this.lastUtc);
    if (step > 0 && this.lastUtc !== undefined) this.fast = step < SUB_SECOND;
    this.lastUtc = utc;
    return this.fast && nsInSecond(utc) !== 0;
  }
}
