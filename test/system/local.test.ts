/** `local` with activate and distance beside the real chronyd: served only after one good time, and when that is old. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { peerSet, startChronyd } from '../support/chronypair.js';
import { cleanUp, freePort, poll, type Running, startDaemon } from '../support/daemon.js';
import { peersRequired } from '../support/peers.js';

after(cleanUp);

const CHRONYD = peerSet('chrony-trixie').chronyd;
const LOCAL = '7F7F0101 8 Normal';
const SYNCED = '7F000001 2 Normal';

/** Reference id, stratum, leap status. */
const state = async (daemon: Running): Promise<string> => {
  const [row] = await daemon.report('tracking');
  return row === undefined ? 'silent' : `${row[0]} ${row[2]} ${row[13]}`;
};

/** Largest root distance, s. */
const farthest = async (daemons: readonly Running[]): Promise<number> => {
  const rows = await Promise.all(daemons.map((daemon) => daemon.report('tracking')));
  return Math.max(...rows.map(([row]) => (row === undefined ? 16 : Number(row[10]) / 2 + Number(row[11]))));
};

const settles = (daemons: readonly Running[], wanted: readonly string[], ms: number): Promise<true> => {
  let seen: string[] = [];
  return poll(
    wanted.join(' | '),
    async () => {
      seen = await Promise.all(daemons.map(state));
      return seen.join() === wanted.join() ? true : undefined;
    },
    ms,
    () => `it is ${seen.join(' | ')}\n${daemons.map((d) => d.log()).join('\n')}`,
  );
};

describe('local', () => {
  it('activate and distance have the effect that they have in chronyd', async (t) => {
    if (!existsSync(CHRONYD)) {
      if (peersRequired()) throw new Error('peer chronyd 4.6 is required and not installed (scripts/install-peers)');
      t.skip('peer chronyd 4.6 is not installed');
      return;
    }
    const port = await freePort();
    const lines = (options: string): string[] => [
      `server 127.0.0.1 port ${port} iburst minpoll 0 maxpoll 0`,
      `local stratum 8 distance 0.004 ${options}`,
      'maxclockerror 100',
      'port 0',
    ];
    const both = async (options: string): Promise<Running[]> => [
      await startChronyd(CHRONYD, lines(options)),
      await startDaemon(lines(options)),
    ];
    const plain = await both('');
    const once = await both('activate 0.1');
    const never = await both('activate 0.00000001');
    await settles(plain, [LOCAL, LOCAL], 10_000);
    for (const daemon of [...once, ...never]) assert.match(await state(daemon), / 0 Not synchronised$/);
    const server = await startChronyd(CHRONYD, ['local stratum 1', 'allow', `port ${port}`]);
    const all = [...plain, ...once, ...never];
    await settles(
      all,
      all.map(() => SYNCED),
      30_000,
    );
    // The first update of a busy machine's chronyd may be farther away than `activate` wants.
    await poll('near enough for `activate`', async () => ((await farthest(once)) < 0.05 ? true : undefined), 30_000);
    await server.stop('SIGKILL');
    await settles([...plain, ...once], [LOCAL, LOCAL, LOCAL, LOCAL], 90_000);
    for (const daemon of never) assert.notEqual(await state(daemon), LOCAL);
  });

  it('waitunsynced: local time comes later, and goes at a command', async () => {
    const daemon = await startDaemon(['local stratum 8 waitunsynced 4', 'port 0']);
    assert.match(await state(daemon), / 0 Not synchronised$/);
    await settles([daemon], [LOCAL], 10_000);
    const { stdout } = await daemon.chronyc('local', 'off');
    assert.match(stdout, /200 OK/);
    assert.match(await state(daemon), / 0 Not synchronised$/);
  });
});
