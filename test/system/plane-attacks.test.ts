/** What an attacker on the network can do to the packet plane, over real sockets on loopback. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Plane } from '../../src/app/plane.js';
import { decodeReply, field, type Ntp64Text, type Reply, request, ZERO } from '../support/packets.js';
import { startTestPlane } from '../support/plane.js';

const bound = (address: string, port = 0): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    socket.once('error', reject);
    socket.bind(port, address, () => resolve(socket));
  });

/** Everything that comes back to a socket for a while after the packets were sent one by one. */
const volley = async (plane: Plane, socket: Socket, packets: readonly Uint8Array[]): Promise<Uint8Array[]> => {
  const got: Uint8Array[] = [];
  const keep = (m: Buffer): void => void got.push(new Uint8Array(m));
  socket.on('message', keep);
  const before = plane.counter('received');
  for (const p of packets) socket.send(p, plane.ports[0]!, '127.0.0.1');
  for (let i = 0; i < 100 && plane.counter('received') < before + packets.length; i++) await setTimeout(10);
  await setTimeout(30);
  socket.off('message', keep);
  return got;
};

describe('packet plane under attack', () => {
  it('1000 good interleaved clients keep theirs beside a flood of forged addresses that overfills the table', async () => {
    const plane = await startTestPlane({ clientLogLimit: 4096 * 128 });
    const sockets: Socket[] = [];
    try {
      const good = await bound('127.0.0.1');
      sockets.push(good);
      // Loopback is a /8: every client has an address of its own by binding to it. 40 sockets stand for 1000.
      const clients = await Promise.all(Array.from({ length: 40 }, (_, i) => bound(`127.1.0.${i + 1}`)));
      sockets.push(...clients);
      const flood = await Promise.all(Array.from({ length: 200 }, (_, i) => bound(`127.2.${i}.1`)));
      sockets.push(...flood);
      const origins: Ntp64Text[] = clients.map(() => ZERO);
      let interleaved = 0;
      let valid = 0;
      const rounds = 12;
      for (let round = 0; round < rounds; round++) {
        // 25 forged requests to one good, each with an origin that pretends to know us.
        for (let k = 0; k < 5; k++) {
          for (const [i, s] of flood.entries()) {
            const origin = { hi: 0xeee00000 + round, lo: ((i * 7919 + k) << 1) | 1 };
            s.send(request({ origin, receive: { hi: 9, lo: 9 } }), plane.ports[0]!, '127.0.0.1');
          }
        }
        const replies = await Promise.all(
          clients.map(
            (s, i) =>
              new Promise<Reply | undefined>((resolve) => {
                const timer = globalThis.setTimeout(() => resolve(undefined), 1000);
                s.once('message', (m) => {
                  clearTimeout(timer);
                  resolve(decodeReply(new Uint8Array(m)));
                });
                s.send(request({ origin: origins[i]!, receive: { hi: 5, lo: 6 } }), plane.ports[0]!, '127.0.0.1');
              }),
          ),
        );
        for (const [i, r] of replies.entries()) {
          if (r === undefined) continue;
          if (round >= 2) {
            valid++;
            if (r.origin.hi === 5) interleaved++;
          }
          origins[i] = r.receive;
        }
      }
      const due = clients.length * (rounds - 2);
      assert.ok(valid >= 0.99 * due, `${valid} of ${due} answered`);
      assert.ok(interleaved >= 0.99 * due, `${interleaved} of ${due} interleaved`);
      assert.equal(plane.serverStats().ntpInterleavedHits, interleaved, 'nobody else got one');
    } finally {
      for (const s of sockets) s.close();
      await plane.stop();
    }
  });

  it('two servers that are made to talk to each other fall silent at once', async () => {
    const a = await startTestPlane();
    const b = await startTestPlane();
    // A relay with the address of each towards the other: every reply comes back as if the other had sent it.
    const relay = await bound('127.0.0.1');
    let carried = 0;
    relay.on('message', (m, from) => {
      carried++;
      if (carried < 1000) relay.send(m, from.port === a.ports[0] ? b.ports[0]! : a.ports[0]!, '127.0.0.1');
    });
    try {
      for (const version of [1, 2, 3, 4]) {
        for (const mode of [0, 1, 2, 3, 4, 5, 6, 7]) {
          relay.send(request({ version, mode }), a.ports[0]!, '127.0.0.1');
        }
      }
      await setTimeout(300);
      // One reply to each of the 9 requests that are answered, none to any reply.
      assert.equal(carried, 9);
    } finally {
      relay.close();
      await Promise.all([a.stop(), b.stop()]);
    }
  });

  it('never sends more bytes than it got, nor two packets for one; counters add up exactly', async () => {
    const plane = await startTestPlane({ limit: { interval: 0, burst: 8, leak: 1, kod: 1 } });
    const socket = await bound('127.0.0.1');
    const packets: Uint8Array[] = [];
    for (let length = 0; length <= 200; length++) packets.push(request({ length }));
    for (const type of [0x0104, 0x0204, 0x0404, 0x2222, 0xf323]) {
      for (const bytes of [4, 16, 20, 24, 28, 36, 64]) packets.push(request({ tail: field(type, bytes) }));
    }
    for (const size of [0, 3, 15, 65535]) {
      const tail = field(0x2222, 28);
      new DataView(tail.buffer).setUint16(2, size);
      packets.push(request({ tail }));
    }
    try {
      const got = await volley(plane, socket, packets);
      const answerable = packets.filter((p) => p.length >= 48 && p.length % 4 === 0);
      assert.ok(got.length > 5 && got.length <= answerable.length);
      assert.ok(Math.max(...got.map((g) => g.length)) <= 200);
      const sum = (list: readonly Uint8Array[]): number => list.reduce((n, p) => n + p.length, 0);
      assert.ok(sum(got) <= sum(answerable));
      const { ntpHits, ntpDrops } = plane.serverStats();
      const c = (name: Parameters<Plane['counter']>[0]): number => plane.counter(name);
      assert.equal(c('received'), packets.length);
      assert.equal(ntpHits + c('malformed') + c('denied') + c('stale') + c('controlDropped'), packets.length);
      assert.equal(got.length, ntpHits - ntpDrops - c('unauthenticated') + c('kisses'));
      const [client] = [...Array(plane.clients()!.size).keys()].flatMap((i) => plane.clients()!.at(i) ?? []);
      assert.deepEqual([client!.ntpHits, client!.ntpDrops], [ntpHits, ntpDrops]);
    } finally {
      socket.close();
      await plane.stop();
    }
  });

  it('mode 6 and 7 from anybody: silence', async () => {
    const plane = await startTestPlane({ onControl: () => [new Uint8Array(400)] });
    const socket = await bound('127.0.0.1');
    try {
      const packets = [6, 7].flatMap((mode) => [
        request({ version: 2, mode, length: 12 }),
        request({ version: 2, mode }),
      ]);
      assert.equal((await volley(plane, socket, packets)).length, 0);
      assert.equal(plane.counter('controlDropped'), 2);
    } finally {
      socket.close();
      await plane.stop();
    }
  });

  it('a second in which the main thread does nothing loses no packet', async () => {
    const plane = await startTestPlane();
    const { Worker } = await import('node:worker_threads');
    // The clients have a thread of their own: this one is about to be busy.
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      const socket = require('node:dgram').createSocket('udp4');
      let got = 0;
      socket.on('message', () => got++);
      const packet = Buffer.alloc(48); packet[0] = 0x23; packet[47] = 1;
      socket.bind(0, '127.0.0.1', () => {
        let sent = 0;
        const timer = setInterval(() => {
          for (let i = 0; i < 20; i++) socket.send(packet, workerData, '127.0.0.1');
          if ((sent += 20) >= 1000) { clearInterval(timer); setTimeout(() => { parentPort.postMessage([sent, got]); socket.close(); }, 300); }
        }, 10);
      });`;
    const worker = new Worker(code, { eval: true, workerData: plane.ports[0] });
    await new Promise((resolve) => worker.once('online', resolve));
    const answer = new Promise<number[]>((resolve) => worker.once('message', resolve));
    const until = performance.now() + 1000;
    while (performance.now() < until);
    assert.deepEqual(await answer, [1000, 1000]);
    await plane.stop();
  });
});
