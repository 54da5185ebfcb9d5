/** Groups with no outside: ours, the real chronyd, and both mixed choose the same leader, and the same one after it. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, describe, it, type TestContext } from 'node:test';
import { peerSet, startChronyd } from '../support/chronypair.js';
import { cleanUp, freePort, poll, type Running, startDaemon } from '../support/daemon.js';
import { peersRequired } from '../support/peers.js';
import { readRepo } from '../support/tree.js';

after(cleanUp);

type Program = 'ours' | 'chronyd';

const CHRONYD = peerSet('chrony-trixie').chronyd;

const hasChronyd = (t: TestContext): boolean => {
  if (existsSync(CHRONYD)) return true;
  if (peersRequired()) throw new Error('peer chronyd 4.6 is required and not installed (scripts/install-peers)');
  t.skip('peer chronyd 4.6 is not installed');
  return false;
};

/** The configuration of the guide. */
const GUIDE = /```conf\n([\s\S]*?)```/.exec(readRepo('docs/guides/isolated-network.md'))![1]!;

/** The guide's lines on addresses of this host, in a hurry: polls of a second, takeover after half a minute. */
const lines = (own: string, port: number, program: Program): string[] => {
  const net = own.slice(0, own.lastIndexOf('.'));
  return GUIDE.replaceAll('10.0.0.', `${net}.`)
    .replaceAll('minpoll 4 maxpoll 6', `port ${port} minpoll 0 maxpoll 0`)
    .replace('waitunsynced 300', program === 'ours' ? 'waitunsynced 2' : '')
    .replace('maxclockerror 10', 'maxclockerror 100')
    .replace(/^(bind\w+) \S+/gm, `$1 ${own}`)
    .split('\n')
    .filter((line) => !line.startsWith(`server ${own} `) && !line.startsWith('driftfile'))
    .concat(`port ${port}`);
};

interface Member {
  readonly address: string;
  running: Running;
}

const begin = (address: string, port: number, program: Program): Promise<Running> => {
  const text = lines(address, port, program);
  return program === 'ours' ? startDaemon(text) : startChronyd(CHRONYD, text);
};

/** Reference id, stratum, and the letters of the sources in their order. */
const view = async (m: Member): Promise<string> => {
  const [tracking] = await m.running.report('tracking');
  const sources = await m.running.report('sources');
  if (tracking === undefined) return 'silent';
  return `${tracking[0]} ${tracking[2]} ${sources.map((row) => row[1]).join('')}`;
};

const views = async (members: readonly Member[]): Promise<string[]> => Promise.all(members.map(view));

const settles = (members: readonly Member[], wanted: readonly string[], ms: number): Promise<true> => {
  let seen: string[] = [];
  return poll(
    `the group to be ${wanted.join(' | ')}`,
    async () => {
      seen = await views(members);
      return seen.join() === wanted.join() ? true : undefined;
    },
    ms,
    () => `it is ${seen.join(' | ')}\n${members.map((m) => m.running.log()).join('\n')}`,
  );
};

const hex = (address: string): string =>
  address
    .split('.')
    .map((n) => Number(n).toString(16).toUpperCase().padStart(2, '0'))
    .join('');

/** Shows what an operator sees; the output of the test run is the evidence. */
const show = async (t: TestContext, title: string, members: readonly Member[]): Promise<void> => {
  t.diagnostic(title);
  for (const { address, running } of members) {
    for (const word of ['tracking', 'sources']) {
      const { stdout } = await running.chronyc(word);
      const lines = word === 'tracking' ? stdout.split('\n').slice(0, 2) : stdout.split('\n').slice(2);
      for (const line of lines.filter((l) => l !== '')) t.diagnostic(`${address} ${line}`);
    }
  }
};

/** Elects, survives the death of the leader and of nobody else, and goes back to it when it is back. */
const lives = async (t: TestContext, net: number, programs: readonly Program[]): Promise<void> => {
  const port = await freePort();
  const all = [11, 12, 13].map((host) => `127.0.${net}.${host}`);
  const members: Member[] = [];
  for (const [i, address] of all.entries()) {
    members.push({ address, running: await begin(address, port, programs[i]!) });
  }
  const [first, second, third] = members as [Member, Member, Member];
  const local = '7F7F0101 10';
  await settles(members, [`${local} ??`, `${hex(all[0]!)} 11 *?`, `${hex(all[0]!)} 11 *?`], 60_000);
  await show(t, `${programs.join(', ')}: together`, members);
  first.running.child.kill('SIGKILL');
  await settles([second, third], [`${local} ??`, `${hex(all[1]!)} 11 ?*`], 120_000);
  await show(t, `${programs.join(', ')}: the leader is dead`, [second, third]);
  first.running = await begin(first.address, port, programs[0]!);
  await settles(members, [`${local} ??`, `${hex(all[0]!)} 11 *?`, `${hex(all[0]!)} 11 *?`], 120_000);
};

describe('a group with no outside', { concurrency: true }, () => {
  it('three chronyds: the rule that ours has to keep', async (t) => {
    if (hasChronyd(t)) await lives(t, 31, ['chronyd', 'chronyd', 'chronyd']);
  });

  it('three of ours follow the one with the smallest address, and the next when it dies', async (t) => {
    await lives(t, 32, ['ours', 'ours', 'ours']);
  });

  it('ours between two chronyds follows the first and leads after it', async (t) => {
    if (hasChronyd(t)) await lives(t, 33, ['chronyd', 'ours', 'chronyd']);
  });

  it('chronyd between two of ours follows the first and leads after it', async (t) => {
    if (hasChronyd(t)) await lives(t, 34, ['ours', 'chronyd', 'ours']);
  });

  it('negative control: without the word orphan nobody is the one whom all follow', async () => {
    const port = await freePort();
    const all = [11, 12, 13].map((host) => `127.0.35.${host}`);
    const plain = (own: string) => lines(own, port, 'ours').map((line) => line.replace(' orphan', ''));
    const members: Member[] = [];
    // The last one begins: whoever is first has the others then, and it is not the one with the smallest address.
    for (const address of all.toReversed()) members.unshift({ address, running: await startDaemon(plain(address)) });
    const wanted = ['7F7F0101 10 ??', `${hex(all[0]!)} 11 *?`, `${hex(all[0]!)} 11 *?`];
    await assert.rejects(settles(members, wanted, 15_000), /not in 15 s/);
  });
});
