/** The command at a terminal: prompt, completion, history, live view, and what needs no daemon. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { peerSet, startChronyd } from '../support/chronypair.js';
import { cleanUp, poll, type Running, startDaemon, TIMEBALL } from '../support/daemon.js';
import { peer, repoRoot } from '../support/peers.js';

after(cleanUp);

const hasScript = spawnSync('script', ['--version']).status === 0;

/** A program in a pseudo-terminal made by script(1). */
class Terminal {
  screen = '';
  readonly child: ChildProcess;
  readonly ended: Promise<number>;

  constructor(words: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const command = words.map((word) => `'${word}'`).join(' ');
    this.child = spawn('script', ['-qefc', command, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...process.env, TERM: 'xterm', ...env },
    });
    this.child.stdout!.on('data', (piece: Buffer) => {
      this.screen += piece.toString();
    });
    this.ended = new Promise((resolve) => this.child.once('exit', (code) => resolve(code ?? -1)));
  }

  type(keys: string): void {
    this.child.stdin!.write(keys);
  }

  shows(pattern: RegExp): Promise<true> {
    return poll(
      `${pattern} on the screen`,
      () => (pattern.test(this.screen) ? true : undefined),
      15_000,
      () => this.screen,
    );
  }
}

const needsScript = (t: TestContext): boolean => {
  if (!hasScript) t.skip('script(1) is not installed');
  return hasScript;
};

describe('timeball at a terminal', () => {
  let daemon: Running;
  before(async () => {
    daemon = await startDaemon(['port 0', 'local stratum 8', 'manual']);
  });
  const open = (...words: string[]): Terminal =>
    new Terminal([TIMEBALL, '-h', daemon.socket, '-n', ...words], { XDG_STATE_HOME: daemon.dir });

  it('prompts, completes with TAB, and remembers', async (t) => {
    if (!needsScript(t)) return;
    const first = open();
    await first.shows(/timeball> /);
    // Key by key: what comes at once counts as pasted, and a pasted TAB completes nothing.
    first.type('trac');
    await first.shows(/timeball> .*trac/);
    first.type('\t');
    await first.shows(/tracking/);
    first.type('\r');
    await first.shows(/Leap status/);
    first.type('nonsense\r');
    await first.shows(/Unrecognized command/);
    first.type('manual reset\r');
    await first.shows(/200 OK/);
    first.type('exit\r');
    assert.equal(await first.ended, 0);
    const history = join(daemon.dir, 'timeball', 'history');
    assert.deepEqual(readFileSync(history, 'utf8').split('\n'), ['tracking', 'nonsense', 'manual reset', 'exit', '']);
    assert.equal(statSync(history).mode & 0o777, 0o600);
    const second = open();
    await second.shows(/timeball> /);
    // Four lines up: the first command of the last session.
    second.type('\u001b[A\u001b[A\u001b[A\u001b[A\r');
    await second.shows(/Reference ID +: 7F7F0101/);
    second.type('\u0004');
    await second.ended;
  });

  it('without a terminal there is no prompt', () => {
    const { stdout, status } = spawnSync(TIMEBALL, ['-h', daemon.socket, '-c'], {
      input: 'activity\n',
      encoding: 'utf8',
    });
    assert.equal(stdout, '0,0,0,0,0\n');
    assert.equal(status, 0);
  });

  it('watch draws everything and gives the terminal back at q', async (t) => {
    if (!needsScript(t)) return;
    const view = open('watch', '0.2');
    await view.shows(/q: quit/);
    await view.shows(/NTP server +: 0\.0 requests\/s/);
    for (const text of [/MS Name\/IP address/, /Freq Skew/, /Stratum +: 8/]) assert.match(view.screen, text);
    view.type('q');
    assert.equal(await view.ended, 0);
    assert.ok(view.screen.trimEnd().endsWith('\u001b[?25h\u001b[?1049l'), 'the terminal as it was before');
  });

  it('watch shows a chronyd, too', async (t) => {
    if (!needsScript(t)) return;
    if (peer('chronyd') === undefined) return t.skip('peer chronyd is not installed');
    const real = await startChronyd(peerSet('chrony').chronyd, ['port 0', 'local stratum 6']);
    const view = new Terminal([TIMEBALL, '-h', real.socket, '-n', 'watch', '0.2']);
    await view.shows(/Stratum +: 6/);
    view.type('\u0003');
    assert.equal(await view.ended, 0);
  });

  it('watch without a terminal looks once', () => {
    const { stdout, status } = spawnSync(TIMEBALL, ['-h', daemon.socket, 'watch'], { encoding: 'utf8', input: '' });
    assert.match(stdout, /Reference ID/);
    assert.doesNotMatch(stdout, /\u001b/);
    assert.equal(status, 0);
  });

  it('help of one command', () => {
    const { stdout } = spawnSync(TIMEBALL, ['-h', daemon.socket, 'help', 'offline'], { encoding: 'utf8' });
    assert.match(stdout, /^online\|offline .*\n.*\n$|^online\|offline .*\n$/);
  });
});

describe('timeball check', () => {
  const folder = join(repoRoot, 'test', 'fixtures', 'conf');
  const check = (name: string) => spawnSync(TIMEBALL, ['check', join(folder, name)], { encoding: 'utf8' });

  /** What is said of each, line by line; nothing of the others. */
  const SAID: Readonly<Record<string, readonly string[]>> = {
    'ptp-ntp-bridge.conf': [
      'warning: local stratum 1 without any source (clients would trust this clock as if it had a reference; use a higher stratum)',
    ],
    'doubtful.conf': [
      'warning: Invalid lock refid GPS (the refids are NMEA, PPS)',
      'warning: logdir not specified',
      'warning: minsources 5 is more than there are sources (the clock would never be updated)',
      'warning: A source has a key, but there is no keyfile',
      'warning: allow has no effect with port 0',
      'warning: linux_hz directive is no longer supported',
    ],
    'receiver-alone.conf': [
      'warning: refclock NMEA has neither a pulse nor an offset and a delay (without a pulse the latency of the messages cannot be learned; give "offset" and "delay", or add a PPS refclock)',
    ],
  };

  for (const name of readdirSync(folder).filter((file) => file !== 'broken.conf')) {
    it(`${name} would start, and what is said of it`, () => {
      const { status, stdout } = check(name);
      assert.equal(status, 0, stdout);
      const said = stdout.trimEnd().split('\n');
      assert.deepEqual(said.slice(0, -1), SAID[name] ?? []);
      const many = SAID[name]?.length ?? 0;
      const sum = many === 0 ? 'no problems' : `0 errors, ${many} warning${many === 1 ? '' : 's'}`;
      assert.ok(said.at(-1)!.endsWith(sum), stdout);
    });
  }

  it('tells every error of a file, its line, and what was probably meant', () => {
    const { status, stdout } = check('broken.conf');
    assert.equal(status, 78);
    assert.match(stdout, /:1: error: Invalid directive sever \(did you mean "server"\?\)/);
    assert.deepEqual(
      [...stdout.matchAll(/:(\d): error:/g)].map((m) => Number(m[1])),
      [1, 2, 3, 4, 5],
    );
    assert.match(stdout, /5 errors, 0 warnings\n$/);
  });

  it('a file that is not there is an error, no file is a usage error', () => {
    assert.equal(check('none.conf').status, 78);
    assert.equal(spawnSync(TIMEBALL, ['check'], { encoding: 'utf8' }).status, 64);
  });

  it('the daemon is of the same opinion', () => {
    const start = spawnSync(join(repoRoot, 'bin', 'timeballd'), ['-x', '-U', '-d', '-f', join(folder, 'broken.conf')], {
      encoding: 'utf8',
    });
    assert.equal(start.status, 78);
  });
});
