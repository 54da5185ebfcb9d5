/** What chronyc says of our server agrees with what its clients counted, to the packet. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { loadNative } from '../../src/devices/native.js';
import { cleanUp, freePort, rows, runProgram, startDaemon, testDir } from '../support/daemon.js';
import { decodeReply, type Reply, request, ZERO } from '../support/packets.js';
import { requirePeer } from '../support/peers.js';

after(cleanUp);

const SECRET = Uint8Array.from(Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex'));
const keyed = (spoil = 0): Uint8Array => {
  const head = request();
  const out = new Uint8Array(68);
  out.set(head);
  new DataView(out.buffer).setUint32(48, 7);
  out.set(loadNative().ntpMac('AES128', SECRET, head), 52);
  out[67]! ^= spoil;
  return out;
};

const asker = (from: string, port: number) => {
  const socket = createSocket('udp4');
  const ready = new Promise<void>((resolve) => socket.bind(0, from, resolve));
  return {
    ask: async (bytes: Uint8Array, ms = 2000): Promise<Reply | undefined> => {
      await ready;
      return new Promise((resolve) => {
        const timer = setTimeout(() => {
          socket.removeAllListeners('message');
          resolve(undefined);
        }, ms);
        socket.once('message', (m) => {
          clearTimeout(timer);
          resolve(decodeReply(new Uint8Array(m)));
        });
        socket.send(bytes, port, '127.0.0.1');
      });
    },
    close: () => socket.close(),
  };
};

describe('counts', () => {
  it('serverstats and clients, basic, interleaved, authenticated, limited; rekey', async (t) => {
    const chronyc = requirePeer(t, 'chronyc');
    if (chronyc === undefined) return;
    const dir = testDir();
    const keys = join(dir, 'keys');
    writeFileSync(keys, `7 AES128 HEX:${Buffer.from(SECRET).toString('hex')}\n`, { mode: 0o600 });
    const port = await freePort();
    const lines = ['allow', `port ${port}`, 'bindaddress 127.0.0.1', 'local stratum 1', `keyfile ${keys}`];
    const daemon = await startDaemon([...lines, 'ratelimit interval 12 burst 20 leak 4'], { dir });
    const csv = async (command: string): Promise<string[][]> =>
      rows((await runProgram(chronyc, ['-h', daemon.socket, '-n', '-c', command])).stdout);
    const a = asker('127.0.0.21', port);
    const b = asker('127.0.0.22', port);
    const c = asker('127.0.0.23', port);
    try {
      // a: four in interleaved form, two of which are interleaved, and three with keys, one of them wrong.
      let origin = ZERO;
      let interleaved = 0;
      for (let i = 0; i < 4; i++) {
        const r = (await a.ask(request({ origin, receive: { hi: 5, lo: 6 } })))!;
        if (r.origin.hi === 5) interleaved++;
        origin = r.receive;
      }
      let authenticated = 0;
      for (const spoil of [0, 1, 0]) {
        const r = await a.ask(keyed(spoil), 300);
        if (r !== undefined) {
          authenticated++;
          assert.equal(r.bytes.length, 68);
        }
      }
      // b: more than its burst.
      let answered = 0;
      for (let i = 0; i < 30; i++) if ((await b.ask(request(), 60)) !== undefined) answered++;
      // c: nothing that counts as a request.
      assert.equal(await c.ask(request({ mode: 4 }), 60), undefined);
      assert.equal(await c.ask(request({ length: 47 }), 60), undefined);

      const [stats] = await csv('serverstats');
      const [hits, drops] = stats!.map(Number);
      assert.deepEqual([interleaved, authenticated], [2, 2]);
      assert.ok(answered >= 20 && answered < 30);
      const clients = await csv('clients');
      const line = (address: string): number[] | undefined =>
        clients
          .find((row) => row[0] === address)
          ?.slice(1, 3)
          .map(Number);
      assert.deepEqual(line('127.0.0.21'), [7, 0]);
      assert.deepEqual(line('127.0.0.22'), [30, 30 - answered]);
      assert.equal(line('127.0.0.23'), undefined);
      assert.deepEqual([hits, drops], [37, 30 - answered]);
      // Authenticated and interleaved stand in different columns in different versions of chronyc.
      assert.ok(stats!.filter((n) => n === '2').length >= 2, stats!.join());

      writeFileSync(keys, '8 AES128 HEX:00000000000000000000000000000000\n');
      const { stdout } = await runProgram(chronyc, ['-h', daemon.socket, 'rekey']);
      assert.match(stdout, /200 OK/);
      assert.equal(await a.ask(keyed(), 300), undefined, 'the old key is gone');
    } finally {
      for (const s of [a, b, c]) s.close();
    }
  });
});
