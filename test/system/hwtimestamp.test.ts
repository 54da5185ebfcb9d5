/** `hwtimestamp` where no network card stamps (here): words, exit codes, and everything goes on with kernel stamps. */
import assert from 'node:assert/strict';
import { after, describe, it, type TestContext } from 'node:test';
import { probe } from '../../src/app/cli/nic-probe.js';
import { loadNative } from '../../src/devices/native.js';
import { startChronyd } from '../support/chronypair.js';
import {
  baseLines,
  cleanUp,
  freePort,
  runProgram,
  startDaemon,
  TIMEBALL,
  TIMEBALLD,
  testDir,
} from '../support/daemon.js';
import { documentedFields } from '../support/manpage.js';
import { requirePeer } from '../support/peers.js';

after(cleanUp);

/** Loopback alone in the plans of these tests: a real card is not to be told anything. */
const hasCards = (t: TestContext): boolean => {
  const native = loadNative();
  const card = native.interfaces().find(({ name }) => native.tsInfo(name).phcIndex >= 0);
  if (card !== undefined) t.skip(`${card.name} has hardware stamps`);
  return card !== undefined;
};

/** A command line with the configuration on it. */
const linesOf = (...lines: string[]): string[] => {
  const dir = testDir();
  return ['-x', '-U', '-d', ...baseLines(dir), 'port 0', ...lines];
};

describe('hwtimestamp without a card that stamps', () => {
  for (const name of ['lo', 'nosuch0']) {
    it(`${name}: named, so the daemon ends, as chronyd`, async (t) => {
      const words = new RegExp(`Fatal error : Could not enable HW timestamping on ${name}`);
      const ours = await runProgram(TIMEBALLD, linesOf(`hwtimestamp ${name}`));
      assert.equal(ours.code, 1, ours.text);
      assert.match(ours.text, words);
      const chronyd = requirePeer(t, 'chronyd');
      if (chronyd === undefined) return;
      const theirs = await runProgram(chronyd, linesOf('user root', `hwtimestamp ${name}`));
      assert.equal(theirs.code, 1);
      assert.match(theirs.text, words);
    });
  }

  it('a provider of stamps that is asked for is not what is missing', async () => {
    const { code, text } = await runProgram(TIMEBALLD, linesOf('hwtimestamp lo provider mac'));
    assert.equal(code, 1);
    assert.match(text, /Could not enable HW timestamping on lo : the interface has no hardware stamps/);
  });

  it('a pattern that fits none is no error; the kernel stamps, interleaved, both ways', async (t) => {
    if (hasCards(t)) return;
    const chronyd = requirePeer(t, 'chronyd');
    if (chronyd === undefined) return;
    const [port, theirs] = [await freePort(), await freePort()];
    const xleave = 'iburst minpoll -2 maxpoll 0 xleave';
    const patterns = ['hwtimestamp *', 'hwtimestamp eno*'];
    const serving = ['local stratum 1', 'allow'];
    const ours = await startDaemon([...patterns, ...serving, `port ${port}`]);
    await startChronyd(chronyd, [...serving, `port ${theirs}`]);
    const asking = ['port 0', `server 127.0.0.1 port ${theirs} ${xleave}`];
    const clients = [
      await startDaemon([...patterns, ...asking]),
      await startChronyd(chronyd, ['port 0', `server 127.0.0.1 port ${port} ${xleave}`]),
    ];
    for (const running of clients) {
      const data = await running.until('interleaved measurements', async () => {
        const { stdout } = await running.chronyc('ntpdata', '127.0.0.1');
        return /Interleaved +: Yes/.test(stdout) && /Total good RX +: [1-9]\d/.test(stdout) ? stdout : undefined;
      });
      assert.match(data, /TX timestamping : Kernel/);
      assert.match(data, /RX timestamping : Kernel/);
    }
    const { stdout } = await runProgram(TIMEBALL, ['-h', ours.socket, 'serverstats']);
    assert.match(stdout, /NTP hardware RX timestamps : 0/);
    assert.match(stdout, /NTP kernel TX timestamps {3}: [1-9]/);
    assert.doesNotMatch(ours.output, /HW timestamping/);
  });
});

describe('timeball nic', () => {
  it('tells what there is, as JSON, too; 2 where nothing stamps', async (t) => {
    if (hasCards(t)) return;
    const one = await runProgram(TIMEBALL, ['nic', 'lo', '--json']);
    assert.equal(one.code, 2);
    const [lo] = JSON.parse(one.stdout) as [Record<string, unknown>];
    assert.deepEqual([lo!['name'], lo!['clock'], lo!['use'], lo!['now']], ['lo', null, 'none', null]);
    const documented = (name: string): readonly string[] => documentedFields('JSON WITHOUT A DAEMON', name);
    assert.deepEqual(Object.keys(lo!), documented('nic'));
    if (process.getuid!() === 0) {
      assert.deepEqual(Object.keys(await probe(loadNative(), 'lo', '127.0.0.1')), documented('test'));
    }
    assert.match((await runProgram(TIMEBALL, ['nic', 'lo'])).stdout, /hwtimestamp +kernel stamps \(/);
    const test = await runProgram(TIMEBALL, ['nic', 'lo', '--test']);
    assert.deepEqual([test.code, test.stdout], [2, '']);
  });

  it('refuses what it does not understand, and what is not there', async () => {
    for (const args of [['--test'], ['lo', '192.0.2.1'], ['lo', '--test', 'name'], ['lo', 'lo', 'lo'], ['--fast']]) {
      assert.equal((await runProgram(TIMEBALL, ['nic', ...args])).code, 64, args.join(' '));
    }
    const missing = await runProgram(TIMEBALL, ['nic', 'nosuch0']);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /timeball: nosuch0: .*ENODEV/);
  });
});
