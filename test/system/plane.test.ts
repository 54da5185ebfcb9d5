import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Plane } from '../../src/app/plane.js';
import { parseIp } from '../../src/base/ip.js';
import { decodeReply, type Reply, request, stampDiff, ZERO } from '../support/packets.js';
import { hostState, startTestPlane } from '../support/plane.js';

/** One request, one reply; undefined when none comes in time. */
const ask = (socket: Socket, port: number, bytes: Uint8Array, host: string, ms = 1000): Promise<Reply | undefined> =>
  new Promise((resolve) => {
    const timer = globalThis.setTimeout(() => {
      socket.removeAllListeners('message');
      resolve(undefined);
    }, ms);
    socket.once('message', (m) => {
      clearTimeout(timer);
      resolve(decodeReply(new Uint8Array(m)));
    });
    socket.send(bytes, port, host);
  });

describe('packet plane over loopback', () => {
  let plane: Plane;
  let port4: number;
  let port6: number | undefined;
  const v4 = createSocket('udp4');
  const v6 = createSocket('udp6');

  before(async () => {
    plane = await startTestPlane({
      sockets: [
        { family: 4, address: '127.0.0.1', port: 0 },
        { family: 6, address: '::1', port: 0 },
      ],
    });
    [port4, port6] = plane.ports as [number, number | undefined];
  });
  after(async () => {
    v4.close();
    v6.close();
    await plane.stop();
  });

  it("answers over IPv4 with kernel stamps close to the host's clock", async () => {
    const r = (await ask(v4, port4, request(), '127.0.0.1'))!;
    assert.deepEqual([r.leap, r.stratum, r.mode], [0, 1, 4]);
    const age = Date.now() / 1000 - (r.receive.hi - 2_208_988_800 + r.receive.lo / 4294967296);
    assert.ok(age > -0.002 && age < 1, `${age}`);
    const inside = stampDiff(r.transmit, r.receive);
    assert.ok(inside > 0 && inside < 0.1, `${inside}`);
    assert.ok(plane.serverStats().kernelRx >= 1);
  });

  it('answers over IPv6', async (t) => {
    if (port6 === undefined) return t.skip('this host has no IPv6');
    assert.equal((await ask(v6, port6, request(), '::1'))!.stratum, 1);
  });

  it('replies from the address that was asked, not the one the route would choose', async () => {
    const any = await startTestPlane({ sockets: [{ family: 4, address: '', port: 0 }] });
    const from = await new Promise<string>((resolve) => {
      const timer = globalThis.setTimeout(() => resolve('nobody'), 1000);
      v4.once('message', (_, sender) => {
        clearTimeout(timer);
        resolve(sender.address);
      });
      v4.send(request(), any.ports[0]!, '127.9.8.7');
    });
    await any.stop();
    assert.equal(from, '127.9.8.7');
  });

  it("interleaves with the kernel's transmit stamp", async () => {
    let origin = ZERO;
    const stamp = { hi: 5, lo: 6 };
    const replies: Reply[] = [];
    for (let i = 0; i < 4; i++) {
      const r = (await ask(v4, port4, request({ origin, receive: stamp }), '127.0.0.1'))!;
      replies.push(r);
      origin = r.receive;
    }
    assert.deepEqual(
      replies.map((r) => r.origin.hi === 5),
      [false, false, true, true],
    );
    const stats = plane.serverStats();
    assert.deepEqual([stats.ntpInterleavedHits, stats.kernelTx], [2, 2]);
    const sent = stampDiff(replies[3]!.transmit, replies[2]!.receive);
    assert.ok(sent > 0 && sent < 0.1);
  });

  it('serves a new state, obeys live access rules, reports clients', async () => {
    plane.publish({ ...hostState(), stratum: 9 });
    assert.equal((await ask(v4, port4, request(), '127.0.0.1'))!.stratum, 9);
    plane.changeAccess({ allow: false, all: true, subnet: undefined });
    await setTimeout(50);
    assert.equal(await ask(v4, port4, request(), '127.0.0.1', 200), undefined);
    assert.equal(plane.accessAllowed(parseIp('127.0.0.1')!), false);
    assert.equal(plane.counter('denied'), 1);
    plane.changeAccess({ allow: true, all: false, subnet: { family: 4, address: parseIp('127.0.0.0')!, bits: 8 } });
    await setTimeout(50);
    assert.equal((await ask(v4, port4, request(), '127.0.0.1'))!.stratum, 9);
  });

  it('joins NTP and command hits of a client in one line, and resets it', () => {
    plane.countCommand(parseIp('127.0.0.1')!);
    plane.countCommand(parseIp('127.0.0.1')!);
    plane.countCommand(undefined);
    const clients = plane.clients()!;
    const all = () =>
      Array.from({ length: clients.size }, (_, i) => ({ i, report: clients.at(i) })).filter(
        (c) => c.report?.address === '127.0.0.1',
      );
    const [line, ...more] = all();
    assert.equal(more.length, 0);
    assert.equal(line!.report!.ntpHits, plane.serverStats().ntpHits - (port6 === undefined ? 0 : 1));
    assert.deepEqual([line!.report!.cmdHits, plane.serverStats().cmdHits], [2, 3]);
    assert.ok(line!.report!.lastNtpAgo < 10);
    clients.reset(line!.i);
    assert.deepEqual([all()[0]!.report!.ntpHits, all()[0]!.report!.cmdHits], [0, 0]);
  });
});

describe('packet plane: sockets that do not open', () => {
  it('is a coded error when none does', async () => {
    const first = await startTestPlane();
    const port = first.ports[0]!;
    await assert.rejects(startTestPlane({ sockets: [{ family: 4, address: '127.0.0.1', port }] }), (e: Error) => {
      assert.equal((e as Error & { code: string }).code, 'ERR_TB_SOCKET');
      assert.match(e.message, new RegExp(`NTP socket on 127.0.0.1:${port}`));
      return true;
    });
    await first.stop();
  });

  it('is a warning when another one does', async () => {
    const plane = await startTestPlane({
      sockets: [
        { family: 6, address: '2001:db8::1', port: 0 },
        { family: 4, address: '127.0.0.1', port: 0 },
      ],
    });
    assert.deepEqual(
      plane.warnings.map((w) => w.family),
      [6],
    );
    assert.equal(plane.ports.length, 1);
    await plane.stop();
  });
});

describe('packet plane: several workers', () => {
  it('all of them answer, and their counts add up', async () => {
    const plane = await startTestPlane({ workers: 2, sockets: [{ family: 4, address: '127.0.0.1', port: 11199 }] });
    const sockets = Array.from({ length: 12 }, () => createSocket('udp4'));
    try {
      for (const s of sockets) assert.equal((await ask(s, 11199, request(), '127.0.0.1'))!.stratum, 1);
      assert.equal(plane.serverStats().ntpHits, 12);
      assert.equal(plane.counter('received'), 12);
    } finally {
      for (const s of sockets) s.close();
      await plane.stop();
    }
    await plane.stop();
  });
});

/** One more request from an address of its own. */
const askFrom = (from: string, port: number, bytes = request()): Promise<Reply | undefined> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.bind(
      0,
      from,
      () =>
        void ask(socket, port, bytes, '127.0.0.1').then((r) => {
          socket.close();
          resolve(r);
        }),
    );
  });

describe('packet plane: steering by address', () => {
  it('a client always meets the same worker, whatever its port; clients are spread', async () => {
    const plane = await startTestPlane({ workers: 4, sockets: [{ family: 4, address: '127.0.0.1', port: 11198 }] });
    try {
      const hosts = Array.from({ length: 40 }, (_, i) => `127.0.1.${i + 1}`);
      for (let round = 0; round < 4; round++) {
        for (const host of hosts) assert.ok((await askFrom(host, 11198)) !== undefined);
      }
      // Every worker has a table of its own: an address stands in one of them only.
      const clients = plane.clients()!;
      const slots = Array.from({ length: clients.size }, (_, i) => clients.at(i)).filter((c) => c !== undefined);
      assert.equal(slots.length, 40);
      assert.deepEqual(new Set(slots.map((c) => c.ntpHits)), new Set([4]));
      const busy = plane.workerHits().filter((n) => n > 0);
      assert.equal(busy.length, 4, plane.workerHits().join());
      for (const n of busy) assert.equal(n % 4, 0, 'all requests of a client at one worker');
    } finally {
      await plane.stop();
    }
  });
});

describe('packet plane: steering over IPv6', () => {
  it('the program fits the other header: one address, one worker', async (t) => {
    const plane = await startTestPlane({ workers: 3, sockets: [{ family: 6, address: '::1', port: 11197 }] }).catch(
      () => undefined,
    );
    if (plane === undefined) return t.skip('this host has no IPv6');
    const sockets = Array.from({ length: 12 }, () => createSocket('udp6'));
    try {
      for (const s of sockets) assert.equal((await ask(s, 11197, request(), '::1'))!.stratum, 1);
      assert.deepEqual(
        [...plane.workerHits()].sort((a, b) => a - b),
        [0, 0, 12],
      );
    } finally {
      for (const s of sockets) s.close();
      await plane.stop();
    }
  });
});

describe('packet plane: keys', () => {
  it('verifies, seals, takes new keys', async () => {
    const { loadNative } = await import('../../src/devices/native.js');
    const secret = new Uint8Array(16).fill(7);
    const sealed = (): Uint8Array => {
      const head = request();
      const out = new Uint8Array(68);
      out.set(head);
      new DataView(out.buffer).setUint32(48, 5);
      out.set(loadNative().ntpMac('AES128', secret, head), 52);
      return out;
    };
    const plane = await startTestPlane({ keys: [{ id: 5, type: 'AES128', secret }] });
    const socket = createSocket('udp4');
    try {
      const [port] = plane.ports as [number];
      const r = (await ask(socket, port, sealed(), '127.0.0.1'))!;
      assert.equal(r.bytes.length, 68);
      const digest = loadNative().ntpMac('AES128', secret, r.bytes.subarray(0, 48));
      assert.deepEqual([...r.bytes.subarray(52)], [...digest]);
      assert.equal(plane.serverStats().ntpAuthHits, 1);
      const bad = sealed();
      bad[60]! ^= 1;
      assert.equal(await ask(socket, port, bad, '127.0.0.1', 150), undefined);
      plane.setKeys([{ id: 6, type: 'AES128', secret }]);
      await setTimeout(50);
      assert.equal(await ask(socket, port, sealed(), '127.0.0.1', 150), undefined);
      assert.equal(plane.counter('unauthenticated'), 2);
    } finally {
      socket.close();
      await plane.stop();
    }
  });
});

describe('packet plane: a worker that ends by itself', () => {
  it('is started again on the same port, counted, with its counters and rules; again and again is a fault', async () => {
    const told: Error[] = [];
    let fault: Error | undefined;
    const plane = await startTestPlane({
      onRestart: (e) => told.push(e),
      onFault: (e) => {
        fault = e;
      },
    });
    const socket = createSocket('udp4');
    const worker = () =>
      (plane as unknown as { members: { worker: import('node:worker_threads').Worker }[] }).members[0]!;
    try {
      const [port] = plane.ports as [number];
      const first = (await ask(socket, port, request(), '127.0.0.1'))!;
      plane.changeAccess({ allow: false, all: false, subnet: { family: 4, address: parseIp('127.0.5.5')!, bits: 32 } });
      await worker().worker.terminate();
      let r: Reply | undefined;
      const stamp = { hi: 5, lo: 6 };
      const echo = request({ origin: first.receive, receive: stamp });
      for (let i = 0; i < 20 && r === undefined; i++) r = await ask(socket, port, echo, '127.0.0.1', 200);
      assert.equal(r!.stratum, 1);
      assert.equal(r!.origin.hi === 5, false, 'nothing interleaved across the end');
      assert.deepEqual([plane.restarts, told.length, plane.ports[0]], [1, 1, port]);
      assert.ok(plane.serverStats().ntpHits >= 2);
      assert.equal(await askFrom('127.0.5.5', port).then((x) => x === undefined), true);
      for (let i = 0; i < 5; i++) {
        await worker().worker.terminate();
        if (i === 4) break;
        r = undefined;
        for (let k = 0; k < 20 && r === undefined; k++) r = await ask(socket, port, request(), '127.0.0.1', 200);
      }
      await setTimeout(50);
      assert.ok(fault !== undefined);
      assert.equal(plane.restarts, 5);
    } finally {
      socket.close();
      await plane.stop();
    }
  });
});
