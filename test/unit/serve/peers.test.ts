import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { add, fromUnix } from '../../../src/base/time.js';
import { KeyTable } from '../../../src/core/ntp/keys.js';
import { META, TX_FLAG, TXSTAMP_WORDS } from '../../../src/ports/transport.js';
import { type PeerNews, type PeerPacket, PeerPost, peerEvent } from '../../../src/serve/peers.js';
import { FakeTransport, request, stampDiff } from '../../support/packets.js';

/** The transport without sockets reads its clock in the slot: 20 us after 1970 where nothing was received. */
const T3 = 0;

class Rig {
  readonly transport = new FakeTransport();
  readonly guard = new Int32Array(1);
  readonly news: PeerNews[] = [];
  readonly post = new PeerPost(this.transport, undefined, [4], this.guard, 1, (n) => this.news.push(n));
  readonly stamps = new Uint32Array(this.transport.txStamps);

  send(change: Partial<PeerPacket> = {}, keys = new KeyTable([])): void {
    const packet = {
      source: 3,
      serial: 9,
      address: '192.0.2.7',
      port: 123,
      bytes: request({ mode: 1, transmit: { hi: 0, lo: 0 }, receive: { hi: 11, lo: 12 } }),
      key: 0,
      stamp: true,
      correction: 0.25,
      local: undefined,
      broadcast: false,
      epoch: 0,
    };
    this.post.send({ ...packet, ...change }, keys);
  }

  /** What the error queue holds. */
  drain(): boolean[] {
    const n = this.transport.drainTxStamps();
    return Array.from({ length: n }, (_, i) => this.post.stamped(this.stamps, i * TXSTAMP_WORDS));
  }

  get meta(): Uint32Array {
    return new Uint32Array(this.transport.slab, 0, 32);
  }
}

describe('packets to peers', () => {
  it('are stamped on the cooked clock where they leave, and that is told with the stamps that they carry', () => {
    const rig = new Rig();
    rig.send();
    const reply = rig.transport.replies[0]!;
    assert.equal(reply.mode, 1);
    const [sent] = rig.news;
    assert.equal(sent!.kind, 'sent');
    const event = peerEvent(sent!);
    assert.ok(event.kind === 'ntp-sent' && 'transmit' in event);
    assert.deepEqual(event.transmit, reply.transmit);
    // The raw time at which it left, and 0.25 s more in the packet.
    const raw = { hi: T3 + 2_208_988_800, lo: 0 };
    const since = stampDiff(reply.transmit, raw);
    assert.ok(event.time >= fromUnix(T3) && event.time < add(fromUnix(T3), 1));
    assert.ok(Math.abs(since - 0.25 - Number(event.time - fromUnix(T3)) / 1e9) < 2e-9, `${since}`);
  });

  it('the kernel’s stamp comes later, and teaches how long sending takes', () => {
    const rig = new Rig();
    for (let i = 0; i < 30; i++) {
      rig.send({ serial: i });
      assert.deepEqual(rig.drain(), [true]);
    }
    const last = rig.news.at(-1)!;
    const before = rig.news.at(-2)!;
    assert.ok(last.kind === 'sent' && before.kind === 'sent');
    assert.deepEqual([last.stamp, last.serial, last.stamps], ['kernel', 29, undefined]);
    assert.equal(last.time - before.time, 1500n);
    const reply = rig.transport.replies.at(-1)!;
    const since = stampDiff(reply.transmit, { hi: T3 + 2_208_988_800, lo: 0 });
    const wire = Number(last.time - fromUnix(T3)) / 1e9;
    assert.ok(Math.abs(since - 0.25 - wire) < 20e-9, 'the packet says when it was on the wire');
  });

  it('stamps of others are not taken', () => {
    const rig = new Rig();
    rig.send();
    rig.drain();
    assert.equal(rig.post.stamped(rig.stamps, 0), false, 'nor one twice');
  });

  it('an interleaved packet keeps the stamp that it has', () => {
    const rig = new Rig();
    const bytes = request({ mode: 1, transmit: { hi: 5, lo: 6 } });
    rig.send({ bytes, stamp: false });
    assert.deepEqual(rig.transport.replies[0]!.transmit, { hi: 5, lo: 6 });
  });

  it('addresses, keys and flags are where native looks for them', () => {
    const rig = new Rig();
    const keys = new KeyTable([
      { id: 4, type: 'SHA1' },
      { id: 7, type: 'MD5' },
    ]);
    rig.send({ key: 7, local: '192.0.2.1' }, keys);
    const { meta } = rig;
    assert.equal(meta[META.TX_KEY], 2);
    assert.equal(meta[META.TX_MAC], 20);
    assert.equal(meta[META.TX_LENGTH], 68);
    assert.equal(meta[META.TX_FLAGS], TX_FLAG.STAMP | TX_FLAG.WANT_TX);
    assert.deepEqual([...new Uint8Array(rig.transport.slab, META.SRC_ADDR * 4, 4)], [192, 0, 2, 7]);
    assert.deepEqual([...new Uint8Array(rig.transport.slab, META.DST_ADDR * 4, 4)], [192, 0, 2, 1]);
  });

  it('what cannot be sent is told with a reason', () => {
    const rig = new Rig();
    rig.send({ address: '2001:db8::1' });
    rig.send({ key: 9 });
    rig.send({ epoch: 2 });
    rig.transport.errno = 101;
    rig.send();
    const reasons = rig.news.map((n) => (n.kind === 'failed' ? n.reason : n.kind));
    assert.deepEqual(reasons, [
      'there is no IPv6 socket',
      'there is no key 9',
      'the clock was stepped meanwhile',
      'error 101',
    ]);
    assert.equal(rig.transport.replies.length, 1);
  });

  it('broadcasts are stamped, flagged, and nothing is told of them', () => {
    const rig = new Rig();
    rig.send({ source: -1, broadcast: true, address: '192.0.2.255' });
    assert.equal(rig.meta[META.TX_FLAGS], TX_FLAG.STAMP | TX_FLAG.BROADCAST);
    assert.deepEqual(rig.news, []);
    assert.notEqual(rig.transport.replies[0]!.transmit.hi, 0);
  });
});
