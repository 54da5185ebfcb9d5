import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadNative } from '../../../src/devices/native.js';
import { NtpClientDevice } from '../../../src/devices/ntpclient.js';
import { SystemResolver } from '../../../src/devices/resolver.js';
import type { NtpReply } from '../../../src/ports/ntpclient.js';
import { failsWith, misused } from '../../support/native.js';

const native = loadNative();
const NO_OPTIONS = { port: undefined, address4: undefined, address6: undefined, device: undefined, dscp: 0 };

interface Sent {
  readonly source: number;
  readonly serial: number;
  readonly time: bigint;
  readonly stamp: string;
}

/** A client and what it told; `server` answers each packet with `answers` packets (of the request's own bytes). */
class Rig {
  readonly sent: Sent[] = [];
  readonly replies: NtpReply[] = [];
  readonly failed: string[] = [];
  readonly ports: number[] = [];
  readonly device: NtpClientDevice;
  answers = 1;

  private constructor(
    readonly server: Socket,
    readonly port: number,
  ) {
    server.on('message', (bytes, from) => {
      this.ports.push(from.port);
      for (let i = 0; i < this.answers; i++) server.send(bytes, from.port, from.address);
    });
    this.device = new NtpClientDevice(
      native,
      { ...NO_OPTIONS, key: () => undefined },
      {
        onSent: (source, serial, time, stamp) => this.sent.push({ source, serial, time, stamp }),
        onReply: (reply) => this.replies.push(reply),
        onFailed: (_source, _serial, reason) => this.failed.push(reason),
      },
    );
  }

  static async open(): Promise<Rig> {
    const server = createSocket('udp4');
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    return new Rig(server, server.address().port);
  }

  request(source: number, serial: number, bytes = new Uint8Array(48).fill(serial)): void {
    this.device.send({ source, serial, address: '127.0.0.1', port: this.port, bytes, key: 0 });
  }

  async heard(replies: number): Promise<void> {
    for (let i = 0; i < 200 && this.replies.length < replies; i++) await sleep(5);
    assert.equal(this.replies.length, replies);
  }

  close(): void {
    this.device.stop();
    this.server.close();
  }
}

describe('NTP client sockets', () => {
  it('tell when the request left and when the reply came, by the kernel, in this order', async () => {
    const rig = await Rig.open();
    try {
      const before = native.clockGettime('realtime');
      rig.request(3, 1);
      await rig.heard(1);
      const [sent] = rig.sent;
      const [reply] = rig.replies;
      assert.deepEqual([sent!.source, sent!.serial, sent!.stamp], [3, 1, 'kernel']);
      assert.deepEqual(
        [reply!.source, reply!.stamp, reply!.local, reply!.authentic],
        [3, 'kernel', '127.0.0.1', false],
      );
      assert.ok(before <= sent!.time && sent!.time <= reply!.time && reply!.time <= native.clockGettime('realtime'));
      assert.deepEqual(reply!.bytes, new Uint8Array(48).fill(1));
    } finally {
      rig.close();
    }
  });

  it('use a new port for each request', async () => {
    const rig = await Rig.open();
    try {
      for (let i = 1; i <= 5; i++) {
        rig.request(1, i);
        await rig.heard(i);
      }
      assert.ok(new Set(rig.ports).size >= 4, `${rig.ports}`);
    } finally {
      rig.close();
    }
  });

  it('hear nothing from anybody else', async () => {
    const rig = await Rig.open();
    const stranger = createSocket('udp4');
    try {
      rig.answers = 0;
      rig.request(1, 1);
      for (let i = 0; i < 100 && rig.ports.length === 0; i++) await sleep(5);
      stranger.send(new Uint8Array(48), rig.ports[0]!, '127.0.0.1');
      await sleep(50);
      assert.equal(rig.replies.length, 0);
      rig.server.send(new Uint8Array(48), rig.ports[0]!, '127.0.0.1');
      await rig.heard(1);
    } finally {
      stranger.close();
      rig.close();
    }
  });

  it('hear every copy, and none after the next request of the same source', async () => {
    const rig = await Rig.open();
    try {
      rig.answers = 3;
      rig.request(1, 1);
      await rig.heard(3);
      assert.equal(rig.sent.length, 1);
      const [old] = rig.ports;
      rig.answers = 0;
      rig.request(1, 2);
      rig.server.send(new Uint8Array(48), old!, '127.0.0.1');
      await sleep(50);
      assert.equal(rig.replies.length, 3);
    } finally {
      rig.close();
    }
  });

  it('survive a closed port and an address without a route', async () => {
    const rig = await Rig.open();
    try {
      rig.device.send({ source: 1, serial: 1, address: '127.0.0.1', port: 1, bytes: new Uint8Array(48), key: 0 });
      rig.device.send({ source: 2, serial: 1, address: '0.0.0.0.0', port: 123, bytes: new Uint8Array(48), key: 0 });
      await sleep(50);
      assert.equal(rig.failed.length, 1);
      rig.device.send({ source: 3, serial: 1, address: '127.0.0.1', port: 123, bytes: new Uint8Array(48), key: 9 });
      assert.match(rig.failed[1]!, /there is no key 9/);
      rig.request(4, 1);
      await rig.heard(1);
    } finally {
      rig.close();
    }
  });

  it('refuse misuse', () => {
    const clients = new native.UdpClients(
      () => {},
      () => {},
    );
    const to = { address: '127.0.0.1', port: 123 };
    misused([
      () => clients.request('x' as never, to),
      () => clients.request(new Uint8Array(48), { ...to, port: 0 }),
      () => clients.request(new Uint8Array(48), { ...to, dscp: 64 }),
      () => clients.request(new Uint8Array(48), { ...to, warm: 1 as never }),
      () => clients.request(new Uint8Array(48), { ...to, hardware: 1 as never }),
    ]);
    failsWith('EINVAL', () => clients.request(new Uint8Array(48), { ...to, address: 'localhost' }));
    clients.forget(12345);
    clients.close();
    clients.close();
    misused([() => clients.request(new Uint8Array(48), to)]);
  });
});

describe('resolver', () => {
  it('knows localhost, and answers with nothing for what nobody knows', async () => {
    const resolver = new SystemResolver([4, 6]);
    assert.ok((await resolver.resolve('localhost', 4)).includes('127.0.0.1'));
    assert.deepEqual(await resolver.resolve('no-such-host.invalid', undefined), []);
    assert.deepEqual(await new SystemResolver([6]).resolve('localhost', 4), []);
  });
});
