import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { loadNative, type NativeDatagram } from '../../../src/devices/native.js';
import { failsWith, misused, openFds, until } from '../../support/native.js';

const native = loadNative();
const dir = mkdtempSync(join(tmpdir(), 'tb-syslog-'));
after(() => rmSync(dir, { recursive: true }));
const path = join(dir, 'log');

/** What listens at /dev/log, at another place. */
const listen = (): { lines: string[]; socket: NativeDatagram } => {
  const lines: string[] = [];
  const socket = new native.Datagram(path, { unlink: true });
  socket.start(
    (bytes) => lines.push(Buffer.from(bytes).toString()),
    () => {},
  );
  return { lines, socket };
};

describe('native system log', () => {
  it('writes lines as syslog(3) does', async () => {
    const { lines, socket } = listen();
    const log = new native.Syslog(path, 'timeballd');
    assert.equal(log.write(6, 'Selected source PPS'), true);
    await until('a line', () => lines.length === 1);
    // <24 + 6>: facility daemon, severity informational.
    assert.match(
      lines[0]!,
      new RegExp(
        `^<30>[A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d timeballd\\[${process.pid}\\]: Selected source PPS$`,
      ),
    );
    log.close();
    socket.close();
  });

  it('finds a log that was restarted, and loses lines meanwhile without waiting', async () => {
    const first = listen();
    const log = new native.Syslog(path, 't');
    first.socket.close();
    assert.equal(log.write(3, 'lost'), false);
    const second = listen();
    assert.equal(log.write(3, 'found'), true);
    await until('a line', () => second.lines.length === 1);
    log.close();
    second.socket.close();
  });

  it('a reader that does not read holds nobody up', () => {
    const socket = new native.Datagram(path, { unlink: true });
    const log = new native.Syslog(path, 't');
    let lost = 0;
    for (let i = 0; i < 2000; i++) if (!log.write(7, 'x'.repeat(200))) lost++;
    assert.ok(lost > 0);
    log.close();
    socket.close();
  });

  it('misuse and missing listeners', () => {
    const fds = openFds();
    failsWith('ENOENT', () => new native.Syslog(join(dir, 'none'), 't'));
    failsWith('ENAMETOOLONG', () => new native.Syslog(`/${'x'.repeat(200)}`, 't'));
    const { socket } = listen();
    const log = new native.Syslog(path, 't');
    misused([
      () => log.write(8, 'x'),
      () => log.write(-1, 'x'),
      () => log.write(6, 5 as unknown as string),
      () => new native.Syslog(path, undefined as unknown as string),
    ]);
    log.close();
    misused([() => log.write(6, 'x')]);
    socket.close();
    assert.equal(openFds(), fds);
  });
});
