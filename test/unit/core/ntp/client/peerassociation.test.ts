import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeyStream } from '../../../../../src/base/keystream.js';
import { type Ntp64, toNtp64 } from '../../../../../src/base/ntp64.js';
import { refidFromText } from '../../../../../src/base/refid.js';
import { add, addMono, diff, fromUnix, type Instant, type Mono, mono } from '../../../../../src/base/time.js';
import { SOURCE_DEFAULTS } from '../../../../../src/conf/defaults.js';
import type { Foretold, Received } from '../../../../../src/core/ntp/client/association.js';
import type { NtpSourceOptions } from '../../../../../src/core/ntp/client/options.js';
import { PeerAssociation, type PeerOutgoing } from '../../../../../src/core/ntp/client/peerassociation.js';
import { refIdOfAddress } from '../../../../../src/core/ntp/client/refid.js';
import { GOOD, SYNCED, TEST, VALID } from '../../../../../src/core/ntp/client/verdict.js';
import { NO_SERVER, type ServerState } from '../../../../../src/core/ntp/state.js';
import {
  formatPacket,
  type NtpPacket,
  parsePacket,
  sameStamp,
  ZERO_STAMP,
} from '../../../../../src/wire/ntp/packet.js';

const START = fromUnix(1_767_225_600);
const BOOT = mono(1_000_000_000_000n);
const NOTHING_KNOWN: Foretold = { samples: 0, stdDev: 4, offset: () => 0, drift: () => 0 };
const DELAY = 1e-3;
/** The sender reads the clock so long before the packet is on the wire; interleaved mode makes up for it. */
const EARLY = 30e-6;
/** From a packet's arrival to the answer at once, s. */
const WAKE = 1e-4;

const served = (stratum: number, now: Instant): ServerState => ({
  ...NO_SERVER,
  leap: 0,
  stratum,
  refId: refidFromText(stratum === 1 ? 'PPS' : 'X'),
  referenceTime: add(now, -3),
  rootDelay: 0,
  rootDispersion: 1e-6,
  dispersionAt: now,
  precision: -24,
});

interface Wire {
  readonly packet: NtpPacket;
  readonly bytes: Uint8Array;
}

/** One side of an association, with a clock that is `ahead` s ahead of true time. */
class Side {
  readonly association: PeerAssociation;
  state: ServerState = NO_SERVER;
  lastSent: PeerOutgoing | undefined;
  samples: Received[] = [];
  results: Received[] = [];
  misses = 0;

  constructor(
    options: Partial<NtpSourceOptions>,
    readonly ahead: number,
    readonly address: string,
    seed: number,
  ) {
    const all = { ...SOURCE_DEFAULTS, kind: 'peer' as const, name: '192.0.2.9', minpoll: 4, maxpoll: 4, ...options };
    this.association = new PeerAssociation(all, '192.0.2.9', new KeyStream([seed]), BOOT);
  }

  raw(t: number): Instant {
    return add(START, t + this.ahead);
  }
  mono(t: number): Mono {
    return addMono(BOOT, t);
  }
  at(t: number) {
    const server = () => this.state;
    return { mono: this.mono(t), cook: (raw: Instant) => raw, precision: 1e-7, skew: 1e-6, server };
  }
  get next(): number {
    return Number(this.association.next - BOOT) / 1e9;
  }

  /** What leaves now. The transmit stamp is filled in as the packet plane does. */
  send(t: number): Wire {
    const { outgoing, missed } = this.association.due(this.at(t), this.raw(t));
    if (missed) this.misses++;
    this.lastSent = outgoing;
    const packet = parsePacket(outgoing.bytes)!;
    const transmit = outgoing.stamp ? toNtp64(add(this.raw(t), outgoing.correction - EARLY)) : packet.transmit;
    const left = this.raw(t);
    this.association.sent(outgoing.serial, add(left, -EARLY), 'daemon', this.at(t), transmit);
    this.association.sent(outgoing.serial, left, 'kernel', this.at(t));
    const whole = { ...packet, transmit };
    return { packet: whole, bytes: formatPacket(whole) };
  }

  receive(bytes: Uint8Array, t: number, authentic = false): Received {
    const r = this.association.received(
      bytes,
      this.raw(t),
      'kernel',
      authentic,
      this.address,
      NOTHING_KNOWN,
      this.at(t),
    );
    this.results.push(r);
    if (r.sample !== undefined) this.samples.push(r);
    return r;
  }
}

/** Two sides and the network between them; lets them run by their own timers. */
class Rig {
  readonly a: Side;
  readonly b: Side;
  readonly wires: { readonly from: 'a' | 'b'; readonly t: number; readonly packet: NtpPacket }[] = [];
  t = 0;
  /** Which packets are lost. */
  lost: (from: 'a' | 'b', t: number) => boolean = () => false;
  /** Called before every packet that is delivered to a side. */
  before: (to: Side, t: number, wire: Wire) => void = () => {};

  constructor(a: Partial<NtpSourceOptions> = {}, b: Partial<NtpSourceOptions> = {}, ahead = 0.25) {
    this.a = new Side(a, 0, '192.0.2.1', 1);
    this.b = new Side(b, ahead, '192.0.2.2', 2);
  }

  run(seconds: number): void {
    const end = this.t + seconds;
    for (;;) {
      const from = this.a.next <= this.b.next ? 'a' : 'b';
      const next = Math.max(this.t + WAKE, this[from].next);
      if (next > end) break;
      this.t = next;
      this.pass(from);
    }
    this.t = end;
  }

  private pass(from: 'a' | 'b'): void {
    const wire = this[from].send(this.t);
    this.wires.push({ from, t: this.t, packet: wire.packet });
    if (this.lost(from, this.t)) return;
    const to = from === 'a' ? this.b : this.a;
    this.t += DELAY / 2;
    this.before(to, this.t, wire);
    to.receive(wire.bytes, this.t);
  }
}

const offsets = (side: Side): number[] => side.samples.map((s) => s.sample!.offset);
const allNear = (values: readonly number[], expected: number, within: number): void => {
  assert.ok(values.length > 0);
  for (const v of values) assert.ok(Math.abs(v - expected) < within, `${v} is not ${expected} ± ${within}`);
};

describe('symmetric mode: two sides that know each other', () => {
  it('both measure the other, and the offsets are each other’s negatives', () => {
    const rig = new Rig();
    rig.a.state = served(1, START);
    rig.b.state = served(1, START);
    rig.b.state = { ...rig.b.state, refId: refidFromText('GPS') };
    rig.run(400);
    assert.ok(rig.a.samples.length >= 18, `${rig.a.samples.length}`);
    assert.ok(rig.b.samples.length >= 18, `${rig.b.samples.length}`);
    // The transmit stamp of a basic packet is early by what sending takes; half of that is in the offset.
    allNear(offsets(rig.a), 0.25, 40e-6);
    allNear(offsets(rig.b), -0.25, 40e-6);
    assert.equal(rig.a.results.at(-1)!.tests, GOOD);
  });

  it('packets say what we are: mode 1, our state, when the last one came in', () => {
    const rig = new Rig();
    rig.a.state = served(1, START);
    rig.b.state = served(2, START);
    rig.run(100);
    const [b, a] = [rig.wires.findLast((w) => w.from === 'b')!, rig.wires.findLast((w) => w.from === 'a')!];
    assert.equal(a.packet.mode, 1);
    assert.equal(a.packet.stratum, 1);
    assert.equal(a.packet.refId, refidFromText('PPS'));
    assert.equal(a.packet.pollLog2, 4);
    assert.equal(a.packet.precisionLog2, -24);
    assert.equal(b.packet.stratum, 2);
    const origin = rig.wires.filter((w) => w.from === 'b' && w.t < a.t).at(-1)!;
    assert.ok(sameStamp(a.packet.origin, origin.packet.transmit));
    const received = toNtp64(add(START, origin.t + DELAY / 2));
    assert.ok(Math.abs(received.lo - a.packet.receive.lo) < 2 ** 9, 'only bits below the precision are noise');
  });

  it('an unsynchronised side says so and is not followed', () => {
    const rig = new Rig();
    rig.b.state = served(1, START);
    rig.run(100);
    const { packet } = rig.wires.findLast((w) => w.from === 'a')!;
    assert.deepEqual([packet.leap, packet.stratum, packet.refId], [3, 0, 0]);
    assert.equal(rig.b.samples.length, 0);
    assert.ok(rig.a.samples.length > 3);
  });

  it('interleaved packets bring the exact departure', () => {
    const rig = new Rig({ xleave: true }, { xleave: true });
    rig.a.state = served(1, START);
    rig.b.state = served(2, START);
    rig.run(900);
    const late = offsets(rig.a).slice(-30);
    allNear(late, 0.25, 1e-7);
    allNear(offsets(rig.b).slice(-30), -0.25, 1e-7);
    assert.equal(rig.a.association.ntpData()!.interleaved, true);
    assert.equal(rig.b.association.ntpData()!.interleaved, true);
    // The control: without it the stamp is early.
    const basic = new Rig();
    basic.a.state = served(1, START);
    basic.b.state = served(2, START);
    basic.run(600);
    assert.ok(offsets(basic.a).every((o) => Math.abs(o - 0.25) > 1e-6));
  });

  it('a peer that does not know interleaved packets is soon sent others', () => {
    const rig = new Rig({ xleave: true }, {});
    rig.a.state = served(1, START);
    rig.b.state = served(1, START);
    rig.b.state = { ...rig.b.state, refId: refidFromText('GPS') };
    rig.run(1000);
    assert.ok(rig.a.samples.length > 50, `${rig.a.samples.length}`);
    assert.ok(rig.b.samples.length > 40, `${rig.b.samples.length}`);
  });

  it('whoever is farther from the reference gets its answers soon', () => {
    const rig = new Rig();
    rig.a.state = served(1, START);
    rig.b.state = served(2, START);
    rig.run(600);
    const dwell: number[] = [];
    for (let i = 1; i < rig.wires.length; i++) {
      const [w, before] = [rig.wires[i]!, rig.wires[i - 1]!];
      if (w.t > 200 && w.from === 'a' && before.from === 'b') dwell.push(w.t - before.t);
    }
    assert.ok(dwell.length > 15);
    assert.ok(Math.max(...dwell) < 0.01, `${Math.max(...dwell)}`);
    assert.equal(rig.a.misses + rig.b.misses <= 3, true);
  });

  it('equals speak by turns', () => {
    const rig = new Rig();
    rig.a.state = served(1, START);
    rig.b.state = { ...served(1, START), refId: refidFromText('GPS') };
    rig.run(1600);
    const late = rig.wires.filter((w) => w.t > 400);
    assert.ok(late.length > 140);
    const gaps = late.slice(1).map((w, i) => w.t - late[i]!.t);
    assert.ok(Math.min(...gaps) > 4, `${Math.min(...gaps)}`);
    assert.ok(late.slice(1).every((w, i) => w.from !== late[i]!.from));
  });

  it('the slower side follows the faster one as far as its minpoll lets it', () => {
    const rig = new Rig({ minpoll: 4, maxpoll: 4 }, { minpoll: 3, maxpoll: 6 });
    rig.a.state = served(1, START);
    rig.b.state = served(2, START);
    rig.b.association.polls.poll = 6;
    rig.run(800);
    const of = (from: 'a' | 'b') => rig.wires.filter((w) => w.from === from && w.t > 200).length;
    assert.ok(Math.abs(of('a') - of('b')) <= 3, `${of('a')} ${of('b')}`);
    const slow = new Rig({ minpoll: 4, maxpoll: 4 }, { minpoll: 6, maxpoll: 6 });
    slow.a.state = served(1, START);
    slow.b.state = served(2, START);
    slow.run(1600);
    assert.ok(slow.b.samples.length >= 18, `${slow.b.samples.length}`);
    assert.ok(slow.a.samples.length >= 18, `${slow.a.samples.length}`);
  });
});

describe('symmetric mode: what goes wrong', () => {
  const up = (a: Partial<NtpSourceOptions> = {}, b: Partial<NtpSourceOptions> = {}): Rig => {
    const rig = new Rig(a, b);
    rig.a.state = served(1, START);
    rig.b.state = { ...served(1, START), refId: refidFromText('GPS') };
    return rig;
  };

  it('who takes its time from us is no source, and neither are we ourselves', () => {
    const rig = up();
    rig.b.state = { ...served(2, START), refId: refIdOfAddress('192.0.2.1') };
    rig.run(200);
    const last = rig.a.results.at(-1)!;
    assert.equal(last.tests, GOOD & ~TEST.LOOP);
    assert.equal(last.synced, true);
    assert.equal(rig.a.samples.length, 0);
    const mirror = up();
    mirror.b.state = mirror.a.state;
    mirror.run(200);
    assert.equal(mirror.a.samples.length, 0);
    assert.equal(mirror.a.results.at(-1)!.tests, GOOD & ~TEST.LOOP);
  });

  it('lost packets cost only themselves', () => {
    const rig = up();
    rig.lost = (_from, t) => t > 100 && t < 180;
    rig.run(400);
    assert.ok(rig.a.misses >= 4);
    const after = rig.a.samples.filter((s) => diff(s.sample!.time, START) > 200).length;
    assert.ok(after >= 9, `${after}`);
  });

  it('a side that starts anew is heard again', () => {
    const rig = up();
    rig.run(200);
    rig.b.association.reset();
    rig.run(200);
    const late = rig.a.samples.filter((s) => diff(s.sample!.time, START) > 250);
    assert.ok(late.length >= 7, `${late.length}`);
  });

  it('a side that starts anew with an older clock is heard after a while', () => {
    const rig = up();
    rig.run(200);
    const old = new Side({}, -1e6, '192.0.2.2', 3);
    old.state = rig.b.state;
    (rig as { b: Side }).b = old;
    Object.assign(old.association, { next: addMono(BOOT, 201) });
    rig.run(600);
    assert.ok(old.samples.length > 10);
    assert.ok(rig.a.samples.at(-1)!.sample!.offset < -9e5);
  });

  it('copies and old packets change nothing', () => {
    const rig = up();
    let replays = 0;
    const kept: Uint8Array[] = [];
    rig.before = (to, t, wire) => {
      if (to !== rig.a) return;
      for (const old of kept) {
        const r = to.receive(old, t);
        if (r.sample !== undefined || r.synced) replays++;
      }
      kept.push(wire.bytes);
    };
    rig.run(600);
    assert.equal(replays, 0);
    assert.ok(rig.a.samples.length >= 28, `${rig.a.samples.length}`);
    assert.ok(rig.a.misses <= 2, 'those of the beginning');
    // The same packet twice in a row.
    const last = kept.at(-1)!;
    const again = rig.a.receive(last, rig.t);
    assert.equal(again.tests & TEST.DUPLICATE, 0);
  });

  it('a stranger cannot break an association that is up, however much it sends in the peer’s name', () => {
    const rig = up();
    rig.run(100);
    const before = { samples: rig.a.samples.length, misses: rig.a.misses };
    let counted = 0;
    rig.before = (to, t, wire) => {
      for (let i = 0; i < 20; i++) {
        const guess: Ntp64 = { hi: wire.packet.origin.hi, lo: i * 1e6 };
        const forged = { ...wire.packet, origin: guess, transmit: toNtp64(add(to.raw(t), 0.5 + i)), stratum: 1 };
        const r = to.receive(formatPacket(forged), t);
        assert.equal(r.tests & VALID, VALID & ~TEST.BOGUS);
        assert.equal(r.sample, undefined);
        counted++;
      }
    };
    rig.run(480);
    assert.ok(counted > 500);
    const got = rig.a.samples.length - before.samples;
    assert.ok(got >= 27, `${got} samples in 480 s of flood`);
    assert.equal(rig.a.misses, before.misses);
    allNear(offsets(rig.a), 0.25, 40e-6);
  });

  it('with a key nothing that is not sealed with it leaves a trace', () => {
    const rig = new Rig({ key: 7 }, {});
    rig.a.state = served(1, START);
    const hello = rig.b.send(1);
    rig.b.state = served(1, START);
    const r = rig.a.receive(hello.bytes, 1);
    assert.equal(r.tests, TEST.DUPLICATE);
    const { packet } = rig.a.send(2);
    assert.ok(sameStamp(packet.origin, ZERO_STAMP), 'a forged greeting is not answered');
    // The control: sealed, it is.
    rig.a.receive(hello.bytes, 3, true);
    assert.ok(sameStamp(rig.a.send(4).packet.origin, hello.packet.transmit));
  });

  it('an answer with the right origin but without the seal is none', () => {
    const rig = new Rig({ key: 7 }, {});
    rig.a.state = served(1, START);
    rig.b.state = served(1, START);
    const ours = rig.a.send(1);
    rig.b.receive(ours.bytes, 1.001);
    const answer = rig.b.send(1.002);
    const forged = rig.a.receive(answer.bytes, 1.003);
    assert.equal(forged.tests & TEST.AUTHENTIC, 0);
    assert.equal(forged.synced, undefined);
    const real = rig.a.receive(answer.bytes, 1.003, true);
    assert.equal(real.tests & VALID, VALID);
    assert.equal(real.synced, true);
  });

  it('nobody is heard while we are offline', () => {
    const rig = up({ connectivity: 'offline' });
    const hello = rig.b.send(1);
    assert.equal(rig.a.receive(hello.bytes, 1).tests, 0);
    assert.equal(rig.a.association.isActive(), false);
    rig.a.association.setOnline(true, rig.a.mono(2));
    assert.equal(rig.a.association.isActive(), true);
  });

  it('kisses of death are obeyed when they answer us, and only then', () => {
    const kiss = (code: string, origin: Ntp64, side: Side, t: number) =>
      formatPacket({
        leap: 3,
        version: 4,
        mode: 2,
        stratum: 0,
        pollLog2: 4,
        precisionLog2: -20,
        rootDelay: 0,
        rootDispersion: 0,
        refId: refidFromText(code),
        reference: ZERO_STAMP,
        origin,
        receive: toNtp64(side.raw(t)),
        transmit: toNtp64(side.raw(t)),
      });
    const rig = up();
    const { packet } = rig.a.send(1);
    assert.equal(rig.a.receive(kiss('DENY', { hi: 1, lo: 2 }, rig.b, 1), 1).kiss, undefined);
    assert.equal(rig.a.association.online, true);
    assert.equal(rig.a.receive(kiss('RATE', packet.transmit, rig.b, 1.1), 1.1).kiss, 'RATE');
    assert.ok(rig.a.next > 1.1 + 3 * 16);
    const again = rig.a.send(100);
    assert.equal(rig.a.receive(kiss('DENY', again.packet.transmit, rig.b, 100.1), 100.1).kiss, 'DENY');
    assert.equal(rig.a.association.online, false);
  });

  it('a peer that does not know us answers at once in mode 2', () => {
    const rig = up();
    const { packet } = rig.a.send(1);
    const answer: NtpPacket = {
      ...packet,
      mode: 2,
      stratum: 1,
      refId: refidFromText('GPS'),
      origin: packet.transmit,
      receive: toNtp64(rig.b.raw(1 + DELAY / 2)),
      transmit: toNtp64(rig.b.raw(1 + DELAY / 2)),
    };
    const r = rig.a.receive(formatPacket(answer), 1 + DELAY);
    assert.equal(r.tests, GOOD);
    assert.ok(Math.abs(r.sample!.offset - 0.25) < 20e-6, `${r.sample!.offset}`);
    assert.equal(rig.a.association.ntpData()!.mode, 'passive');
  });

  it('packets of other modes and garbage are nothing', () => {
    const rig = up();
    const { packet } = rig.a.send(1);
    for (const mode of [0, 3, 4, 5, 6, 7]) {
      const bytes = formatPacket({ ...packet, mode, origin: packet.transmit, receive: packet.transmit, stratum: 1 });
      assert.equal(rig.a.receive(bytes, 1.1).tests, 0);
    }
    for (const bytes of [new Uint8Array(), new Uint8Array(47), new Uint8Array(48)]) {
      assert.equal(rig.a.receive(bytes, 1.1).synced, undefined);
    }
    const worse = { ...packet, mode: 1, origin: packet.transmit, receive: packet.transmit, stratum: 16 };
    assert.equal(rig.a.receive(formatPacket(worse), 1.2).tests & SYNCED, TEST.ROOT);
  });

  it('follows the clock: stored stamps move with it, and are forgotten when it was moved by others', () => {
    const rig = up();
    rig.run(100);
    const count = rig.a.samples.length;
    rig.a.association.rebase({ at: rig.a.raw(rig.t), doffset: 0, dfreq: 0, kind: 'unknown' });
    assert.equal(rig.a.send(rig.t + 1).packet.origin.hi, 0);
    rig.run(100);
    assert.ok(rig.a.samples.length > count + 3);
  });
});
