/** Our symmetric associations against real daemons on loopback. Nobody's clock is moved. */
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { peerSet, startChronyd } from '../support/chronypair.js';
import { cleanUp, freePort, type Running, runProgram, startDaemon, testDir } from '../support/daemon.js';
import { requirePeer } from '../support/peers.js';

after(cleanUp);

const OURS = '127.0.0.1';
const THEIRS = '127.0.0.2';
const POLL = 'minpoll -2 maxpoll -2';

const keyFile = (text: string): string => {
  const path = join(testDir(), 'keys');
  writeFileSync(path, text);
  chmodSync(path, 0o600);
  return path;
};

interface Wish {
  /** Options of the line that names the other side; undefined: there is no such line. */
  readonly our?: string | undefined;
  readonly their?: string | undefined;
  readonly ourLines?: readonly string[];
  readonly theirLines?: readonly string[];
}

interface Two {
  readonly ours: Running;
  readonly theirs: Running;
}

/** One daemon of each kind, at addresses and ports of their own. */
const two = async (chronyd: string, wish: Wish): Promise<Two> => {
  const ourPort = await freePort();
  const theirPort = await freePort();
  const line = (address: string, port: number, options: string | undefined): string[] =>
    options === undefined ? [] : [`peer ${address} port ${port} ${options}`];
  const theirs = await startChronyd(chronyd, [
    `bindaddress ${THEIRS}`,
    `port ${theirPort}`,
    ...line(OURS, ourPort, wish.their),
    ...(wish.theirLines ?? []),
  ]);
  const ours = await startDaemon([
    `bindaddress ${OURS}`,
    `port ${ourPort}`,
    ...line(THEIRS, theirPort, wish.our),
    ...(wish.ourLines ?? []),
  ]);
  return { ours, theirs };
};

/** ntpdata of a source once as many good packets have come from it. */
const dataOf = (daemon: Running, address: string, good: number, also = /./): Promise<string> =>
  daemon.until(`${good} good packets from ${address}`, async () => {
    const { stdout } = await daemon.chronyc('ntpdata', address);
    const count = Number(/Total good RX +: (\d+)/.exec(stdout)?.[1] ?? 0);
    return count >= good && also.test(stdout) ? stdout : undefined;
  });

const offsetOf = (data: string): number => Number(/Offset +: ([-+][\d.]+) seconds/.exec(data)![1]);

describe('symmetric mode with a real chronyd', () => {
  for (const set of ['chrony', 'chrony-trixie']) {
    it(`${set}: we follow an active peer that follows nobody, and it sees us as its peer`, async (t) => {
      if (requirePeer(t, 'chronyd') === undefined) return;
      const { chronyd, chronyc } = peerSet(set);
      const { ours, theirs } = await two(chronyd, { our: POLL, their: POLL, theirLines: ['local stratum 3'] });
      await ours.selected(THEIRS);
      const data = await dataOf(ours, THEIRS, 8);
      assert.match(data, /Mode +: Symmetric active/);
      assert.match(data, /NTP tests +: 111 111 1111/);
      assert.match(data, /TX timestamping : Kernel/);
      assert.match(data, /RX timestamping : Kernel/);
      assert.ok(Math.abs(offsetOf(data)) < 1e-3, data);
      const [source] = await ours.report('sources');
      assert.deepEqual(source!.slice(0, 4), ['=', '*', THEIRS, '3']);
      // It must not follow us back: our reference is itself.
      const its = await theirs.until('what chronyd says of us', async () => {
        const { stdout } = await runProgram(chronyc, ['-h', theirs.socket, '-n', 'ntpdata', OURS]);
        return /NTP tests +: 111 111 1110/.test(stdout) ? stdout : undefined;
      });
      assert.match(its, /Mode +: Symmetric active/);
      assert.match(its, /Stratum +: 4/);
      assert.match(its, /Reference ID +: 7F000002/);
    });
  }

  it('it follows us when we are the one with the time', async (t) => {
    const chronyd = requirePeer(t, 'chronyd');
    if (chronyd === undefined) return;
    const { theirs } = await two(chronyd, { our: POLL, their: POLL, ourLines: ['local stratum 3'] });
    await theirs.selected(OURS);
    const data = await dataOf(theirs, OURS, 8);
    assert.match(data, /NTP tests +: 111 111 1111/);
    assert.ok(Math.abs(offsetOf(data)) < 1e-3, data);
  });

  it('interleaved, both ways', async (t) => {
    const chronyd = requirePeer(t, 'chronyd');
    if (chronyd === undefined) return;
    const both = { our: `${POLL} xleave`, their: `${POLL} xleave` };
    const { ours, theirs } = await two(chronyd, { ...both, theirLines: ['local stratum 3'] });
    const data = await dataOf(ours, THEIRS, 8, /Interleaved +: Yes/);
    assert.match(data, /NTP tests +: 111 111 1111/);
    assert.ok(Math.abs(offsetOf(data)) < 1e-3, data);
    const its = await theirs.until('chronyd interleaves with us', async () => {
      const { stdout } = await theirs.chronyc('ntpdata', OURS);
      return /Interleaved +: Yes/.test(stdout) && /Total valid RX +: [1-9]/.test(stdout) ? stdout : undefined;
    });
    assert.ok(Math.abs(offsetOf(its)) < 1e-3, its);
  });

  it('we are the active one: it answers whom it allows, in passive mode, and we do the same', async (t) => {
    const chronyd = requirePeer(t, 'chronyd');
    if (chronyd === undefined) return;
    const active = await two(chronyd, { our: POLL, theirLines: ['local stratum 3', `allow ${OURS}`] });
    const data = await dataOf(active.ours, THEIRS, 4);
    assert.match(data, /Mode +: Symmetric passive/);
    assert.match(data, /NTP tests +: 111 111 1111/);
    await active.ours.selected(THEIRS);
    const passive = await two(chronyd, { their: POLL, ourLines: ['local stratum 3', `allow ${THEIRS}`] });
    const its = await dataOf(passive.theirs, OURS, 4);
    assert.match(its, /Mode +: Symmetric passive/);
    assert.match(its, /NTP tests +: 111 111 1111/);
    // A stranger gets an answer, but no association.
    assert.deepEqual(await passive.ours.report('sources'), []);
  });

  it('nobody answers a stranger who is not allowed', async (t) => {
    const chronyd = requirePeer(t, 'chronyd');
    if (chronyd === undefined) return;
    const { theirs } = await two(chronyd, { their: POLL, ourLines: ['local stratum 3', 'allow 192.0.2.1'] });
    await theirs.until('eight polls', async () => {
      const { stdout } = await theirs.chronyc('ntpdata', OURS);
      return Number(/Total TX +: (\d+)/.exec(stdout)?.[1] ?? 0) >= 4 ? true : undefined;
    });
    const [row] = await theirs.report('sources');
    assert.equal(row![5], '0');
  });

  it('keys: the right one is believed, a wrong one and none are not', async (t) => {
    const chronyd = requirePeer(t, 'chronyd');
    if (chronyd === undefined) return;
    for (const key of ['1 MD5 ASCII:one', '1 AES128 HEX:00112233445566778899aabbccddeeff', '1 SHA512 ASCII:three']) {
      const file = `keyfile ${keyFile(`${key}\n`)}`;
      const keyed = { our: `${POLL} key 1`, their: `${POLL} key 1` };
      const { ours, theirs } = await two(chronyd, {
        ...keyed,
        ourLines: [file],
        theirLines: ['local stratum 3', file],
      });
      const data = await dataOf(ours, THEIRS, 3);
      assert.match(data, /Authenticated +: Yes/);
      assert.match(data, /NTP tests +: 111 111 1111/);
      await theirs.until('chronyd hears us', async () =>
        Number((await theirs.report('sources'))[0]?.[5]) > 0 ? true : undefined,
      );
      await Promise.all([ours.stop(), theirs.stop()]);
    }
    for (const theirKey of ['1 MD5 ASCII:other', undefined]) {
      const right = `keyfile ${keyFile('1 MD5 ASCII:one\n')}`;
      const wrong = theirKey === undefined ? [] : [`keyfile ${keyFile(`${theirKey}\n`)}`];
      const their = theirKey === undefined ? POLL : `${POLL} key 1`;
      const theirLines = ['local stratum 3', ...wrong];
      const { ours, theirs } = await two(chronyd, { our: `${POLL} key 1`, their, ourLines: [right], theirLines });
      // Several polls of either side.
      await new Promise((done) => setTimeout(done, 2000));
      const [row] = await ours.report('sources');
      assert.deepEqual([row![1], row![5]], ['?', '0']);
      await Promise.all([ours.stop(), theirs.stop()]);
    }
  });

  it('a peer is added and deleted while the daemon runs, and the port opens for it', async (t) => {
    const chronyd = requirePeer(t, 'chronyd');
    if (chronyd === undefined) return;
    const port = await freePort();
    const theirPort = await freePort();
    const ours = await startDaemon([`bindaddress ${OURS}`, `port ${port}`]);
    const their = [
      'local stratum 3',
      `bindaddress ${THEIRS}`,
      `port ${theirPort}`,
      `peer ${OURS} port ${port} ${POLL}`,
    ];
    await startChronyd(chronyd, their);
    const added = await ours.chronyc('add', 'peer', THEIRS, 'port', String(theirPort), 'minpoll', '0', 'maxpoll', '0');
    assert.equal(added.code, 0, added.text);
    await ours.selected(THEIRS);
    assert.equal((await ours.report('sources'))[0]![0], '=');
    assert.equal((await ours.chronyc('offline', THEIRS)).code, 0);
    assert.deepEqual((await ours.report('activity'))[0], ['0', '1', '0', '0', '0']);
    assert.equal((await ours.chronyc('online')).code, 0);
    assert.equal((await ours.chronyc('delete', THEIRS)).code, 0);
    assert.deepEqual(await ours.report('sources'), []);
  });

  it('says that a peer needs the port', async () => {
    const ours = await startDaemon(['port 0', `peer ${THEIRS}`]);
    await ours.logged(/peer and broadcast need the NTP port, which port 0 closes/);
  });
});
