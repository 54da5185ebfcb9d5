import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { toNtp64 } from '../../../src/base/ntp64.js';
import { fromUnix } from '../../../src/base/time.js';
import { loadNative, type NativeUdpOptions, type NativeUdpSet } from '../../../src/devices/native.js';
import {
  META,
  NO_STAMP,
  SLAB_SLOTS,
  SLOT_BYTES,
  SLOT_DATA,
  SLOT_MAX_PACKET,
  SLOT_META,
  TX_FLAG,
  TXSTAMP,
  TXSTAMP_MAX,
  TXSTAMP_WORDS,
} from '../../../src/ports/transport.js';
import { failsWith, misused, startWorker } from '../../support/native.js';

const native = loadNative();
const TX_SOFTWARE = 2;
const RX_SOFTWARE = 8;
const SOFTWARE = 16;
const OPT_TX_SWHW = 1 << 14;
/** Transmit and receive stamps of cards, on their clocks. */
const CARDS = 1 | 4 | 64;
const STAMPED = TX_SOFTWARE | RX_SOFTWARE | SOFTWARE;
const local = (more: Partial<NativeUdpOptions> = {}): NativeUdpOptions => ({
  family: 4,
  address: '127.0.0.1',
  port: 0,
  ...more,
});

/** A set with its slab in view. */
class Plane {
  readonly set: NativeUdpSet;
  readonly words: Uint32Array;
  readonly bytes: Uint8Array;
  readonly stamps: Uint32Array;
  constructor(...sockets: NativeUdpOptions[]) {
    this.set = new native.UdpSet(sockets);
    this.words = new Uint32Array(this.set.slab);
    this.bytes = new Uint8Array(this.set.slab);
    this.stamps = new Uint32Array(this.set.txStamps);
  }
  get(slot: number, word: number): number {
    return this.words[(slot * SLOT_BYTES) / 4 + word]!;
  }
  put(slot: number, word: number, value: number): void {
    this.words[(slot * SLOT_BYTES) / 4 + word] = value;
  }
  packet(slot: number, length: number): Uint8Array {
    return this.bytes.subarray(slot * SLOT_BYTES + SLOT_DATA, slot * SLOT_BYTES + SLOT_DATA + length);
  }
  /** Raw time at a pair of second words and a nanosecond word. */
  time(slot: number, word: number): bigint {
    const sec = (BigInt(this.get(slot, word + 1)) << 32n) | BigInt(this.get(slot, word));
    return sec * 1_000_000_000n + BigInt(this.get(slot, word + 2));
  }
  stampTime(i: number): bigint {
    const w = (k: number): bigint => BigInt(this.stamps[i * TXSTAMP_WORDS + k]!);
    return ((w(TXSTAMP.SEC_HI) << 32n) | w(TXSTAMP.SEC_LO)) * 1_000_000_000n + w(TXSTAMP.NSEC);
  }
  stamp(i: number, word: number): number {
    return this.stamps[i * TXSTAMP_WORDS + word]!;
  }
  /** Fills a slot with a packet of its own for 127.0.0.1:port. */
  aim(slot: number, port: number, length = 48, flags = 0): void {
    this.words.fill(0, (slot * SLOT_BYTES) / 4, (slot * SLOT_BYTES) / 4 + SLOT_META);
    this.put(slot, META.FAMILY, 4);
    this.put(slot, META.SRC_PORT, port);
    this.bytes.set([127, 0, 0, 1], slot * SLOT_BYTES + META.SRC_ADDR * 4);
    this.put(slot, META.TX_LENGTH, length);
    this.put(slot, META.TX_FLAGS, flags);
  }
  /** Receives at least `count` packets (bounded), calling `each` a batch; returns how many. */
  gather(count: number, each: (n: number) => void = () => {}): number {
    let got = 0;
    for (let i = 0; i < 1000 && got < count; i++) {
      const n = this.set.receive(1000);
      each(n);
      got += n;
    }
    return got;
  }
}

const withPlanes = (planes: Plane[], run: () => void): void => {
  try {
    run();
  } finally {
    for (const plane of planes) plane.set.close();
  }
};

/** Held open: the kernel begins to stamp a moment after the first socket asks for it, and stops after the last one. */
let stamping: Plane;
before(() => {
  stamping = new Plane(local({ timestamping: STAMPED }));
  let kind = 0;
  for (let i = 0; i < 1000 && kind === 0; i++) {
    stamping.aim(0, stamping.set.ports[0]!);
    stamping.set.send(1);
    stamping.gather(1);
    kind = stamping.get(0, META.RX_KIND);
  }
  assert.equal(kind, 1, 'the kernel stamps');
});
after(() => stamping.set.close());

describe('native packet slab', () => {
  it('is laid out as ports/transport says', () => {
    assert.deepEqual(native.slabLayout(), {
      slots: SLAB_SLOTS,
      slotBytes: SLOT_BYTES,
      metaWords: SLOT_META,
      meta: { ...META },
      txStampWords: TXSTAMP_WORDS,
      txStampMax: TXSTAMP_MAX,
    });
  });

  it('per address: what is sent to an address of the host comes by a socket of its own, the rest by the first', () => {
    const server = new Plane(local({ address: '', perAddress: true, timestamping: STAMPED }));
    const port = server.set.ports[0]!;
    const client = new Plane(local());
    withPlanes([server, client], () => {
      assert.equal(server.set.ports.length, 1, 'ports of those that were asked for');
      for (const [last, own] of [[1, true] as const, [5, false] as const]) {
        client.aim(0, port);
        client.bytes.set([127, 0, 0, last], META.SRC_ADDR * 4);
        assert.equal(client.set.send(1), 1);
        assert.equal(server.gather(1), 1);
        assert.equal(server.get(0, META.SOCKET) > 0, own, `127.0.0.${last}`);
        assert.deepEqual([...server.bytes.subarray(META.DST_ADDR * 4, META.DST_ADDR * 4 + 4)], [127, 0, 0, last]);
        server.put(0, META.TX_LENGTH, 48);
        server.put(0, META.TX_FLAGS, TX_FLAG.WANT_TX);
        assert.equal(server.set.send(1), 1);
        assert.equal(client.gather(1), 1);
        assert.deepEqual([...client.bytes.subarray(META.SRC_ADDR * 4, META.SRC_ADDR * 4 + 4)], [127, 0, 0, last]);
        assert.equal(server.set.drainTxStamps(), 1);
        assert.equal(server.stamp(0, TXSTAMP.SOCKET), server.get(0, META.SOCKET));
      }
      for (const address of ['', '127.0.0.1']) {
        for (const more of [{}, { reuseAddress: true }, { reusePort: true }]) {
          failsWith('EADDRINUSE', () => new Plane(local({ address, port, ...more })));
        }
      }
    });
  });

  it('a majority that wants transmit stamps: everybody gets what he asked for', () => {
    const server = new Plane(local({ timestamping: STAMPED }));
    const client = new Plane(local());
    withPlanes([server, client], () => {
      const port = client.set.ports[0]!;
      const wants = [
        (i: number) => i % 8 !== 0,
        (i: number) => i % 8 === 0,
        () => true,
        () => false,
        (i: number) => i < 1,
      ];
      for (const want of wants) {
        for (let i = 0; i < 16; i++) server.aim(i, port, 48, want(i) ? TX_FLAG.WANT_TX : 0);
        assert.equal(server.set.send(16), 16);
        const asked = Array.from({ length: 16 }, (_, i) => i).filter(want);
        const ids = asked.map((i) => server.get(i, META.TX_ID));
        for (let i = 0; i < 16; i++) assert.equal(server.get(i, META.TX_ID) !== NO_STAMP, want(i));
        const n = server.set.drainTxStamps();
        assert.deepEqual(
          Array.from({ length: n }, (_, i) => server.stamp(i, TXSTAMP.ID)),
          ids,
        );
        assert.equal(client.gather(16), 16);
      }
    });
  });

  it('carries a request in with its kernel stamp and addresses, and the reply out', () => {
    const server = new Plane(local({ address: '', timestamping: STAMPED }));
    const client = new Plane(local({ timestamping: STAMPED }));
    withPlanes([server, client], () => {
      client.aim(0, server.set.ports[0]!);
      client.bytes.set([127, 0, 0, 5], META.SRC_ADDR * 4);
      client.packet(0, 48).fill(7);
      assert.equal(client.set.send(1), 1);
      assert.equal(server.set.receive(1000), 1);
      assert.equal(server.get(0, META.RX_LENGTH), 48);
      assert.equal(server.get(0, META.TRUNCATED), 0);
      assert.equal(server.get(0, META.RX_KIND), 1);
      assert.equal(server.get(0, META.FAMILY), 4);
      assert.equal(server.get(0, META.SRC_PORT), client.set.ports[0]);
      assert.deepEqual([...server.bytes.subarray(META.SRC_ADDR * 4, META.SRC_ADDR * 4 + 4)], [127, 0, 0, 1]);
      assert.deepEqual([...server.bytes.subarray(META.DST_ADDR * 4, META.DST_ADDR * 4 + 4)], [127, 0, 0, 5]);
      assert.ok(server.get(0, META.IFINDEX) > 0);
      const late = native.clockGettime('realtime') - server.time(0, META.RX_SEC_LO);
      assert.ok(late >= 0n && late < 5_000_000_000n);
      assert.ok(server.packet(0, 48).every((b) => b === 7));

      server.put(0, META.TX_LENGTH, 48);
      assert.equal(server.set.send(1), 1);
      assert.equal(client.set.receive(1000), 1);
      // The reply comes from the address that was asked.
      assert.deepEqual([...client.bytes.subarray(META.SRC_ADDR * 4, META.SRC_ADDR * 4 + 4)], [127, 0, 0, 5]);
    });
  });

  it('serves both families in one set', () => {
    const six = { family: 6, address: '::1', port: 0, timestamping: STAMPED } as const;
    const server = new Plane(local(), six);
    const client = new Plane(six);
    withPlanes([server, client], () => {
      client.aim(0, server.set.ports[1]!, 20);
      client.put(0, META.FAMILY, 6);
      client.bytes.fill(0, META.SRC_ADDR * 4, META.SRC_ADDR * 4 + 16);
      client.bytes[META.SRC_ADDR * 4 + 15] = 1;
      assert.equal(client.set.send(1), 1);
      assert.equal(server.set.receive(1000), 1);
      assert.equal(server.get(0, META.SOCKET), 1);
      assert.equal(server.get(0, META.FAMILY), 6);
      assert.equal(server.bytes[META.DST_ADDR * 4 + 15], 1);
      assert.equal(server.get(0, META.RX_LENGTH), 20);
      server.put(0, META.TX_LENGTH, 20);
      assert.equal(server.set.send(1), 1);
      assert.equal(client.set.receive(1000), 1);
    });
  });

  it('stamps T3 into the packet: raw plus correction, rounded up, lowest bit clear', () => {
    const server = new Plane(local());
    withPlanes([server], () => {
      const corrections = [
        [0, 0],
        [-1, -999_999_999],
        [3, 999_999_999],
        [0, -1],
        [-2_000_000_000, 5],
      ] as const;
      corrections.forEach(([sec, nsec], i) => {
        server.aim(i, server.set.ports[0]!, 48, TX_FLAG.STAMP);
        server.put(i, META.TX_CORR_SEC, sec);
        server.put(i, META.TX_CORR_NSEC, nsec);
      });
      assert.equal(server.set.send(corrections.length), corrections.length);
      corrections.forEach(([sec, nsec], i) => {
        const cooked = server.time(i, META.T3_SEC_LO) + BigInt(sec) * 1_000_000_000n + BigInt(nsec);
        const wanted = toNtp64(fromUnix(cooked / 1_000_000_000n, Number(cooked % 1_000_000_000n)));
        const view = new DataView(server.set.slab, i * SLOT_BYTES + SLOT_DATA + 40, 8);
        assert.equal(view.getUint32(0), wanted.hi);
        assert.equal(view.getUint32(4), (wanted.lo & ~1) >>> 0);
      });
    });
  });

  it('tells each reply of a group when it leaves, not when the group does', () => {
    const BATCH = 48;
    const server = new Plane(local());
    const sink = new Plane(local({ receiveBufferBytes: 4 << 20 }));
    const middle = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;
    withPlanes([server, sink], () => {
      /** ns from the time that a reply tells to its receive stamp, which loopback takes inside the send; by place. */
      const errors: number[][] = Array.from({ length: BATCH }, () => []);
      const gaps: number[] = [];
      for (let round = 0; round < 200; round++) {
        for (let i = 0; i < BATCH; i++) {
          server.aim(i, sink.set.ports[0]!, 48, TX_FLAG.STAMP);
          server.put(i, META.TX_CORR_NSEC, round % 2 === 0 ? 0 : 1_500);
        }
        assert.equal(server.set.send(BATCH), BATCH);
        let place = 0;
        let before = 0n;
        sink.gather(BATCH, (got) => {
          for (let i = 0; i < got; i++, place++) {
            const came = sink.time(i, META.RX_SEC_LO);
            const view = new DataView(sink.packet(i, 48).slice().buffer);
            const sec = BigInt(view.getUint32(40)) - 2_208_988_800n;
            const told = sec * 1_000_000_000n + ((BigInt(view.getUint32(44)) * 1_000_000_000n) >> 32n);
            errors[place]!.push(Number(came - told) + (round % 2 === 0 ? 0 : 1_500));
            if (place > 0) gaps.push(Number(came - before));
            before = came;
          }
        });
        assert.equal(place, BATCH);
        for (let i = 0; i < BATCH; i++) {
          assert.equal(server.get(i, META.TX_ERRNO), 0);
          assert.equal(server.get(i, META.TX_ID), NO_STAMP);
        }
      }
      // The first rounds find out how long one takes; the first two replies of a batch leave alone. One time for a pair
      // would be wrong by that for its second.
      const typical = errors.slice(2).map((all) => middle(all.slice(50)));
      const range = Math.max(...typical) - Math.min(...typical);
      assert.ok(range < middle(gaps) / 2, `${typical}: one takes ${middle(gaps)} ns`);
    });
  });

  it('sends a group without those that cannot leave, each with its errno', () => {
    const BATCH = 12;
    const BAD = 7;
    const server = new Plane(local());
    const sink = new Plane(local());
    withPlanes([server, sink], () => {
      for (let i = 0; i < BATCH; i++) {
        server.aim(i, i === BAD ? 0 : sink.set.ports[0]!, 48, TX_FLAG.STAMP);
        server.packet(i, 40).fill(i);
      }
      assert.equal(server.set.send(BATCH), BATCH - 1);
      const came: number[] = [];
      sink.gather(BATCH - 1, (got) => {
        for (let i = 0; i < got; i++) came.push(sink.packet(i, 48)[0]!);
      });
      const good = Array.from({ length: BATCH }, (_, i) => i).filter((i) => i !== BAD);
      assert.deepEqual(came, good);
      for (let i = 0; i < BATCH; i++) assert.equal(server.get(i, META.TX_ERRNO) === 0, i !== BAD, `${i}`);
    });
  });

  it('leaves the packet alone without STAMP, and tells T3 all the same', () => {
    const server = new Plane(local());
    withPlanes([server], () => {
      server.aim(0, server.set.ports[0]!);
      server.packet(0, 48).fill(9);
      assert.equal(server.set.send(1), 1);
      assert.ok(server.packet(0, 48).every((b) => b === 9));
      assert.ok(server.time(0, META.T3_SEC_LO) > 0n);
    });
  });

  it('cuts a datagram that is too long and says so; takes an empty one', () => {
    const server = new Plane(local());
    const client = new Plane(local());
    withPlanes([server, client], () => {
      client.aim(0, server.set.ports[0]!, SLOT_MAX_PACKET);
      client.aim(1, server.set.ports[0]!, 1);
      assert.equal(client.set.send(2), 2);
      assert.equal(server.gather(2), 2);
      assert.equal(server.get(0, META.RX_LENGTH) + server.get(1, META.RX_LENGTH), SLOT_MAX_PACKET + 1);
      assert.equal(server.get(0, META.TRUNCATED), 0);
    });
  });

  it('refuses bad slots one by one, with an errno each', () => {
    const plane = new Plane(local({ timestamping: STAMPED }));
    const port = plane.set.ports[0]!;
    withPlanes([plane], () => {
      const bad: [string, (slot: number) => void][] = [
        ['socket', (s) => plane.put(s, META.SOCKET, 1)],
        ['too long', (s) => plane.put(s, META.TX_LENGTH, SLOT_MAX_PACKET + 1)],
        ['family', (s) => plane.put(s, META.FAMILY, 6)],
        ['port 0', (s) => plane.put(s, META.SRC_PORT, 0)],
        ['too short for a stamp', (s) => plane.put(s, META.TX_LENGTH, 47)],
        [
          'broadcast',
          (s) => plane.bytes.fill(255, s * SLOT_BYTES + META.SRC_ADDR * 4, s * SLOT_BYTES + META.SRC_ADDR * 4 + 4),
        ],
      ];
      bad.forEach(([, spoil], i) => {
        plane.aim(i, port, 48, TX_FLAG.STAMP);
        spoil(i);
      });
      plane.aim(bad.length, port, 48, TX_FLAG.STAMP);
      plane.aim(bad.length + 1, port, 0);
      assert.equal(plane.set.send(bad.length + 2), 1);
      for (const [i, [what]] of bad.entries()) assert.ok(plane.get(i, META.TX_ERRNO) > 0, what);
      assert.equal(plane.get(bad.length, META.TX_ERRNO), 0);
    });
  });
});

describe('native transmit stamps', () => {
  it('match their packets by id, over 1000 of them, failing sends in between', () => {
    const server = new Plane(local({ timestamping: STAMPED }));
    const sink = new Plane(local({ receiveBufferBytes: 4 << 20 }));
    withPlanes([server, sink], () => {
      assert.equal(server.set.granted[0]!.timestamping & STAMPED, STAMPED);
      const sent = new Map<number, { t3: bigint; next: bigint }>();
      const seen = new Map<number, bigint>();
      const BATCH = 20;
      for (let round = 0; round < 60; round++) {
        const kinds = Array.from({ length: BATCH }, (_, i) =>
          round % 3 === 0 && i === 7 ? 'fail' : i % 6 === 5 ? 'plain' : 'stamp',
        );
        kinds.forEach((kind, i) => {
          server.aim(i, sink.set.ports[0]!, 48, TX_FLAG.STAMP | (kind === 'plain' ? 0 : TX_FLAG.WANT_TX));
          if (kind === 'fail') server.put(i, META.SRC_PORT, 0);
        });
        assert.equal(server.set.send(BATCH), kinds.filter((k) => k !== 'fail').length);
        const end = native.clockGettime('realtime');
        kinds.forEach((kind, i) => {
          if (kind !== 'stamp') return;
          const id = server.get(i, META.TX_ID);
          assert.ok(!sent.has(id), `id ${id} given twice`);
          const next = i + 1 < BATCH ? server.time(i + 1, META.T3_SEC_LO) : end;
          sent.set(id, { t3: server.time(i, META.T3_SEC_LO), next: next === 0n ? end : next });
        });
        const n = server.set.drainTxStamps();
        for (let i = 0; i < n; i++) {
          assert.equal(server.stamp(i, TXSTAMP.SOCKET), 0);
          assert.equal(server.stamp(i, TXSTAMP.KIND), 1);
          seen.set(server.stamp(i, TXSTAMP.ID), server.stampTime(i));
        }
      }
      assert.ok(sent.size >= 960 && !sent.has(NO_STAMP));
      assert.equal(seen.size, sent.size);
      // Over loopback the stamp is taken inside the send: between this packet's T3 and the next one's.
      for (const [id, { t3, next }] of sent) {
        const at = seen.get(id);
        assert.ok(at !== undefined && at >= t3 && at <= next, `stamp ${id}: ${at} not in ${t3}…${next}`);
      }
    });
  });

  it('match them where packets that carry no time of their own leave several by one call', () => {
    const server = new Plane(local({ timestamping: STAMPED }));
    const sink = new Plane(local({ receiveBufferBytes: 4 << 20 }));
    withPlanes([server, sink], () => {
      const BATCH = 20;
      for (let round = 0; round < 40; round++) {
        const failing = round % 3 === 1 ? 7 : -1;
        const timed = round % 4 === 2 ? 11 : -1;
        for (let i = 0; i < BATCH; i++) {
          server.aim(i, sink.set.ports[0]!, 48, TX_FLAG.WANT_TX | (i === timed ? TX_FLAG.STAMP : 0));
          server.packet(i, 48).fill(i);
          if (i === failing) server.put(i, META.SRC_PORT, 0);
        }
        const good = Array.from({ length: BATCH }, (_, i) => i).filter((i) => i !== failing);
        const start = native.clockGettime('realtime');
        assert.equal(server.set.send(BATCH), good.length);
        const end = native.clockGettime('realtime');
        if (failing >= 0) assert.notEqual(server.get(failing, META.TX_ERRNO), 0);
        const ids = good.map((i) => server.get(i, META.TX_ID));
        const times = good.map((i) => server.time(i, META.T3_SEC_LO));
        assert.deepEqual(
          times,
          times.toSorted((a, b) => Number(a - b)),
        );
        assert.ok(times.every((t) => t >= start && t <= end));
        const n = server.set.drainTxStamps();
        // A packet that fails ends the count of the kernel: what follows it is stamped anew, or not at all for a moment.
        if (failing < 0) assert.equal(n, BATCH);
        for (let k = 0; k < n; k++) {
          const i = ids.indexOf(server.stamp(k, TXSTAMP.ID));
          assert.ok(i >= 0 && server.stampTime(k) >= start && server.stampTime(k) <= end, `${k}`);
        }
        let from = 0;
        sink.gather(good.length, (got) => {
          for (let i = 0; i < got; i++, from++) {
            const bytes = sink.packet(i, 48);
            assert.ok(good[from] === timed || bytes.every((byte) => byte === good[from]), `round ${round}, ${from}`);
          }
        });
        assert.equal(from, good.length);
      }
    });
  });

  it('that the kernel drops for want of room are missed by nobody but their packets', () => {
    // What waits to be read, stamps included, shares the room of the receive buffer.
    const server = new Plane(local({ timestamping: STAMPED, receiveBufferBytes: 4096 }));
    const sink = new Plane(local());
    withPlanes([server, sink], () => {
      const fill = (): void => {
        for (let i = 0; i < SLAB_SLOTS; i++) sink.aim(i, server.set.ports[0]!, 48);
        sink.set.send(SLAB_SLOTS);
      };
      const stampedBetween = (): number[] => {
        const ids: number[] = [];
        server.aim(0, sink.set.ports[0]!, 48, TX_FLAG.WANT_TX);
        assert.equal(server.set.send(1), 1);
        const id = server.get(0, META.TX_ID);
        const n = server.set.drainTxStamps();
        for (let i = 0; i < n; i++) ids.push(server.stamp(i, TXSTAMP.ID));
        return [id, ...ids];
      };
      const [before, ...good] = stampedBetween();
      assert.deepEqual(good, [before]);
      fill();
      const [lost, ...none] = stampedBetween();
      assert.deepEqual([lost, none], [before! + 1, []]);
      while (server.set.receive(0) > 0);
      const [after, ...again] = stampedBetween();
      assert.deepEqual([after, again], [before! + 2, [after]], 'the next one has its own');
    });
  });

  it('that nobody fetched do not make receive() spin, and are kept', () => {
    const server = new Plane(local({ timestamping: STAMPED }));
    const sink = new Plane(local());
    withPlanes([server, sink], () => {
      server.aim(0, sink.set.ports[0]!, 48, TX_FLAG.WANT_TX);
      server.set.send(1);
      const cpu = process.cpuUsage();
      const start = process.hrtime.bigint();
      assert.equal(server.set.receive(300), 0);
      assert.ok(process.hrtime.bigint() - start >= 290_000_000n, 'came back early');
      const used = process.cpuUsage(cpu);
      assert.ok(used.user + used.system < 150_000, 'spun while waiting');
      assert.equal(server.set.drainTxStamps(), 1);
      assert.equal(server.stamp(0, TXSTAMP.ID), 0);
      assert.equal(server.set.drainTxStamps(), 0);
    });
  });

  it('are asked of cards, too: loopback has none, its stamps say by which interface they left', () => {
    const loopback = native.linkInfo('lo').index;
    for (const family of [4, 6] as const) {
      const address = family === 4 ? '127.0.0.1' : '::1';
      const both = { family, address, port: 0, timestamping: STAMPED | CARDS };
      const [server, sink] = [new Plane(both), new Plane(both)];
      withPlanes([server, sink], () => {
        for (let round = 0; round < 3; round++) {
          server.aim(0, sink.set.ports[0]!, 48, TX_FLAG.WANT_TX);
          server.put(0, META.FAMILY, family);
          if (family === 6) {
            server.bytes.fill(0, META.SRC_ADDR * 4, META.SRC_ADDR * 4 + 16);
            server.bytes[META.SRC_ADDR * 4 + 15] = 1;
          }
          assert.equal(server.set.send(1), 1);
          const id = server.get(0, META.TX_ID);
          assert.equal(server.set.drainTxStamps(), 1);
          assert.deepEqual(
            [TXSTAMP.ID, TXSTAMP.KIND, TXSTAMP.IFINDEX].map((word) => server.stamp(0, word)),
            [id, 1, loopback],
          );
          assert.equal(sink.set.receive(1000), 1);
          assert.deepEqual([sink.get(0, META.RX_KIND), sink.get(0, META.HW_IFINDEX)], [1, 0]);
        }
      });
    }
  });

  it('beyond the store are fetched by calling again', () => {
    // The error queue is bounded by the receive buffer: the default holds 255 stamps.
    const server = new Plane(local({ timestamping: STAMPED, receiveBufferBytes: 1 << 20 }));
    const sink = new Plane(local());
    withPlanes([server, sink], () => {
      for (let round = 0; round < 6; round++) {
        for (let i = 0; i < SLAB_SLOTS; i++) server.aim(i, sink.set.ports[0]!, 48, TX_FLAG.WANT_TX);
        assert.equal(server.set.send(SLAB_SLOTS), SLAB_SLOTS);
      }
      assert.equal(server.set.drainTxStamps(), TXSTAMP_MAX);
      assert.equal(server.stamp(0, TXSTAMP.ID), 0);
      const rest = server.set.drainTxStamps();
      assert.ok(rest > 0 && rest <= 6 * SLAB_SLOTS - TXSTAMP_MAX); // all of them, where the buffer was granted
      assert.equal(server.stamp(0, TXSTAMP.ID), TXSTAMP_MAX);
    });
  });

  it('are not asked for where the socket has them off', () => {
    const plane = new Plane(local());
    withPlanes([plane], () => {
      assert.equal(plane.set.granted[0]!.timestamping, 0);
      plane.aim(0, plane.set.ports[0]!, 48, TX_FLAG.WANT_TX);
      assert.equal(plane.set.send(1), 1);
      assert.equal(plane.get(0, META.TX_ID), NO_STAMP);
      assert.equal(plane.set.drainTxStamps(), 0);
      assert.equal(plane.set.receive(1000), 1);
      assert.equal(plane.get(0, META.RX_KIND), 1); // SO_TIMESTAMPNS
    });
  });
});

describe('native packet sockets', () => {
  it('drop flags that the kernel does not know', () => {
    const plane = new Plane(local({ timestamping: STAMPED | OPT_TX_SWHW | (1 << 12) | (1 << 29) }));
    withPlanes([plane], () => {
      const granted = plane.set.granted[0]!.timestamping;
      assert.equal(granted & STAMPED, STAMPED);
      assert.equal(granted & (1 << 29), 0);
    });
  });

  it('count what a full buffer lost', () => {
    const server = new Plane(local({ receiveBufferBytes: 8192 }));
    const client = new Plane(local());
    withPlanes([server, client], () => {
      const blast = (count: number): void => {
        for (let i = 0; i < count; i++) client.aim(i, server.set.ports[0]!);
        assert.equal(client.set.send(count), count);
      };
      blast(SLAB_SLOTS);
      const got = server.set.receive(1000);
      assert.ok(got > 0 && got < SLAB_SLOTS);
      blast(1); // the count travels with the next packet that finds room
      assert.equal(server.set.receive(1000), 1);
      assert.equal(server.set.overflows(), SLAB_SLOTS - got);
    });
  });

  it('are opened as asked', () => {
    const first = new Plane(local({ reusePort: true, reuseAddress: true, dscp: 46, device: 'lo', freeBind: true }));
    const port = first.set.ports[0]!;
    const second = new Plane(local({ port, reusePort: true, reuseAddress: true }));
    const away = new Plane(local({ address: '192.0.2.77', freeBind: true }));
    withPlanes([first, second, away], () => {
      assert.equal(second.set.ports[0], port);
      failsWith('EADDRINUSE', () => new native.UdpSet([local({ port })]));
      failsWith('EADDRNOTAVAIL', () => new native.UdpSet([local({ address: '192.0.2.77' })]));
      failsWith('EINVAL', () => new native.UdpSet([local({ address: 'localhost' })]));
      failsWith('ENODEV', () => new native.UdpSet([local({ device: 'nosuch0' })]));
    });
  });

  it('wake from another thread', async () => {
    const plane = new Plane(local());
    native.wake(plane.set.wakeFd);
    native.wake(plane.set.wakeFd);
    assert.equal(plane.set.receive(1000), 0); // rung before: returns at once, and is silent again
    const begin = process.hrtime.bigint();
    assert.equal(plane.set.receive(60), 0);
    assert.ok(process.hrtime.bigint() - begin >= 50_000_000n);

    const ready = new Int32Array(new SharedArrayBuffer(4));
    const worker = startWorker(
      `Atomics.store(data.ready, 0, 1); Atomics.notify(data.ready, 0);
       Atomics.wait(data.ready, 0, 1, 30); native.wake(data.fd);`,
      { fd: plane.set.wakeFd, ready },
    );
    Atomics.wait(ready, 0, 0, 5000);
    const start = process.hrtime.bigint();
    assert.equal(plane.set.receive(1000), 0);
    assert.ok(process.hrtime.bigint() - start < 990_000_000n, 'was not woken');
    await new Promise((resolve) => worker.on('exit', resolve));
    plane.set.close();
  });

  it('refuse misuse and use after close', () => {
    const odd =
      (o: object): (() => unknown) =>
      () =>
        new native.UdpSet([{ ...local(), ...o } as NativeUdpOptions]);
    misused([
      () => new native.UdpSet([]),
      () => new native.UdpSet({} as NativeUdpOptions[]),
      () => new native.UdpSet([null as unknown as NativeUdpOptions]),
      () => new native.UdpSet(Array.from({ length: 65 }, () => local())),
      odd({ family: 5 }),
      odd({ family: undefined }),
      odd({ address: 4 }),
      odd({ address: '127.0.0.1\0' }),
      odd({ port: 65536 }),
      odd({ dscp: 64 }),
      odd({ reusePort: 1 }),
      odd({ device: 1 }),
      odd({ receiveBufferBytes: -1 }),
      odd({ timestamping: 0.5 }),
      () => native.wake(-1),
      () => native.wake('x' as unknown as number),
    ]);
    failsWith('EBADF', () => native.wake(1_000_000));
    const { set } = new Plane(local());
    misused([() => set.receive('1' as unknown as number), () => set.send(SLAB_SLOTS + 1), () => set.send(-1)]);
    misused([() => (native.UdpSet.prototype as NativeUdpSet).receive.call({}, 0)]);
    set.close();
    set.close();
    misused([() => set.receive(0), () => set.send(0), () => set.drainTxStamps(), () => set.overflows()]);
  });

  it('never write into a slab that was given away', () => {
    const { set } = new Plane(local());
    structuredClone(set.slab, { transfer: [set.slab] });
    misused([() => set.receive(0), () => set.send(1)]);
    set.close();
  });
});
