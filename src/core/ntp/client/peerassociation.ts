import { fromNtp64, type Ntp64, toNtp64 } from '../../../base/ntp64.js';
import { add, addMono, diff, diffMono, type Instant, type Mono } from '../../../base/time.js';
import type { Seconds, StampKind } from '../../../base/units.js';
import { MODE } from '../../../wire/ntp/header.js';
import { isZero, type NtpPacket, parsePacket, sameStamp, ZERO_STAMP } from '../../../wire/ntp/packet.js';
import { FIELD } from '../../../wire/ntp/tail.js';
import { correctionAt } from '../../clockview.js';
import { type ClockChange, timeShift } from '../../sample.js';
import { statePacket } from '../statepacket.js';
import {
  Association,
  type Foretold,
  type Judgement,
  NOTHING,
  type Noise,
  type Outgoing,
  type Received,
  type Surroundings,
} from './association.js';
import type { Exchange, ExchangeFigures, LocalStamp } from './exchange.js';
import { fieldsOf, withMonoRoot } from './monoroot.js';
import { kissCode, SYNCED, serverTests, TEST, VALID } from './verdict.js';

/** Polling intervals by which a peer that is better than the other lets it speak first. */
const PATIENCE = 1.1;
/** Share of an interval that must have passed since our last packet before another one answers the peer at once. */
const ANSWER_AFTER = 0.5;
/** Unanswered packets after which nothing is believed to hold any more: the register of reachability is empty. */
const FORGET_AFTER = 8;
/** Polling intervals without a packet after a KoD RATE, and how far it may slow us down, log2 s. */
const RATE_PAUSE = 4;
const RATE_MAX_POLL = 10;
/** Share of the polling interval that a round trip may take where transmit stamps come one packet late. */
const MAX_INTERLEAVED_DELAY = 0.5;
/** Basic answers in a row to interleaved packets after which the peer is taken for one that does not know them. */
const DEAF = 4;
/** s: what waited longer for its answer than polling intervals are long says nothing. */
const MAX_DWELL: Seconds = 2 ** 17;

/** A packet to a peer. Who sends it may have to fill the transmit stamp in. */
export interface PeerOutgoing extends Outgoing {
  /** The transmit stamp is to be the moment of sending. */
  readonly stamp: boolean;
  /** Cooked − raw time now, s. */
  readonly correction: Seconds;
  /** Our address that the peer speaks to; undefined = the route decides. */
  readonly local: string | undefined;
}

/** What was sent last. */
interface Sent {
  readonly serial: number;
  /** As they stood in the packet: a reply has to repeat one of them. Undefined: not told yet. */
  readonly receive: Ntp64;
  transmit: Ntp64 | undefined;
  readonly interleaved: boolean;
  /** When it left. */
  t1: LocalStamp | undefined;
}

/** The last valid packet of the peer. */
interface Heard {
  readonly receive: Ntp64;
  readonly transmit: Ntp64;
  readonly t4: LocalStamp;
  readonly synced: boolean;
}

/** A packet that answers none of ours: the peer has begun to speak, or begins again. */
interface Greeting {
  readonly transmit: Ntp64;
  readonly t4: LocalStamp;
  /** It has been answered: any other one takes its place. */
  answered: boolean;
}

const isLater = (a: Ntp64, b: Ntp64): boolean => {
  const hi = (a.hi - b.hi) | 0;
  return hi > 0 || (hi === 0 && a.lo > b.lo);
};

/**
 * A peer: both sides send by their own timers, and each packet answers the last one of the other (RFC 5905, 9.2, mode 1
 * on both sides). A peer that does not know us answers at once, in mode 2.
 *
 * What a stranger can do (RFC 5905 leaves symmetric mode open to it): a packet in the name of the peer that does not
 * repeat our last transmit stamp, which nobody else has seen, changes nothing but the greeting; and the greeting is only
 * used when the peer has not answered our last packet. So an association that is up stays up under such a flood. With
 * a key not even that: what is not sealed with it is counted and dropped. An old packet of the peer sent again is no
 * greeting unless it is newer than the last valid one, or the peer has been silent for long.
 */
export class PeerAssociation extends Association {
  readonly bursting = false;
  private serial = 0;
  private sentLast: Sent | undefined;
  /** When the packet before left, if it may still be half of an interleaved exchange. */
  private sentBefore: LocalStamp | undefined;
  private last: Heard | undefined;
  private greeting: Greeting | undefined;
  /** Our last packet has had its answer. */
  private answered = true;
  /** Packets sent since the last valid one came in, and how many there had been when that came. */
  private sentSince = 0;
  private sentForLast = 0;
  private deaf = 0;
  private remotePoll: number | undefined;
  private remoteStratum = 0;
  private lastSent: Mono | undefined;
  private local: string | undefined;

  /** Bursts are for servers: a peer decides itself when it answers. */
  burst(): void {}

  setOnline(online: boolean, now: Mono): void {
    if (online && !this.online) this.next = this.soon(now);
    this.online = online;
    if (!online) this.forget();
  }

  due(at: Surroundings, raw: Instant): { readonly outgoing: PeerOutgoing; readonly missed: boolean } {
    const missed = this.sentLast !== undefined && !this.answered;
    if (missed) {
      this.miss();
      if (this.misses >= FORGET_AFTER) this.last = undefined;
    }
    const outgoing = this.makePacket(at, raw);
    this.lastSent = at.mono;
    this.next = addMono(at.mono, this.interval(at));
    this.answered = false;
    this.sentSince++;
    if (this.greeting !== undefined) this.greeting.answered = true;
    return { outgoing, missed };
  }

  /** `transmit`: what stands in the packet, where that was left to the sender; told with the first stamp. */
  sent(serial: number, raw: Instant, kind: StampKind, at: Surroundings, transmit?: Ntp64): void {
    this.counters.sent(kind);
    const { sentLast } = this;
    if (sentLast?.serial !== serial) return;
    sentLast.t1 = { time: at.cook(raw), kind };
    sentLast.transmit ??= transmit;
  }

  failed(serial: number): void {
    if (this.sentLast?.serial !== serial) return;
    // The address may be gone with its interface.
    this.local = undefined;
    if (this.options.connectivity === 'auto_offline') this.setOnline(false, this.next);
  }

  received(
    bytes: Uint8Array,
    raw: Instant,
    kind: StampKind,
    authentic: boolean,
    local: string | undefined,
    foretold: Foretold,
    at: Surroundings,
  ): Received {
    this.counters.received(kind);
    const packet = parsePacket(bytes);
    const symmetric = packet?.mode === MODE.ACTIVE || packet?.mode === MODE.PASSIVE;
    if (packet === undefined || !symmetric || !this.online) return { ...NOTHING, tests: 0, synced: undefined };
    const { sentLast } = this;
    const basic = sentLast?.transmit !== undefined && sameStamp(packet.origin, sentLast.transmit);
    const interleaved = !basic && this.isInterleaved(packet);
    let tests = this.firstTests(packet);
    if (basic || interleaved) tests |= TEST.BOGUS;
    const { plain, monoRoot } = fieldsOf(bytes, packet.version);
    if (this.options.key === 0 ? plain : authentic) tests |= TEST.AUTHENTIC;
    const t4 = { time: at.cook(raw), kind };
    const kiss = (tests | TEST.ZERO) === VALID ? kissCode(packet) : undefined;
    if (kiss !== undefined) return this.kissed(kiss, at.mono, tests);
    if ((tests & VALID) !== VALID) {
      this.greet(packet, t4, tests);
      return { ...NOTHING, tests, synced: undefined };
    }
    const exchange = this.exchangeOf(packet, t4, interleaved);
    const first = !this.answered;
    // One answer a packet; later ones only tell what the next packet has to repeat, and old ones do not come back.
    if (!first && this.last !== undefined && !isLater(packet.transmit, this.last.transmit)) {
      return { ...NOTHING, tests: tests & ~TEST.DUPLICATE, synced: undefined };
    }
    tests |= serverTests(packet);
    const synced = (tests & SYNCED) === SYNCED;
    this.keep(packet, t4, synced, interleaved);
    this.local = local;
    if (!first) return { ...NOTHING, tests: tests & ~(TEST.BOGUS | TEST.ZERO), synced: undefined };
    if (interleaved) this.deaf = 0;
    else if (sentLast?.interleaved === true) this.deaf++;
    this.answer(packet, at);
    if (exchange === undefined) return { ...NOTHING, tests, synced };
    const wantsRoot = this.options.extfields.includes(FIELD.MONO_ROOT);
    const root = wantsRoot ? monoRoot : undefined;
    return this.judge(
      { packet, exchange, interleaved, departed: interleaved, presend: false, tests, local, monoRoot: root },
      foretold,
      at,
    );
  }

  rebase(change: ClockChange): void {
    if (change.kind === 'unknown') {
      this.reset();
      return;
    }
    const move = (s: LocalStamp): LocalStamp => ({ ...s, time: add(s.time, timeShift(change, s.time)) });
    if (this.last !== undefined) this.last = { ...this.last, t4: move(this.last.t4) };
    if (this.greeting !== undefined) this.greeting = { ...this.greeting, t4: move(this.greeting.t4) };
    if (this.sentLast?.t1 !== undefined) this.sentLast.t1 = move(this.sentLast.t1);
    if (this.sentBefore !== undefined) this.sentBefore = move(this.sentBefore);
    this.filter?.rebase(change);
    if (change.kind !== 'leap') this.delays.shift(-change.doffset);
  }

  reset(): void {
    this.forget();
    this.filter?.reset();
    this.delays.restart(false);
  }

  /** The answer may have waited for as long as the peer's timer wanted; transmit stamps that come late precede the request. */
  protected plausible(f: ExchangeFigures, { precision, dispersion }: Noise, j: Judgement): boolean {
    if (f.delay < -dispersion || Math.abs(f.responseTime) > MAX_DWELL) return false;
    if (!j.interleaved) return f.responseTime >= -precision;
    return f.delay <= MAX_INTERLEAVED_DELAY * 2 ** this.poll;
  }

  // ---- what comes in ------------------------------------------------------------------------------------------

  /** Tests 1 and 3. */
  private firstTests(packet: NtpPacket): number {
    const { last } = this;
    const copy =
      last !== undefined && sameStamp(packet.receive, last.receive) && sameStamp(packet.transmit, last.transmit);
    const whole = !isZero(packet.origin) && !isZero(packet.receive) && !isZero(packet.transmit);
    return (copy ? 0 : TEST.DUPLICATE) | (whole ? TEST.ZERO : 0);
  }

  private isInterleaved(packet: NtpPacket): boolean {
    const { sentLast, options } = this;
    if (!options.xleave || sentLast === undefined || isZero(sentLast.receive)) return false;
    return sameStamp(packet.origin, sentLast.receive);
  }

  private greet(packet: NtpPacket, t4: LocalStamp, tests: number): void {
    const needed = TEST.DUPLICATE | TEST.AUTHENTIC;
    if ((tests & needed) !== needed || isZero(packet.transmit)) return;
    const { last, greeting } = this;
    if (last !== undefined && !isLater(packet.transmit, last.transmit)) return;
    if (greeting === undefined || greeting.answered || isLater(packet.transmit, greeting.transmit)) {
      this.greeting = { transmit: packet.transmit, t4, answered: false };
    }
  }

  /**
   * The four stamps. An interleaved packet brings the exact departure of the packet before it, which answered our last
   * but one: with that one's departure, or with the last one's, whichever is nearer (RFC 9769, 3).
   */
  private exchangeOf(packet: NtpPacket, t4: LocalStamp, interleaved: boolean): Exchange | undefined {
    const { sentLast, sentBefore, last } = this;
    const t1 = sentLast?.t1;
    if (t1 === undefined) return undefined;
    const t3 = fromNtp64(packet.transmit.hi, packet.transmit.lo)!;
    const t2 = fromNtp64(packet.receive.hi, packet.receive.lo)!;
    if (!interleaved) return { t1, t2, t3, t4 };
    if (last === undefined || !last.synced) return undefined;
    const before = fromNtp64(last.receive.hi, last.receive.lo);
    const isNearer =
      sentBefore !== undefined && diff(last.t4.time, sentBefore.time) < Math.abs(diff(t1.time, last.t4.time));
    if (isNearer && before !== undefined) return { t1: sentBefore, t2: before, t3, t4: last.t4 };
    return { t1, t2, t3, t4: last.t4 };
  }

  /** Keeps what the next packet has to repeat. */
  private keep(packet: NtpPacket, t4: LocalStamp, synced: boolean, interleaved: boolean): void {
    this.last = { receive: packet.receive, transmit: packet.transmit, t4, synced };
    this.greeting = undefined;
    // The stamps of a basic exchange are used up with it.
    if (!this.answered) this.sentBefore = interleaved ? this.sentLast?.t1 : undefined;
  }

  private answer(packet: NtpPacket, at: Surroundings): void {
    this.answered = true;
    this.counters.valid++;
    this.sentForLast = this.sentSince;
    this.sentSince = 0;
    this.remotePoll = packet.pollLog2;
    this.remoteStratum = packet.stratum === 0 ? 16 : packet.stratum;
    this.reschedule(at);
  }

  private kissed(kiss: string, now: Mono, tests: number): Received {
    this.answered = true;
    this.counters.valid++;
    if (kiss === 'RATE') {
      this.polls.atLeast(Math.min(this.polls.poll + 1, RATE_MAX_POLL));
      this.next = addMono(now, RATE_PAUSE * this.pollInterval());
    }
    if (kiss === 'DENY' || kiss === 'RSTR') this.setOnline(false, now);
    return { ...NOTHING, tests, synced: false, kiss };
  }

  private forget(): void {
    this.sentLast = undefined;
    this.sentBefore = undefined;
    this.last = undefined;
    this.greeting = undefined;
    this.answered = true;
    this.sentSince = 0;
    this.sentForLast = 0;
    this.deaf = 0;
  }

  // ---- when to send -------------------------------------------------------------------------------------------

  /** log2 s: the shorter of the two sides' intervals, if that is no shorter than ours may be. */
  private get poll(): number {
    const { poll, min } = this.polls;
    const { remotePoll } = this;
    return remotePoll !== undefined && remotePoll < poll && remotePoll >= min ? remotePoll : poll;
  }

  private basicInterval(): Seconds {
    const own = this.pollInterval();
    return this.poll < this.polls.poll ? Math.min(own, 2 ** Math.max(0, this.poll)) : own;
  }

  private interval(at: Surroundings): Seconds {
    // The one further from the reference measures better when its packets are answered soon: the other waits for them.
    const patient = this.last !== undefined && this.remoteStratum > at.server().stratum;
    return this.spread(this.basicInterval()) * (patient ? PATIENCE : 1);
  }

  /** A valid packet has come: when is it to be answered? */
  private reschedule(at: Surroundings): void {
    const { lastSent } = this;
    if (lastSent === undefined) return;
    const own = at.server().stratum;
    const since = diffMono(at.mono, lastSent);
    const interval = this.spread(this.basicInterval());
    if (this.remoteStratum > own) {
      if (since > ANSWER_AFTER * interval) this.next = at.mono;
    } else if (this.remoteStratum === own && since > (PATIENCE - 0.5) * interval) {
      // Equals spread their packets evenly: who hears the other late falls back a little.
      this.next = addMono(lastSent, Math.max(since, PATIENCE * interval));
    }
  }

  // ---- what goes out ------------------------------------------------------------------------------------------

  private makePacket(at: Surroundings, raw: Instant): PeerOutgoing {
    const { sentLast, last, greeting, options } = this;
    const state = at.server();
    const begins = greeting !== undefined && (last === undefined || this.sentSince > 0);
    const previous = sentLast?.t1;
    // Only the first answer to a packet, which itself was the only one to ours before: the peer could not tell otherwise
    // which departure the stamp tells (RFC 9769, 3).
    const single = this.sentForLast === 1 && this.sentSince === 0;
    const asked = options.xleave && this.deaf < DEAF && !begins && single;
    const interleaved = asked && last?.synced === true && previous !== undefined;
    const arrived = begins ? greeting.t4 : last?.t4;
    const receive = arrived === undefined ? ZERO_STAMP : this.stamp(arrived.time, state.precision);
    const transmit = interleaved ? this.stamp(previous.time, state.precision) : ZERO_STAMP;
    const origin = begins ? greeting.transmit : interleaved ? last.receive : (last?.transmit ?? ZERO_STAMP);
    const header = statePacket(state, at.cook(raw), {
      version: options.version,
      mode: MODE.ACTIVE,
      pollLog2: this.polls.poll,
      origin,
      receive,
      transmit,
    });
    const wantsRoot = options.version === 4 && options.extfields.includes(FIELD.MONO_ROOT);
    const bytes = wantsRoot ? withMonoRoot(header, state) : header;
    const serial = ++this.serial;
    this.counters.requests++;
    this.sentLast = { serial, receive, transmit: interleaved ? transmit : undefined, interleaved, t1: undefined };
    const noise = (this.random.uniform() - 0.5) * 2 ** state.precision;
    const correction = correctionAt(state.view, raw) + noise;
    return { serial, bytes, stamp: !interleaved, correction, local: this.local };
  }

  /** Bits below the clock's precision are noise: nobody must be able to guess a stamp. */
  private stamp(time: Instant, precisionLog2: number): Ntp64 {
    const { hi, lo } = toNtp64(time);
    const mask = 2 ** Math.min(31, Math.max(1, 32 + precisionLog2)) - 1;
    return { hi, lo: ((lo & ~mask) | (this.random.u32() & mask)) >>> 0 };
  }
}
