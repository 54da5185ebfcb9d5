import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { endEarly, startEarly, takeThread } from '../../../src/app/serve-thread.js';
import { decodeReply, request } from '../../support/packets.js';
import { startTestPlane } from '../../support/plane.js';

describe('thread of the packet plane', () => {
  it('that was started early waits, and serves what it is told to', async () => {
    startEarly();
    startEarly();
    const plane = await startTestPlane();
    const socket = createSocket('udp4');
    socket.send(request(), plane.ports[0]!, '127.0.0.1');
    const [bytes] = (await once(socket, 'message')) as [Buffer];
    assert.equal(decodeReply(new Uint8Array(bytes)).stratum, 1);
    socket.close();
    await plane.stop();
  });

  it('is given away once; without one there is a new one', async () => {
    startEarly();
    const early = takeThread();
    const other = takeThread();
    early.worker.ref();
    other.worker.ref();
    assert.notEqual(early, other);
    await Promise.all([early, other].map(({ worker }) => worker.terminate()));
  });

  it('ends where it is not needed, while it waits', async () => {
    const thread = takeThread();
    thread.worker.ref();
    await once(thread.worker, 'online');
    const exited = once(thread.worker, 'exit');
    await thread.worker.terminate();
    await exited;
    assert.equal(thread.attention[0], 0);
    startEarly();
    endEarly();
    endEarly();
    const plane = await startTestPlane();
    assert.equal(plane.ports.length, 1);
    await plane.stop();
  });

  it('that has ended says why when it is to serve', async () => {
    const thread = takeThread();
    const broken = new Error('no memory left for it');
    thread.worker.ref();
    thread.worker.emit('error', broken);
    assert.throws(() => thread.serve(undefined as never), broken);
    await thread.worker.terminate();
  });
});
