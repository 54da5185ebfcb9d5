import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { instant } from '../../../../src/base/time.js';
import { handleRequest } from '../../../../src/control/cmdmon/door.js';
import { openUdpDoor } from '../../../../src/control/cmdmon/udp.js';
import { type DatagramSocket, type DoorLog, openUnixDoor } from '../../../../src/control/cmdmon/unix.js';
import { encodeRequest, readReplyHeader } from '../../../../src/wire/cmdmon/packet.js';
import { address, fakeDaemon } from '../../../support/cmdmon.js';

const root = mkdtempSync(join(tmpdir(), 'tb-cmdmon-'));
after(() => rmSync(root, { recursive: true, force: true }));

const me = { uid: process.getuid!(), gid: process.getgid!() };
const { context } = fakeDaemon();
const handle = (bytes: Uint8Array, peer: Parameters<typeof handleRequest>[1]) => handleRequest(bytes, peer, context);

const logged = (): { log: DoorLog; texts: string[] } => {
  const texts: string[] = [];
  return { texts, log: { now: () => instant(0n), observer: { fact: ({ text }) => void texts.push(text) } } };
};

/** A socket whose other end is the test. */
class FakeSocket implements DatagramSocket {
  sent: [Uint8Array, string][] = [];
  closed = false;
  deliver: (bytes: Uint8Array, from: string | null) => void = () => undefined;
  start(onMessage: (bytes: Uint8Array, from: string | null) => void): void {
    this.deliver = onMessage;
  }
  send(bytes: Uint8Array, to: string): boolean {
    this.sent.push([bytes, to]);
    return true;
  }
  close(): void {
    this.closed = true;
  }
}

describe('control/cmdmon UNIX door', () => {
  const request = encodeRequest('TRACKING', {}, 7);
  it('makes its directory closed to others, and answers with full access', () => {
    const socket = new FakeSocket();
    const { log, texts } = logged();
    const path = join(root, 'a', 'b', 'd.sock');
    const door = openUnixDoor(path, me, () => socket, handle, log);
    assert.equal(statSync(join(root, 'a', 'b')).mode & 0o777, 0o770);
    socket.deliver(request, '/peer');
    socket.deliver(encodeRequest('SERVER_STATS', {}, 8), '/peer');
    assert.deepEqual(
      socket.sent.map(([bytes, to]) => [to, readReplyHeader(bytes)?.status]),
      [
        ['/peer', 0],
        ['/peer', 0],
      ],
    );
    door?.close();
    assert.ok(socket.closed);
    assert.deepEqual(texts, []);
  });
  it('does not answer an unbound peer', () => {
    const socket = new FakeSocket();
    openUnixDoor(join(root, 'a', 'b', 'd.sock'), me, () => socket, handle, logged().log);
    socket.deliver(request, null);
    assert.equal(socket.sent.length, 0);
  });
  const refused = (name: string, prepare: (directory: string) => void, owner: typeof me, text: RegExp): void => {
    it(`is disabled by ${name}`, () => {
      const directory = join(root, name.replaceAll(' ', '-'));
      prepare(directory);
      const { log, texts } = logged();
      const path = join(directory, 'd.sock');
      assert.equal(
        openUnixDoor(path, owner, () => assert.fail('opened'), handle, log),
        undefined,
      );
      assert.match(texts[0]!, text);
      assert.equal(texts[1], `Disabled command socket ${path}`);
    });
  };
  const make = (mode: number) => (directory: string) => {
    mkdirSync(directory);
    chmodSync(directory, mode);
  };
  refused('a directory open to others', make(0o755), me, /^Wrong permissions on \/.*a-directory-open-to-others$/);
  refused('another owner', make(0o770), { ...me, uid: me.uid + 1 }, /^Wrong owner of \/.* \(UID != \d+\)$/);
  refused('another group', make(0o770), { ...me, gid: me.gid + 1 }, /^Wrong owner of \/.* \(GID != \d+\)$/);
  refused('a link', (directory) => symlinkSync(root, directory), me, /is not a directory$/);
  it('is off by its own words', () => {
    assert.equal(
      openUnixDoor('/', me, () => assert.fail('opened'), handle, logged().log),
      undefined,
    );
  });
  it('lives without a socket that cannot be opened', () => {
    const { log, texts } = logged();
    const open = (): never => {
      throw new Error('EADDRINUSE');
    };
    assert.equal(openUnixDoor(join(root, 'c', 'd.sock'), me, open, handle, log), undefined);
    assert.match(texts[0]!, /^Could not open command socket on .* : EADDRINUSE$/);
  });
});

describe('control/cmdmon UDP door', () => {
  const freePort = async (): Promise<number> => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    socket.close();
    await once(socket, 'close');
    return port;
  };
  it('answers on each address, tells of the one it cannot have', async () => {
    const port = await freePort();
    const { log, texts } = logged();
    const door = await openUdpDoor([address('127.0.0.1'), address('198.51.100.77')], port, handle, log);
    try {
      assert.deepEqual(door.bound, [`127.0.0.1:${port}`]);
      assert.equal(texts.length, 1);
      assert.match(texts[0]!, /^Could not open command socket on 198\.51\.100\.77:/);
      const client = createSocket('udp4');
      client.send(encodeRequest('SERVER_STATS', {}, 9), port, '127.0.0.1');
      const [bytes] = (await once(client, 'message')) as [Uint8Array];
      assert.equal(readReplyHeader(bytes)?.status, 2);
      client.close();
    } finally {
      door.close();
    }
  });
  it('is off with port 0', async () => {
    const door = await openUdpDoor([address('127.0.0.1')], 0, handle, logged().log);
    assert.deepEqual(door.bound, []);
    door.close();
  });
});
