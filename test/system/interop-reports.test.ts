/**
 * Ours and a real chronyd side by side: the same configuration, the same servers, the same place in the network. What
 * chronyc says of both must agree: states, reachability, polls, strata, tests. In network namespaces; nobody's clock is moved.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, linkTo, peerSet, startChronyd } from '../support/chronypair.js';
import { cleanUp, type Running, runProgram, startDaemon } from '../support/daemon.js';
import { openStar, type Spoke, type Star, withoutNamespaces } from '../support/netlab.js';
import { requirePeer } from '../support/peers.js';
import { watchClock } from '../support/unclocked.js';

const FAST = 'iburst minpoll 0 maxpoll 0';
/** ms that both have to come to the same view. */
const AGREE_MS = 40_000;

interface Views {
  readonly star: Star;
  readonly ours: Running;
  readonly theirs: Running;
}

let views: Views | undefined;
let reason: unknown;
const stillClock = watchClock();
/** Before 4.6 a source that was never heard is called unsynchronised. */
const { chronyd, chronyc } = peerSet('chrony-trixie');

/** The words of a configuration; each line is a case that has its own way through selection and reports. */
const configuration = (star: Star): string[] => {
  const [first, second, liar, nobody] = star.spokes as [Spoke, Spoke, Spoke, Spoke];
  return [
    'port 0',
    // Which one of several equal sources is chosen is chance.
    `server ${first.address4(0)} ${FAST} prefer`,
    `server ${first.address6(0)} ${FAST} xleave`,
    `server ${second.address4(0)} ${FAST} xleave`,
    `server ${second.address4(1)} ${FAST} noselect`,
    `server ${second.address4(2)} minpoll 1 maxpoll 1 offline`,
    `server ${liar.address4(0)} ${FAST}`,
    `server ${nobody.address4(0)} ${FAST}`,
  ];
};

/** A chronyd that is half a second wrong: it follows one that is right, and takes it for late. */
const startLiar = async (at: Spoke): Promise<void> => {
  const honest = ['local stratum 1', 'allow', 'port 1123', 'bindaddress 127.0.0.1'];
  await startChronyd(chronyd, honest, at.ns);
  const source = 'server 127.0.0.1 port 1123 iburst minpoll 0 maxpoll 0 offset 0.5';
  await startChronyd(chronyd, [source, 'allow'], at.ns);
};

before(async () => {
  try {
    const star = openStar(4);
    const [first, second, liar] = star.spokes as [Spoke, Spoke, Spoke];
    try {
      await startChronyd(chronyd, ['local stratum 1', 'allow'], first.ns);
      await startChronyd(chronyd, ['local stratum 3', 'allow'], second.ns);
      await startLiar(liar);
      const lines = configuration(star);
      const theirs = await startChronyd(chronyd, lines, star.hub);
      views = { star, theirs, ours: await startDaemon(lines, { ns: star.hub }) };
    } catch (error) {
      star.close();
      throw error;
    }
  } catch (error) {
    reason = error;
  }
});

after(async () => {
  await cleanUp();
  views?.star.close();
  stillClock();
});

const visit = (t: TestContext): Views | undefined => {
  if (requirePeer(t, 'chronyd', 'chrony-trixie') === undefined) return undefined;
  if (views === undefined) withoutNamespaces(t, reason);
  return views;
};

/** Asks both until they say the same; how they differ is the failure. */
const agree = async (v: Views, words: readonly string[], kept: (text: string) => string): Promise<string> => {
  const said = async ({ socket }: Running): Promise<string> =>
    kept((await runProgram(chronyc, ['-h', socket, '-n', ...words])).stdout);
  const end = performance.now() + AGREE_MS;
  for (;;) {
    const [ours, theirs] = await Promise.all([said(v.ours), said(v.theirs)]);
    if (ours === theirs) return ours;
    if (performance.now() > end) assert.equal(ours, theirs, words.join(' '));
    await sleep(500);
  }
};

/** Columns of CSV that do not depend on the moment. */
const columns =
  (...wanted: number[]) =>
  (text: string): string =>
    text
      .trim()
      .split('\n')
      .map((line) =>
        line
          .split(',')
          .filter((_, i) => wanted.includes(i))
          .join(','),
      )
      .join('\n');

describe('reports beside a real chronyd', () => {
  it('sources: state, stratum, poll and reach of every kind of source', async (t) => {
    const v = visit(t);
    if (v === undefined) return;
    const { star } = v;
    const [first, second, liar, nobody] = star.spokes as [Spoke, Spoke, Spoke, Spoke];
    const rows = (await agree(v, ['-c', 'sources'], columns(0, 1, 2, 3, 4, 5))).split('\n');
    const row = (address: string): string => rows.find((r) => r.split(',')[2] === address)!;
    assert.match(row(first.address4(0)), /^\^,\*,.*,1,0,377$/);
    assert.match(row(first.address6(0)), /^\^,-,.*,1,0,377$/);
    assert.match(row(liar.address4(0)), /^\^,x,.*,2,0,377$/);
    assert.match(row(nobody.address4(0)), /^\^,\?,.*,0,0,0$/);
    assert.match(row(second.address4(1)), /^\^,\?,.*,3,0,377$/);
    assert.match(row(second.address4(2)), /^\^,\?,.*,0,1,0$/);
  });

  it('sources -v and sourcestats -v: the same words and columns, from either chronyc', async (t) => {
    const v = visit(t);
    if (v === undefined) return;
    const own = linkTo('chronyc');
    for (const words of ['sources -v', 'sourcestats -v', 'selectdata -v']) {
      const asked: [string, string][] = [
        [chronyc, v.theirs.socket],
        [chronyc, v.ours.socket],
        [own, v.ours.socket],
      ];
      const said = await Promise.all(asked.map(([program, socket]) => ask(program, socket, words)));
      const heads = said.map(({ stdout }) => stdout.split(/^=+$/m)[0]);
      assert.equal(heads[1], heads[0]);
      assert.equal(heads[2], heads[0]);
    }
  });

  it('selectdata: states, authentication, options and leap', async (t) => {
    const v = visit(t);
    if (v === undefined) return;
    await agree(v, ['-c', 'selectdata'], columns(0, 1, 2, 3, 4, 8));
  });

  it('activity', async (t) => {
    const v = visit(t);
    if (v === undefined) return;
    assert.match(await agree(v, ['activity'], (text) => text), /6 sources online\n1 sources offline/);
  });

  it('ntpdata: what the packets say, tests, modes and kinds of stamps', async (t) => {
    const v = visit(t);
    if (v === undefined) return;
    // Counters, and what is measured.
    const lasting = (text: string): string =>
      text
        .split('\n')
        .filter((line) => !/^(Total|Offset|Peer|Response|Jitter|Root dispersion|Reference time)/.test(line))
        .join('\n');
    const [first, second] = v.star.spokes as [Spoke, Spoke];
    for (const address of [first.address4(0), first.address6(0), second.address4(0)]) {
      const text = await agree(v, ['ntpdata', address], lasting);
      assert.match(text, /NTP tests +: 111 111 1111/);
      assert.match(text, /TX timestamping : Kernel\nRX timestamping : Kernel/);
    }
  });

  it('sourcestats: both have measured as much, to microseconds', async (t) => {
    const v = visit(t);
    if (v === undefined) return;
    const of = async (d: Running): Promise<string[][]> =>
      (await d.report('sourcestats')).filter((r) => Number(r[1]) > 0);
    const [ours, theirs] = await Promise.all([of(v.ours), of(v.theirs)]);
    assert.deepEqual(
      ours.map((r) => r[0]),
      theirs.map((r) => r[0]),
    );
    for (const [i, [name, , , , , , offset, deviation]] of ours.entries()) {
      assert.ok(Math.abs(Number(offset) - Number(theirs[i]![6])) < 2e-3, `${name}: ${offset} and ${theirs[i]![6]}`);
      assert.ok(Number(deviation) < 1e-3, `${name}: ${deviation}`);
    }
  });
});
