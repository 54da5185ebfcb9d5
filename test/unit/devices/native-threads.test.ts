import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { loadNative } from '../../../src/devices/native.js';
import { inChild, openFds, startWorker, threadCount, until } from '../../support/native.js';

const native = loadNative();
const dir = mkdtempSync(join(tmpdir(), 'tb-threads-'));
after(() => rmSync(dir, { recursive: true }));

/** Opens one of everything that has a thread or a descriptor, and keeps it busy. */
const EVERYTHING = `
  const fs = require('node:fs');
  const pty = native.openPty(9600);
  const slave = fs.openSync(pty.slavePath, fs.constants.O_RDWR | fs.constants.O_NOCTTY | fs.constants.O_NONBLOCK);
  const watch = new native.Arrivals(slave, () => { watch.take(); try { fs.readSync(slave, Buffer.alloc(512)); } catch { /* read already */ } });
  const box = new native.Datagram(data.path, { unlink: true });
  let got = 0;
  box.start(() => { if (++got === 10) parentPort.postMessage(set.wakeFd); }, () => {});
  const set = new native.UdpSet([{ family: 4, address: '127.0.0.1', port: 0, timestamping: 26 }]);
  const keep = setInterval(() => {
    fs.writeSync(pty.masterFd, 'x');
    box.send(new Uint8Array(8), data.path);
    if (got < 10) return;
    if (data.how === 'exit') process.exit(0);
    if (data.how === 'throw') throw new Error('on purpose');
    if (data.how === 'block') for (;;) set.receive(-1);
  }, 1);
  setTimeout(() => {}, 1e6);`;

const runWorkers = async (how: string, count: number): Promise<void> => {
  await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const worker = startWorker(EVERYTHING, { how, path: join(dir, `w${i}.sock`) });
      const failed: Error[] = [];
      worker.on('error', (e) => failed.push(e));
      const gone = once(worker, 'exit').catch(() => {});
      await once(worker, 'message').catch(() => {});
      if (how === 'terminate' || how === 'block') await worker.terminate();
      await gone;
      assert.deepEqual(
        failed.map((e) => e.message),
        how === 'throw' ? ['on purpose'] : [],
      );
    }),
  );
};

describe('native threads', () => {
  for (const how of ['terminate', 'exit', 'throw', 'block']) {
    it(`end with their worker (${how}), leaving nothing open`, { timeout: 30_000 }, async () => {
      await runWorkers(how, 3); // the first ones open what Node keeps
      // A pty's master is a bare number in JavaScript's hands: its end is the caller's business.
      const fds = openFds('/dev/ptmx');
      for (let round = 0; round < 2; round++) await runWorkers(how, 3);
      await until('descriptors closed', () => openFds('/dev/ptmx') <= fds);
      await until('threads gone', () => threadCount() === 0);
      assert.ok(!existsSync(join(dir, 'w0.sock')), 'the socket stayed in the file system');
    });
  }

  it('serve several environments at once', async () => {
    const bodies = [0, 1, 2].map((i) =>
      startWorker(
        `const box = new native.Datagram(data.path, { unlink: true });
         box.start((bytes) => { parentPort.postMessage(bytes[0]); box.close(); }, () => {});
         parentPort.postMessage('ready');`,
        { path: join(dir, `m${i}.sock`) },
      ),
    );
    const from = new native.Datagram(join(dir, 'main.sock'), { unlink: true });
    await Promise.all(
      bodies.map(async (worker, i) => {
        const gone = once(worker, 'exit');
        assert.deepEqual(await once(worker, 'message'), ['ready']);
        from.send(new Uint8Array([i]), join(dir, `m${i}.sock`));
        assert.deepEqual(await once(worker, 'message'), [i]);
        await gone; // closing the socket let the loop go
      }),
    );
    from.close();
  });

  it('keep a process alive while started, and no longer', async () => {
    const path = join(dir, 'alive.sock');
    const out = await inChild(`
      const box = new native.Datagram(${JSON.stringify(path)}, { unlink: true });
      const idle = new native.Datagram(${JSON.stringify(`${path}2`)}, { unlink: true });
      process.on('beforeExit', () => console.log('over'));
      box.start(() => { console.log('message'); box.close(); }, () => {});
      // Unref'd: only the started socket keeps the process here.
      setTimeout(() => idle.send(new Uint8Array(1), ${JSON.stringify(path)}), 50).ref();`);
    assert.deepEqual(out.split('\n'), ['message', 'over']);
  });

  it('turn a listener’s exception into an uncaught one, and go on', async () => {
    const path = join(dir, 'throw.sock');
    const out = await inChild(`
      const box = new native.Datagram(${JSON.stringify(path)}, { unlink: true });
      let n = 0;
      process.on('uncaughtException', (e) => console.log('uncaught', e.message));
      box.start(() => { if (++n === 2) { box.close(); return; } box.send(new Uint8Array(1), ${JSON.stringify(path)}); throw new Error('mine'); }, () => {});
      box.send(new Uint8Array(1), ${JSON.stringify(path)});`);
    assert.equal(out, 'uncaught mine');
  });

  it('let an abandoned object be collected', async () => {
    const out = await inChild(`
      const { readdirSync } = await import('node:fs');
      const fds = () => readdirSync('/proc/self/fd').length;
      const turn = async () => { gc(); await new Promise((r) => setTimeout(r, 10)); gc(); };
      await turn();
      const before = fds();
      (() => { for (let i = 0; i < 20; i++) {
        new native.UdpSet([{ family: 4, address: '127.0.0.1', port: 0 }]);
        new native.Datagram(${JSON.stringify(join(dir, 'gc'))} + i, { unlink: true });
      } })();
      const held = fds();
      for (let i = 0; i < 20 && fds() > before; i++) await turn();
      console.log(held > before + 50, fds() <= before);`);
    assert.equal(out, 'true true');
  });
});
