/** packaging/install and what it puts in place: the programs run from there, systemd reads the files. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { VERSION } from '../../src/base/build.js';
import { repoRoot } from '../support/peers.js';

const dest = mkdtempSync(join(tmpdir(), 'timeball-dest-'));
after(() => rmSync(dest, { recursive: true, force: true }));

const install = (): void => void execFileSync(join(repoRoot, 'packaging', 'install'), [dest]);

/** Standard output and error of a systemd tool; undefined, and the test skipped by its name, where it is absent. */
const systemd = (t: TestContext, tool: string, args: readonly string[]): string | undefined => {
  const { error, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8' });
  if (error === undefined) return stdout + stderr;
  t.skip(`${tool} is not installed`);
  return undefined;
};

describe('packaging/install', () => {
  before(install);

  it('gives programs that run from where they are', () => {
    const daemon = execFileSync(join(dest, 'usr/bin/timeballd'), ['--version'], { encoding: 'utf8' });
    assert.match(daemon, /^timeballd \(timeball\) version (\S+) \([-+A-Z0-9 ]+\)\n$/);
    assert.equal(daemon.split(' ')[3], VERSION);
    const list = execFileSync(join(dest, 'usr/bin/timeball'), ['sim', 'list'], { encoding: 'utf8' });
    assert.match(list, /^pps-nmea /m);
    // The addon, serialport and the log are only loaded by a running daemon.
    const quiet = ['-x', '-d', '-U', '-t', '0.5', 'port 0', 'cmdport 0', 'bindcmdaddress /', 'pidfile /'];
    const receiver = `refclock NMEA ${join(dest, 'no-such-tty')}`;
    const { status, stderr } = spawnSync(join(dest, 'usr/bin/timeballd'), [...quiet, receiver], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    // The time was over, and it was not synchronised.
    assert.equal(status, 1, stderr);
    assert.match(stderr, /device is down: [\s\S]*timeballd exiting\n$/);
  });

  it('gives a configuration without problems, and keeps the administrator’s', () => {
    const file = join(dest, 'etc/timeball/timeball.conf');
    const check = () => spawnSync(join(dest, 'usr/bin/timeball'), ['check', file], { encoding: 'utf8' });
    assert.match(check().stdout, /no problems/);
    appendFileSync(file, 'bogus\n');
    assert.notEqual(check().status, 0);
    install();
    assert.match(readFileSync(file, 'utf8'), /bogus\n$/);
    assert.ok(existsSync(join(dest, 'usr/lib/udev/rules.d/60-timeball.rules')));
  });

  it('gives a unit that systemd reads without a word', (t) => {
    const unit = join(dest, 'usr/lib/systemd/system/timeballd.service');
    const verify = () => systemd(t, 'systemd-analyze', ['verify', '--man=no', `--root=${dest}`, 'timeballd.service']);
    const said = verify();
    if (said === undefined) return;
    // What the empty root lacks besides (targets, /bin/kill) is not the unit's.
    assert.doesNotMatch(said, /timeballd\.service:\d+:|usr\/bin\/timeballd/);
    writeFileSync(unit, readFileSync(unit, 'utf8').replace('Type=notify', 'Type=notify\nBogus=1'));
    assert.match(verify()!, /timeballd\.service:\d+: Unknown key/);
  });

  it('gives a user to systemd-sysusers', (t) => {
    const file = join(dest, 'usr/lib/sysusers.d/timeball.conf');
    const said = systemd(t, 'systemd-sysusers', ['--dry-run', file]);
    if (said !== undefined) assert.match(said, /user 'timeball'|^$/);
  });
});
