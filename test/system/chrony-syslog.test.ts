/** Without -d and -l both daemons speak to /dev/log: a private one, in a mount namespace. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { loadNative } from '../../src/devices/native.js';
import { linkTo, peerSet } from '../support/chronypair.js';
import { cleanUp, poll, runProgram, testDir } from '../support/daemon.js';
import { peerEnv, peersRequired } from '../support/peers.js';

after(cleanUp);

/** $1: the folder that becomes /dev, $2…: the program. */
const SCRIPT = `
for f in null zero random urandom; do mount --bind /dev/$f "$1/$f" || exit 70; done
mount --bind "$1" /dev || exit 70
shift; exec "$@"`;

const canMount = (): boolean =>
  process.getuid!() === 0 && spawnSync('unshare', ['-m', 'mount', '--bind', '/tmp', '/tmp']).status === 0;

interface Heard {
  readonly code: number | null;
  readonly stderr: string;
  readonly lines: readonly string[];
  readonly dir: string;
}

/** `until`: a line that must come before this looks away. */
const run = async (program: string, args: readonly string[], until: RegExp): Promise<Heard> => {
  const dir = testDir();
  const dev = join(dir, 'dev');
  mkdirSync(dev);
  for (const f of ['null', 'zero', 'random', 'urandom']) writeFileSync(join(dev, f), '');
  const lines: string[] = [];
  const log = new (loadNative().Datagram)(join(dev, 'log'), { unlink: true, mode: 0o666 });
  log.start(
    (bytes) => lines.push(Buffer.from(bytes).toString('latin1').replace(/\0$/, '')),
    () => {},
  );
  try {
    const own = args.map((word) => word.replace('@D', dir));
    const words = ['-m', 'sh', '-c', SCRIPT, 'sh', dev, program, ...own];
    const { code, stderr } = await runProgram('unshare', words, {
      env: { ...peerEnv(program), TZ: 'UTC', JOURNAL_STREAM: '' },
    });
    await poll(
      `${until}`,
      () => (lines.some((line) => until.test(line)) ? true : undefined),
      10_000,
      () => lines.join('\n'),
    );
    return { code, stderr, lines, dir };
  } finally {
    log.close();
  }
};

const shape = (lines: readonly string[]): string[] =>
  lines.map((line) =>
    line
      .replace(/^(<\d+>)[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d /, '$1TIME ')
      .replace(/\[\d+\]/, '[PID]')
      .replace(/version \S+ starting \(.*\)/, 'version V starting'),
  );

const LINES = ['port 0', 'user root', 'cmdport 0', 'bindcmdaddress /', 'pidfile @D/pid'];

const theirs = (t: TestContext): string | undefined => {
  if (!canMount()) {
    t.skip('needs root and mount namespaces');
    return undefined;
  }
  const { chronyd } = peerSet('chrony');
  if (existsSync(chronyd)) return chronyd;
  if (peersRequired()) throw new Error('peer set chrony is required and not installed (scripts/install-peers)');
  t.skip('peer set chrony is not installed');
  return undefined;
};

describe('the system log, side by side', { timeout: 60_000 }, () => {
  it('in the foreground (-n): the same lines with the same priorities', async (t) => {
    const chronyd = theirs(t);
    if (chronyd === undefined) return;
    const args = ['-x', '-U', '-n', '-t', '0.5', ...LINES, 'commandkey 1'];
    const [a, b] = [await run(chronyd, args, /exiting/), await run(linkTo('chronyd'), args, /exiting/)];
    assert.deepEqual(shape(b.lines), shape(a.lines));
    assert.deepEqual([b.code, b.stderr], [a.code, a.stderr]);
  });

  it('what ends the start is there, too', async (t) => {
    const chronyd = theirs(t);
    if (chronyd === undefined) return;
    for (const args of [
      ['-n', '-x', '-U', '-f', '@D/none.conf'],
      ['-x', '-U', '-f', '@D/none.conf'],
    ]) {
      const a: Heard = await run(chronyd, args, /none\.conf/);
      const b: Heard = await run(linkTo('chronyd'), args, /none\.conf/);
      const without = (h: Heard): string[] => shape(h.lines).map((line) => line.replace(h.dir, '@D'));
      assert.deepEqual(without(b), without(a));
      assert.deepEqual([b.code, b.stderr.replace(b.dir, '@D')], [a.code, a.stderr.replace(a.dir, '@D')]);
    }
  });

  it('in the background: 0 when it is ready, the pid file names the one that stays, the log goes on', async (t) => {
    const chronyd = theirs(t);
    if (chronyd === undefined) return;
    const args = ['-x', '-U', '-t', '2', ...LINES];
    for (const program of [chronyd, linkTo('chronyd')]) {
      let pid = 0;
      const heard = await run(program, args, /chronyd\[\d+\]: chronyd exiting/);
      pid = Number(/\[(\d+)\]/.exec(heard.lines[0]!)![1]);
      assert.deepEqual([heard.code, heard.stderr], [0, '']);
      assert.ok(pid > 0 && heard.lines.every((line) => line.includes(`[${pid}]`)), heard.lines.join('\n'));
      assert.equal(existsSync(join(heard.dir, 'pid')), false, 'removed at the end');
    }
  });

  it('negative control: with -l the system log stays silent', async (t) => {
    const chronyd = theirs(t);
    if (chronyd === undefined) return;
    const dir = testDir();
    const file = join(dir, 'log');
    const args = ['-x', '-U', '-n', '-t', '0.5', '-l', file, ...LINES];
    await assert.rejects(run(linkTo('chronyd'), args, /starting/));
    assert.match(readFileSync(file, 'utf8'), /chronyd exiting/);
  });
});
