/** The command line of chronyd and what goes wrong at start, side by side: the same words, the same exit code. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { linkTo, peerSet, type Said } from '../support/chronypair.js';
import { cleanUp, runProgram, testDir } from '../support/daemon.js';
import { peerEnv, peersRequired } from '../support/peers.js';

after(cleanUp);

let taken: Socket;
let port = 0;
const OURS = linkTo('chronyd');

/** Each run has its own, so that several may go on at a time. */
const ownDir = (): string => {
  const dir = testDir();
  writeFileSync(join(dir, 'other.pid'), '1\n');
  mkdirSync(join(dir, 'open'), { mode: 0o755 });
  writeFileSync(join(dir, 'good.conf'), '  port   0\n# comment\nlog  tracking\nAllow   all\n');
  writeFileSync(join(dir, 'keys'), '7 abc\n', { mode: 0o600 });
  writeFileSync(join(dir, 'bad.conf'), 'port 0\nmakestep 1\n');
  writeFileSync(join(dir, 'baddrift'), 'x\n');
  return dir;
};

before(async () => {
  taken = createSocket('udp4');
  await new Promise<void>((resolve) => taken.bind(0, '127.0.0.1', resolve));
  ({ port } = taken.address());
});
after(() => taken.close());

/** `@D` is the directory, `@P` a port that is taken. */
const RUN: readonly string[] = [
  '-x',
  '-U',
  '-d',
  '-t',
  '0.5',
  'port 0',
  'user root',
  'cmdport 0',
  'bindcmdaddress /',
  'pidfile @D/pid',
];
const BAD = ['-x', '-U', '-d', 'user root', 'pidfile @D/pid'];

const CASES: readonly (readonly string[])[] = [
  ['-h'],
  ['--help'],
  ['-v'],
  ['--version'],
  ['-Z'],
  ['-f'],
  ['-t', 'x', 'port 0'],
  ['-L', 'x', '-p', 'port 0'],
  ['-L', '9', '-p', 'port 0'],
  ['-P', 'x', '-p', 'port 0'],
  ['-P', '200', '-p', 'port 0'],
  ['-F', '5', '-p', 'port 0'],
  ['-4', '-6', '-p', 'port 0'],
  ['-p', 'port 0', 'log tracking'],
  ['-p', '-f', '@D/good.conf'],
  ['-p', '-f', '@D/bad.conf'],
  ['-p', '-f', '@D/none.conf'],
  ['-d', '-f', '@D/none.conf'],
  ['-n', '-f', '@D/none.conf'],
  ['-f', '@D/none.conf'],
  ['-f', '@D/bad.conf'],
  ['-d', 'makestep 1'],
  ['-dn', 'makestep 1', 'port x'],
  ['-q', '-t', '1', '-x', '-U', 'port 0', 'user root'],
  ['-Q', '-t', '1', 'port 0', 'user root'],
  ['-Q', '-t', '2', 'port 0', 'user root', 'server 127.0.0.1 port @P'],
  [...BAD, 'port 0', 'user nobody-of-that-name'],
  [...BAD, 'port 0', 'pidfile @D/other.pid'],
  [...RUN],
  [...RUN, 'port @P', 'bindaddress 127.0.0.1', 'allow'],
  [...RUN, 'cmdport @P', 'bindcmdaddress 127.0.0.1', 'bindcmdaddress ::1'],
  [...RUN, 'rtcfile @D/rtc'],
  [...RUN, 'rtcfile @D/rtc', '-s'],
  [...RUN, 'keyfile @D/nokeys'],
  [...RUN, 'bindcmdaddress @D/open/sock'],
  [...RUN, 'driftfile @D/baddrift'],
  [...RUN, 'local stratum 10', 'commandkey 1', 'linux_hz 100', 'dumponexit'],
  ['-v', '-h', '-Z'],
  ['-h', '-v'],
  ['--foo'],
  ['-p', 'allow 10/33'],
  [...RUN, 'server 127.0.0.1 port 9', 'server 127.0.0.1'],
  [...RUN, 'keyfile @D/keys', 'server 127.0.0.1 port 9 key 7', 'server 127.0.0.2 port 9 key 8'],
  [...RUN, 'refclock SHM 7 lock ABC', 'refclock SHM 8 refid X', 'refclock SHM 9 refid X'],
];

/** These are found before the clock is looked at, with chronyd after it: what is compared is the last line. */
const FATAL_LATER: readonly (readonly string[])[] = [
  [...RUN, 'rtcsync', 'rtcfile @D/rtc'],
  [...RUN, 'refclock FOO x'],
  [...RUN, 'refclock FOO x', 'port 0'],
  [...RUN, 'allow 10/33'],
  [...RUN, 'allow 2001:db8::/129'],
  [...RUN, 'deny nobody.invalid'],
  [...RUN, 'ntsservercert /none'],
  [...RUN, 'tempcomp /none 1 @D/nopoints'],
  [...RUN, '-l', '@D/no/log'],
  [...RUN, 'refclock PHC /dev/ptp0:bogus'],
  [...RUN, 'ratelimit', 'noclientlog'],
  [...RUN, 'mailonchange a@example.org 0.5', '-F', '1'],
];

/** Texts of our own in place of chronyd's; what only we say; and what the two of them say in another order. */
const shape = (text: string, program: string, dir: string): string =>
  text
    .replaceAll(dir, '@D')
    .replaceAll(program, 'chronyd')
    // A wrapper calls the program by its own path.
    .replace(/^(Usage: |)\/\S+\/chronyd\b/gm, '$1chronyd')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'T')
    .replace(/\((chrony|timeball)\) version \S+ \(.*\)/, 'version V')
    .replace(/version \S+ starting \(.*\)/, 'version V starting')
    // The help is ours.
    .replace(/(Usage: .*\n)[\s\S]*/, '$1')
    // Worded anew since 4.3.
    .replace(/^T Loaded \d+ symmetric keys\n/gm, '')
    .replace('Time smoothing activated', 'Activated time smoothing')
    .replace(/^T More than one refclock has the refid X\n/gm, '')
    // We say why.
    .replace(/(Could not open (NTP|command) socket on \S+) : .*/g, '$1')
    .replace(/^T No reference to follow: .*\n/gm, '')
    // The order within a start is not the same.
    .split('\n')
    .sort()
    .join('\n');

const runOne = async (program: string, words: readonly string[]): Promise<Said> => {
  const dir = ownDir();
  const args = words.map((word) => word.replace('@D', dir).replace('@P', String(port)));
  const env = { ...peerEnv(program), TZ: 'UTC' };
  const { code, stdout, stderr } = await runProgram(program, args, { env });
  return { code, stdout: shape(stdout, program, dir), stderr: shape(stderr, program, dir) };
};

const told = new Map<string, Promise<Said>>();

/** What ours says is the same beside every release: it is asked once. */
const runOurs = (words: readonly string[]): Promise<Said> => {
  const key = words.join('\n');
  const said = told.get(key) ?? runOne(OURS, words);
  told.set(key, said);
  return said;
};

const lastLine = ({ code, stderr }: Said): readonly unknown[] => [code, /Fatal error : .*/.exec(stderr)?.[0]];

const compare = (set: string): void => {
  const { chronyd } = peerSet(set);
  const present = (t: TestContext): boolean => {
    if (process.getuid!() !== 0) {
      t.skip('chronyd wants root');
      return false;
    }
    if (existsSync(chronyd)) return true;
    if (peersRequired()) throw new Error(`peer set ${set} is required and not installed (scripts/install-peers)`);
    t.skip(`peer set ${set} is not installed`);
    return false;
  };

  describe(`${set}: the command line, side by side`, { concurrency: 3 }, () => {
    for (const words of CASES) {
      it(words.join(' '), async (t) => {
        if (!present(t)) return;
        const [theirs, ours] = await Promise.all([runOne(chronyd, words), runOurs(words)]);
        assert.deepEqual(ours, theirs);
      });
    }
    for (const words of FATAL_LATER) {
      it(`${words.join(' ')} (the reason)`, async (t) => {
        if (!present(t)) return;
        const [theirs, ours] = (await Promise.all([runOne(chronyd, words), runOurs(words)])).map(lastLine);
        assert.notEqual(theirs![1], undefined);
        assert.deepEqual(ours, theirs);
      });
    }
  });
};

compare('chrony');
compare('chrony-trixie');
