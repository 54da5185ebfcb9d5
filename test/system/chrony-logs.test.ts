/** What chronyd writes without a reference, and of a key file that everybody may read: side by side with ours. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { ask, linkTo, peerSet, startChronyd } from '../support/chronypair.js';
import { cleanUp, poll, type Running, testDir } from '../support/daemon.js';
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
