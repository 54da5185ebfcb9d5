/** The options of chronyc, and commands that come in odd ways: the real one and ours, asked the same of one daemon. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { linkTo, mask, peerSet, startChronyd } from '../support/chronypair.js';
import { cleanUp, type Outcome, runProgram } from '../support/daemon.js';
import { peersRequired } from '../support/peers.js';

after(cleanUp);

/** `@S` is the socket. */
const CASES: readonly (readonly string[])[] = [
  ['-h', '@S', '-c', '-n', 'sources'],
  ['-h', '@S', '-cn', 'sources'],
  ['-nh@S', 'sources'],
  ['-h', '@S', '-e', '-m', 'activity', 'reselect'],
  ['-h', '@S', '-m', 'foo', 'activity'],
  ['-h', '@S', '-m', 'activity', 'foo'],
  ['-h', '@S', '-m'],
  ['-h', '@S', '-a', '-f', '/x', '-d', '-4', 'activity'],
  ['-h', '@S', '-46', 'activity'],
  ['-h', '/none,@S', 'activity'],
  ['-h', '/none', 'activity'],
  ['-h'],
  ['-p'],
  ['-p', 'x', '-h', '@S', 'activity'],
  ['-h', '127.0.0.1', '-p', '9', 'activity'],
  ['-v', '-h', '@S'],
  ['--version'],
  ['--help'],
  ['-h', '@S', '--foo'],
  ['-h', '@S', '-x', 'activity'],
  ['-h', '@S', 'activity', '-c'],
  ['-h', '@S', 'sources', '-a'],
  ['-h', '@S', '--', 'activity'],
  ['-h', '@S', 'ACTIVITY'],
  ['-h', '@S', ' activity '],
  ['-h', '@S', 'activity;sources'],
  ['-h', '@S', '#x'],
  ['-h', '@S', ''],
  ['-h', '@S', '-e', 'exit'],
  ['-h', '@S', '-e', 'foo'],
  ['-h', '@S', '-c', 'manual', 'list'],
  ['-h', '@S', '-c', 'rtcdata'],
  ['-h', '@S', '-c', 'waitsync', '1'],
  ['-h', '@S', '-n', '-N', 'sources'],
  ['-h', '@S', '-N', '-n', 'sources'],
  ['-h', '@S', '-c', '-e', 'tracking'],
  ['-h', '@S', '-m', 'timeout 200', 'retries 0', 'activity'],
  ['-h', '@S', '-m', 'dns -n', 'sources', 'dns +n'],
  ['-h', '@S', 'accheck', '10.1.2.3', '5'],
  ['-h', '@S', '-m', 'authhash MD5', 'password x', 'activity'],
  ['-h', '@S', 'password'],
];

/** Usage texts and versions are ours; a wrapper calls the program by its own path. */
const shape = ({ code, stdout, stderr }: Outcome): readonly unknown[] => {
  const text = (t: string): string =>
    mask(t)
      .replace(/\S*\/chronyc(?= \[OPTION|:)/g, 'chronyc')
      .replace(/(Usage: .*\n)[\s\S]*/, '$1')
      .replace(/\((chrony|timeball)\) version .*/, 'V');
  return [code, text(stdout), text(stderr)];
};

describe("chronyc's options, side by side", { timeout: 120_000 }, () => {
  it('the same words, the same exit codes', async (t) => {
    const { chronyd, chronyc } = peerSet('chrony-trixie');
    if (!existsSync(chronyd)) {
      if (peersRequired())
        throw new Error('peer set chrony-trixie is required and not installed (scripts/install-peers)');
      return t.skip('peer set chrony-trixie is not installed');
    }
    const ours = linkTo('chronyc');
    const { socket } = await startChronyd(chronyd, ['port 0', 'local', 'server 127.0.0.1 port 9 noselect']);
    const said: string[] = [];
    for (const words of CASES) {
      const args = words.map((word) => word.replace('@S', socket));
      const [theirs, own] = (await Promise.all([runProgram(chronyc, args), runProgram(ours, args)])).map(shape);
      said.push(JSON.stringify(theirs));
      assert.deepEqual(own, theirs, words.join(' '));
    }
    // The cases are not all one and the same.
    assert.ok(new Set(said).size > 12, said.join('\n'));
  });
});
