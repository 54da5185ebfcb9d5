/**
 * Replies as no server should send them: forged, stale, garbled, lying. Ours and a real chronyd ask the same servers, one
 * of each kind, and must make the same of every one; who is good must stay good beside them.
 */
import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { peerSet, startChronyd } from '../support/chronypair.js';
import { cleanUp, freePort, type Running, runProgram, startDaemon } from '../support/daemon.js';
import { requirePeer } from '../support/peers.js';

const { chronyc } = peerSet('chrony-trixie');

/** s between 1900 and 1970. */
const ERA = 2_208_988_800;
/** Replies that make a habit. chronyd lets 0.2 s pass between any two requests: more often than this it would fall behind. */
const ENOUGH = 2;
const POLL = 2;
/** ms that both have for it. */
const WATCH_MS = 15_000;

const ORIGIN = 24;
const RECEIVE = 32;
const TRANSMIT = 40;

type Send = (bytes: Buffer, afterMs?: number, from?: Socket) => void;

interface Kind {
  readonly what: string;
  /** What is made of a good reply, and sent. */
  readonly answer: (good: Buffer, send: Send) => void;
  /** Is the source usable all the same? */
  readonly usable?: boolean;
  /** Tests that ours passes, where chronyd lets more pass. */
  readonly stricter?: string;
}

const now = (): { sec: number; fraction: number } => {
  const ms = performance.timeOrigin + performance.now();
  return { sec: Math.floor(ms / 1000) + ERA, fraction: Math.floor(((ms % 1000) / 1000) * 2 ** 32) };
};

const putStamp = (bytes: Buffer, at: number, later = 0): void => {
  const { sec, fraction } = now();
  bytes.writeUInt32BE((sec + later) >>> 0, at);
  bytes.writeUInt32BE(fraction, at + 4);
};

const goodReply = (request: Buffer): Buffer => {
  const reply = Buffer.alloc(48);
  reply[0] = (request[0]! & 0x38) | 4;
  reply[1] = 1;
  reply[2] = request[2]!;
  reply[3] = 0xec;
  reply.writeUInt32BE(16, 8);
  reply.write('GPS', 12);
  putStamp(reply, 16, -5);
  request.copy(reply, ORIGIN, TRANSMIT, 48);
  putStamp(reply, RECEIVE);
  putStamp(reply, TRANSMIT);
  return reply;
};

const changed = (bytes: Buffer, change: (copy: Buffer) => unknown): Buffer => {
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
};

const plain =
  (change: (copy: Buffer) => unknown) =>
  (good: Buffer, send: Send): void =>
    send(changed(good, change));

const longer =
  (...tail: number[]) =>
  (good: Buffer, send: Send): void =>
    send(Buffer.concat([good, Buffer.from(tail)]));

const kiss =
  (code: string) =>
  (copy: Buffer): Buffer => {
    copy[0]! |= 0xc0;
    copy[1] = 0;
    copy.write(code, 12);
    return copy;
  };

const forged = (copy: Buffer): void => {
  copy[ORIGIN + 5]! ^= 0x55;
};

const KINDS: readonly Kind[] = [
  { what: 'good', answer: (good, send) => send(good), usable: true },
  { what: 'wrong origin', answer: plain(forged) },
  { what: 'origin of zero', answer: plain((b) => b.fill(0, ORIGIN, ORIGIN + 8)) },
  { what: 'receive stamp of zero', answer: plain((b) => b.fill(0, RECEIVE, RECEIVE + 8)) },
  { what: 'transmit stamp of zero', answer: plain((b) => b.fill(0, TRANSMIT, TRANSMIT + 8)) },
  { what: 'stratum 16', answer: plain((b) => b.writeUInt8(16, 1)) },
  { what: 'stratum 0', answer: plain((b) => b.writeUInt8(0, 1)) },
  { what: 'leap 3', answer: plain((b) => b.writeUInt8(b[0]! | 0xc0, 0)) },
  { what: 'twenty seconds from the root', answer: plain((b) => b.writeUInt32BE(20 << 16, 8)) },
  { what: 'five seconds for the answer', answer: plain((b) => putStamp(b, TRANSMIT, 5)) },
  { what: 'answered before it was asked', answer: plain((b) => putStamp(b, TRANSMIT, -2)), stricter: '111 111 0..1' },
  {
    what: 'takes its time from us',
    answer: plain((b) => Buffer.from([2, 0, 0, 0]).copy(b, 1, 0, 1) && Buffer.from([127, 0, 0, 1]).copy(b, 12)),
  },
  { what: 'mode 5', answer: plain((b) => b.writeUInt8((b[0]! & 0xf8) | 5, 0)) },
  { what: 'mode 3', answer: plain((b) => b.writeUInt8((b[0]! & 0xf8) | 3, 0)) },
  { what: 'version 7', answer: plain((b) => b.writeUInt8(b[0]! | 0x38, 0)) },
  { what: 'a byte short', answer: (good, send) => send(good.subarray(0, 47)) },
  { what: 'a MAC that nobody asked for', answer: longer(0, 0, 0, 1, ...Array.from({ length: 16 }, (_, i) => i)) },
  { what: 'fields of garbage', answer: longer(...Array.from({ length: 36 }, (_, i) => (i * 37) & 255)) },
  { what: 'an odd length', answer: longer(1, 2, 3) },
  { what: 'later than the next request', answer: (good, send) => send(good, 5500) },
  { what: 'from another port', answer: (good, send) => send(good, 0, stranger) },
  { what: 'DENY, with a wrong origin', answer: plain((b) => forged(kiss('DENY')(b))) },
  { what: 'RATE, with a wrong origin', answer: plain((b) => forged(kiss('RATE')(b))) },
  {
    what: 'each twice',
    answer: (good, send) => {
      send(good);
      send(good);
    },
    usable: true,
  },
  {
    what: 'forged ones before the right one',
    answer: (good, send) => {
      for (const change of [forged, kiss('DENY'), kiss('RATE')]) send(changed(changed(good, change), forged));
      send(good, 1);
    },
    usable: true,
  },
  // chronyd goes on asking.
  { what: 'DENY', answer: plain(kiss('DENY')), stricter: '111 101 0..0' },
  { what: 'an unknown kiss', answer: plain(kiss('HUGS')) },
];

let stranger: Socket;
const sockets: Socket[] = [];

const listen = (address: string, port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    sockets.push(socket);
    socket.once('error', reject);
    socket.bind(port, address, () => resolve(socket));
  });

const addressOf = (i: number): string => `127.0.61.${i + 1}`;

const serve = async (kind: Kind, address: string, port: number): Promise<void> => {
  const socket = await listen(address, port);
  socket.on('message', (request: Buffer, from: RemoteInfo) => {
    kind.answer(goodReply(request), (bytes, afterMs = 0, by = socket) => {
      const send = (): void => by.send(bytes, from.port, from.address, () => {});
      if (afterMs > 0) globalThis.setTimeout(() => sockets.length > 0 && send(), afterMs);
      else send();
    });
  });
};

interface Seen {
  readonly tests: string;
  readonly valid: boolean;
  readonly good: boolean;
  readonly reached: boolean;
  readonly usable: boolean;
}

const seenBy = async (daemon: Running, address: string): Promise<Seen> => {
  const { stdout } = await runProgram(chronyc, ['-h', daemon.socket, '-n', 'ntpdata', address]);
  const total = (what: string): boolean => Number(new RegExp(`Total ${what} +: (\\d+)`).exec(stdout)?.[1]) >= ENOUGH;
  const row = (await daemon.report('sources')).find((r) => r[2] === address)!;
  return {
    // B and C depend on how the delays happen to vary.
    tests: (/NTP tests +: (.*)/.exec(stdout)?.[1] ?? '').replace(/(\d)\d\d(\d)$/, '$1..$2'),
    valid: total('valid RX'),
    good: total('good RX'),
    reached: row[5] !== '0',
    usable: /[-*+]/.test(row[1]!),
  };
};

after(async () => {
  await cleanUp();
  for (const socket of sockets.splice(0)) socket.close();
});

describe('replies that are no good', () => {
  it('each is taken for what chronyd takes it for', async (t) => {
    const chronyd = requirePeer(t, 'chronyd', 'chrony-trixie');
    if (chronyd === undefined) return;
    const port = await freePort();
    stranger = await listen('127.0.61.250', 0);
    for (const [i, kind] of KINDS.entries()) await serve(kind, addressOf(i), port);
    const pairs: (readonly [Running, Running])[] = [];
    for (const half of [0, 1]) {
      const mine = KINDS.flatMap((_, i) => (i % 2 === half ? [addressOf(i)] : []));
      const servers = mine.map((address) => `server ${address} port ${port} minpoll ${POLL} maxpoll ${POLL}`);
      const lines = async (): Promise<string[]> => [`port ${await freePort()}`, 'allow', ...servers];
      pairs.push([await startChronyd(chronyd, await lines()), await startDaemon(await lines())]);
    }
    await sleep(WATCH_MS);
    const differences: string[] = [];
    for (const [i, { what, usable = false, stricter }] of KINDS.entries()) {
      const [a, b] = await Promise.all(pairs[i % 2]!.map((daemon) => seenBy(daemon, addressOf(i))));
      t.diagnostic(`${what}: ${JSON.stringify(b)}`);
      try {
        if (stricter === undefined) assert.deepEqual(b, a);
        assert.deepEqual([b!.usable, b!.tests], [usable, stricter ?? b!.tests]);
      } catch {
        differences.push(`${what}:\n  chronyd ${JSON.stringify(a)}\n  ours    ${JSON.stringify(b)}`);
      }
    }
    assert.equal(differences.join('\n'), '');
  });
});
