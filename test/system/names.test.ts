/**
 * Servers and pools by name: a name server that is not there, comes, changes its mind and goes again. Ours and a real
 * chronyd ask the same one; in network namespaces, and nobody's clock is moved.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { peerSet, startChronyd } from '../support/chronypair.js';
import { cleanUp, Running, runProgram, startDaemon, testDir, track } from '../support/daemon.js';
import { inside, openStar, type Spoke, type Star, withoutNamespaces } from '../support/netlab.js';
import { repoRoot, requirePeer } from '../support/peers.js';
import { watchClock } from '../support/unclocked.js';

const NAMESERVER = '127.0.0.53';
const FAST = 'iburst minpoll 0 maxpoll 0';
const CONFIG = [
  'port 0',
  `pool pool.example ${FAST} maxsources 3`,
  `server one.example ${FAST}`,
  `server two.example ${FAST}`,
];
const { chronyd, chronyc } = peerSet('chrony-trixie');

let star: Star | undefined;
let etc: string | undefined;
let reason: unknown;
const stillClock = watchClock();

before(() => {
  try {
    star = openStar(2);
    // ip(8) puts it over /etc of the programs it starts in the namespace.
    etc = join('/etc/netns', star.hub);
    mkdirSync(etc, { recursive: true });
    writeFileSync(join(etc, 'resolv.conf'), `nameserver ${NAMESERVER}\noptions timeout:1 attempts:1\n`);
  } catch (error) {
    reason = error;
  }
});

after(async () => {
  await cleanUp();
  if (etc !== undefined) rmSync(etc, { recursive: true, force: true });
  star?.close();
  stillClock();
});

const startNameserver = async (ns: string, zone: string): Promise<void> => {
  const script = join(repoRoot, 'dist', 'test', 'support', 'nameserver.js');
  const [program, ...args] = inside(ns, [process.execPath, script, NAMESERVER, zone]);
  const running = new Running(spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] }), '', '');
  track(running);
  await running.logged(/ready/);
};

const asked = async (daemon: Running, ...words: string[]): Promise<string> =>
  (await runProgram(chronyc, ['-h', daemon.socket, '-n', ...words])).stdout;

/** Addresses, sorted, those that answer and agree marked. */
const addresses = async (daemon: Running): Promise<string[]> =>
  (await daemon.report('sources')).map((r) => `${r[2]} ${/[-*+]/.test(r[1]!) ? 'good' : 'silent'}`).sort();

const comesTo = (daemon: Running, wanted: readonly string[]): Promise<true> =>
  daemon.until(`sources ${wanted.join()}`, async () => {
    return (await addresses(daemon)).join() === [...wanted].sort().join() ? true : undefined;
  });

describe('names', () => {
  it('no name server, one that knows, one that has changed its mind, none again', async (t) => {
    if (requirePeer(t, 'chronyd', 'chrony-trixie') === undefined) return;
    if (star === undefined) return withoutNamespaces(t, reason);
    const [first, second] = star.spokes as [Spoke, Spoke];
    for (const { ns } of star.spokes) await startChronyd(chronyd, ['local stratum 1', 'allow'], ns);
    const zone = join(testDir(), 'zone');
    await startNameserver(star.hub, zone);
    const both = [await startChronyd(chronyd, CONFIG, star.hub), await startDaemon(CONFIG, { ns: star.hub })];
    const unknown = async (): Promise<string[]> =>
      Promise.all(both.map(async (d) => /(\d+) sources with unknown/.exec(await asked(d, 'activity'))![1]!));
    const refresh = async (): Promise<void> => {
      for (const daemon of both) assert.match(await asked(daemon, 'refresh'), /200 OK/);
    };
    assert.deepEqual(await unknown(), ['8', '8']);

    // Three of the pool's addresses are nobody's: the three that answer are taken, and no more are asked.
    const pool = [0, 1, 2].map((i) => first.address4(i));
    const nobody = [101, 102, 103].map((i) => `10.77.1.${i}`);
    const told = [...nobody.slice(0, 2), ...pool, ...nobody.slice(2)].join(' ');
    writeFileSync(zone, `pool.example ${told}\none.example ${second.address4(0)}\n`);
    await refresh();
    const good = [...pool, second.address4(0)].map((a) => `${a} good`);
    for (const daemon of both) await comesTo(daemon, good);
    assert.deepEqual(await unknown(), ['1', '1']);

    // One has moved, one is known now, and a member has left the pool.
    const [one, two] = [second.address4(1), second.address4(2)];
    const members = [...pool.slice(0, 2), first.address4(3)];
    writeFileSync(zone, `pool.example ${members.join(' ')}\none.example ${one}\ntwo.example ${two}\n`);
    await refresh();
    const moved = [...members, one, two].map((a) => `${a} good`);
    for (const daemon of both) {
      await comesTo(daemon, moved);
      await daemon.logged(new RegExp(`Source ${second.address4(0)} replaced with ${one} \\(one\\.example\\)`));
      await daemon.logged(/Selected source \S+ \((pool|one|two)\.example\)/);
      assert.match(await asked(daemon, 'sourcename', two), /^two\.example$/m);
    }
    assert.deepEqual(await unknown(), ['0', '0']);

    // Nothing is lost with the name server.
    rmSync(zone);
    await refresh();
    for (const daemon of both) await comesTo(daemon, moved);
  });
});
