/**
 * A town of other people's time daemons in network namespaces. One of ours serves them all, another one, at the hub, is
 * everybody's client: so each peer is met as a client and as a server. All share this machine's clock, which nobody
 * moves: whoever measures right finds an offset of nearly nothing.
 */
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { peerSet, startChronyd } from '../support/chronypair.js';
import {
  cleanUp,
  type Outcome,
  type Running,
  rows,
  runProgram,
  startDaemon,
  TIMEBALL,
  testDir,
} from '../support/daemon.js';
import { openStar, type Spoke, type Star, withoutNamespaces } from '../support/netlab.js';
import { peer, requirePeer } from '../support/peers.js';
import * as peers from '../support/timepeers.js';
import { watchClock, withoutClock } from '../support/unclocked.js';

/** s. What daemons that stamp by themselves on a busy machine may be wrong by; a wrong sign or unit is far beyond. */
const NEAR = 2e-3;
/** Where each lives. */
const [CHRONY, TRIXIE, NTPSEC, OPENNTPD, BUSYBOX, TIMESYNCD, OURS] = [0, 1, 2, 3, 4, 5, 6];
const FAST = 'iburst minpoll 0 maxpoll 0';

interface Town {
  readonly star: Star;
  readonly client: Client;
}

let town: Town | undefined;
let reason: unknown;
const stillClock = watchClock();

const keyFile = (): string => {
  const path = join(testDir(), 'keys');
  writeFileSync(path, peers.chronyKeys());
  chmodSync(path, 0o600);
  return path;
};

/** What each kind of daemon is asked for, address by address. Keyed sources must not rule the others out. */
const variety = (at: Spoke): string[] => [
  `server ${at.address4(0)} ${FAST}`,
  `server ${at.address4(1)} ${FAST} xleave`,
  `server ${at.address4(2)} ${FAST} key 1`,
  `server ${at.address4(3)} ${FAST} key 2 xleave`,
  `server ${at.address6(0)} ${FAST}`,
  `server ${at.address6(1)} ${FAST} xleave`,
];

const build = async (): Promise<Town> => {
  const star = openStar(7);
  const spoke = (k: number): Spoke => star.spokes[k]!;
  await startDaemon(['allow', 'local stratum 1', `keyfile ${keyFile()}`], { ns: spoke(OURS!).ns });
  const running = await startDaemon(
    [
      'port 0',
      'authselectmode ignore',
      `keyfile ${keyFile()}`,
      ...[CHRONY!, TRIXIE!].flatMap((k) => variety(spoke(k))),
      `server ${spoke(NTPSEC!).address4(0)} ${FAST}`,
      `server ${spoke(NTPSEC!).address4(1)} ${FAST} key 1`,
      `server ${spoke(NTPSEC!).address4(2)} ${FAST} key 2 xleave`,
      `server ${spoke(NTPSEC!).address6(0)} ${FAST}`,
      `server ${spoke(OPENNTPD!).address4(0)} ${FAST}`,
      `server ${spoke(OPENNTPD!).address6(0)} ${FAST} xleave`,
      `server ${spoke(BUSYBOX!).address4(0)} ${FAST}`,
      `server ${spoke(BUSYBOX!).address6(0)} ${FAST}`,
    ],
    { ns: star.hub },
  );
  return { star, client: { running, chronyc: peer('chronyc') ?? TIMEBALL } };
};

/** The town and a host in it; undefined: the test is skipped. */
const visit = (t: TestContext, k: number): (Town & { readonly at: Spoke; readonly ours: Spoke }) | undefined => {
  if (town === undefined) return void withoutNamespaces(t, reason);
  return { ...town, at: town.star.spokes[k]!, ours: town.star.spokes[OURS!]! };
};

/** A daemon of chrony's language, and the chronyc that speaks its dialect. */
interface Client {
  readonly running: Running;
  readonly chronyc: string;
}

interface Expected {
  readonly interleaved?: boolean;
  readonly authenticated?: boolean;
}

/** A client of chrony's language has heard eight replies of a server in a row, and has nothing to object. */
const follows = async (client: Client, address: string, expected: Expected, ms?: number): Promise<string> => {
  const { running, chronyc } = client;
  const ask = async (...words: string[]): Promise<string> =>
    (await runProgram(chronyc, ['-h', running.socket, '-n', ...words])).stdout;
  const reached = async (): Promise<true | undefined> => {
    const row = rows(await ask('-c', 'sources')).find((r) => r[2] === address);
    return row?.[5] === '377' && /[-*+]/.test(row[1]!) ? true : undefined;
  };
  await running.until(`${address} answers every time and agrees`, reached, ms);
  // On a busy machine a reply may come too late to be a measure of anything; the next does not.
  const stdout = await running.until(`a reply of ${address} with nothing to object to`, async () => {
    const text = await ask('ntpdata', address);
    return /NTP tests +: 111 111 1111/.test(text) ? text : undefined;
  });
  assert.match(stdout, new RegExp(`Interleaved +: ${expected.interleaved ? 'Yes' : 'No'}`), stdout);
  assert.match(stdout, new RegExp(`Authenticated +: ${expected.authenticated ? 'Yes' : 'No'}`), stdout);
  assert.match(stdout, /TX timestamping : Kernel\nRX timestamping : Kernel/);
  const [offset, delay] = [/Offset/, /Peer delay/].map((what) => {
    return Number(new RegExp(`${what.source} +: ([-+]?[\\d.]+) seconds`).exec(stdout)![1]);
  });
  assert.ok(Math.abs(offset!) < NEAR + delay! / 2, stdout);
  return stdout;
};

const followsVariety = async (client: Client, at: Spoke): Promise<void> => {
  await follows(client, at.address4(0), {});
  await follows(client, at.address4(1), { interleaved: true });
  await follows(client, at.address4(2), { authenticated: true });
  await follows(client, at.address4(3), { authenticated: true, interleaved: true });
  await follows(client, at.address6(0), {});
  await follows(client, at.address6(1), { interleaved: true });
};

/** Runs a peer's tool at a host to its end. */
const tool = (at: Spoke, words: readonly string[], ms = 15_000): Promise<Outcome> => {
  const [program, ...args] = withoutClock(at.ns, words);
  return runProgram(program!, args, { ms });
};

before(async () => {
  try {
    town = await build();
  } catch (error) {
    reason = error;
  }
});

after(async () => {
  await cleanUp();
  town?.star.close();
  stillClock();
});

describe('time daemons of others', { concurrency: 8 }, () => {
  for (const [k, set, release] of [
    [CHRONY!, 'chrony', '4.3'],
    [TRIXIE!, 'chrony-trixie', '4.6.1'],
  ] as const) {
    it(`chronyd ${release}: basic, interleaved and keyed, IPv4 and IPv6, as our client and as our server`, async (t) => {
      const chronyd = requirePeer(t, 'chronyd', set);
      const here = visit(t, k);
      if (chronyd === undefined || here === undefined) return;
      const { at, ours, client } = here;
      const lines = ['allow', `keyfile ${keyFile()}`, 'authselectmode ignore', ...variety(ours)];
      const running = await startChronyd(chronyd, lines, at.ns);
      await followsVariety({ running, chronyc: peerSet(set).chronyc }, ours);
      await followsVariety(client, at);
      // It removes its pid file at the end, whatever that is.
      const once = [`server ${ours.address4(0)} iburst`, 'cmdport 0', 'port 0', `pidfile ${join(testDir(), 'pid')}`];
      const { text, code } = await tool(at, [chronyd, '-Q', '-t', '10', '-U', '-u', 'root', ...once]);
      const wrong = /System clock wrong by (-?[\d.]+) seconds \(ignored\)/.exec(text);
      assert.ok(code === 0 && wrong !== null && Math.abs(Number(wrong[1])) < NEAR, text);
    });
  }

  it('ntpsec: keyed and not, IPv4 and IPv6, as our client and as our server', async (t) => {
    const ntpd = requirePeer(t, 'ntpd', 'ntpsec');
    const ntpq = requirePeer(t, 'ntpq', 'ntpsec');
    const here = visit(t, NTPSEC!);
    if (ntpd === undefined || ntpq === undefined || here === undefined) return;
    const { at, ours, client } = here;
    const servers = [ours.address4(0), `${ours.address4(1)} key 1`, `${ours.address4(2)} key 2`, ours.address6(0)];
    const lines = servers.map((s) => `server ${s} iburst minpoll 3 maxpoll 3`);
    const running = peers.startNtpsec(at.ns, ntpd, lines);
    let billboard = '';
    // Addresses of one server that differ by microseconds may fall out with each other: it is enough that one is chosen.
    const heard = async (): Promise<string[] | undefined> => {
      billboard = (await tool(at, [ntpq, '-n', '-c', 'peers', '127.0.0.1'])).text;
      const all = billboard.split('\n').filter((line) => /^.(10\.77|fd77)/.test(line) && !/ 0 +0\.0000 /.test(line));
      return all.length === 4 && /^\*/m.test(billboard) ? all : undefined;
    };
    const chosen = await running.until('ntpd has chosen one of our addresses', heard).catch((error) => {
      throw new Error(`${error.message}\n${billboard}`);
    });
    for (const line of chosen) {
      const [, , stratum, , , , reach, , offset] = line.slice(1).trim().split(/\s+/);
      assert.ok(stratum === '1' && reach !== '0', line);
      assert.ok(Math.abs(Number(offset)) < NEAR * 1000, line);
    }
    const { stdout } = await tool(at, [ntpq, '-n', '-c', 'as', '127.0.0.1']);
    assert.equal(stdout.match(/ ok /g)?.length, 2, stdout);
    await follows(client, at.address4(0), {});
    await follows(client, at.address4(1), { authenticated: true });
    // It knows no interleaved servers: ours stays basic.
    await follows(client, at.address4(2), { authenticated: true });
    await follows(client, at.address6(0), {});
  });

  it('openntpd: as our client; as a server that says it has no time it is heard and not believed', async (t) => {
    const ntpd = requirePeer(t, 'ntpd', 'openntpd');
    const here = visit(t, OPENNTPD!);
    if (ntpd === undefined || here === undefined) return;
    const { at, ours, client } = here;
    const lines = [...[at.address4(), at.address6()].map((a) => `listen on ${a}`), `server ${ours.address4()}`];
    const running = peers.startOpenntpd(at.ns, ntpd, lines);
    const [, offset, delay] = await running.logged(/reply from \S+: offset (-?[\d.]+) delay ([\d.]+)/);
    assert.ok(Math.abs(Number(offset)) < NEAR + Number(delay) / 2, running.log());
    for (const address of [at.address4(), at.address6()]) {
      await client.running.until('five of its replies are heard', async () => {
        const { stdout } = await client.running.chronyc('ntpdata', address);
        const heard = Number(/Total valid RX +: (\d+)/.exec(stdout)?.[1]) >= 5;
        return heard && /Leap status +: Not synchronised[\s\S]*NTP tests +: 111 101 0000/.test(stdout)
          ? true
          : undefined;
      });
      const row = (await client.running.report('sources')).find((r) => r[2] === address);
      assert.deepEqual([row?.[1], row?.[5]], ['?', '0']);
    }
    await running.logged(/peer \S+ now valid/);
  });

  it('busybox: asks us, and is asked', async (t) => {
    const ntpd = requirePeer(t, 'ntpd', 'busybox');
    const here = visit(t, BUSYBOX!);
    if (ntpd === undefined || here === undefined) return;
    const { at, ours, client } = here;
    peers.startBusyboxServer(at.ns, ntpd);
    const asking = [ours.address4(), ours.address6()].map((a) => peers.startBusyboxClient(at.ns, ntpd, a));
    for (const peer of asking) {
      const reply = await peer.logged(
        /reply from \S+: offset:([-+][\d.]+) delay:([\d.]+) .* strat:(\d+) .* reach:0x(\w+)/,
      );
      // Its first packet may have waited for everybody else's start.
      assert.ok(Math.abs(Number(reply[1])) < NEAR + Number(reply[2]) / 2, reply[0]);
      assert.equal(reply[3], '1');
    }
    await follows(client, at.address4(0), {});
    await follows(client, at.address6(0), {});
  });

  it('systemd-timesyncd takes us for its server; without the clock it can do no more', async (t) => {
    const timesyncd = requirePeer(t, 'systemd-timesyncd', 'timesyncd');
    const here = visit(t, TIMESYNCD!);
    if (timesyncd === undefined || here === undefined) return;
    const peer = peers.startTimesyncd(here.at.ns, timesyncd, here.ours.address4());
    const [, stratum] = await peer.logged(/NTP response:[\s\S]*?stratum\s+: (\d+)/);
    assert.equal(stratum, '1');
    const [, offset] = await peer.logged(/offset\s+: ([-+][\d.]+) sec/);
    assert.ok(Math.abs(Number(offset)) < NEAR, peer.log());
    await peer.logged(/clock_adjtime.*not permitted/);
  });

  for (const [name, set, words] of [
    ['ntpdig', 'ntpsec', ['-t', '5']],
    ['sntp', 'sntp', ['-t', '5']],
    ['ntpdate', 'sntp', ['-q', '-t', '5']],
  ] as const) {
    it(`${name} asks us`, async (t) => {
      const program = requirePeer(t, name, set);
      const here = visit(t, TIMESYNCD!);
      if (program === undefined || here === undefined) return;
      const { text } = await tool(here.at, [program, ...words, here.ours.address4()]);
      const said = /([-+]?\d+\.\d+) \+\/- (\d+\.\d+) \S+ s1 no-leap/.exec(text);
      // It asks once, and knows how long that took.
      assert.ok(said !== null && Math.abs(Number(said[1])) < Number(said[2]), text);
    });
  }
});
