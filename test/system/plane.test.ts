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
      assert.match(e.message, new RegExp(`IPv4 UDP socket on 127.0.0.1:${port}`));
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
