/** What chronyd writes without a reference, and of a key file that everybody may read: side by side with ours. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { loadNative } from '../../src/devices/native.js';
import { encodeSock } from '../../src/wire/refclock/sock.js';
import { ask, linkTo, peerSet, startChronyd } from '../support/chronypair.js';
import { cleanUp, freePort, poll, type Running, testDir } from '../support/daemon.js';
import { requirePeer } from '../support/peers.js';

after(cleanUp);

const SET = 'chrony-trixie';

/** Lines of tracking.log without their times and without what is still to be slewed, which is never quite nothing. */
const masked = (line: string): string =>
  line
    .slice(20)
    .split(/ +/)
    .filter((_, i) => i !== 8)
    .join(' ');

const tracking = (daemon: Running): readonly string[] => {
  const file = join(daemon.dir, 'tracking.log');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  return lines.flatMap((line) => (/^\d/.test(line) ? [masked(line)] : []));
};

const both = (lines: readonly string[]): Promise<[Running, Running]> =>
  Promise.all([startChronyd(peerSet(SET).chronyd, lines), startChronyd(linkTo('chronyd'), lines)]);

const SERVER = ['port 0', 'server 127.0.0.7 port 9 minpoll 6', 'logdir @DIR@', 'log tracking'];

describe('without a reference', { concurrency: 2, timeout: 60_000 }, () => {
  for (const drift of [undefined, '-1.5 0.25']) {
    it(`tracking.log at the start and after "reset sources", drift file: ${drift ?? 'none'}`, async (t) => {
      if (requirePeer(t, 'chronyd', SET) === undefined) return;
      const file = join(testDir(), 'drift');
      if (drift !== undefined) writeFileSync(file, `${drift}\n`);
      const pair = await both([...SERVER, ...(drift === undefined ? [] : [`driftfile ${file}`])]);
      const { chronyc } = peerSet(SET);
      for (const count of [1, 2, 3]) {
        await Promise.all(pair.map((d) => poll(`line ${count}`, () => tracking(d)[count - 1])));
        await Promise.all(pair.map((d) => ask(chronyc, d.socket, 'reset sources')));
      }
      await Promise.all(pair.map((d) => poll('line 4', () => tracking(d)[3])));
      const [theirs, ours] = pair.map(tracking);
      assert.match(theirs![0]!, /^0\.0\.0\.0 0 \S+ \S+ 0\.000e\+00 \? 0 0\.000e\+00 1\.000e\+00 /);
      assert.deepEqual(ours, theirs);
    });
  }
});

describe('a key file', { concurrency: 2, timeout: 60_000 }, () => {
  for (const [mode, words] of [
    [0o660, []],
    [0o601, []],
    [0o644, ['World-readable']],
    [0o602, ['World-writable']],
    [0o646, ['World-readable']],
  ] as const) {
    it(`with the mode ${mode.toString(8)}: ${words.join(', ') || 'nothing is said'}`, async (t) => {
      if (requirePeer(t, 'chronyd', SET) === undefined) return;
      const keys = join(testDir(), 'keys');
      writeFileSync(keys, '5 SHA256 HEX:00112233445566778899AABBCCDDEEFF\n');
      chmodSync(keys, mode);
      const pair = await both(['port 0', `keyfile ${keys}`]);
      const said = pair.map((d) => [...d.log().matchAll(/\S+ permissions on \S+/g)].map(([text]) => text));
      assert.deepEqual(said[1], said[0]);
      assert.deepEqual(
        said[0],
        words.map((word) => `${word} permissions on ${keys}`),
      );
    });
  }
});

describe('log files', { timeout: 60_000 }, () => {
  it('have the same banners and columns, and the selection is of all sources', async (t) => {
    const chronyd = requirePeer(t, 'chronyd', SET);
    if (chronyd === undefined) return;
    const port = await freePort();
    await startChronyd(chronyd, [`port ${port}`, 'bindaddress 127.0.0.1', 'allow', 'local stratum 5']);
    const sensor = join(testDir(), 'sensor');
    writeFileSync(sensor, '25.5\n');
    const names = ['measurements', 'statistics', 'selection', 'tracking', 'refclocks', 'tempcomp'];
    const pair = await both([
      'port 0',
      'logdir @DIR@',
      `log ${names.join(' ')}`,
      `server 127.0.0.1 port ${port} minpoll -1 maxpoll -1 iburst`,
      'refclock SOCK @DIR@/gps.sock refid GPS poll -1 filter 1 noselect',
      `tempcomp ${sensor} 0.5 20 1 0.1 0.01`,
    ]);
    const socket = new (loadNative().Datagram)(join(testDir(), 'feeder.sock'), { unlink: true });
    const timer = setInterval(() => {
      const now = Date.now();
      const stamp = { sec: BigInt(Math.floor(now / 1000)), usec: (now % 1000) * 1000, pulse: false, leap: 0 as const };
      for (const { dir } of pair) socket.send(encodeSock({ ...stamp, offset: 0.001 }), join(dir, 'gps.sock'));
    }, 200);
    const lines = (daemon: Running, name: string): readonly string[] => {
      const file = join(daemon.dir, `${name}.log`);
      return existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
    };
    try {
      for (const name of names)
        await Promise.all(pair.map((d) => d.until(name, () => (lines(d, name).length > 8 ? true : undefined))));
    } finally {
      clearInterval(timer);
      socket.close();
    }
    const figures = pair.map((daemon) =>
      names.map((name) => {
        const all = lines(daemon, name);
        // The last line may be half written.
        const widths = new Set(all.slice(3, -1).map((line) => line.length));
        return [name, all.slice(0, 3), [...widths]];
      }),
    );
    assert.deepEqual(figures[1], figures[0]);
    const listed = pair.map((d) => [
      ...new Set(
        lines(d, 'selection')
          .slice(3, 9)
          .map((line) => line.slice(20, 29).trim()),
      ),
    ]);
    assert.deepEqual(
      listed.map((names) => names.sort()),
      [
        ['127.0.0.1', 'GPS'],
        ['127.0.0.1', 'GPS'],
      ],
    );
  });
});
