/** Debian's chronyc and ours side by side, before the same daemon: the real door over a fixed state. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fromUnix, instant } from '../../src/base/time.js';
import { handleRequest } from '../../src/control/cmdmon/door.js';
import { type Door, openUnixDoor } from '../../src/control/cmdmon/unix.js';
import { loadNative } from '../../src/devices/native.js';
import { encodeReply, type RequestHeader, readRequestHeader } from '../../src/wire/cmdmon/packet.js';
import { REQUESTS } from '../../src/wire/cmdmon/requests.js';
import { fakeDaemon } from '../support/cmdmon.js';
import { repoRoot, requirePeer } from '../support/peers.js';

const root = mkdtempSync(join(tmpdir(), 'tb-chronyc-'));
const ours = join(root, 'chronyc');
const { context } = fakeDaemon();

/** Reports that the daemon does not have yet, so that the client's side of them is compared too. */
const extras = (header: RequestHeader, bytes: Uint8Array): Uint8Array | undefined => {
  switch (header.command) {
    case REQUESTS.AUTH_DATA.code: {
      const mode = (bytes[20]! + bytes[35]!) % 3;
      const key = { mode, keyType: 15, keyId: 123456, keyLength: 256, keAttempts: 2, lastKeAgo: 4000 };
      return encodeReply(header, 'AUTH_DATA', { ...key, cookies: 8, cookieLength: 100, nak: mode });
    }
    case REQUESTS.RTCREPORT.code: {
      const rtc = { referenceTime: fromUnix(1_700_000_000, 7), samples: 20, runs: 5, span: 40_000 };
      return encodeReply(header, 'RTC', { ...rtc, fastBy: -1.234567, gainPpm: 12.3456 });
    }
    case REQUESTS.SMOOTHING.code: {
      const smooth = {
        flags: 3,
        offset: 1e-3,
        freqPpm: -1.5,
        wanderPpm: 0.001,
        lastUpdateAgo: 12.34,
        remaining: 100.25,
      };
      return encodeReply(header, 'SMOOTHING', smooth);
    }
    case REQUESTS.MANUAL_LIST.code: {
      const first = { when: fromUnix(1_700_000_000), slewedOffset: 1.234, originalOffset: -5.678, residual: 0.125 };
      const second = { when: fromUnix(1_700_000_100), slewedOffset: -1000.5, originalOffset: 123456.789, residual: 0 };
      return encodeReply(header, 'MANUAL_LIST', { count: 2, samples: [first, second] });
    }
    default:
      return undefined;
  }
};

const answer = (bytes: Uint8Array): Uint8Array | undefined => {
  const header = readRequestHeader(bytes);
  return (header && extras(header, bytes)) ?? handleRequest(bytes, { transport: 'unix' }, context);
};

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `input`: commands, a line each. */
const run = (program: string, args: readonly string[], input = ''): Promise<Run> =>
  new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      { timeout: 20_000, env: { ...process.env, TZ: 'UTC' } },
      (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr }),
    );
    // A program that has already ended does not read.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });

/** chronyc before 4.6 does not know the counters of time stamps: text lines and the last CSV columns. */
const NEWER = /^(NTP (daemon|kernel|hardware) |Total (kernel|HW) )/;
const comparable = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !NEWER.test(line))
    .join('\n');

const assertSame = async (theirs: string, args: readonly string[], input = ''): Promise<void> => {
  const [real, own] = await Promise.all([run(theirs, args, input), run(ours, args, input)]);
  assert.equal(comparable(own.stdout), comparable(real.stdout), `stdout of ${args.join(' ')}`);
  assert.equal(own.stderr, real.stderr, `stderr of ${args.join(' ')}`);
  assert.equal(own.code, real.code, `exit code of ${args.join(' ')}`);
};

const REPORTS = [
  'tracking',
  'sources',
  'sourcestats',
  'selectdata',
  'authdata',
  'activity',
  'clients',
  'rtcdata',
  'smoothing',
  'manual list',
  'sourcename 192.0.2.1',
  'accheck 192.0.2.1',
  'cmdaccheck 192.0.2.1',
  'waitsync 1',
];

describe('chronyc and timeball print the same', () => {
  let socket: Socket;
  let at: string[] = [];
  before(async () => {
    symlinkSync(join(repoRoot, 'bin', 'timeball'), ours);
    socket = createSocket('udp4');
    socket.on('message', (bytes, from) => {
      const reply = answer(bytes);
      if (reply !== undefined) socket.send(reply, from.port, from.address);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    at = ['-h', '127.0.0.1', '-p', String(socket.address().port)];
  });
  after(() => {
    socket.close();
    rmSync(root, { recursive: true, force: true });
  });

  const batches: Readonly<Record<string, readonly string[]>> = {
    'every report as text': ['-n', '-m', ...REPORTS, 'serverstats', 'ntpdata', 'ntpdata 192.0.2.1'],
    'every report as CSV': ['-c', '-m', ...REPORTS],
    'legends and options': [
      '-n',
      '-m',
      'sources -v',
      'sourcestats -a -v',
      'selectdata -v',
      'authdata -v -a',
      'clients -k',
      'clients -p 500 -r',
      'sources -x',
    ],
    'configured names': ['-N', '-m', 'sources', 'sourcestats', 'selectdata', 'authdata'],
    'names by reverse lookup': ['-m', 'sources', 'clients', 'tracking'],
    acknowledgements: [
      '-m',
      'makestep',
      'makestep 0.1 3',
      'reselect',
      'rekey',
      'cyclelogs',
      'allow 10.1/16',
      'deny all 2001:db8::/32',
      'cmdallow',
      'refresh',
      'onoffline',
      'reload sources',
      'reset sources',
      'dump',
      'shutdown',
    ],
    'a failure at the end': ['-m', 'activity', 'makestep'],
    'stop at the first failure': ['-m', 'activity', 'makestep', 'activity'],
    'an unknown option': ['-Z', 'activity'],
    'a word too many': ['-n', '-m', 'accheck 192.0.2.1 5', 'activity'],
  };
  const scripts: Readonly<Record<string, readonly string[]>> = {
    refusals: [
      'ntpdata 198.51.100.99',
      'sourcename 198.51.100.99',
      'allow 1.2.3.4/33',
      'online',
      'burst 1/2',
      'minpoll 192.0.2.1 6',
      'maxdelay 192.0.2.1 0.1',
      'delete 192.0.2.1',
      'dfreq 0.1',
      'doffset 0.1',
      'smoothtime reset',
      'trimrtc',
      'writertc',
      'manual on',
      'manual delete 3',
    ],
    'wrong words': [
      'foo',
      'makestep 1',
      'makestep a b',
      'allow foo/3',
      'clients -p',
      'manual foo',
      'manual',
      'manual delete',
      'reload',
      'reset foo',
      'burst 1',
      'sourcename',
      'accheck',
      'dns foo',
      'timeout 1',
      'retries -1',
      'smoothtime',
      'minpoll',
      'minpoll 1.2.3.4',
      'maxdelay 1.2.3.4',
      'delete',
      'online a/b',
      'dfreq x',
      'activity',
    ],
    'blanks, comments and an end': ['', '# comment', '  activity  ', '! comment', 'exit', 'tracking'],
    'a failure, then success': ['foo', 'activity'],
    'a failure last': ['activity', 'makestep'],
  };
  for (const [name, lines] of Object.entries(scripts)) {
    it(`from standard input: ${name}`, async (t) => {
      const theirs = requirePeer(t, 'chronyc');
      if (theirs !== undefined) await assertSame(theirs, [...at, '-n'], `${lines.join('\n')}\n`);
    });
  }
  for (const [name, args] of Object.entries(batches)) {
    it(name, async (t) => {
      const theirs = requirePeer(t, 'chronyc');
      if (theirs === undefined) return;
      if (name !== 'an unknown option') return assertSame(theirs, [...at, ...args]);
      // Usage texts differ on purpose; the exit code and the complaint do not.
      const [real, own] = await Promise.all([run(theirs, args), run(ours, args)]);
      assert.equal(own.code, real.code);
      assert.match(own.stderr, /invalid option -- 'Z'/);
    });
  }
  it('CSV of counters begins as chronyc’s', async (t) => {
    const theirs = requirePeer(t, 'chronyc');
    if (theirs === undefined) return;
    const args = [...at, '-c', '-m', 'serverstats', 'ntpdata 192.0.2.1'];
    const [real, own] = await Promise.all([run(theirs, args), run(ours, args)]);
    const lines = real.stdout.split('\n');
    for (const [i, line] of own.stdout.split('\n').entries()) assert.ok(line.startsWith(lines[i]!), line);
  });
  it('the comparison can fail', async (t) => {
    const theirs = requirePeer(t, 'chronyc');
    if (theirs === undefined) return;
    const [real, own] = await Promise.all([run(theirs, [...at, 'tracking']), run(ours, [...at, '-c', 'tracking'])]);
    assert.notEqual(own.stdout, real.stdout);
  });
  it('nobody answers: the same words and codes', async (t) => {
    const theirs = requirePeer(t, 'chronyc');
    if (theirs === undefined) return;
    await assertSame(theirs, ['-h', '127.0.0.1', '-p', '9', 'activity']);
    await assertSame(theirs, ['-h', join(root, 'no.sock'), 'activity']);
  });
  it('JSON carries the same numbers', async () => {
    const timeball = join(repoRoot, 'bin', 'timeball');
    const { stdout, code } = await run(timeball, [...at, 'sources', '--json']);
    const sources = JSON.parse(stdout) as Record<string, unknown>[];
    assert.equal(code, 0);
    assert.deepEqual([sources[0]?.['name'], sources[0]?.['reach'], sources[2]?.['lastRxSeconds']], ['PPS0', 255, null]);
    const failed = await run(timeball, [...at, '--json', 'makestep']);
    assert.deepEqual([failed.code, JSON.parse(failed.stdout)], [1, { status: 1, error: '500 Failure' }]);
  });
  it('JSON fields are those of the manual page', async () => {
    const page = readFileSync(join(repoRoot, 'docs', 'man', 'timeball.1.md'), 'utf8').split('## JSON')[1]!;
    const documented = new Map(
      [...page.matchAll(/^\| `([a-z -]+)` \| (.*) \|$/gm)].map(([, name, fields]) => [
        name!,
        [...fields!.matchAll(/`([A-Za-z0-9]{2,})`/g)].map((match) => match[1]!),
      ]),
    );
    // `clients -k` is told in words.
    documented.delete('clients -k');
    const commands = [...documented.keys()];
    const withArgument = (name: string): string =>
      /^(ntpdata|sourcename)$/.test(name) ? `${name} 192.0.2.1` : name === 'waitsync' ? 'waitsync 1' : name;
    const { stdout } = await run(join(repoRoot, 'bin', 'timeball'), [
      ...at,
      '-n',
      '--json',
      '-m',
      ...commands.map(withArgument),
    ]);
    const lines = stdout.trimEnd().split('\n');
    assert.equal(lines.length, commands.length);
    for (const [i, line] of lines.entries()) {
      const json = JSON.parse(line) as Record<string, unknown> | Record<string, unknown>[];
      const keys = Object.keys(Array.isArray(json) ? json[0]! : json);
      assert.deepEqual(
        keys,
        documented.get(commands[i]!)!.filter((key) => key !== 'clients'),
        commands[i],
      );
    }
  });
  it('asks again when a request is lost', async () => {
    let asked = 0;
    const lossy = createSocket('udp4');
    lossy.on('message', (bytes, from) => {
      asked++;
      const reply = answer(bytes);
      if (asked > 1 && reply !== undefined) lossy.send(reply, from.port, from.address);
    });
    lossy.bind(0, '127.0.0.1');
    await once(lossy, 'listening');
    const args = ['-h', '127.0.0.1', '-p', String(lossy.address().port), '-m', 'timeout 100', 'activity'];
    const { stdout, code } = await run(ours, args);
    lossy.close();
    assert.deepEqual([code, asked, stdout.startsWith('200 OK\n3 sources online')], [0, 2, true]);
  });
});

describe('over the UNIX socket', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tb-unix-'));
  const path = join(directory, 'run', 'd.sock');
  let door: Door | undefined;
  let unavailable: string | undefined;
  before(() => {
    try {
      const { Datagram } = loadNative();
      const owner = { uid: process.getuid!(), gid: process.getgid!() };
      const log = { observer: { fact: ({ text }: { text: string }) => assert.fail(text) }, now: () => instant(0n) };
      door = openUnixDoor(path, owner, (p, o) => new Datagram(p, o), answer, log);
    } catch (error) {
      unavailable = (error as Error).message;
    }
  });
  after(() => {
    door?.close();
    rmSync(directory, { recursive: true, force: true });
  });
  it('timeball is answered, with full access, and leaves nothing behind', async (t) => {
    if (unavailable !== undefined) return t.skip(`the addon is not built: ${unavailable}`);
    const { stdout, code } = await run(join(repoRoot, 'bin', 'timeball'), ['-h', path, '-m', 'serverstats', 'rekey']);
    assert.deepEqual([code, stdout.slice(0, 28)], [0, 'NTP packets received       :']);
    assert.match(stdout, /200 OK\n$/);
    assert.deepEqual(readdirSync(join(directory, 'run')), ['d.sock']);
  });
  it('chronyc is answered', async (t) => {
    if (unavailable !== undefined) return t.skip(`the addon is not built: ${unavailable}`);
    const theirs = requirePeer(t, 'chronyc');
    if (theirs === undefined) return;
    const { stdout, code } = await run(theirs, [
      '-h',
      path,
      '-n',
      '-m',
      'serverstats',
      'ntpdata 192.0.2.1',
      'makestep 1 3',
    ]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^NTP packets received {7}: 1234567\n/);
    assert.match(stdout, /Remote address {2}: 192\.0\.2\.1/);
  });
});
