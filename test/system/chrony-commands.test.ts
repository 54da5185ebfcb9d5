/** Each command at the real chronyd and at ours, by the real chronyc and by ours: the same words, the same exit code. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { ask, askOurs, linkTo, type Pair, peerSet, type Said, startChronyd } from '../support/chronypair.js';
import { cleanUp, type Running, testDir } from '../support/daemon.js';
import { peersRequired } from '../support/peers.js';

// As the clients that are processes.
process.env['TZ'] = 'UTC';

after(cleanUp);

/** In the order in which they are given; later ones see what earlier ones did. */
const COMMANDS: readonly string[] = [
  'tracking',
  'sources',
  'sourcestats',
  'selectdata',
  'activity',
  'rtcdata',
  'trimrtc',
  'writertc',
  'makestep',
  'makestep 0.5 3',
  'makestep 0.5',
  'maxupdateskew 100',
  'maxupdateskew x',
  'reselect',
  'reselectdist 0.001',
  'reselectdist',
  'reset sources',
  'reset',
  'reload sources',
  'reload',
  'refresh',
  'onoffline',
  'online',
  'offline 192.0.2.1',
  'burst 2/4 192.0.2.1',
  'burst 2',
  'delete 192.0.2.1',
  'delete',
  'minpoll 192.0.2.1 4',
  'maxpoll 192.0.2.1 x',
  'maxdelay 192.0.2.1 0.1',
  'polltarget 192.0.2.1 10',
  'minstratum 192.0.2.1 1',
  'sourcename 192.0.2.1',
  'ntpdata 192.0.2.1',
  'manual list',
  'settime now',
  'manual list',
  'settime',
  'settime gibberish',
  'settime 25:00',
  'manual delete 0',
  'manual delete 0',
  'manual delete -1',
  'manual delete',
  'manual off',
  'settime now',
  'manual on',
  'manual reset',
  'manual list',
  'manual',
  'manual maybe',
  'settime now',
  'manual list',
  'reset sources',
  'manual list',
  'tracking',
  'dfreq 2.5',
  'dfreq',
  'doffset 0.25',
  'doffset x',
  'tracking',
  'smoothing',
  'smoothtime activate',
  'smoothing',
  'smoothtime reset',
  'smoothtime',
  'smoothtime now',
  'accheck 192.0.2.1',
  'allow 192.0.2.0/24',
  'accheck 192.0.2.1',
  'deny all',
  'accheck 192.0.2.1',
  'allow 192.0.2.0/33',
  'allow all 10',
  'accheck 10.1.2.3',
  'cmdaccheck 192.0.2.1',
  'cmdallow 192.0.2.1',
  'cmdaccheck 192.0.2.1',
  'cmddeny all',
  'cmdaccheck 192.0.2.1',
  'cyclelogs',
  'dump',
  'rekey',
  'serverstats',
  'waitsync 1 0.001 1 0.1',
  'timeout 50',
  'timeout 500',
  'retries 40',
  'retries 1',
  'dns -n',
  'dns -x',
  'keygen',
  'keygen 5 SHA256 100',
  'keygen 5 SHA1 10',
  'keygen 5 AES128 300',
  'keygen x',
  'keygen 1 NOPE',
  'keygen 1 SHA1 80 more',
  'add',
  'add foo',
  'add server',
  'add server 192.0.2.1 minpoll x',
  'nonsense',
];

/** Since 4.4 and 4.5: 4.3 has neither the words nor the requests. */
const NEWER: readonly string[] = [
  'local',
  'tracking',
  'local off',
  'local stratum 5 orphan distance 0.5',
  'local stratum 30',
  'local distance',
  'local nonsense',
  'local activate 0.5',
  'selectopts GPS +prefer -noselect',
  'selectdata',
  'selectopts GPS prefer',
  'selectopts NONE +prefer',
  'selectopts GPS',
  'selectopts',
  'selectopts 192.0.2.1 +trust',
  'offset GPS 0.125',
  'offset NONE 0.125',
  'offset GPS',
  'offset',
];

const CONFIG = [
  'port 0',
  'manual',
  'local stratum 8',
  'smoothtime 400 0.01',
  'refclock SOCK @DIR@/gps.sock refid GPS poll 2 noselect',
  'keyfile @DIR@/none',
];

/** On a server that does not answer, with a key, and one without. */
const ON_SERVERS: readonly string[] = [
  'sources -a',
  'sources -v',
  'sourcestats -a',
  'selectdata -a',
  'authdata',
  'authdata -v',
  'authdata -a',
  'sourcename ID#0000000001',
  'sourcename ID#0000000002',
  'activity',
  'offline ID#0000000001',
  'offline ID#0000000001',
  'offline ID#0000000002',
  'activity',
  'online ID#0000000001',
  'burst 1/2 ID#0000000001',
  'activity',
  'minpoll ID#0000000001 8',
  'maxpoll ID#0000000001 9',
  'minpoll ID#0000000001 3',
  'maxdelay ID#0000000001 0.5',
  'maxdelayratio ID#0000000001 2',
  'maxdelaydevratio ID#0000000001 2',
  'minstratum ID#0000000001 3',
  'polltarget ID#0000000001 20',
  'minpoll ID#0000000002 3',
  'ntpdata ID#0000000001',
  'ntpdata ID#0000000002',
  'sources -a',
  'delete ID#0000000001',
  'delete ID#0000000001',
  'ntpdata 127.0.0.7',
  'ntpdata 127.0.0.9',
  'sourcename 127.0.0.7',
  'sourcename 127.0.0.9',
  'activity',
  'offline 127.0.0.7',
  'activity',
  'online',
  'activity',
  'burst 1/2 127.0.0.7',
  'minpoll 127.0.0.7 5',
  'maxpoll 127.0.0.7 9',
  'sources',
  'maxdelay 127.0.0.7 0.5',
  'maxdelayratio 127.0.0.7 2',
  'maxdelaydevratio 127.0.0.7 2',
  'minstratum 127.0.0.7 3',
  'polltarget 127.0.0.7 20',
  'minpoll 127.0.0.7 99',
  'delete 127.0.0.8',
  'delete 127.0.0.8',
  'sources',
  'add server 127.0.0.7',
  'add server 127.0.0.9 noselect minpoll 8 key 99',
  'authdata',
  'add peer 127.0.0.9',
  'sources',
  'reset sources',
  'refresh',
  'dump',
  'rekey',
  'makestep 0.25 5',
  'maxupdateskew 50',
  'reselectdist 0.002',
  'allow 10.1/16',
  'allow all',
  'deny 192.0.2.1',
  'cmdallow 2001:db8::/32',
  'cmddeny all 10',
  'allow 10/33',
  'onoffline',
  'burst 2/1 127.0.0.7',
  'accheck 10.1.2.3 5',
  'allow all 10 x',
];

/** What the journal says of commands. */
const JOURNAL = /^\S+Z ((Source|Added|Removed|New|Reset|Key|Allowed|Denied|Could not step|Could not add) .*)/gm;
const journal = (daemon: Running): readonly string[] => [...daemon.log().matchAll(JOURNAL)].map((m) => m[1]!).sort();

const SERVERS = [
  'port 0',
  'keyfile @DIR@/keys',
  'server 127.0.0.7 port 9 minpoll 6 noselect key 5',
  'server 127.0.0.8 port 9 minpoll 6 noselect offline',
  // A name without an address: shown by -a.
  'server nobody.invalid minpoll 7 noselect key 5',
];

const format = ({ code, stdout, stderr }: Said): string => `exit ${code}\n${stdout}${stderr}`;

/** Counters that move by themselves while the commands are given. */
const still = ({ code, stdout, stderr }: Said): Said => ({
  code,
  stdout: stdout
    // 4.3 does not print them.
    .replace(/^Total (kernel|HW) [TR]X +: \d+\n/gm, '')
    .replace(/^(Total [TR]X +: )\d+$/gm, '$1n'),
  stderr,
});

/** Both daemons on one configuration; every command given to each by the client that belongs to it. */
const compare = (set: string, commands: readonly string[]): void => {
  let theirs: Pair;
  let real: Running;
  let own: Running;
  const ours = linkTo('chronyc');

  const present = (t: TestContext): boolean => {
    if (existsSync(theirs.chronyd)) return true;
    if (peersRequired()) throw new Error(`peer set ${set} is required and not installed (scripts/install-peers)`);
    t.skip(`peer set ${set} is not installed`);
    return false;
  };

  describe(`${set}: chronyd and ours, side by side`, () => {
    before(async () => {
      theirs = peerSet(set);
      if (!existsSync(theirs.chronyd)) return;
      [real, own] = await Promise.all([startChronyd(theirs.chronyd, CONFIG), startChronyd(linkTo('chronyd'), CONFIG)]);
    });

    it('every command, by the client of the same make', async (t) => {
      if (!present(t)) return;
      const differences: string[] = [];
      for (const words of commands) {
        // chronyd takes two times by hand only a second apart.
        if (words.startsWith('settime')) await sleep(1100);
        const [a, b] = await Promise.all([ask(theirs.chronyc, real.socket, words), askOurs(own.socket, words)]);
        if (!isDeepStrictEqual(a, b)) differences.push(`${words}\nchrony: ${format(a)}\nours: ${format(b)}`);
      }
      assert.equal(differences.join('\n'), '');
    });

    it('the clients are interchangeable: theirs at ours, ours at theirs', async (t) => {
      if (!present(t)) return;
      for (const words of [
        'tracking',
        'sources',
        'sourcestats',
        'selectdata',
        'smoothing',
        'manual list',
        'activity',
      ]) {
        const [a, b, c, d] = await Promise.all([
          ask(theirs.chronyc, real.socket, words),
          ask(ours, real.socket, words),
          ask(theirs.chronyc, own.socket, words),
          ask(ours, own.socket, words),
        ]);
        assert.deepEqual(b, a, `${words}: our client at chronyd`);
        assert.deepEqual(c, d, `${words}: chronyc at our daemon`);
      }
    });

    it('shutdown ends both with 0', async (t) => {
      if (!present(t)) return;
      const [a, b] = await Promise.all([
        ask(theirs.chronyc, real.socket, 'shutdown'),
        ask(ours, own.socket, 'shutdown'),
      ]);
      assert.deepEqual(b, a);
      assert.deepEqual(await Promise.all([real.exited, own.exited]), [0, 0]);
      // Messages that people watch for stand in both logs, in the same order (one has been worded anew since 4.3).
      const watched =
        /(Making a |Accumulated delta|Activated time|local reference mode|Could not open keyfile|Received shutdown|exiting|selection options modified|new offset).*/;
      const told = (r: Running): string[] =>
        r
          .log()
          .split('\n')
          .map((line) => line.replace('Time smoothing activated', 'Activated time smoothing'))
          .flatMap((line) => watched.exec(line)?.[0] ?? [])
          .map((text) => text.replace(/-?\d+\.\d+/g, '#').replace(/\/tmp\S*\//, ''));
      assert.deepEqual(told(own), told(real));
    });
  });
};

const compareServers = (set: string): void => {
  it(`${set}: every command on NTP sources`, { timeout: 120_000 }, async (t) => {
    const theirs = peerSet(set);
    if (!existsSync(theirs.chronyd)) {
      if (peersRequired()) throw new Error(`peer set ${set} is required and not installed (scripts/install-peers)`);
      return t.skip(`peer set ${set} is not installed`);
    }
    const keys = join(testDir(), 'keys');
    writeFileSync(keys, '5 SHA256 HEX:00112233445566778899AABBCCDDEEFF\n', { mode: 0o600 });
    const lines = SERVERS.map((line) => line.replace('@DIR@/keys', keys));
    const [real, own] = await Promise.all([
      startChronyd(theirs.chronyd, lines),
      startChronyd(linkTo('chronyd'), lines),
    ]);
    // Both have sent the first request of a server by then.
    await sleep(1500);
    const differences: string[] = [];
    for (const words of ON_SERVERS) {
      const [a, b] = await Promise.all([ask(theirs.chronyc, real.socket, words), askOurs(own.socket, words)]);
      if (!isDeepStrictEqual(still(a), still(b)))
        differences.push(`${words}\nchrony: ${format(a)}\nours: ${format(b)}`);
    }
    assert.equal(differences.join('\n'), '');
    const [theirLines, ourLines] = [journal(real), journal(own)];
    assert.ok(theirLines.length > 10, real.log());
    // 4.3 says less, and nothing else.
    const common = set === 'chrony' ? ourLines.filter((line) => theirLines.includes(line)) : ourLines;
    assert.deepEqual(common, theirLines);
  });
};

compare('chrony', COMMANDS);
compare('chrony-trixie', [...COMMANDS, ...NEWER]);
compareServers('chrony');
compareServers('chrony-trixie');
