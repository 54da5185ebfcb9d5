import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadNative } from '../../../src/devices/native.js';
import { failsWith, inChild, misused, openFds, until } from '../../support/native.js';

const native = loadNative();
const root = process.getuid?.() === 0;

describe('native process calls', () => {
  it('tells an interface’s time stamping', () => {
    const lo = native.tsInfo('lo');
    assert.equal(lo.flags & 0x18, 0x18); // software receive stamps, reported
    assert.equal(lo.phcIndex, -1);
    failsWith('ENODEV', () => native.tsInfo('nosuch0'));
    failsWith('ENODEV', () => native.tsInfo(''));
    failsWith('ENODEV', () => native.tsInfo('an-interface-name-too-long'));
    misused([() => native.tsInfo(1 as unknown as string), () => native.tsInfo('lo\0')]);
  });

  it('lists effective capabilities', () => {
    const names = native.capabilities.effective();
    assert.ok(Array.isArray(names) && new Set(names).size === names.length);
    if (root) assert.ok(names.includes('setuid'));
  });

  it('drops to a user with the named capabilities alone', async (t) => {
    if (!root || !native.capabilities.effective().includes('net_bind_service')) return t.skip('needs root');
    const out = await inChild(`
      native.capabilities.dropTo(65534, 65533, ['net_bind_service', 'sys_nice']);
      console.log(process.getuid(), process.geteuid(), process.getgid(), process.getgroups().join(), native.capabilities.effective().join());
      try { process.setuid(0); } catch (e) { console.log(e.code); }
      try { native.capabilities.dropTo(65534, 65533, ['sys_time']); } catch (e) { console.log(e.code, e.syscall); }
      // A worker started from here on inherits what is left.
      const { Worker } = await import('node:worker_threads');
      const w = new Worker("require('node:fs').readFileSync('/proc/thread-self/status','utf8').split('\\\\n').filter(l=>/^CapEff/.test(l)).forEach(l=>console.log(l.split(/\\\\s+/)[1]))", { eval: true, execArgv: [] });
      await new Promise((r) => w.on('exit', r));`);
    const mask = ((1 << 10) | (1 << 23)).toString(16).padStart(16, '0');
    // process.getgroups() reports the effective group besides the supplementary ones.
    assert.deepEqual(out.split('\n'), [
      '65534 65534 65533 65533 net_bind_service,sys_nice',
      'EPERM',
      'EPERM capset',
      mask,
    ]);
  });

  it('refuses a drop that is not understood, and changes nothing', () => {
    const before = native.capabilities.effective();
    misused([
      () => native.capabilities.dropTo(0, 0, ['CAP_SYS_TIME']),
      () => native.capabilities.dropTo(0, 0, 'sys_time' as unknown as string[]),
      () => native.capabilities.dropTo(-1, 0, []),
      () => native.capabilities.dropTo(0, 0xffffffff, []),
      () => native.capabilities.dropTo('nobody' as unknown as number, 0, []),
    ]);
    assert.deepEqual(native.capabilities.effective(), before);
  });

  it('locks memory, and goes on allocating after the drop of privileges', async (t) => {
    if (!native.capabilities.effective().includes('sys_resource')) return t.skip('needs CAP_SYS_RESOURCE');
    const out = await inChild(`
      native.lockMemory();
      native.capabilities.dropTo(65534, 65534, []);
      const all = [];
      for (let i = 0; i < 64; i++) all.push(new Uint8Array(1 << 20).fill(i));
      console.log(/VmLck:\\s+[1-9]/.test((await import('node:fs')).readFileSync('/proc/self/status', 'utf8')), all.length);`);
    assert.equal(out, 'true 64');
  });

  it('does not lock memory under a limit that it cannot lift', async (t) => {
    if (!root) return t.skip('needs root');
    const out = await inChild(`
      native.capabilities.dropTo(65534, 65534, []);
      try { native.lockMemory(); console.log('locked'); } catch (e) { console.log(e.code); }`);
    assert.match(out, /^(EPERM|locked)$/); // locked: where there is no limit
  });

  it('gives freed memory back, which malloc would have kept', async (t) => {
    if (process.env['LD_PRELOAD']?.includes('asan')) return t.skip('the sanitizer has a malloc of its own');
    const out = await inChild(`
      const { readFileSync } = await import('node:fs');
      const megabytes = () => Number(/RssAnon:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024;
      const allocate = (n, bytes) => Array.from({ length: n }, () => new Uint8Array(bytes).fill(1)).length;
      const settle = async () => { for (let i = 0; i < 3; i++) { gc(); await new Promise((r) => setTimeout(r, 20)); } };
      // Of the size that raises what glibc keeps, and then many small ones.
      allocate(1, 24 << 20);
      await settle();
      const before = megabytes();
      allocate(200, 100 << 10);
      await settle();
      const kept = megabytes();
      native.returnFreedMemory();
      console.log(kept - before > 10, megabytes() - before < 5);`);
    assert.equal(out, 'true true');
  });

  it('makes the calling thread SCHED_FIFO, and no thread that it starts', async (t) => {
    if (!native.capabilities.effective().includes('sys_nice')) return t.skip('needs CAP_SYS_NICE');
    const out = await inChild(`
      const { readFileSync } = await import('node:fs');
      const { Worker } = await import('node:worker_threads');
      native.scheduleFifo(2);
      const policy = "require('node:fs').readFileSync('/proc/thread-self/stat','utf8').split(') ')[1].split(' ')[38]";
      const w = new Worker("console.log(" + policy + ")", { eval: true, execArgv: [] });
      await new Promise((r) => w.on('exit', r));
      console.log(readFileSync('/proc/thread-self/stat', 'utf8').split(') ')[1].split(' ')[38]);`);
    assert.deepEqual(out.split('\n'), ['0', '1']); // SCHED_OTHER, SCHED_FIFO
    misused([
      () => native.scheduleFifo(0),
      () => native.scheduleFifo(100),
      () => native.scheduleFifo('1' as unknown as number),
    ]);
  });

  it('holds the CPU latency until released', (t) => {
    if (!root || !existsSync('/dev/cpu_dma_latency')) return t.skip('needs root and /dev/cpu_dma_latency');
    const fds = openFds();
    const release = native.holdCpuLatency();
    assert.equal(openFds(), fds + 1);
    release();
    release();
    assert.equal(openFds(), fds);
  });

  it('notifies a service manager, by path and by abstract name', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'tb-notify-'));
    const path = join(dir, 'n.sock');
    const manager = new native.Datagram(path, { unlink: true });
    const got: string[] = [];
    manager.start(
      (bytes, from) => got.push(`${Buffer.from(bytes)} ${from}`),
      () => {},
    );
    const say = "console.log(native.sdNotify('READY=1\\nSTATUS=ok'));";
    assert.equal(await inChild(say, { NOTIFY_SOCKET: path }), 'true');
    await until('notification', () => got.length === 1);
    assert.deepEqual(got, ['READY=1\nSTATUS=ok null']);
    manager.close();
    const refused = `try { ${say} } catch (e) { console.log(e.code, e.syscall); }`;
    assert.equal(await inChild(refused, { NOTIFY_SOCKET: path }), 'ENOENT sendto');
    assert.equal(await inChild(refused, { NOTIFY_SOCKET: '@timeball-nobody' }), 'ECONNREFUSED sendto');
    assert.equal(await inChild(refused, { NOTIFY_SOCKET: `/${'x'.repeat(120)}` }), 'ENAMETOOLONG sendto');
    assert.equal(await inChild(say, { NOTIFY_SOCKET: '' }), 'false');
    misused([() => native.sdNotify(1 as unknown as string)]);
    rmSync(dir, { recursive: true });
  });
});
