import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { COUNTER } from '../../../../src/core/ntp/counters.js';
import { KeyTable } from '../../../../src/core/ntp/keys.js';
import { PeerDesk, type PeerEntry } from '../../../../src/core/ntp/peerdesk.js';
import { SLOT_BYTES, SLOT_DATA, type Verifier } from '../../../../src/ports/transport.js';
import { request } from '../../../support/packets.js';
import { TestServer } from '../../../support/server.js';

const PEER: PeerEntry = { source: 5, address: '192.0.2.7', port: 123, key: 0, rate: 8 };
const FROM = { from: [192, 0, 2, 7], port: 123 };

interface Handed {
  readonly source: number;
  readonly bytes: number;
  readonly authentic: boolean;
}

/** A server with a desk; a MAC is right when its digest begins with the key's number. */
const serverWith = (entries: readonly PeerEntry[], allow = false): { server: TestServer; handed: Handed[] } => {
  const handed: Handed[] = [];
  let desk: PeerDesk | undefined;
  const verifier: Verifier = {
    verify: (slot, key, at) => new Uint8Array(server.transport.slab, slot * SLOT_BYTES + SLOT_DATA)[at + 4] === key + 1,
  };
  const peers = { take: (slot: number, keys: KeyTable) => desk!.take(slot, keys) } as PeerDesk;
  const server = new TestServer({ allow, responder: { peers, verifier } });
  desk = new PeerDesk(server.transport.slab, 1, verifier, (_slot, source, bytes, authentic) => {
    handed.push({ source, bytes, authentic });
  });
  desk.setPeers(entries);
  Object.assign(server, { desk });
  server.responder.setKeys(
    new KeyTable([
      { id: 1, type: 'MD5' },
      { id: 2, type: 'MD5' },
    ]),
  );
  return { server, handed };
};

const mac = (id: number, right: boolean): Uint8Array => {
  const bytes = new Uint8Array(20);
  new DataView(bytes.buffer).setUint32(0, id);
  bytes[4] = right ? id : 0xff;
  return bytes;
};

const deskOf = (server: TestServer): PeerDesk => (server as unknown as { desk: PeerDesk }).desk;

describe('packets of configured peers', () => {
  it('are handed on, allowed or not, and not answered', () => {
    const { server, handed } = serverWith([PEER]);
    for (const mode of [1, 2]) assert.equal(server.ask(request({ mode }), FROM), undefined);
    assert.deepEqual(handed, [
      { source: 5, bytes: 48, authentic: false },
      { source: 5, bytes: 48, authentic: false },
    ]);
    assert.equal(server.tables.counters[COUNTER.peers], 2);
    assert.equal(server.tables.counters[COUNTER.hits], 0);
    assert.equal(server.tables.counters[COUNTER.denied], 0);
  });

  it('another address, port or mode is a stranger: answered when allowed, in passive mode, and else not', () => {
    const { server, handed } = serverWith([PEER], true);
    const closed = serverWith([PEER]);
    for (const from of [
      { from: [192, 0, 2, 8], port: 123 },
      { from: [192, 0, 2, 7], port: 124 },
    ]) {
      const reply = server.ask(request({ mode: 1 }), from)!;
      assert.equal(reply.bytes[0]! & 7, 2);
      assert.equal(closed.server.ask(request({ mode: 1 }), from), undefined);
    }
    // A peer may ask as a client, too.
    assert.equal(server.ask(request({ mode: 3 }), FROM)!.bytes[0]! & 7, 4);
    assert.deepEqual([...handed, ...closed.handed], []);
    assert.equal(closed.server.tables.counters[COUNTER.denied], 2);
  });

  it('a stranger’s mode 1 leaves no state behind but the client record', () => {
    const { server, handed } = serverWith([], true);
    assert.equal(server.ask(request({ mode: 1 }), FROM)!.bytes[0]! & 7, 2);
    assert.deepEqual(handed, []);
  });

  it('with a key: sealed with it, with another one of ours, wrongly, not at all', () => {
    const { server, handed } = serverWith([{ ...PEER, key: 1 }]);
    const send = (second: number, tail?: Uint8Array): void => {
      const bytes = request({ mode: 1, ...(tail === undefined ? {} : { tail }) });
      server.ask(bytes, { ...FROM, sec: 1_800_000_100 + second });
    };
    send(0, mac(1, true));
    send(1, mac(2, true));
    send(2, mac(1, false));
    send(3);
    assert.deepEqual(
      handed.map((h) => [h.bytes, h.authentic]),
      [
        [48, true],
        [68, false],
        [68, false],
        [48, false],
      ],
    );
  });

  it('a flood in the name of a peer is cut, and the answer to us comes through', () => {
    const { server, handed } = serverWith([PEER]);
    deskOf(server).sent(5, { transmitHi: 77, transmitLo: -88, receiveHi: 5, receiveLo: 6 });
    const flood = (n: number): void => {
      for (let i = 0; i < n; i++) server.ask(request({ mode: 1, origin: { hi: 1, lo: i } }), FROM);
    };
    flood(500);
    assert.equal(handed.length, PEER.rate);
    server.ask(request({ mode: 1, origin: { hi: 77, lo: -88 >>> 0 } }), FROM);
    server.ask(request({ mode: 1, origin: { hi: 5, lo: 6 } }), FROM);
    assert.equal(handed.length, PEER.rate + 2);
    flood(500);
    assert.equal(handed.length, PEER.rate + 2);
    assert.equal(server.tables.counters[COUNTER.peersDropped], 1000 - PEER.rate);
    // The next second has its own limit.
    server.ask(request({ mode: 1 }), { ...FROM, sec: 1_800_000_200 });
    assert.equal(handed.length, PEER.rate + 3);
  });

  it('what is not sealed with the key of its peer is counted once a second', () => {
    const { server, handed } = serverWith([{ ...PEER, key: 1 }]);
    deskOf(server).sent(5, { transmitHi: 77, transmitLo: 88, receiveHi: 5, receiveLo: 6 });
    for (let i = 0; i < 100; i++) server.ask(request({ mode: 1, origin: { hi: 77, lo: 88 } }), FROM);
    assert.equal(handed.length, 1);
    server.ask(request({ mode: 1, origin: { hi: 77, lo: 88 }, tail: mac(1, true) }), FROM);
    assert.equal(handed.at(-1)!.authentic, true);
  });

  it('short, odd and broken packets are dropped', () => {
    const { server, handed } = serverWith([PEER]);
    for (const length of [1, 47, 49, 60]) server.ask(request({ mode: 1, length }), FROM);
    for (const version of [0, 5, 7]) server.ask(request({ mode: 1, version }), FROM);
    assert.deepEqual(handed, []);
  });

  it('peers that are deleted are strangers', () => {
    const { server, handed } = serverWith([PEER]);
    deskOf(server).setPeers([]);
    server.ask(request({ mode: 1 }), FROM);
    assert.deepEqual(handed, []);
  });

  it('IPv6 peers, several of them', () => {
    const six: PeerEntry[] = [1, 2, 3].map((i) => ({ ...PEER, source: i, address: `2001:db8::${i}`, port: 1000 + i }));
    const { server, handed } = serverWith(six);
    const from = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
    server.ask(request({ mode: 1 }), { from, port: 1002 });
    server.ask(request({ mode: 1 }), { from, port: 1003 });
    assert.deepEqual(
      handed.map((h) => h.source),
      [2],
    );
  });
});

describe('replies to requests that left by the port that we serve from', () => {
  const SERVER: PeerEntry = { ...PEER, port: 319, replies: true };
  const from = { ...FROM, port: 319 };

  it('are handed on from who was asked, and nothing else from there is', () => {
    const { server, handed } = serverWith([SERVER], true);
    assert.equal(server.ask(request({ mode: 4 }), from), undefined);
    assert.equal(handed.length, 1);
    assert.notEqual(server.ask(request({ mode: 1 }), from), undefined, 'a stranger of mode 1 is answered');
    assert.equal(handed.length, 1);
  });

  it('are nothing from others, and from peers', () => {
    const { server, handed } = serverWith([SERVER, PEER], true);
    assert.equal(server.ask(request({ mode: 4 }), { ...from, from: [192, 0, 2, 9] }), undefined);
    assert.equal(server.ask(request({ mode: 4 }), FROM), undefined);
    assert.equal(handed.length, 0);
    assert.equal(server.tables.counters[COUNTER.malformed], 2);
  });
});
