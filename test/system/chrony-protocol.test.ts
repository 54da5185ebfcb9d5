/** The command protocol under the hood: datagrams to the real chronyd and to ours, the same bytes in, the same kind of reply out. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { readReplyHeader } from '../../src/wire/cmdmon/packet.js';
import { REQUESTS, type RequestName, requestLength } from '../../src/wire/cmdmon/requests.js';
import { linkTo, peerSet, startChronyd } from '../support/chronypair.js';
import { type AskRaw, QUESTIONS, questionBytes, rewritten, toHex, udpAsker, unixAsker } from '../support/cmdmonraw.js';
import { cleanUp, freePort, type Running, testDir } from '../support/daemon.js';
import { peersRequired, repoRoot } from '../support/peers.js';

after(cleanUp);

const BASE = ['local stratum 8', 'manual', 'smoothtime 400 0.01', 'refclock SOCK @DIR@/gps.sock refid GPS noselect'];

/** 4.6.1 has the layouts of today. */
const SET = 'chrony-trixie';

const present = (t: TestContext): boolean => {
  if (existsSync(peerSet(SET).chronyd)) return true;
  if (peersRequired()) throw new Error(`peer set ${SET} is required and not installed (scripts/install-peers)`);
  t.skip(`peer set ${SET} is not installed`);
  return false;
};

interface Pair {
  readonly theirs: Running;
  readonly ours: Running;
  readonly ports: readonly [number, number];
}

const startPair = async (lines: readonly string[]): Promise<Pair> => {
  const ports = [await freePort(), await freePort()] as const;
  const own = (port: number): string[] => [...BASE, `cmdport ${port}`, ...lines];
  const [theirs, ours] = await Promise.all([
    startChronyd(peerSet(SET).chronyd, own(ports[0])),
    startChronyd(linkTo('chronyd'), own(ports[1])),
  ]);
  return { theirs, ours, ports };
};

/** What of a reply cannot differ: its length and its header but for the sequence. */
const kind = (reply: Uint8Array | undefined): unknown => {
  if (reply === undefined) return 'no reply';
  const header = readReplyHeader(reply);
  return header === undefined
    ? toHex(reply)
    : { length: reply.length, reply: header.reply, status: header.status, command: header.command };
};

const bare = (code: number, length: number, change: readonly (readonly [number, number])[] = []): Uint8Array => {
  const bytes = new Uint8Array(length);
  bytes.set([6, 1, 0, 0, code >> 8, code & 255]);
  for (const [at, value] of change) bytes[at] = value;
  return bytes;
};

const compare = async (a: AskRaw, b: AskRaw, requests: readonly (readonly [string, Uint8Array])[]): Promise<void> => {
  const differences: string[] = [];
  // Some at a time: a reply that does not come is waited for.
  for (let i = 0; i < requests.length; i += 16) {
    await Promise.all(
      requests.slice(i, i + 16).map(async ([what, bytes]) => {
        const [x, y] = await Promise.all([a(bytes), b(bytes)]);
        const [p, q] = [JSON.stringify(kind(x)), JSON.stringify(kind(y))];
        if (p !== q) differences.push(`${what}: chronyd ${p}, ours ${q}`);
      }),
    );
  }
  assert.deepEqual(differences, []);
};

/** A layout of older clients, which we serve; two codes that mean something until 4.6 (null and an old logon). */
const OLDER: ReadonlySet<number> = new Set([REQUESTS.LOCAL2.code, 0, 10]);

describe('datagrams, side by side', { timeout: 120_000 }, () => {
  it('over UDP: every code, at every length that matters', async (t) => {
    if (!present(t)) return;
    const { ports } = await startPair([]);
    const requests: [string, Uint8Array][] = [];
    for (let code = 0; code <= 80; code++) {
      if (OLDER.has(code)) continue;
      requests.push([`${code} of 860`, bare(code, 860)]);
    }
    for (const name of Object.keys(REQUESTS) as RequestName[]) {
      const { code } = REQUESTS[name];
      if (OLDER.has(code)) continue;
      const length = requestLength(name);
      requests.push([`${name} in full`, bare(code, length)], [`${name} of 28`, bare(code, 28)]);
      // A friendlier daemon: what is too short for 4.6.1 may be an older client's.
      if (name !== 'SERVER_STATS' && name !== 'NTP_DATA' && length > 28) {
        requests.push([`${name} a byte short`, bare(code, length - 1)]);
      }
    }
    await compare(udpAsker(ports[0]), udpAsker(ports[1]), requests);
  });

  it('over UDP: headers that are wrong, lengths at the limits', async (t) => {
    if (!present(t)) return;
    const { ports } = await startPair([]);
    const { code } = REQUESTS.TRACKING;
    const requests: [string, Uint8Array][] = [27, 28, 103, 104, 859, 860, 861, 1400].map((n) => [
      `${n} bytes`,
      bare(code, n),
    ]);
    for (const version of [0, 4, 5, 6, 7, 255]) requests.push([`version ${version}`, bare(code, 104, [[0, version]])]);
    for (const type of [0, 2, 3]) requests.push([`type ${type}`, bare(code, 104, [[1, type]])]);
    requests.push(['reserved', bare(code, 104, [[2, 1]])], ['reserved', bare(code, 104, [[3, 1]])]);
    requests.push(['version 5 of another length', bare(code, 28, [[0, 5]])]);
    await compare(udpAsker(ports[0]), udpAsker(ports[1]), requests);
  });

  it('over UDP: every question is answered, or refused, alike', async (t) => {
    if (!present(t)) return;
    const { ports } = await startPair([]);
    const questions = QUESTIONS.map((q, i): [string, Uint8Array] => [q[0], questionBytes(q, i)]);
    await compare(udpAsker(ports[0]), udpAsker(ports[1]), questions);
  });

  it('opencommands (since 4.7): what it names is answered, and nothing else', async () => {
    const port = await freePort();
    await startChronyd(linkTo('chronyd'), [...BASE, `cmdport ${port}`, 'opencommands serverstats selectdata']);
    const ask = udpAsker(port);
    const answered: string[] = [];
    for (const [i, question] of QUESTIONS.entries()) {
      const reply = await ask(questionBytes(question, i));
      if (reply !== undefined && readReplyHeader(reply)!.status !== 2) answered.push(question[0]);
    }
    assert.deepEqual([...new Set(answered)].sort(), ['N_SOURCES', 'SELECT_DATA', 'SERVER_STATS']);
  });

  it('cmdallow and cmddeny: who gets an answer', async (t) => {
    if (!present(t)) return;
    const tracking: [string, Uint8Array][] = [['tracking', questionBytes(['TRACKING', {}], 1)]];
    for (const lines of [
      [],
      ['cmdallow 127.0.0.2'],
      ['cmdallow 127/8', 'cmddeny 127.0.0.2'],
      ['cmdallow', 'cmddeny all'],
    ]) {
      const { theirs, ours, ports } = await startPair(lines);
      for (const from of ['127.0.0.1', '127.0.0.2', '127.0.0.3']) {
        await compare(udpAsker(ports[0], from), udpAsker(ports[1], from), tracking);
      }
      await Promise.all([theirs.stop(), ours.stop()]);
    }
  });

  it('bindcmddevice: only what comes in by that interface', async (t) => {
    if (!present(t)) return;
    const tracking: [string, Uint8Array][] = [['tracking', questionBytes(['TRACKING', {}], 1)]];
    for (const [device, answers] of [
      ['lo', true],
      ['nodev9', false],
    ] as const) {
      const { theirs, ours, ports } = await startPair([`bindcmddevice ${device}`]);
      await compare(udpAsker(ports[0]), udpAsker(ports[1]), tracking);
      const reply = await udpAsker(ports[1])(tracking[0]![1]);
      assert.equal(reply !== undefined, answers, ours.log());
      await Promise.all([theirs.stop(), ours.stop()]);
    }
  });

  it('cmdratelimit: neighbours are limited, this host is not', async (t) => {
    if (!present(t)) return;
    const { ports } = await startPair(['cmdallow 127/8', 'cmdratelimit interval 4 burst 8 leak 3']);
    const answered = async (port: number, from: string): Promise<number> => {
      let n = 0;
      for (let i = 0; i < 48; i++) {
        if ((await udpAsker(port, from)(questionBytes(['TRACKING', {}], i), 60)) !== undefined) n++;
      }
      return n;
    };
    const [far, near] = [await Promise.all(ports.map((p) => answered(p, '127.0.0.5'))), ports];
    // The burst, and by chance one in eight of the others.
    for (const n of far) assert.ok(n >= 8 && n <= 28, `${far}`);
    for (const port of near) assert.equal(await answered(port, '127.0.0.1'), 48);
  });

  it('over the UNIX socket: every question; and the bytes of real replies are ours', async (t) => {
    if (!present(t)) return;
    const ntp = await freePort();
    const { theirs, ours } = await startPair([
      'port 0',
      `server 127.0.0.1 port ${ntp} minpoll 6 noselect`,
      'allow 192.0.2.0/24',
    ]);
    const [a, b] = [unixAsker(theirs.socket, testDir()), unixAsker(ours.socket, testDir())];
    const lines: string[] = [];
    for (const [i, question] of QUESTIONS.entries()) {
      const request = questionBytes(question, i + 1);
      const [x, y] = [await a(request), await b(request)];
      assert.deepEqual(kind(y), kind(x), question[0]);
      assert.ok(x !== undefined);
      assert.equal(toHex(rewritten(request, x)), toHex(x), question[0]);
      lines.push(`${question[0]} ${toHex(request)} ${toHex(x)}`);
    }
    // TIMEBALL_CAPTURE=NAME keeps them for the machines that have no chronyd.
    const name = process.env['TIMEBALL_CAPTURE'];
    if (name === undefined) return;
    const folder = join(repoRoot, 'test', 'fixtures', 'cmdmon');
    mkdirSync(folder, { recursive: true });
    const head =
      '# name, request, reply of a real daemon on loopback (-x); made by test/system/chrony-protocol.test.ts';
    writeFileSync(join(folder, `${name}.txt`), `${[head, ...lines].join('\n')}\n`);
  });
});
