import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromUnix } from '../../../../src/base/time.js';
import { COUNTER } from '../../../../src/core/ntp/counters.js';
import { type Arrival, type Ntp64Text, type Reply, request, stampDiff, ZERO } from '../../../support/packets.js';
import { STATE, TestServer } from '../../../support/server.js';

const SEC = 1_800_000_000;
const RX: Ntp64Text = { hi: 0xaaaaaaaa, lo: 0x11111111 };
const TX: Ntp64Text = { hi: 0xbbbbbbbb, lo: 0x22222222 };

/** A client as RFC 9769 wants it: brings back the last receive stamp, with stamps of its own that name the mode. */
class Client {
  last: Ntp64Text = ZERO;
  private n = 0;
  constructor(
    private readonly server: TestServer,
    private readonly arrival: Omit<Arrival, 'bytes'> = {},
  ) {}

  next(options: { origin?: Ntp64Text; receive?: Ntp64Text; transmit?: Ntp64Text; version?: number } = {}): Reply {
    const { sec = SEC + 64 * this.n++ } = this.arrival;
    const bytes = request({ origin: this.last, receive: RX, transmit: TX, ...options });
    const r = this.server.ask(bytes, { ...this.arrival, sec })!;
    this.last = r.receive;
    return r;
  }
}
const isInterleaved = (r: Reply): boolean => r.origin.hi === RX.hi && r.origin.lo === RX.lo;
const pattern = (replies: Reply[]): string => replies.map((r) => (isInterleaved(r) ? 'I' : 'B')).join('');

describe('interleaved mode', () => {
  it("B, B, then interleaved for ever; the transmit stamp is the kernel's of the reply before", () => {
    const c = new Client(new TestServer());
    const replies = Array.from({ length: 6 }, () => c.next());
    assert.equal(pattern(replies), 'BBIIII');
    for (let i = 2; i < 6; i++) {
      const sent = stampDiff(replies[i]!.transmit, replies[i - 1]!.receive);
      // 20 µs in the server, 1.5 µs from T3 to the wire, stamps blurred by 2^-25 s each.
      assert.ok(Math.abs(sent - 21.5e-6) < 60e-9, `${sent}`);
    }
  });

  it("without a kernel stamp the daemon's own is served, and counted as such", () => {
    const s = new TestServer();
    s.transport.wireNs = undefined;
    const c = new Client(s);
    const replies = [c.next(), c.next(), c.next()];
    assert.equal(pattern(replies), 'BBI');
    assert.ok(Math.abs(stampDiff(replies[2]!.transmit, replies[1]!.receive) - 20e-6) < 60e-9);
    assert.deepEqual([s.tables.counters[COUNTER.daemonTx], s.tables.counters[COUNTER.kernelTx]], [3, 0]);
  });

  it("a network card's stamp takes the place of the kernel's, which stays where the card's does not come", () => {
    for (const [cardNs, sentNs, kind] of [
      [8000, 28_000, COUNTER.hardwareTx],
      [null, 21_500, COUNTER.kernelTx],
      // Translated wrongly, for the card's clock has jumped.
      [-1000, 21_500, COUNTER.kernelTx],
    ] as const) {
      const s = new TestServer();
      s.transport.cardNs = cardNs;
      const c = new Client(s);
      const replies = [c.next(), c.next(), c.next()];
      assert.equal(pattern(replies), 'BBI');
      assert.ok(Math.abs(stampDiff(replies[2]!.transmit, replies[1]!.receive) - sentNs * 1e-9) < 60e-9, `${cardNs}`);
      assert.equal(s.tables.counters[kind], 1);
    }
  });

  it('a stamp that is told of later has no noise, however coarse the clock', () => {
    const s = new TestServer({ state: { ...STATE, precision: -14 } });
    const c = new Client(s);
    const replies = Array.from({ length: 20 }, () => c.next());
    const nsec = 123_456_789 + 21_500;
    for (const [i, r] of replies.entries()) {
      const told = Number((BigInt(r.transmit.lo >>> 0) * 1_000_000_000n) >> 32n);
      if (i >= 2) assert.ok(Math.abs(told - nsec) <= 1, `${told}`);
    }
    // What leaves at once has: the first two are basic.
    assert.ok(
      replies
        .slice(0, 2)
        .some((r) => Math.abs(Number((BigInt(r.transmit.lo >>> 0) * 1_000_000_000n) >> 32n) - nsec) > 1000),
    );
  });

  it('refuses a kernel stamp from before T3 or a second after it', () => {
    for (const wireNs of [-1000, 1_000_000_001]) {
      const s = new TestServer();
      s.transport.wireNs = wireNs;
      const c = new Client(s);
      const replies = [c.next(), c.next(), c.next()];
      assert.ok(Math.abs(stampDiff(replies[2]!.transmit, replies[1]!.receive) - 20e-6) < 60e-9, `${wireNs}`);
      assert.equal(s.tables.counters[COUNTER.txStampsLost], 2);
    }
  });

  it('a reply that did not leave (ENOBUFS) has no stamp to be told: a basic reply, then it goes on', () => {
    const s = new TestServer();
    const c = new Client(s);
    const first = c.next();
    s.transport.errno = 105;
    const unsent = c.next();
    s.transport.errno = 0;
    assert.equal(s.tables.counters[COUNTER.sendErrors], 1);
    // Nobody can have got that one; who guesses its stamp learns nothing from it.
    assert.equal(isInterleaved(c.next({ origin: unsent.receive })), false);
    assert.equal(isInterleaved(c.next()), true);
    assert.equal(isInterleaved(c.next({ origin: first.receive })), false, 'basic replies leave nothing to be told');
  });

  it('one use an entry: a replayed request gets a basic reply', () => {
    const s = new TestServer();
    const c = new Client(s);
    c.next();
    const { receive } = c.next();
    assert.equal(isInterleaved(c.next({ origin: receive })), true);
    assert.equal(isInterleaved(c.next({ origin: receive })), false);
    assert.equal(s.tables.counters[COUNTER.interleaved], 1);
  });

  it('a lost reply costs nothing: the same origin comes again, unused', () => {
    const s = new TestServer();
    const c = new Client(s);
    c.next();
    const { receive } = c.next();
    s.ask(request({ origin: ZERO }));
    assert.equal(isInterleaved(c.next({ origin: receive })), true);
  });

  it('needs version 4, differing stamps, and our own mark', () => {
    const s = new TestServer();
    const c = new Client(s);
    c.next();
    assert.equal(isInterleaved(c.next()), false);
    assert.equal(isInterleaved(c.next({ receive: TX })), false, 'receive equals transmit');
    assert.equal(isInterleaved(c.next({ version: 3 })), false);
    const r = c.next();
    assert.equal(isInterleaved(c.next({ origin: r.transmit })), false, 'a basic client echoes our transmit stamp');
  });

  it('keeps nothing for a stranger who guesses, nor for the right stamp from another address', () => {
    const s = new TestServer();
    const { receive } = new Client(s).next();
    const before = s.tables.ring!.held;
    s.ask(request({ origin: { hi: receive.hi, lo: (receive.lo ^ 0x40) | 1 }, receive: RX, transmit: TX }));
    for (let i = 0; i < 8; i++) {
      const origin = receive;
      s.ask(request({ origin, receive: RX, transmit: TX }), { from: [198, 51, 100, i] });
    }
    // Six bits of mark at this precision: a guess passes once in 64.
    assert.ok(s.tables.ring!.held - before <= 1);
  });

  it('clients behind one address do not disturb each other', () => {
    const later = new TestServer();
    const c = new Client(later, { port: 1000, nsec: 1000 });
    const d = new Client(later, { port: 2000, nsec: 500_000_000 });
    const both = Array.from({ length: 5 }, () => [c.next(), d.next()] as const);
    assert.equal(pattern(both.map((p) => p[0])), 'BBIII');
    assert.equal(pattern(both.map((p) => p[1])), 'BBIII');
  });

  it("two equal receive stamps void each other: no reply is given a stamp that might be another's", () => {
    const s = new TestServer();
    const a = new Client(s, { port: 1000 });
    const b = new Client(s, { port: 2000 });
    const both = Array.from({ length: 5 }, () => [a.next(), b.next()] as const);
    assert.equal(pattern(both.flat()), 'BBBBBBBBBB');
  });

  it('a step voids what was begun before it; an adjustment does not, and tears no exchange', () => {
    const s = new TestServer();
    const c = new Client(s);
    c.next();
    const begun = c.next();
    s.publish({ ...STATE, view: { ref: fromUnix(SEC, 0), correction: 2e-4, rate: 0 } });
    const adjusted = c.next();
    assert.equal(isInterleaved(adjusted), true);
    assert.ok(Math.abs(stampDiff(adjusted.transmit, begun.receive) - 21.5e-6) < 60e-9, 'T3 on the scale of its T2');
    s.publish({ ...STATE, view: { ref: fromUnix(SEC, 0), correction: 0.5, rate: 0 } });
    assert.equal(isInterleaved(c.next()), false);
    assert.equal(isInterleaved(c.next()), true);
    assert.equal(s.tables.counters[COUNTER.steps], 1);
  });

  it('a slew is no step', () => {
    const s = new TestServer();
    const c = new Client(s);
    s.publish({ ...STATE, view: { ref: fromUnix(SEC, 0), correction: 0, rate: 1e-3 } });
    for (let i = 0; i < 4; i++) c.next();
    assert.equal(s.tables.counters[COUNTER.steps], 0);
  });

  it('is off without a client log', () => {
    const s = new TestServer({ remember: false });
    const c = new Client(s);
    assert.equal(pattern(Array.from({ length: 4 }, () => c.next())), 'BBBB');
  });

  it('serves as many clients as the ring is for, and of many more some, in basic mode the others', () => {
    const round = (clients: number): number => {
      const s = new TestServer({ records: 256 });
      const all = Array.from(
        { length: clients },
        (_, i) => new Client(s, { from: [10, 0, i >> 8, i & 255], nsec: i * 1000 }),
      );
      let interleaved = 0;
      for (let i = 0; i < 4; i++) for (const c of all) interleaved += isInterleaved(c.next()) ? 1 : 0;
      return interleaved;
    };
    assert.equal(round(256), 512);
    assert.ok(round(2000) < 2000);
  });

  it('symmetric requests are answered the same way, in mode 2', () => {
    const s = new TestServer();
    const ask = (origin: Ntp64Text, sec: number): Reply =>
      s.ask(request({ mode: 1, origin, receive: RX, transmit: TX }), { sec })!;
    const third = ask(ask(ask(ZERO, SEC).receive, SEC + 1).receive, SEC + 2);
    assert.deepEqual([third.mode, isInterleaved(third)], [2, true]);
  });
});
