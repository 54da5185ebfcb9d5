import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { COUNTER } from '../../../../src/core/ntp/counters.js';
import { KeyTable, NO_KEY } from '../../../../src/core/ntp/keys.js';
import { META } from '../../../../src/ports/transport.js';
import { field, request } from '../../../support/packets.js';
import { TestServer } from '../../../support/server.js';

/** A server with key 7 = MD5 and 9 = SHA512; `good`: what the verifier says. */
const keyed = (good = true): { s: TestServer; asked: number[][] } => {
  const asked: number[][] = [];
  const verifier = {
    verify: (...args: number[]) => {
      asked.push(args);
      return good;
    },
  };
  const s = new TestServer({ responder: { verifier } });
  s.responder.setKeys(
    new KeyTable([
      { id: 7, type: 'MD5' },
      { id: 9, type: 'SHA512' },
    ]),
  );
  return { s, asked };
};
const mac = (id: number, bytes: number): Uint8Array => {
  const out = new Uint8Array(bytes).fill(createHash('md5').digest()[0]!);
  new DataView(out.buffer).setUint32(0, id);
  return out;
};
const sealing = (s: TestServer): [number, number, number] => {
  const meta = new Uint32Array(s.transport.slab);
  return [meta[META.TX_LENGTH]!, meta[META.TX_KEY]!, meta[META.TX_MAC]!];
};

describe('symmetric keys', () => {
  it('a request with a good MAC gets a sealed reply of its own length', () => {
    const { s, asked } = keyed();
    assert.equal(s.ask(request({ tail: mac(7, 20) }))!.bytes.length, 68);
    assert.deepEqual(asked, [[0, 0, 48, 20]]);
    assert.deepEqual(sealing(s), [68, 1, 20]);
    assert.equal(s.tables.counters[COUNTER.authenticated], 1);
  });

  it('a MAC that is wrong, unknown, or of a wrong length gets nothing', () => {
    const { s } = keyed(false);
    assert.equal(s.ask(request({ tail: mac(7, 20) })), undefined);
    const { s: t, asked } = keyed();
    for (const [id, bytes, version] of [
      [8, 20, 4],
      [7, 24, 4],
      [9, 20, 4],
      [9, 24, 3],
      [7, 24, 3],
    ] as const) {
      assert.equal(t.ask(request({ version, tail: mac(id, bytes) })), undefined);
    }
    assert.deepEqual(asked, []);
    assert.equal(t.tables.counters[COUNTER.unauthenticated], 5);
  });

  it('long digests are cut in version 4 and whole in version 3', () => {
    const { s } = keyed();
    assert.equal(s.ask(request({ tail: mac(9, 24) }))!.bytes.length, 72);
    assert.equal(s.ask(request({ version: 3, tail: mac(9, 68) }))!.bytes.length, 116);
  });

  it('without keys, or with fields before the MAC: silence, and the MAC found', () => {
    assert.equal(new TestServer().ask(request({ tail: mac(7, 20) })), undefined);
    const { s, asked } = keyed();
    const tail = Uint8Array.from([...field(0x2222, 28), ...mac(7, 20)]);
    assert.equal(s.ask(request({ tail }))!.bytes.length, 68);
    assert.deepEqual(asked, [[0, 0, 76, 20]]);
  });

  it('the next plain reply of the slot is not sealed', () => {
    const { s } = keyed();
    s.ask(request({ tail: mac(7, 20) }));
    s.ask(request());
    assert.deepEqual(sealing(s), [48, 0, 0]);
  });

  it('a key is found by id and length', () => {
    const t = new KeyTable([{ id: 0xffffffff, type: 'AES128' }]);
    assert.deepEqual([t.find(0xffffffff, 4, 20), t.find(0xffffffff, 4, 24), t.find(1, 4, 20)], [0, NO_KEY, NO_KEY]);
  });
});

describe('kiss of death and poll', () => {
  const limit = { interval: 5, burst: 1, leak: 4, kod: 4 };
  it('RATE, not synchronised, never longer, and basic; counted as dropped', () => {
    const s = new TestServer({ responder: { limit } });
    const replies = Array.from({ length: 1000 }, () => s.ask(request({ poll: 3 }))).filter((r) => r !== undefined);
    const kisses = replies.filter((r) => r.stratum === 0);
    assert.ok(kisses.length > 20 && kisses.length < 110, `${kisses.length}`);
    for (const k of kisses) {
      assert.deepEqual([k.leap, k.refId, k.bytes.length, k.origin.hi], [3, 0x52415445, 48, 0x12345678]);
    }
    assert.equal(s.tables.counters[COUNTER.kisses], kisses.length);
    assert.equal(s.tables.counters[COUNTER.drops], 1000 - (replies.length - kisses.length));
    assert.equal(s.tables.counters[COUNTER.hits], 1000);
  });

  it('the poll field is raised to the limit, and only then', () => {
    const s = new TestServer({ responder: { limit } });
    assert.equal(s.ask(request({ poll: 3 }))!.poll, 5);
    assert.equal(new TestServer().ask(request({ poll: 3 }))!.poll, 3);
    assert.equal(new TestServer({ responder: { limit } }).ask(request({ poll: 10 }))!.poll, 10);
  });
});

describe('the field of root values', () => {
  it('comes back in fine resolution, and makes the reply no longer than the request', () => {
    const s = new TestServer();
    const tail = field(0xf323, 28);
    new DataView(tail.buffer).setUint32(4, 0xf5bedd9a);
    const r = s.ask(request({ tail }))!;
    assert.equal(r.bytes.length, 76);
    const view = new DataView(r.bytes.buffer, 48);
    assert.deepEqual([view.getUint32(0), view.getUint32(4)], [0xf323001c, 0xf5bedd9a]);
    // 1 µs of root dispersion is 268.4 units of 2^-28 s; the header's unit is 15 µs.
    assert.equal(view.getUint32(12), 269);
    assert.deepEqual([view.getUint32(16), view.getUint32(20)], [0, 0]);
    assert.equal(s.ask(request({ tail: field(0xf323, 28) }))!.bytes.length, 48, 'another magic asks for nothing');
  });
});

describe('late truth', () => {
  const warm = (s: TestServer): void => {
    for (let i = 0; i < 400; i++) s.ask(request(), { sec: 1_800_000_000 + i });
  };
  const t3Ahead = (s: TestServer): number => {
    const r = s.ask(request(), { sec: 1_800_001_000, nsec: 0 })!;
    return (r.transmit.lo / 4294967296) * 1e9 - s.transport.turnaroundNs;
  };

  it('learns how long sending takes and adds it to T3', () => {
    const s = new TestServer();
    warm(s);
    assert.ok(Math.abs(t3Ahead(s) - 1500) < 60, `${t3Ahead(s)}`);
    const off = new TestServer({ responder: { lateTruth: false } });
    warm(off);
    assert.ok(Math.abs(t3Ahead(off)) < 60, 'negative control');
  });

  it('one reply that was held up hardly counts; stamps that never come count nothing', () => {
    const s = new TestServer();
    warm(s);
    s.transport.wireNs = 40_000;
    for (let i = 0; i < 4; i++) s.ask(request());
    assert.ok(t3Ahead(s) < 1800, `${t3Ahead(s)}`);
    const none = new TestServer();
    none.transport.wireNs = undefined;
    warm(none);
    assert.ok(Math.abs(t3Ahead(none)) < 60);
  });

  it("does not count twice in an interleaved reply: that has the stamp's own time", () => {
    const s = new TestServer();
    warm(s);
    const stamp = { hi: 1, lo: 1 };
    let origin = { hi: 0, lo: 0 };
    let t3 = 0;
    for (let i = 0; i < 4; i++) {
      const r = s.ask(request({ origin, receive: stamp }), { sec: 1_800_002_000 + i, nsec: 0 })!;
      origin = r.receive;
      t3 = (r.transmit.lo / 4294967296) * 1e9;
    }
    assert.ok(Math.abs(t3 - s.transport.turnaroundNs - 1500) < 60, `${t3}`);
  });
});
