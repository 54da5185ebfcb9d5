/**
 * Our client and real servers while the network and the servers fail: kisses, restarts, links, addresses, a bad road. In
 * network namespaces; nobody's clock is moved.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startChronyd } from '../support/chronypair.js';
import { cleanUp, Running, startDaemon, track } from '../support/daemon.js';
import { addAddress, inside, ip, openStar, type Spoke, type Star, withoutNamespaces } from '../support/netlab.js';
import { repoRoot, requirePeer } from '../support/peers.js';
import { watchClock } from '../support/unclocked.js';

const FAST = 'iburst minpoll 0 maxpoll 0';
const SERVING = ['local stratum 1', 'allow'];
const [RATED, RESTARTED, LINKED, ROAD] = [0, 1, 2, 3];

let star: Star | undefined;
let client: Running;
let reason: unknown;
const stillClock = watchClock();

before(async () => {
  try {
    star = openStar(4);
    const at = (k: number): Spoke => star!.spokes[k]!;
    client = await startDaemon(
      [
        'port 0',
        `server ${at(RATED!).address4()} ${FAST}`,
        `server ${at(RESTARTED!).address4()} ${FAST} xleave`,
        `server ${at(LINKED!).address4()} ${FAST}`,
        `server ${at(LINKED!).address6()} ${FAST}`,
        `server ${at(ROAD!).address4()} ${FAST} xleave`,
      ],
      { ns: star.hub },
    );
  } catch (error) {
    reason = error;
  }
});

after(async () => {
  await cleanUp();
  star?.close();
  stillClock();
});

/** The place of a test and a chronyd for it; undefined: the test is skipped. */
const visit = (t: TestContext, k: number, set: string): { at: Spoke; chronyd: string } | undefined => {
  const chronyd = requirePeer(t, 'chronyd', set);
  if (star === undefined) return void withoutNamespaces(t, reason);
  return chronyd === undefined ? undefined : { at: star.spokes[k]!, chronyd };
};

const row = async (address: string): Promise<string[]> =>
  (await client.report('sources')).find((r) => r[2] === address)!;

const reaches = (address: string, what: string, holds: (reach: number, state: string) => boolean): Promise<true> =>
  client.until(`${address} ${what}`, async () => {
    const [, state, , , , reach] = await row(address);
    return holds(Number.parseInt(reach!, 8), state!) ? true : undefined;
  });
const answers = (address: string): Promise<true> =>
  reaches(address, 'answers every time and agrees', (reach, state) => reach === 0o377 && /[-*+]/.test(state));
const isSilent = (address: string): Promise<true> => reaches(address, 'is silent', (reach) => (reach & 0o17) === 0);

const data = async (address: string): Promise<string> => (await client.chronyc('ntpdata', address)).stdout;
const count = async (address: string, what: string): Promise<number> =>
  Number(new RegExp(`Total ${what} +: (\\d+)`).exec(await data(address))?.[1]);

describe('a client in trouble', { concurrency: 4 }, () => {
  it('obeys a KoD RATE of a real chronyd: asks it less, and only it', async (t) => {
    const here = visit(t, RATED!, 'chrony-trixie');
    if (here === undefined) return;
    const address = here.at.address4();
    await startChronyd(here.chronyd, [...SERVING, 'ratelimit interval 4 burst 1 leak 4 kod 1'], here.at.ns);
    await client.logged(new RegExp(`Received KoD RATE from ${address}`));
    await client.until('asks less', async () => (Number((await row(address))[4]) >= 1 ? true : undefined));
    const sent = await count(address, 'TX');
    await sleep(5000);
    const more = (await count(address, 'TX')) - sent;
    assert.ok(more <= 2, `${more} requests in 5 s`);
    const others = (await client.report('sources')).filter((r) => r[2] !== address);
    assert.ok(
      others.every((r) => Number(r[4]) === 0),
      others.join('\n'),
    );
  });

  it('finds a server again that was stopped and started, interleaved as before', async (t) => {
    const here = visit(t, RESTARTED!, 'chrony');
    if (here === undefined) return;
    const address = here.at.address4();
    const first = await startChronyd(here.chronyd, SERVING, here.at.ns);
    await answers(address);
    assert.match(await data(address), /Interleaved +: Yes/);
    await first.stop();
    await isSilent(address);
    await startChronyd(here.chronyd, SERVING, here.at.ns);
    await answers(address);
    assert.match(await data(address), /NTP tests +: 111 111 1111\nInterleaved +: Yes/);
  });

  it('outlives a link that goes down and comes up, and a change of its own address', async (t) => {
    const here = visit(t, LINKED!, 'chrony');
    if (here === undefined) return;
    const { at } = here;
    await startChronyd(here.chronyd, SERVING, at.ns);
    await Promise.all([answers(at.address4()), answers(at.address6())]);
    ip('-n', at.hub.ns, 'link', 'set', at.hub.link, 'down');
    await Promise.all([isSilent(at.address4()), isSilent(at.address6())]);
    ip('-n', at.hub.ns, 'link', 'set', at.hub.link, 'up');
    // The link has lost its address of IPv6, and gets another one of IPv4.
    addAddress(at.hub, at.hub6);
    const other = at.hub4.replace(/1$/, '99');
    ip('-n', at.hub.ns, 'addr', 'del', `${at.hub4}/24`, 'dev', at.hub.link);
    addAddress(at.hub, other);
    await Promise.all([answers(at.address4()), answers(at.address6())]);
    assert.match(await data(at.address4()), new RegExp(`Local address +: ${other} `));
    assert.ok(client.alive);
  });

  it('follows a server over a road that loses, doubles, delays and reorders packets', async (t) => {
    const here = visit(t, ROAD!, 'chrony');
    if (here === undefined) return;
    const { at } = here;
    const address = at.address4();
    await startChronyd(here.chronyd, [...SERVING, 'port 1123', 'bindaddress 127.0.0.1'], at.ns);
    const script = join(repoRoot, 'dist', 'test', 'support', 'badroad.js');
    const [program, ...args] = inside(at.ns, [process.execPath, script, address, '123', '1123']);
    const road = new Running(spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] }), '', '');
    track(road);
    await road.logged(/ready/);
    await client.until('ten good measurements', async () =>
      (await count(address, 'good RX')) >= 10 ? true : undefined,
    );
    const [, state, , , , , , , offset] = await row(address);
    assert.match(state!, /[-*+]/);
    assert.ok(Math.abs(Number(offset)) < 5e-3, `offset ${offset}`);
    const [sent, heard, valid] = [
      await count(address, 'TX'),
      await count(address, 'RX'),
      await count(address, 'valid RX'),
    ];
    // Copies are heard and not believed; what is lost is lost.
    assert.ok(valid < heard, `${valid} of ${heard} believed`);
    assert.ok(valid < sent, `${valid} of ${sent} answered`);
  });
});
