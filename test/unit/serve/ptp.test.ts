import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { COUNTER, COUNTER_BYTES, newCounters } from '../../../src/core/ntp/counters.js';
import { META, SLOT_BYTES, SLOT_DATA, TX_PREFIX_SHIFT } from '../../../src/ports/transport.js';
import { PtpAsking } from '../../../src/serve/ptpasking.js';
import { PtpGate, plainFamilies } from '../../../src/serve/ptpgate.js';
import { FRAMING, type Framing, putFraming } from '../../../src/wire/ptp/framing.js';
import { FakeTransport, request } from '../../support/packets.js';

const SOCKETS = [{ family: 4 }, { family: 6 }, { family: 4, ptpDomain: 123 }] as const;
const PTP_SOCKET = 2;

class Rig {
  readonly transport = new FakeTransport();
  readonly counters = newCounters(new SharedArrayBuffer(COUNTER_BYTES));
  readonly gate = new PtpGate(this.transport.slab, SOCKETS, this.counters, 7);
  readonly bytes = new Uint8Array(this.transport.slab);

  meta(slot: number): Uint32Array {
    return new Uint32Array(this.transport.slab, slot * SLOT_BYTES, 32);
  }

  put(slot: number, socket: number, bytes: Uint8Array): void {
    const meta = this.meta(slot);
    meta.fill(0);
    meta[META.SOCKET] = socket;
    meta[META.RX_LENGTH] = bytes.length;
    this.bytes.set(bytes, slot * SLOT_BYTES + SLOT_DATA);
  }

  packet(slot: number, length: number): Uint8Array {
    const at = slot * SLOT_BYTES + SLOT_DATA;
    return this.bytes.slice(at, at + length);
  }
}

const inside = (framing: Framing, ntp: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(framing + ntp.length);
  putFraming(new DataView(bytes.buffer), 0, framing, ntp.length, 123, 1);
  bytes.set(ntp, framing);
  return bytes;
};

describe('the gate between PTP messages and NTP', () => {
  it('opens what comes by a PTP socket, and closes the reply in the same form', () => {
    const rig = new Rig();
    const ntp = request();
    rig.put(0, PTP_SOCKET, inside(FRAMING.EXPERIMENTAL, ntp));
    rig.put(1, 0, ntp);
    rig.put(2, PTP_SOCKET, inside(FRAMING.ORGANISATION, ntp));
    rig.gate.unwrap(3);
    for (const slot of [0, 1, 2]) {
      assert.equal(rig.meta(slot)[META.RX_LENGTH], 48);
      assert.deepEqual(rig.packet(slot, 48), ntp);
      rig.meta(slot)[META.TX_LENGTH] = 48;
      rig.meta(slot)[META.TX_FLAGS] = 1;
    }
    rig.gate.wrap(3);
    const prefixes = [0, 1, 2].map((slot) => rig.meta(slot)[META.TX_FLAGS]! >> TX_PREFIX_SHIFT);
    assert.deepEqual(prefixes, [48, 0, 56]);
    const end = 3 * SLOT_BYTES;
    const expected = inside(FRAMING.ORGANISATION, ntp).slice(0, 56);
    // Messages are numbered: 7 and 8 have left.
    expected[31] = 8;
    assert.deepEqual(rig.bytes.slice(end - 56, end), expected);
    assert.equal(rig.counters[COUNTER.ptpMessages], 2);
  });

  it('empties what is no NTP in a message, counts it, and frames nothing that is not answered', () => {
    const rig = new Rig();
    rig.put(0, PTP_SOCKET, request());
    rig.put(1, PTP_SOCKET, inside(FRAMING.ORGANISATION, request({ mode: 6 })));
    rig.put(2, PTP_SOCKET, inside(FRAMING.ORGANISATION, request()));
    rig.meta(2)[META.TRUNCATED] = 1;
    rig.gate.unwrap(3);
    for (const slot of [0, 1, 2]) assert.equal(rig.meta(slot)[META.RX_LENGTH], 0);
    assert.equal(rig.counters[COUNTER.ptpIgnored], 3);
    rig.gate.wrap(3);
    for (const slot of [0, 1, 2]) assert.equal(rig.meta(slot)[META.TX_FLAGS], 0);
  });

  it('forgets the message of a slot with the next packet in it', () => {
    const rig = new Rig();
    const message = inside(FRAMING.EXPERIMENTAL, request());
    new DataView(message.buffer).setUint32(12, 65_536_000);
    rig.put(0, PTP_SOCKET, message);
    rig.gate.unwrap(1);
    assert.equal(rig.gate.correction(0), 1e-6);
    rig.put(0, 0, request());
    rig.gate.unwrap(1);
    assert.equal(rig.gate.correction(0), 0);
    assert.equal(rig.gate.framing(0), FRAMING.NONE);
  });

  it('keeps plain packets off its sockets', () => {
    assert.deepEqual(plainFamilies(SOCKETS), [4, 6, 0]);
    assert.equal(new Rig().gate.socketOf(4), PTP_SOCKET);
    assert.equal(new Rig().gate.socketOf(6), -1);
  });
});

describe('who is asked inside PTP messages', () => {
  const to = { source: 3, address: '192.0.2.7', port: 319, key: 0 };

  it('is tried in both forms until one is answered, and then stays with it', () => {
    const asking = new PtpAsking(319);
    const forms = (n: number): Framing[] => Array.from({ length: n }, () => asking.toServer(to).framing);
    assert.deepEqual(forms(6), [56, 56, 48, 48, 56, 56]);
    for (let i = 0; i < 5; i++) {
      asking.heard(3, FRAMING.EXPERIMENTAL);
      assert.deepEqual(forms(1), [48]);
    }
    // Its server was replaced by one that speaks the other form.
    assert.deepEqual(forms(3), [48, 56, 56]);
  });

  it('is listened to as long as it is a source', () => {
    const asking = new PtpAsking(319);
    assert.equal(asking.concerns(123), false);
    assert.equal(new PtpAsking(0).concerns(0), false);
    assert.equal(asking.toServer(to).isNew, true);
    assert.equal(asking.toServer(to).isNew, false);
    assert.equal(asking.toServer({ ...to, address: '192.0.2.8' }).isNew, true);
    assert.deepEqual(
      asking.entries().map((e) => [e.address, e.replies]),
      [['192.0.2.8', true]],
    );
    asking.toPeer(4);
    assert.equal(asking.entries().length, 1);
    assert.equal(asking.forget(4), false);
    assert.equal(asking.forget(3), true);
    assert.deepEqual(asking.entries(), []);
  });
});
