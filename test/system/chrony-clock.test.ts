/** Directives about the clock, end to end: maxchange, mailonchange, tempcomp, leap tables, log files. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { loadNative } from '../../src/devices/native.js';
import { cleanUp, shmUnit, spawnDaemon, startDaemon, testDir } from '../support/daemon.js';
import { leapList } from '../support/leapfiles.js';

const PARALLEL = { concurrency: 4, timeout: 120_000 };
const SHM = { maxchange: shmUnit(236), mail: shmUnit(237), tai: shmUnit(238), logs: shmUnit(239) };

after(cleanUp);

/** A reference clock that a test feeds ten times a second; `wrong` = whole seconds that it is off. */
const feed = (unit: number, options = '', wrong = 0) => {
  const native = loadNative();
  const shm = new native.Shm(unit, 0o600, true);
  const state = { wrong };
  const timer = setInterval(() => {
    const now = native.clockGettime('realtime');
    const clockTime = now + BigInt(state.wrong) * 1_000_000_000n;
    shm.write({ clockTime, receiveTime: now, leap: 0, precision: -20 });
  }, 100);
  const stop = (): void => {
    clearInterval(timer);
    shm.remove();
    shm.close();
  };
  return { line: `refclock SHM ${unit} refid FEED poll 0 dpoll -3 filter 8 ${options}`, state, stop };
};

describe('directives about the clock', PARALLEL, () => {
  it('maxchange: a reference that goes a second wrong ends the daemon with 1, and says why', async () => {
    const source = feed(SHM.maxchange);
    try {
      const daemon = await startDaemon(['port 0', source.line, 'maxchange 0.1 1 2']);
      await daemon.logged(/Selected source FEED/);
      source.state.wrong = 1;
      assert.equal(await daemon.exited, 1);
      const words = 'Adjustment of 1\\.0\\d\\d seconds exceeds the allowed maximum of 0\\.100 seconds';
      assert.equal(daemon.log().match(new RegExp(`${words} \\(ignored\\)`, 'g'))?.length, 2);
      assert.equal(daemon.log().match(new RegExp(`${words} \\(exiting\\)`, 'g'))?.length, 1);
    } finally {
      source.stop();
    }
  });

  it('the option tai with a leap second list: the reference counts TAI, served time is UTC', async () => {
    const source = feed(SHM.tai, 'tai', 37);
    const dir = testDir();
    const list = join(dir, 'leap-seconds.list');
    writeFileSync(list, leapList());
    try {
      const daemon = await startDaemon(['port 0', source.line, `leapseclist ${list}`], { dir });
      await daemon.logged(/Using leap second list|Using .*leap second/);
      await daemon.logged(/Selected source FEED/);
      const rows = await daemon.report('tracking');
      assert.ok(Math.abs(Number(rows[0]![4])) < 0.5, `${rows[0]}`);
    } finally {
      source.stop();
    }
  });

  it('mailonchange: a clock that was wrong is told by mail', async (t) => {
    // The path of sendmail is fixed, as in chronyd; a machine that has one would really send.
    if (['/usr/lib/sendmail', '/usr/sbin/sendmail'].some(existsSync)) return t.skip('this machine can send mail');
    const source = feed(SHM.mail, '', 2);
    try {
      const daemon = await startDaemon(['port 0', source.line, 'mailonchange ops@example.org 0.5']);
      await daemon.logged(/System clock wrong by 2\.0\d+ seconds/);
      await daemon.logged(/Could not send mail notification to user ops@example\.org/);
    } finally {
      source.stop();
    }
  });

  it('tempcomp reads its sensor and logs; a file of points that cannot be read ends the start', async () => {
    const dir = testDir();
    const sensor = join(dir, 'sensor');
    mkdirSync(join(dir, 'log'));
    writeFileSync(sensor, '25.5\n');
    const lines = ['port 0', `logdir ${join(dir, 'log')}`, 'log tempcomp', `tempcomp ${sensor} 0.1 20 0.5 0.1 0`];
    const daemon = await startDaemon(lines, { dir });
    const log = join(dir, 'log', 'tempcomp.log');
    const text = (): string => (existsSync(log) ? readFileSync(log, 'utf8') : '');
    await daemon.until('a line', () => (/ 2\.5500e\+01 {2}1\.0500e\+00$/m.test(text()) ? true : undefined));
    writeFileSync(sensor, '200\n');
    await daemon.logged(/Temperature compensation of 18\.500 ppm exceeds sanity limit of 10\.0/);
    writeFileSync(sensor, '');
    await daemon.logged(/Could not read temperature from /);
    const broken = spawnDaemon(['port 0', `tempcomp ${sensor} 1 ${join(dir, 'missing')}`]);
    assert.notEqual(await broken.exited, 0);
    assert.match(broken.log(), /Could not open .*missing/);
  });

  it('selection.log and statistics.log of a reference clock', async () => {
    const source = feed(SHM.logs);
    const dir = testDir();
    try {
      const daemon = await startDaemon(['port 0', source.line, `logdir ${dir}/log`, 'log selection statistics'], {
        dir,
      });
      const file = (name: string): string => {
        const path = join(dir, 'log', name);
        return existsSync(path) ? readFileSync(path, 'utf8') : '';
      };
      const line = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d FEED {12}\* ----- +\d+ +1\.00 ( ?[-\d.e+]+ ?){3}$/m;
      await daemon.until('a line', () => (line.test(file('selection.log')) ? true : undefined));
      assert.match(file('statistics.log'), /FEED/);
    } finally {
      source.stop();
    }
  });
});
