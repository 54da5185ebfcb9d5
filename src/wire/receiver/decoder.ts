import { diff, type Instant, instant } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';
import type { PulseError, TimeMessage } from '../timemessage.js';
import { ROLLOVER_DAYS, SECONDS_PER_DAY } from './calendar.js';
import { EpochAssembler } from './epoch.js';
import { type Frame, type FrameReject, Framer } from './framer.js';
import { type NmeaSentence, parseSentence, type SentenceReject } from './nmea.js';
import { Sky } from './sky.js';
import { leapFromPubx, type TimedRecord, type TimedReject, timedFromNmea } from './timed.js';
import { Timeline, type TimelineReject } from './timeline.js';
import { parseUbx, type UbxMessage } from './ubx.js';
import { fixVouches, pulseErrorOf, timedFromUbx } from './ubxtime.js';

export type ReceiverReject = FrameReject | SentenceReject | TimedReject | TimelineReject | 'frozen' | 'ubx-size';

export interface ReceiverOptions {
  /** The best time known before the receiver speaks (last good time, or the build date): reads two-digit years. */
  readonly now: Instant;
  /**
   * No earlier time is possible (the build date): a date before it is repaired by whole 1024-week eras. Default: a
   * quarter of an era (4.9 years) before `now`, for files whose `now` is only a guess.
   */
  readonly notBefore?: Instant;
  /** Silence on the line after which a new burst begins; default 0.1 s: above FIFO, USB and pty batching. */
  readonly gap?: Seconds;
  /** Every decoded UBX message, in order (hardware state, TIM-TP, acknowledgements). */
  readonly onUbx?: (message: UbxMessage) => void;
  /** What the receiver says of the next pulse, as soon as it says it. */
  readonly onPulseError?: (error: PulseError) => void;
}

export interface ReceiverCounters {
  /** Refused input by reason. */
  readonly rejects: ReadonlyMap<ReceiverReject, number>;
  /** Accepted sentences and frames: 'GPRMC', 'PUBX', 'UBX 01-07', 'RTCM 1005', 'other'. */
  readonly sentences: ReadonlyMap<string, number>;
}

const DEFAULT_GAP = 0.1;
/** No receiver pauses so long inside a frame; see Framer.silence. */
const DEAD_FRAME: Seconds = 0.3;
/** A byte at 9600 baud: a long chunk is stamped at its first byte, and took so long itself. */
const SLOW_BYTE: Seconds = 10 / 9600;
const QUARTER_ERA_NS = (BigInt(ROLLOVER_DAYS) * SECONDS_PER_DAY * 1_000_000_000n) / 4n;
/** Bound on the names counted, against input that invents them. */
const MAX_NAMES = 128;
/** TIMEGPS is asked only where nothing says UTC: after so many of it without PVT or TIMEUTC. */
const GPS_TIME_AFTER = 3;
/** A leap second further off is not yet to be announced (NTP says it within the last day). */
const LEAP_HORIZON: Seconds = 86_400;

/**
 * A receiver's bytes to TimeMessages, one an epoch. Bytes may come in any cut; `arrival` is the raw time at which the
 * first byte of the chunk was seen. Never throws; memory is bounded whatever comes in.
 */
export class ReceiverDecoder {
  readonly sky = new Sky();
  private readonly rejects = new Map<ReceiverReject, number>();
  private readonly sentences = new Map<string, number>();
  readonly counters: ReceiverCounters = { rejects: this.rejects, sentences: this.sentences };

  private readonly framer: Framer;
  private readonly assembler: EpochAssembler;
  private readonly gap: Seconds;
  private readonly onUbx: ((message: UbxMessage) => void) | undefined;
  private readonly onPulseError: ((error: PulseError) => void) | undefined;
  private lastArrival: Instant | undefined;
  private lastLength = 0;
  private out: TimeMessage[] = [];

  private leapPending: number | undefined;
  private gpsUtcLeap: number | undefined;
  private ubxFix: { readonly iTow: number; readonly fix: boolean } | undefined;
  private gpsTimesSinceUtc = Number.POSITIVE_INFINITY;

  constructor(options: ReceiverOptions) {
    this.gap = options.gap ?? DEFAULT_GAP;
    this.onUbx = options.onUbx;
    this.onPulseError = options.onPulseError;
    const notBefore = options.notBefore ?? instant(options.now - QUARTER_ERA_NS);
    this.framer = new Framer({
      onFrame: (frame) => this.frame(frame),
      onReject: (reason) => this.reject(reason),
    });
    this.assembler = new EpochAssembler(new Timeline(options.now, notBefore), {
      emit: (message) => this.out.push(message),
      reject: (reason) => this.reject(reason),
      began: () => this.sky.grow(),
      extras: () => ({
        leapPending: this.leapPending,
        gpsUtcLeap: this.gpsUtcLeap,
        satellitesUsed: this.sky.used,
        satellitesVisible: this.sky.visible,
      }),
    });
  }

  push(bytes: Uint8Array, arrival: Instant): readonly TimeMessage[] {
    if (bytes.length === 0) return [];
    const silence = this.lastArrival === undefined ? Number.POSITIVE_INFINITY : diff(arrival, this.lastArrival);
    // A clock that was set back looks like a long silence: it ends a burst as well.
    if (silence >= DEAD_FRAME + this.lastLength * SLOW_BYTE || silence < 0) this.framer.silence();
    if (silence >= this.gap || silence < 0) this.assembler.burstBegins({ position: this.framer.total, arrival });
    this.lastArrival = arrival;
    this.lastLength = bytes.length;
    this.framer.push(bytes, arrival);
    return this.take();
  }

  /** The stream is over: settles the epoch that is still open. */
  end(): readonly TimeMessage[] {
    this.framer.end();
    this.assembler.close();
    return this.take();
  }

  private take(): readonly TimeMessage[] {
    const messages = this.out;
    this.out = [];
    return messages;
  }

  private reject(reason: ReceiverReject): void {
    this.rejects.set(reason, (this.rejects.get(reason) ?? 0) + 1);
  }

  private count(name: string): void {
    const known = this.sentences.has(name) || this.sentences.size < MAX_NAMES ? name : 'other';
    this.sentences.set(known, (this.sentences.get(known) ?? 0) + 1);
  }

  private frame(frame: Frame): void {
    if (frame.kind === 'nmea') this.nmea(frame, frame.text);
    else if (frame.kind === 'ubx') this.ubx(frame, frame.classId, frame.messageId, frame.payload);
    else this.count(`RTCM ${frame.messageType}`);
  }

  private nmea(frame: Frame, text: string): void {
    const sentence = parseSentence(text);
    if (typeof sentence === 'string') {
      this.reject(sentence);
      return;
    }
    this.count(sentence.talker + sentence.type);
    this.notice(sentence);
    this.timed(frame, timedFromNmea(sentence));
  }

  private timed(frame: Frame, record: TimedRecord | TimedReject | undefined): void {
    if (typeof record === 'string') this.reject(record);
    else if (record !== undefined) this.assembler.accept(record, frame.start, frame.end);
  }

  private notice(sentence: NmeaSentence): void {
    this.sky.accept(sentence);
    this.gpsUtcLeap = leapFromPubx(sentence) ?? this.gpsUtcLeap;
  }

  private ubx(frame: Frame, classId: number, messageId: number, payload: Uint8Array): void {
    const hex = (n: number) => n.toString(16).padStart(2, '0');
    this.count(`UBX ${hex(classId)}-${hex(messageId)}`);
    const message = parseUbx(classId, messageId, payload);
    if (message === 'ubx-size') this.reject(message);
    else if (message !== undefined) {
      this.note(message);
      this.onUbx?.(message);
      this.timed(frame, this.timedUbx(message));
    }
  }

  private note(m: UbxMessage): void {
    if (m.name === 'NAV-STATUS' || m.name === 'NAV-SOL') this.ubxFix = { iTow: m.iTow, fix: fixVouches(m) };
    else if (m.name === 'NAV-PVT') this.sky.setUsed(m.satellitesUsed);
    else if (m.name === 'TIM-TP') this.foretell(pulseErrorOf(m, this.gpsUtcLeap));
    else if (m.name === 'NAV-TIMEGPS') this.gpsUtcLeap = m.leap ?? this.gpsUtcLeap;
    else if (m.name === 'NAV-TIMELS') {
      this.gpsUtcLeap = m.current ?? this.gpsUtcLeap;
      const near = m.timeToEvent >= 0 && m.timeToEvent <= LEAP_HORIZON;
      this.leapPending = m.change === undefined || near ? m.change : 0;
    }
  }

  private foretell(error: PulseError | undefined): void {
    if (error !== undefined) this.onPulseError?.(error);
  }

  private timedUbx(m: UbxMessage): TimedRecord | 'time' | 'date' | undefined {
    if (m.name !== 'NAV-PVT' && m.name !== 'NAV-TIMEUTC' && m.name !== 'NAV-TIMEGPS') return undefined;
    if (m.name !== 'NAV-TIMEGPS') this.gpsTimesSinceUtc = 0;
    else if (++this.gpsTimesSinceUtc <= GPS_TIME_AFTER) return undefined;
    const fix = this.ubxFix?.iTow === m.iTow ? this.ubxFix.fix : undefined;
    return timedFromUbx(m, fix);
  }
}
