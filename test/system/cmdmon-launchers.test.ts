import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { repoRoot } from '../support/peers.js';

const root = mkdtempSync(join(tmpdir(), 'tb-launch-'));
after(() => rmSync(root, { recursive: true, force: true }));

const run = (path: string, ...args: string[]) => spawnSync(path, args, { encoding: 'utf8', timeout: 10_000 });

describe('launchers', () => {
  it('say how to build when nothing is built', () => {
    mkdirSync(join(root, 'bin'));
    writeFileSync(join(root, 'package.json'), '{"type":"module"}');
    for (const name of ['timeball', 'timeballd']) {
      const copy = join(root, 'bin', name);
      copyFileSync(join(repoRoot, 'bin', name), copy);
      const { status, stderr } = run(copy);
      assert.equal(status, 1);
      assert.match(stderr, new RegExp(`^${name} is not built yet: run "npm install && npm run build"`));
    }
  });
  it('pass the name they were called by, and usage errors its exit code', () => {
    const chronyc = join(root, 'chronyc');
    symlinkSync(join(repoRoot, 'bin', 'timeball'), chronyc);
    const timeball = join(repoRoot, 'bin', 'timeball');
    assert.match(run(chronyc, '-v').stdout, /^chronyc \(timeball\) version \d/);
    assert.match(run(timeball, '--version').stdout, /^timeball \(timeball\) version \d/);
    assert.deepEqual([run(chronyc, '--json', 'tracking').status, run(timeball, '--nonsense').status], [1, 64]);
    // Commands of ours are not chronyc's.
    assert.equal(run(chronyc, '-h', '/nonexistent/socket', 'sim').stderr, 'Could not open connection to daemon\n');
    assert.equal(run(timeball, 'receiver').status, 64);
  });
});
