/** Our client against the real chronyd on loopback. Nobody's clock is moved. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { startChronyd } from '../support/chronypair.js';
import {
  cleanUp,
  freePort,
  type Running,
  runProgram,
  startDaemon,
  TIMEBALL,
  TIMEBALLD,
  testDir,
} from '../support/daemon.js';
import { documentedFields } from '../support/manpage.js';
import { requirePeer } from '../support/peers.js';

after(cleanUp);

const KEYS = `1 MD5 ASCII:one
2 SHA1 HEX:0102030405060708090a
3 SHA512 ASCII:three
4 SHA3-256 ASCII:four
5 AES128 HEX:00112233445566778899aabbccddeeff
6 AES256 HEX:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
7 SHA256 ASCII:seven
`;

const keyFile = (text: string): string => {
  const path = join(testDir(), 'keys');
  writeFileSync(path, text);
  chmodSync(path, 0o600);
  return path;
};

/** A chronyd that serves its own clock as stratum 1. */
const server = async (program: string, lines: readonly string[] = []): Promise<{ port: number; running: Running }> => {
  const port = await freePort();
  return { port, running: await startChronyd(program, ['local stratum 1', 'allow', `port ${port}`, ...lines]) };
};

const client = (lines: readonly string[]): Promise<Running> => startDaemon(['port 0', ...lines]);

describe('NTP client and a real chronyd', () => {
  it('follows it, interleaved, with kernel stamps, to the clock that both share', async (t) => {
    const chronyd = requirePeer(t, 'chronyd');
    if (chronyd === undefined) return;
    const { port } = await server(chronyd);
    const ours = await client([`server 127.0.0.1 port ${port} iburst minpoll -2 maxpoll 0 xleave`]);
    await ours.selected('127.0.0.1');
    const data = await ours.until('interleaved measurements', async () => {
      const { stdout } = await ours.chronyc('ntpdata', '127.0.0.1');
      return /Interleaved +: Yes/.test(stdout) && /Total good RX +: [1-9]\d/.test(stdout) ? stdout : undefined;
    });
    assert.match(data, /NTP tests +: 111 111 1111/);
    assert.match(data, /TX timestamping : Kernel/);
    assert.match(data, /RX timestamping : Kernel/);
    const offset = Number(/Offset +: ([-+][\d.]+) seconds/.exec(data)![1]);
    assert.ok(Math.abs(offset) < 1e-3, data);
    const [tracking] = await ours.report('tracking');
    assert.deepEqual([tracking![0], tracking![1], tracking![2]], ['7F000001', '127.0.0.1', '2']);
    const [source] = await ours.report('sources');
    assert.deepEqual(source!.slice(0, 4), ['^', '*', '127.0.0.1', '1']);
  });

  it('obeys commands: offline, online, burst, add, delete, and says what it has', async (t) => {
    const chronyd = requirePeer(t, 'chronyd');
    if (chronyd === undefined) return;
    const { port } = await server(chronyd);
    const ours = await client([`server 127.0.0.1 port ${port} iburst minpoll 1 maxpoll 2`]);
    await ours.selected('127.0.0.1');
    const activity = async (): Promise<string[]> => (await ours.report('activity'))[0]!;
    assert.equal((await ours.chronyc('offline')).code, 0);
    await ours.until('offline', async () => ((await activity()).join() === '0,1,0,0,0' ? true : undefined));
    assert.equal((await ours.chronyc('online', '127.0.0.0/255.0.0.0')).code, 0);
    await ours.until('online', async () => ((await activity()).join() === '1,0,0,0,0' ? true : undefined));
    assert.equal((await ours.chronyc('add', 'server', '127.0.0.2', 'port', String(port), 'iburst')).code, 0);
    assert.match((await ours.chronyc('add', 'server', '127.0.0.2')).stdout, /511 Source already present/);
    assert.equal((await ours.report('sources')).length, 2);
    assert.match((await ours.chronyc('minpoll', '127.0.0.9', '3')).stdout, /503 No such source/);
    assert.equal((await ours.chronyc('maxdelay', '127.0.0.2', '0.1')).code, 0);
    assert.equal((await ours.chronyc('burst', '2/4', '127.0.0.1')).code, 0);
    assert.equal((await ours.chronyc('delete', '127.0.0.2')).code, 0);
    assert.match((await ours.chronyc('delete', '127.0.0.2')).stdout, /503/);
    assert.equal((await ours.chronyc('refresh')).code, 0);
    assert.equal((await ours.chronyc('onoffline')).code, 0);
    assert.equal((await ours.report('sources')).length, 1);
  });

  it('uses keys of every kind, and none that is wrong', async (t) => {
    const chronyd = requirePeer(t, 'chronyd');
    if (chronyd === undefined) return;
    const { port } = await server(chronyd, [`keyfile ${keyFile(KEYS)}`]);
    const wrong = keyFile(KEYS.replace('ASCII:seven', 'ASCII:other'));
    const lines = [1, 2, 3, 4, 5, 6, 7].map((k) => `server 127.0.1.${k} port ${port} iburst minpoll 0 key ${k}`);
    const ours = await client([...lines, `keyfile ${wrong}`]);
    const reach = (row: string[]): number => Number(row[5]);
    await ours.until('six servers answer', async () => {
      const report = await ours.report('sources');
      return report.slice(0, 6).every((row) => reach(row) > 0) ? true : undefined;
    });
    const report = await ours.report('sources');
    assert.equal(reach(report[6]!), 0);
    const selection = await ours.report('selectdata');
    assert.ok(selection.every((row) => row[2] === 'Y'));
  });

  it('reads *.sources files, again on demand', async (t) => {
    const chronyd = requirePeer(t, 'chronyd');
    if (chronyd === undefined) return;
    const { port } = await server(chronyd);
    const dir = join(testDir(), 'sources');
    mkdirSync(dir);
    writeFileSync(join(dir, 'a.sources'), `server 127.0.0.1 port ${port} iburst minpoll 0\nserver broken nonsense\n`);
    const ours = await client([`sourcedir ${dir}`]);
    await ours.selected('127.0.0.1');
    await ours.logged(/Invalid option in server directive/);
    rmSync(join(dir, 'a.sources'));
    assert.equal((await ours.chronyc('reload', 'sources')).code, 0);
    assert.equal((await ours.report('sources')).length, 0);
  });

  it('says that a server which is not there is not there', async () => {
    const ours = await client([`server 127.0.0.1 port ${await freePort()} iburst minpoll 0 maxpoll 0`]);
    await ours.until('several requests', async () => {
      const { stdout } = await ours.chronyc('ntpdata', '127.0.0.1');
      return stdout.includes('503') || stdout === '' || /Total TX/.test(stdout) ? true : undefined;
    });
    const [row] = await ours.report('sources');
    assert.deepEqual([row![1], row![5]], ['?', '0']);
  });

  it('timeball date tells the offset of a server, and 2 when none answers', async (t) => {
    const chronyd = requirePeer(t, 'chronyd');
    if (chronyd === undefined) return;
    const { port } = await server(chronyd);
    const good = await runProgram(TIMEBALL, ['date', '-p', String(port), '127.0.0.1']);
    assert.equal(good.code, 0, good.text);
    assert.match(
      good.stdout,
      /^\d{4}-\d\d-\d\d [\d:.]+ \(\+0000\) [-+]0\.000\d{3} \+\/- 0\.\d+ 127\.0\.0\.1 127\.0\.0\.1 s1 no-leap$/m,
    );
    const json = await runProgram(TIMEBALL, ['date', '--json', '-p', String(port), '127.0.0.1']);
    assert.equal(JSON.parse(json.stdout)[0].replies, 4);
    assert.deepEqual(Object.keys(JSON.parse(json.stdout)[0]), documentedFields('JSON WITHOUT A DAEMON', 'date'));
    const none = await runProgram(TIMEBALL, ['date', '-t', '1', '-p', String(await freePort()), '127.0.0.1']);
    assert.equal(none.code, 2, none.text);
    assert.match(none.stderr, /^127\.0\.0\.1 127\.0\.0\.1: no reply$/m);
    const unsynced = await freePort();
    await startChronyd(chronyd, ['allow', `port ${unsynced}`]);
    const useless = await runProgram(TIMEBALL, ['date', '-p', String(unsynced), '127.0.0.1']);
    assert.equal(useless.code, 2, useless.text);
    assert.match(useless.stderr, /^127\.0\.0\.1 127\.0\.0\.1: not synchronised$/m);
    assert.equal((await runProgram(TIMEBALL, ['date'])).code, 64);
  });

  it('-Q says how wrong the clock is, and fails without an answer', async (t) => {
    const chronyd = requirePeer(t, 'chronyd');
    if (chronyd === undefined) return;
    const { port } = await server(chronyd);
    const good = await runProgram(TIMEBALLD, ['-Q', `server 127.0.0.1 port ${port} iburst`], { ms: 40_000 });
    assert.equal(good.code, 0, good.text);
    const offset = Number(/System clock wrong by (-?[\d.]+) seconds \(ignored\)/.exec(good.text)![1]);
    assert.ok(Math.abs(offset) < 1e-3, good.text);
    const bad = await runProgram(TIMEBALLD, ['-Q', '-t', '3', `server 127.0.0.1 port ${await freePort()} iburst`]);
    assert.equal(bad.code, 1, bad.text);
  });
});
