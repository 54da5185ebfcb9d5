import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { daemonUsage, parseDaemonArgs } from '../../../src/app/daemon/options.js';

describe("the daemon's command line", () => {
  it('no arguments: a daemon that controls the clock', () => {
    const o = parseDaemonArgs([]);
    assert.deepEqual(
      [o.action, o.foreground, o.logToStderr, o.controlClock, o.checkRoot, o.minSeverity, o.directives],
      ['run', false, false, true, true, 0, []],
    );
  });

  it('letters may be joined and carry their value', () => {
    const o = parseDaemonArgs(['-xd', '-f/etc/a.conf', '-4', '-L', '-1', '-t60', '-mUu', 'nobody']);
    assert.deepEqual(
      [
        o.controlClock,
        o.logToStderr,
        o.configFile,
        o.family,
        o.minSeverity,
        o.timeout,
        o.lockMemory,
        o.checkRoot,
        o.user,
      ],
      [false, true, '/etc/a.conf', 4, -1, 60, true, false, 'nobody'],
    );
  });

  it('-d twice is debug, -n once is not', () => {
    assert.equal(parseDaemonArgs(['-dd']).minSeverity, -1);
    assert.equal(parseDaemonArgs(['-d', '-x', '-d']).minSeverity, -1);
    assert.equal(parseDaemonArgs(['-nd']).minSeverity, 0);
    assert.equal(parseDaemonArgs(['-n']).logToStderr, false);
  });

  it('the rest are directives, wherever they stand', () => {
    const o = parseDaemonArgs(['port 0', '-p', 'log tracking', '--', '-4']);
    assert.deepEqual(o.directives, ['port 0', 'log tracking', '-4']);
    assert.deepEqual([o.printConfig, o.foreground, o.family], [true, true, undefined]);
  });

  it('-q, -Q, -N, -P, -F, -r, -R, -s', () => {
    const o = parseDaemonArgs(['-QrRs', '-N', '3', '-P', '50', '-F-2']);
    assert.deepEqual(
      [o.once, o.controlClock, o.reloadDumps, o.restart, o.setFromRtc, o.readyFd, o.priority, o.filterLevel],
      ['print', false, true, true, true, 3, 50, -2],
    );
    assert.deepEqual([parseDaemonArgs(['-q']).once, parseDaemonArgs(['-q']).controlClock], ['set', true]);
    assert.equal(parseDaemonArgs([]).priority, undefined);
  });

  it('version and help', () => {
    for (const word of ['-v', '--version']) assert.equal(parseDaemonArgs([word]).action, 'version');
    for (const word of ['-h', '--help']) assert.equal(parseDaemonArgs([word]).action, 'help');
    const text = daemonUsage('timeballd');
    assert.match(text, /^Usage: timeballd \[OPTION\]\.\.\. \[DIRECTIVE\]\.\.\.\n/);
    for (const letter of '46fndlLpqQrRstuUFPmxNvh') assert.ok(text.includes(`\n  -${letter}`), letter);
    assert.equal(parseDaemonArgs(['--log-json']).logJson, true);
  });

  const wrong: readonly (readonly [argv: string[], message: string])[] = [
    [['-Z'], "invalid option -- 'Z'"],
    [['-xZ'], "invalid option -- 'Z'"],
    [['-f'], "option requires an argument -- 'f'"],
    [['-xf'], "option requires an argument -- 'f'"],
    [['-t', 'x'], 'Invalid argument x'],
    [['-t-1'], 'Invalid argument -1'],
    [['-L', '4.5'], 'Invalid argument 4.5'],
    [['-P', 'x'], 'Invalid argument x'],
    [['-N', '70000'], 'Invalid argument 70000'],
    [['--foo'], "unrecognized option '--foo'"],
  ];
  for (const [argv, message] of wrong) {
    it(`refuses ${argv.join(' ')}`, () => {
      assert.throws(() => parseDaemonArgs(argv), { code: 'ERR_TB_USAGE', message });
    });
  }
});
