import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeyStream } from '../../../../../src/base/keystream.js';
import { toNtp64 } from '../../../../../src/base/ntp64.js';
import { refidFromText } from '../../../../../src/base/refid.js';
import { add, addMono, fromUnix, type Instant, type Mono, mono } from '../../../../../src/base/time.js';
import type { Foretold, Received } from '../../../../../src/core/ntp/client/association.js';
import { ClientAssociation } from '../../../../../src/core/ntp/client/clientassociation.js';
import { withCorrections, withMonoRoot } from '../../../../../src/core/ntp/client/monoroot.js';
import type { NtpSourceOptions } from '../../../../../src/core/ntp/client/options.js';
import { refIdOfAddress } from '../../../../../src/core/ntp/client/refid.js';
import { GOOD, TEST, VALID } from '../../../../../src/core/ntp/client/verdict.js';
import { NO_SERVER, type ServerState } from '../../../../../src/core/ntp/state.js';
import { formatPacket, type NtpPacket, parsePacket, ZERO_STAMP } from '../../../../../src/wire/ntp/packet.js';

const START = fromUnix(1_767_225_600);
const BOOT = mono(1_000_000_000_000n);
const NOTHING_KNOWN: Foretold = { samples: 0, stdDev: 4, offset: () => 0, drift: () => 0 };

const OPTIONS: NtpSourceOptions = {
  kind: 'server',
  name: '192.0.2.1',
  port: 123,
  minpoll: 4,
  maxpoll: 6,
  iburst: false,
  burst: false,
  key: 0,
  nts: false,
  ntsport: 4460,
  certset: 0,
  maxdelay: 3,
  maxdelayratio: 0,
  maxdelaydevratio: 10,
  maxdelayquant: 0,
  mindelay: 0,
  asymmetry: 1,
  offset: 0,
  minsamples: -1,
  maxsamples: -1,
  filter: 0,
  maxunreach: 100000,
  connectivity: 'online',
  xleave: false,
  polltarget: 8,
  presend: 100,
  minstratum: 0,
  version: 4,
  extfields: [],
  copy: false,
  family: undefined,
  maxsources: 4,
  prefer: false,
  noselect: false,
  trust: false,
  require: false,
};

/** A client and a server that is `ahead` s ahead, `delay` s away; the path is symmetric. */
class Rig {
  readonly association: ClientAssociation;
  t = 0;
  delay = 1e-3;
  ahead = 0.25;
  local = '192.0.2.200';
  server: ServerState = NO_SERVER;
  lastReply: NtpPacket | undefined;
  /** Transmit stamps of the server, by the receive stamp of the reply that carried it. */
  private readonly accurate = new Map<string, Instant>();

  constructor(options: Partial<NtpSourceOptions> = {}) {
    this.association = new ClientAssociation({ ...OPTIONS, ...options }, '192.0.2.1', new KeyStream([7]), BOOT);
  }

  get raw(): Instant {
    return add(START, this.t);
  }
  get mono(): Mono {
    return addMono(BOOT, this.t);
  }
  get at() {
    return { mono: this.mono, cook: (raw: Instant) => raw, precision: 1e-7, skew: 1e-6, server: () => this.server };
  }

  request(): { packet: NtpPacket; bytes: Uint8Array; serial: number; missed: boolean } {
    this.t = Math.max(this.t, Number(this.association.next - BOOT) / 1e9);
    const { outgoing, missed } = this.association.due(this.at, this.raw);
    this.association.sent(outgoing.serial, this.raw, 'kernel', this.at);
    return { packet: parsePacket(outgoing.bytes)!, missed, ...outgoing };
  }

  /** What an honest server with interleaved mode would send. */
  reply(q: NtpPacket, change: Partial<NtpPacket> = {}): NtpPacket {
    const receive = add(this.raw, this.delay / 2 + this.ahead);
    const transmit = add(receive, 1e-4);
    const stored = this.accurate.get(`${q.origin.hi}/${q.origin.lo}`);
    const interleaved = stored !== undefined && q.receive.hi !== 0;
    const rx = toNtp64(receive);
    // What the packet says of its own departure is 30 us early: only the interleaved stamp is right.
    this.accurate.set(`${rx.hi}/${rx.lo}`, transmit);
    return {
      leap: 0,
      version: 4,
      mode: 4,
      stratum: 1,
      pollLog2: q.pollLog2,
      precisionLog2: -24,
      rootDelay: 0,
      rootDispersion: 0,
      refId: refidFromText('GPS'),
      reference: toNtp64(add(receive, -5)),
      origin: interleaved ? q.receive : q.transmit,
      receive: rx,
      transmit: toNtp64(interleaved ? stored : add(transmit, -30e-6)),
      ...change,
    };
  }

  deliver(packet: NtpPacket, authentic = false, foretold = NOTHING_KNOWN): Received {
    return this.association.received(
      formatPacket(packet),
      this.raw,
      'kernel',
      authentic,
      this.local,
      foretold,
      this.at,
    );
  }

  exchange(change: Partial<NtpPacket> = {}, foretold = NOTHING_KNOWN): Received {
    const { packet } = this.request();
    this.lastReply = this.reply(packet, change);
    this.t += this.delay + 1e-4;
    return this.deliver(this.lastReply, false, foretold);
  }
}

describe('association: requests', () => {
  it('tell nothing but mode, version and poll, and stamps that are random', () => {
    const rig = new Rig();
    const { packet } = rig.request();
    const { transmit, ...rest } = packet;
    assert.deepEqual(rest, {
      leap: 0,
      version: 4,
      mode: 3,
      stratum: 0,
      pollLog2: 4,
      precisionLog2: 32,
      rootDelay: 0,
      rootDispersion: 0,
      refId: 0,
      reference: ZERO_STAMP,
      origin: ZERO_STAMP,
      receive: ZERO_STAMP,
    });
    assert.notEqual(transmit.hi, toNtp64(rig.raw).hi);
    assert.notDeepEqual(rig.request().packet.transmit, transmit);
  });

  it('come in a burst at the start with iburst, then at minpoll', () => {
    const rig = new Rig({ iburst: true });
    const times: number[] = [];
    for (let i = 0; i < 6; i++) {
      assert.equal(rig.exchange().tests, GOOD);
      times.push(rig.t);
    }
    const gaps = times.slice(1).map((t, i) => Math.round(t - times[i]!));
    assert.deepEqual(gaps, [2, 2, 2, 16, 16]);
  });

  it('a burst ends after its requests where nobody answers', () => {
    const rig = new Rig({ iburst: true });
    for (let i = 0; i < 8; i++) assert.equal(rig.request().missed, i > 0);
    const before = rig.t;
    assert.ok(before < 16);
    rig.request();
    assert.ok(rig.t - before > 15);
  });

  it('burst: more of them until one is answered, as far as minpoll allows', () => {
    // log2 s between requests.
    const gaps = (options: Partial<NtpSourceOptions>, raised: number): number[] => {
      const rig = new Rig({ burst: true, maxpoll: 8, ...options });
      rig.association.polls.poll += raised;
      const at = [1, 2, 3, 4, 5, 6].map(() => {
        rig.request();
        return rig.t;
      });
      return at.slice(1).map((t, i) => Math.round(Math.log2(t - at[i]!)));
    };
    // A silent server is asked less and less.
    assert.deepEqual(gaps({ minpoll: 5 }, 0).slice(0, 3), [5, 5, 5]);
    assert.deepEqual(gaps({ minpoll: 5 }, 1).slice(0, 3), [1, 6, 1]);
    assert.deepEqual(gaps({ minpoll: 5 }, 3).slice(0, 4), [1, 1, 1, 8]);
    const answered = new Rig({ burst: true, minpoll: 5, maxpoll: 7 });
    answered.association.polls.poll = 7;
    answered.exchange();
    const first = answered.t;
    answered.request();
    assert.ok(answered.t - first > 100);
  });

  it('presend: a request two seconds before the one that counts', () => {
    const rig = new Rig({ minpoll: 4, maxpoll: 4, presend: 4 });
    const counted = [1, 2, 3, 4, 5, 6].map(() => rig.exchange().sample !== undefined);
    assert.deepEqual(counted, [false, true, false, true, false, true]);
    const none = new Rig({ minpoll: 4, maxpoll: 4, presend: 5 });
    assert.ok([1, 2, 3].every(() => none.exchange().sample !== undefined));
  });

  it('none while offline, again when online', () => {
    const rig = new Rig({ connectivity: 'offline' });
    assert.equal(rig.association.isActive(), false);
    rig.association.setOnline(true, rig.mono);
    assert.equal(rig.association.isActive(), true);
  });

  it('a request that could not leave takes an auto_offline source offline, and no other', () => {
    for (const connectivity of ['auto_offline', 'online'] as const) {
      const rig = new Rig({ connectivity });
      const { serial } = rig.request();
      rig.association.failed(serial);
      assert.equal(rig.association.online, connectivity === 'online');
    }
  });
});

describe('association: replies', () => {
  it('give offset (positive = our clock is slow), delay, root delay and dispersion', () => {
    const rig = new Rig();
    const { sample, tests, synced } = rig.exchange({ rootDelay: 0.5, rootDispersion: 0.25 });
    assert.equal(tests, GOOD);
    assert.equal(synced, true);
    // The server says that it sent 30 us early: delay is 30 us longer, offset 15 us smaller.
    assert.ok(Math.abs(sample!.offset - (0.25 - 15e-6)) < 1e-6, `${sample!.offset}`);
    assert.ok(Math.abs(sample!.peerDelay - 1.03e-3) < 1e-6, `${sample!.peerDelay}`);
    assert.ok(Math.abs(sample!.rootDelay - 0.5 - sample!.peerDelay) < 2e-5);
    assert.ok(sample!.rootDispersion >= 0.25);
  });

  it('tell in time that they left later than they say, without `xleave`', () => {
    const settled = (options: Partial<NtpSourceOptions>) => {
      const rig = new Rig({ minpoll: 4, maxpoll: 4, ...options });
      const offsets: (number | undefined)[] = [];
      for (let i = 0; i < 100; i++) offsets.push(rig.exchange().sample?.offset);
      const { interleaved, totalValidRx } = rig.association.ntpData()!;
      const last = offsets.filter((o) => o !== undefined).at(-1)!;
      return {
        wrong: Math.abs(last - 0.25),
        samples: offsets.filter((o) => o !== undefined).length,
        interleaved,
        totalValidRx,
      };
    };
    const known = settled({});
    assert.ok(known.wrong < 1e-6, `${known.wrong}`);
    assert.deepEqual([known.interleaved, known.totalValidRx], [false, 100]);
    assert.ok(known.samples > 90 && known.samples < 100, `${known.samples}`);
    // Negative control: an older version is not asked, and the 30 us stay half in the offset.
    const unknown = settled({ version: 3 });
    assert.ok(unknown.wrong > 14e-6, `${unknown.wrong}`);
    assert.equal(unknown.samples, 100);
  });

  it('a second copy finds no request any more', () => {
    const rig = new Rig();
    assert.equal(rig.exchange().tests, GOOD);
    assert.equal(rig.deliver(rig.lastReply!).tests, 0);
    assert.equal(rig.association.ntpData()!.totalGoodRx, 1);
  });

  it('of a stranger change nothing: the right reply still counts', () => {
    const rig = new Rig();
    const { packet } = rig.request();
    const right = rig.reply(packet);
    rig.t += 1e-3;
    for (const wrong of [ZERO_STAMP, { hi: 1, lo: 2 }]) {
      const { tests, sample } = rig.deliver({ ...right, origin: wrong });
      assert.equal(tests & TEST.BOGUS, 0);
      assert.equal(sample, undefined);
    }
    assert.equal(rig.deliver(right).tests, GOOD);
  });

  it('fail the test that they should fail', () => {
    const cases: readonly [Partial<NtpPacket>, number][] = [
      [{ receive: ZERO_STAMP }, TEST.ZERO],
      [{ transmit: ZERO_STAMP }, TEST.ZERO],
      [{ leap: 3 }, TEST.SYNCHRONISED],
      [{ stratum: 16 }, TEST.SYNCHRONISED],
      [{ stratum: 0 }, TEST.SYNCHRONISED],
      [{ rootDelay: 20, rootDispersion: 7 }, TEST.ROOT],
      [{ stratum: 2, refId: refIdOfAddress('192.0.2.200') }, TEST.LOOP],
    ];
    for (const [change, test] of cases) {
      const rig = new Rig();
      const { tests, sample } = rig.exchange(change);
      assert.equal(tests & test, 0, JSON.stringify(change));
      assert.equal(sample, undefined);
    }
  });

  it('modes other than server, and versions that are not there yet, are dropped unseen', () => {
    for (const mode of [0, 1, 2, 3, 5, 6, 7]) assert.equal(new Rig().exchange({ mode }).tests, 0);
    for (const version of [0, 5, 6, 7]) assert.equal(new Rig().exchange({ version }).tests, 0);
  });

  it('are held against maxdelay, maxdelayratio and maxdelaydevratio', () => {
    const slow = (options: Partial<NtpSourceOptions>, foretold = NOTHING_KNOWN): number => {
      const rig = new Rig(options);
      for (let i = 0; i < 4; i++) rig.exchange();
      rig.delay = 0.02;
      return rig.exchange({}, foretold).tests;
    };
    assert.equal(slow({}), GOOD);
    assert.equal(slow({ maxdelay: 0.01 }) & TEST.DELAY, 0);
    assert.equal(slow({ maxdelayratio: 3 }) & TEST.RATIO, 0);
    const steady: Foretold = { samples: 8, stdDev: 1e-5, offset: () => 0.25, drift: () => 0 };
    assert.equal(slow({}, steady) & TEST.DEVIATION, 0);
    // Three samples that agree by chance refuse nobody, and what is long ago refuses less and less.
    assert.equal(slow({}, { ...steady, samples: 3, stdDev: 0 }), GOOD);
    assert.equal(slow({}, { ...steady, drift: () => 0.02 }), GOOD);
    // The offset is farther off than the delay explains: the clock has moved, the reply is good.
    assert.equal(slow({}, { ...steady, offset: () => 0.5 }), GOOD);
    assert.equal(slow({ maxdelayquant: 0.5 }) & TEST.DEVIATION, 0);
  });

  it('need the key where one is configured, and must not have one where none is', () => {
    const keyed = new Rig({ key: 5 });
    const q = keyed.request().packet;
    const reply = keyed.reply(q);
    keyed.t += 1e-3;
    assert.equal(keyed.deliver(reply, false).tests & TEST.AUTHENTIC, 0);
    assert.equal(keyed.deliver(reply, true).tests, GOOD);
    assert.equal(keyed.association.ntpData()!.authenticated, true);
    const plain = new Rig();
    const bytes = new Uint8Array(68);
    bytes.set(formatPacket(plain.reply(plain.request().packet)));
    bytes[51] = 1;
    const { tests } = plain.association.received(bytes, plain.raw, 'kernel', false, undefined, NOTHING_KNOWN, plain.at);
    assert.equal(tests & TEST.AUTHENTIC, 0);
  });

  it('with filter 3: of every three requests one sample, also where one was lost', () => {
    const rig = new Rig({ filter: 3 });
    const made = [1, 2, 3, 4, 5, 6].map(() => rig.exchange().sample !== undefined);
    assert.deepEqual(made, [false, false, true, false, false, true]);
    rig.exchange();
    rig.request();
    const { sample } = rig.exchange();
    assert.ok(Math.abs(sample!.offset - 0.25) < 50e-6);
  });

  it('of any length and content do no harm', () => {
    const rig = new Rig();
    rig.request();
    const random = new KeyStream([3]);
    for (let n = 0; n < 200; n++) {
      const bytes = Uint8Array.from({ length: n }, () => random.u32() & 0xff);
      const { sample } = rig.association.received(bytes, rig.raw, 'kernel', false, undefined, NOTHING_KNOWN, rig.at);
      assert.equal(sample, undefined);
    }
  });
});

describe('association: what a source is taken for', () => {
  const sampleOf = (options: Partial<NtpSourceOptions>, change: Partial<NtpPacket>) =>
    new Rig(options).exchange({ refId: refidFromText('X'), ...change }).sample;

  it('minstratum makes a source stand further back, it does not refuse it', () => {
    assert.equal(sampleOf({ minstratum: 5 }, { stratum: 2 })!.stratum, 5);
    assert.equal(sampleOf({ minstratum: 5 }, { stratum: 7 })!.stratum, 7);
    assert.equal(sampleOf({}, { stratum: 2 })!.stratum, 2);
  });

  it('copy: its reference is ours, and its stratum', () => {
    const rig = new Rig({ copy: true });
    const r = rig.exchange({ stratum: 2, refId: 0x01020304 });
    assert.equal(r.sample!.stratum, 1);
    assert.equal(r.copied, 0x01020304);
    assert.equal(new Rig().exchange().copied, undefined);
    assert.equal(rig.exchange({ leap: 3, stratum: 0, refId: 7 }).copied, undefined, 'not of one that has no reference');
  });

  it('who is what we are is ourselves', () => {
    const rig = new Rig();
    const now = rig.raw;
    rig.server = { ...NO_SERVER, leap: 0, stratum: 2, refId: 0x01020304, referenceTime: now, rootDelay: 1e-3 };
    const mirror = { stratum: 2, refId: 0x01020304, reference: toNtp64(now), rootDelay: 1e-3 };
    const r = rig.exchange(mirror);
    assert.equal(r.tests, GOOD & ~TEST.LOOP);
    assert.equal(r.sample, undefined);
    assert.equal(rig.exchange({ ...mirror, rootDelay: 2e-3 }).tests, GOOD);
    rig.server = { ...rig.server, leap: 3 };
    assert.equal(rig.exchange(mirror).tests, GOOD);
  });

  it('extfield F324: asks in both forms, then in the one that was answered; after a silence in both again', () => {
    const rig = new Rig({ extfields: [0xf324] });
    const ask = (answered: readonly number[] | undefined): number => {
      const { packet, bytes } = rig.request();
      if (answered === undefined) return bytes.length;
      const reply = withCorrections(formatPacket(rig.reply(packet)), answered);
      rig.t += rig.delay + 1e-4;
      rig.association.received(reply, rig.raw, 'kernel', false, rig.local, NOTHING_KNOWN, rig.at);
      return bytes.length;
    };
    assert.deepEqual([ask([0xf324]), ask([0xf324]), ask([]), ask(undefined)], [104, 76, 76, 48]);
    const silent = Array.from({ length: 9 }, () => ask(undefined));
    assert.deepEqual([silent[0], silent.at(-1)], [48, 104]);
  });

  it('extfield F323: the request asks, finer root values are used, and history follows a server that moves its clock', () => {
    const rig = new Rig({ extfields: [0xf323] });
    const ask = (shift: number, wanted = true) => {
      const { packet, bytes } = rig.request();
      assert.equal(bytes.length, 76);
      rig.ahead = shift;
      const reply = formatPacket(rig.reply(packet, { rootDelay: 0.5 }));
      const field = wanted ? withMonoRoot(reply, { rootDelay: 1e-6, rootDispersion: 2e-6 }) : reply;
      if (wanted) {
        const view = new DataView(field.buffer, 48);
        const { hi, lo } = toNtp64(add(START, 100 + rig.t));
        view.setUint32(16, hi);
        view.setUint32(20, lo);
        view.setUint32(24, 9);
      }
      rig.t += rig.delay + 1e-4;
      return rig.association.received(field, rig.raw, 'kernel', false, rig.local, NOTHING_KNOWN, rig.at);
    };
    const first = ask(0.25);
    assert.ok(first.sample!.rootDelay < 2e-3, `${first.sample!.rootDelay}`);
    assert.equal(first.moved, undefined);
    const second = ask(0.75);
    assert.ok(Math.abs(second.moved! - 0.5) < 1e-6, `${second.moved}`);
    const plain = ask(0.75, false);
    assert.ok(plain.sample!.rootDelay > 0.4);
    assert.equal(plain.moved, undefined);
  });
});

describe('association: kisses of death', () => {
  const kiss = (code: string): Partial<NtpPacket> => ({ leap: 3, stratum: 0, refId: refidFromText(code) });

  it('RATE: pauses and asks less from then on', () => {
    const rig = new Rig({ iburst: true });
    assert.equal(rig.exchange(kiss('RATE')).kiss, 'RATE');
    assert.equal(rig.association.bursting, false);
    const before = rig.t;
    rig.request();
    assert.ok(rig.t - before > 100, `${rig.t - before}`);
    assert.equal(rig.association.polls.poll, 5);
  });

  it('DENY and RSTR: no more requests', () => {
    for (const code of ['DENY', 'RSTR']) {
      const rig = new Rig();
      assert.equal(rig.exchange(kiss(code)).kiss, code);
      assert.equal(rig.association.isActive(), false);
    }
  });

  it('are shown: valid, and without a time to give', () => {
    const rig = new Rig();
    rig.exchange({ leap: 3, stratum: 0, refId: refidFromText('RATE') });
    assert.equal(rig.association.ntpData()!.tests, VALID | TEST.ROOT);
  });

  it('of a stranger: nothing', () => {
    const rig = new Rig();
    const { packet } = rig.request();
    assert.equal(rig.deliver({ ...rig.reply(packet, kiss('DENY')), origin: { hi: 9, lo: 9 } }).kiss, undefined);
    assert.equal(rig.association.isActive(), true);
  });
});

describe('association: interleaved mode', () => {
  it('asks basic first, then with the receive stamp of the last reply', () => {
    const rig = new Rig({ xleave: true });
    const first = rig.request().packet;
    assert.deepEqual([first.origin, first.receive], [ZERO_STAMP, ZERO_STAMP]);
    const reply = rig.reply(first);
    rig.t += 1e-3;
    rig.deliver(reply);
    const second = rig.request().packet;
    assert.deepEqual(second.origin, reply.receive);
    assert.notDeepEqual(second.receive, second.transmit);
    assert.notDeepEqual(second.receive, ZERO_STAMP);
  });

  it('measures with the accurate stamp, each exchange once', () => {
    const rig = new Rig({ xleave: true });
    const samples = Array.from({ length: 5 }, () => rig.exchange().sample);
    assert.notEqual(samples[0], undefined);
    // The first interleaved reply is about an exchange that was a sample already.
    assert.equal(samples[1], undefined);
    for (const s of samples.slice(2)) {
      assert.ok(Math.abs(s!.offset - 0.25) < 1e-6, `${s!.offset}`);
      assert.ok(Math.abs(s!.peerDelay - 1e-3) < 1e-6);
    }
    const times = samples.filter((s) => s !== undefined).map((s) => s.time);
    assert.ok(times.every((t, i) => i === 0 || t > times[i - 1]!));
    assert.equal(rig.association.ntpData()!.interleaved, true);
  });

  it('falls back to basic when four requests in a row bring nothing', () => {
    const rig = new Rig({ xleave: true });
    rig.exchange();
    for (let i = 0; i < 4; i++) assert.notDeepEqual(rig.request().packet.origin, ZERO_STAMP, `${i}`);
    assert.deepEqual(rig.request().packet.origin, ZERO_STAMP);
  });

  it('works with a server that only knows basic mode', () => {
    const rig = new Rig({ xleave: true });
    for (let i = 0; i < 6; i++) {
      const { packet } = rig.request();
      const reply = rig.reply({ ...packet, receive: ZERO_STAMP });
      rig.t += 1.1e-3;
      assert.notEqual(rig.deliver({ ...reply, origin: packet.transmit }).sample, undefined, `${i}`);
    }
  });
});

describe('association: changes of our own clock', () => {
  it('a correction between request and reply moves the stamp of the request', () => {
    const rig = new Rig();
    const { packet } = rig.request();
    const reply = rig.reply(packet);
    const at = rig.raw;
    rig.association.rebase({ at, doffset: 0.25, dfreq: 0, kind: 'adjust' });
    rig.t += 1.1e-3 + 0.25;
    const { sample } = rig.deliver(reply);
    assert.ok(Math.abs(sample!.offset) < 20e-6, `${sample!.offset}`);
    assert.ok(sample!.peerDelay < 2e-3);
  });

  it('after an unknown change the request in flight is void', () => {
    const rig = new Rig();
    const { packet } = rig.request();
    const reply = rig.reply(packet);
    rig.association.rebase({ at: rig.raw, doffset: 0, dfreq: 0, kind: 'unknown' });
    assert.equal(rig.deliver(reply).tests, 0);
  });
});
