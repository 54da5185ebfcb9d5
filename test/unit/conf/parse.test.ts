import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CodedError } from '../../../src/base/errors.js';
import { defaultConfig } from '../../../src/conf/defaults.js';
import { checkConfig, flatten, formatProblem, forRestart, parseConfig } from '../../../src/conf/parse.js';
import { memoryFiles, NO_FILES, TIMEBALL } from './memoryfiles.js';

const parse = (...lines: string[]) => parseConfig({ lines }, NO_FILES, TIMEBALL);
const message = (line: string): string => {
  try {
    parse(line);
  } catch (e) {
    assert.ok(e instanceof CodedError, String(e));
    return e.message;
  }
  return 'accepted';
};

describe('lexical rules', () => {
  it('an empty configuration means the defaults, and never changes them', () => {
    assert.deepEqual(parse(), defaultConfig(TIMEBALL));
    parse('port 11123', 'minsources 3', 'log tracking', 'allow', 'makestep 1 3');
    assert.deepEqual(parse(), defaultConfig(TIMEBALL));
  });

  it('comments stand alone, blanks do not matter, names have no case', () => {
    const config = parse('! a', '; b', '  # c', '\t% d', '', '   ', '  PoRt \t 11123 \r');
    assert.equal(config.server.port, 11123);
  });

  it('there are no trailing comments, and check says so', () => {
    assert.equal(message('server 192.0.2.1 # x'), 'Invalid option in server directive at line 1');
    assert.equal(message('port 123 # x'), 'Too many arguments for port directive at line 1');
    const [problem] = checkConfig({ lines: ['port 123 # x'] }, NO_FILES, TIMEBALL);
    assert.match(problem?.hint ?? '', /comment must be a line of its own/);
  });

  it('a line over the limit is refused, one at the limit is not', () => {
    assert.equal(message('x'.repeat(2048)), 'String too long at line 1');
    // These are found when the device is opened, and name no line.
    assert.equal(message('refclock FOO x'), 'unknown refclock driver FOO');
    assert.equal(message('refclock PPS /dev/pps0:foo=1'), 'Invalid refclock driver option foo=1');
    assert.equal(message(`#${'x'.repeat(2045)}`), 'accepted');
  });
});

describe("chronyd's messages", () => {
  const cases: readonly (readonly [line: string, text: string])[] = [
    ['foo bar', 'Invalid directive foo'],
    ['port', 'Missing arguments for port directive'],
    ['port 1 2', 'Too many arguments for port directive'],
    ['PORT x', 'Could not parse PORT directive'],
    ['port 12x', 'Could not parse port directive'],
    ['port 1e3', 'Could not parse port directive'],
    ['port 99999', 'Invalid value 99999 in port directive (min 0, max 65535)'],
    ['dscp 64', 'Invalid value 64 in dscp directive (min 0, max 63)'],
    ['minsources 0', 'Invalid value 0 in minsources directive (min 1, max 2147483647)'],
    ['rtcsync on', 'Too many arguments for rtcsync directive'],
    ['makestep 1', 'Missing arguments for makestep directive'],
    ['makestep x 1', 'Could not parse makestep directive'],
    ['makestep 1 3 4', 'Too many arguments for makestep directive'],
    ['maxdistance nan', 'Could not parse maxdistance directive'],
    ['server', 'Could not parse server directive'],
    ['server a minpoll x', 'Invalid value in server directive'],
    ['server a minpoll', 'Invalid value in server directive'],
    ['server a minpoll 25', 'Invalid value in server directive'],
    ['server a bogus', 'Invalid option in server directive'],
    ['server a key 0', 'Invalid value in server directive'],
    ['refclock PPS', 'Could not parse refclock directive'],
    ['refclock PPS /dev/pps0 bogus', 'Invalid option in refclock directive'],
    ['refclock PPS /dev/pps0 poll', 'Could not parse refclock directive'],
    ['refclock PPS /dev/pps0 poll 33', 'Invalid value 33 in refclock directive (min -32, max 32)'],
    ['refclock PPS /dev/pps0 refid ABCDE', 'Could not parse refclock directive'],
    ['local stratum 16', 'Could not parse local directive'],
    ['local bogus', 'Could not parse local directive'],
    ['log TRACKING', 'Invalid log parameter'],
    ['allow 10.1.2.3.4', 'Could not parse allow directive'],
    ['allow 10.1 x', 'Could not parse allow directive'],
    ['allow ::1/x', 'Could not parse allow directive'],
    ['bindaddress foo', 'Could not parse bindaddress directive'],
    ['bindcmdaddress foo', 'Could not parse bindcmdaddress directive'],
    ['ratelimit interval 13', 'Invalid value 13 in ratelimit directive (min -19, max 12)'],
    ['cmdratelimit kod 1', 'Invalid option in cmdratelimit directive'],
    ['leapsecmode x', 'Could not parse leapsecmode directive'],
    ['tempcomp /x 1', 'Missing arguments for tempcomp directive'],
    ['hwtimestamp eth0 rxfilter x', 'Could not parse hwtimestamp directive'],
    ['hwtimestamp eth0 provider', 'Could not parse hwtimestamp directive'],
    ['hwtimestamp eth0 provider ptp', 'Could not parse hwtimestamp directive'],
    ['hwtimestamp eth0 provider mac,', 'Could not parse hwtimestamp directive'],
    ['hwtimestamp eth0 provider wlan', 'Could not parse hwtimestamp directive'],
    ['driftfile /d every 3', 'Invalid option in driftfile directive'],
    ['opencommands shutdown', 'Invalid option in opencommands directive'],
    ['confdir', 'Could not parse confdir directive'],
    ['include', 'Missing arguments for include directive'],
  ];
  for (const [line, text] of cases) {
    it(line, () => assert.equal(message(line), `${text} at line 1`));
  }

  it('names the file and counts its lines', () => {
    const files = memoryFiles({ '/etc/t.conf': '# a\n\nport 123\nfoo 1\n' });
    assert.throws(() => parseConfig({ file: '/etc/t.conf' }, files, TIMEBALL), {
      code: 'ERR_TB_CONFIG',
      message: 'Invalid directive foo at line 4 in file /etc/t.conf',
    });
  });

  it('a missing file', () => {
    assert.throws(() => parseConfig({ file: '/none' }, NO_FILES, TIMEBALL), {
      code: 'ERR_TB_CONFIG_FILE',
      message: 'Could not open /none : No such file or directory',
    });
  });
});

describe('values', () => {
  it('refclocks: the classic pair', () => {
    const { refclocks } = parse(
      'refclock SHM 0:perm=0660 refid GPS precision 1e-1 offset 0.9999 delay 0.2 noselect',
      'refclock PPS /dev/pps0:clear lock GPS refid PPS poll 2 dpoll 3 rate 5 width 0.1',
    );
    const [gps, pps] = refclocks;
    assert.deepEqual(
      { ...gps, driverOptions: { ...gps?.driverOptions } },
      {
        ...gps,
        driver: 'SHM',
        parameter: '0',
        driverOptions: { perm: '0660' },
        refid: 'GPS',
        precision: 0.1,
        offset: 0.9999,
        offsetGiven: true,
        delay: 0.2,
        delayGiven: true,
        noselect: true,
      },
    );
    assert.deepEqual([pps?.driver, pps?.driverOptions, pps?.lock, pps?.rate], ['PPS', { clear: '' }, 'GPS', 5]);
    assert.equal(pps?.dpoll, 2, 'dpoll is lowered to poll');
    assert.equal(pps?.offsetGiven, false);
  });

  it('a serial port may have colons in its name', () => {
    const { refclocks } = parse(
      'refclock NMEA /dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0:baud=115200',
      'refclock UBX /dev/ttyACM0',
    );
    assert.equal(refclocks[0]?.parameter, '/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0');
    assert.deepEqual(refclocks[0]?.driverOptions, { baud: '115200' });
    assert.deepEqual([refclocks[1]?.parameter, refclocks[1]?.driverOptions], ['/dev/ttyACM0', {}]);
    assert.equal(message('refclock NMEA /dev/ttyS0:baud=fast'), 'Invalid value in refclock directive at line 1');
  });

  it('local: orphan waits 300 s unless told otherwise', () => {
    assert.equal(parse('local').local?.stratum, 10);
    assert.equal(parse('local').local?.waitunsynced, 0);
    assert.equal(parse('local orphan').local?.waitunsynced, 300);
    assert.equal(parse('local waitunsynced 5 orphan').local?.waitunsynced, 5);
    assert.deepEqual(parse('local STRATUM 3 distance 0.1').local, {
      stratum: 3,
      orphan: false,
      distance: 0.1,
      activate: 0,
      waitsynced: 0,
      waitunsynced: 0,
    });
  });

  it('access rules keep their order', () => {
    const lines = [
      'allow',
      'allow 10',
      'deny all 10.1/24',
      'allow all 2001:DB8:0::/32',
      'deny ntp.example',
      'allow all',
    ];
    assert.deepEqual(parse(...lines).server.access, [
      { action: 'allow', all: false, subnet: { kind: 'any' } },
      { action: 'allow', all: false, subnet: { kind: 'net', family: 4, address: '10.0.0.0', bits: 8 } },
      { action: 'deny', all: true, subnet: { kind: 'net', family: 4, address: '10.1.0.0', bits: 24 } },
      { action: 'allow', all: true, subnet: { kind: 'net', family: 6, address: '2001:db8::', bits: 32 } },
      {
        action: 'deny',
        all: false,
        subnet: { kind: 'host', name: 'ntp.example', unknown: 'Could not parse deny directive at line 5' },
      },
      { action: 'allow', all: true, subnet: { kind: 'any' } },
    ]);
    assert.equal(parse('cmdallow 192.0.2.1').command.access.length, 1);
    assert.throws(() => parse('allow ::1/129'), { message: 'Bad subnet in ::1/129' });
  });

  it('scalars: the last one wins; lists append', () => {
    const config = parse(
      'maxslewrate 500',
      'maxslewrate 1000.5',
      'log tracking',
      'log refclocks statistics',
      'bindaddress 127.0.0.1',
      'bindaddress ::1',
      'bindcmdaddress /',
      'pidfile /',
      'maxdrift 200000',
      'maxchange 0.5 3 -1',
      'driftfile /var/lib/d interval 60',
      'servethreads 4',
      'httpport 8080',
      'clockboundfile /run/clockbound/shm0',
      'opencommands',
    );
    assert.equal(config.discipline.maxslewratePpm, 1000.5);
    assert.deepEqual([...config.logging.log], ['tracking', 'refclocks', 'statistics']);
    assert.deepEqual([config.server.bindaddress4, config.server.bindaddress6], ['127.0.0.1', '::1']);
    assert.equal(config.command.socket, undefined);
    assert.equal(config.process.pidfile, undefined);
    assert.equal(config.discipline.maxdriftPpm, 100000);
    assert.deepEqual(config.discipline.maxchange, { offset: 0.5, start: 3, ignore: -1 });
    assert.deepEqual(config.clock.driftfile, { path: '/var/lib/d', interval: 60 });
    assert.deepEqual([config.server.servethreads, config.command.httpport], [4, 8080]);
    assert.equal(config.command.clockboundfile, '/run/clockbound/shm0');
    assert.deepEqual(config.command.opencommands, []);
  });

  it('NTP sources with their options', () => {
    const [server, pool] = parse(
      'server ntp.example iburst minpoll -2 key 7 xleave extfield F323 extfield 10A auto_offline ipv6 asymmetry 0.5',
      'pool pool.example maxsources 2',
    ).sources;
    assert.deepEqual(
      [server?.kind, server?.iburst, server?.minpoll, server?.key, server?.connectivity, server?.family],
      ['server', true, -2, 7, 'auto_offline', 6],
    );
    assert.deepEqual(server?.extfields, [0xf323, 0xf324]);
    assert.deepEqual([pool?.kind, pool?.maxsources, pool?.iburst], ['pool', 2, false]);
  });

  it('hwtimestamp, tempcomp, ratelimit', () => {
    const config = parse('hwtimestamp * minpoll -3 rxfilter PTP', 'tempcomp /s 30 20 0 1e-3 0', 'ratelimit kod 2');
    assert.equal(config.hardware.hwtimestamp[0]?.maxpoll, -2);
    assert.equal(config.hardware.hwtimestamp[0]?.rxfilter, 'ptp');
    assert.deepEqual(config.hardware.hwtimestamp[0]?.provider, []);
    const chosen = parse('hwtimestamp eth0 provider PHY1,precise', 'hwtimestamp eth1 provider ptp0').hardware
      .hwtimestamp;
    assert.deepEqual(
      chosen.map(({ provider }) => provider),
      [['phy1', 'precise'], ['ptp0']],
    );
    assert.equal(config.clock.tempcomp?.kind, 'quadratic');
    assert.deepEqual(config.server.ratelimit, { interval: 3, burst: 8, leak: 2, kod: 2 });
    assert.equal(parse('tempcomp /s 30 /points').clock.tempcomp?.kind, 'points');
    assert.deepEqual(parse('tempsensor /s 5').clock.tempsensor, { sensor: '/s', interval: 5 });
  });

  it('a restart keeps only the steps that are always made', () => {
    const restarted = (limit: string) => forRestart(parse('initstepslew 10 a', `makestep 1 ${limit}`));
    assert.equal(restarted('3').clock.initstepslew, undefined);
    assert.equal(restarted('3').discipline.makestep, undefined);
    assert.deepEqual(restarted('-1').discipline.makestep, { threshold: 1, limit: -1 });
  });

  it('called as chronyd, paths are chronyd’s', () => {
    const config = parseConfig({ lines: [] }, NO_FILES, { chronyNames: true });
    assert.equal(config.command.socket, '/var/run/chrony/chronyd.sock');
    assert.equal(config.process.pidfile, '/var/run/chrony/chronyd.pid');
  });

  it('retired directives only warn', () => {
    const { warnings } = parse('commandkey 1', 'dumponexit', 'Linux_Hz 100');
    assert.deepEqual(warnings, [
      'commandkey directive is no longer supported',
      'Linux_Hz directive is no longer supported',
    ]);
  });
});

describe('the whole', () => {
  it('combinations that end the daemon', () => {
    assert.throws(() => parse('refclock PHC /dev/ptp0 tai'), /tai option requires leapseclist or leapsectz/);
    assert.doesNotThrow(() => parse('refclock PHC /dev/ptp0 tai', 'leapsectz right/UTC'));
    assert.throws(() => parse('ratelimit', 'noclientlog'), /cannot be enabled with noclientlog/);
    assert.throws(() => parse('rtcsync', 'rtcfile /x'), /cannot be used with rtcsync/);
  });

  it('check finds every error, hints, and what is probably not meant', () => {
    const lines = ['servr ntp.example', 'port x', 'local stratum 1', 'refclock NMEA /dev/gps0', 'log tracking', 'zzz'];
    const texts = checkConfig({ lines }, NO_FILES, TIMEBALL).map(formatProblem);
    assert.equal(texts[0], 'command line:1: error: Invalid directive servr (did you mean "server"?)');
    assert.equal(texts[1], 'command line:2: error: Could not parse port directive ("x" is not a whole number)');
    assert.equal(texts[2], 'command line:6: error: Invalid directive zzz');
    assert.match(texts[3]!, /^warning: refclock NME0 has neither a pulse nor an offset/);
    assert.match(texts[4]!, /^warning: logdir not specified/);
    assert.equal(texts.length, 5);
  });

  it('a sound appliance has no problems', () => {
    const lines = [
      'refclock NMEA /dev/gps0:baud=9600 refid NMEA noselect',
      'refclock PPS /dev/pps0 lock NMEA refid PPS',
      'makestep 1 3',
      'driftfile /var/lib/timeball/drift',
      'rtcsync',
      'allow 192.168.0.0/16',
      'local stratum 10',
      'logdir /var/log/timeball',
      'log tracking refclocks',
    ];
    assert.deepEqual(checkConfig({ lines }, NO_FILES, TIMEBALL), []);
  });

  it('an unknown lock is told', () => {
    const [problem] = checkConfig({ lines: ['refclock PPS /dev/pps0 lock GPS'] }, NO_FILES, TIMEBALL);
    assert.equal(problem?.text, 'Invalid lock refid GPS');
    assert.deepEqual(parse('refclock PPS /dev/pps0 lock GPS').warnings, ['Invalid lock refid GPS']);
  });
});

describe('files in files', () => {
  const files = memoryFiles({
    '/etc/main.conf': 'port 1\ninclude /etc/inc/*.conf\nconfdir /etc/d /usr/d\ninclude /nothing/*.conf\nport 9',
    '/etc/inc/b.conf': 'log   tracking\n',
    '/etc/inc/a.conf': 'minsources 2\n',
    '/etc/inc/.hidden.conf': 'bogus\n',
    '/etc/inc/a.txt': 'bogus\n',
    '/etc/d/10.conf': 'minsources 3\n',
    '/usr/d/10.conf': 'minsources 4\n',
    '/usr/d/05.conf': 'maxjitter 2\n',
    '/etc/loop.conf': 'include /etc/loop.conf\n',
    '/etc/missing.conf': 'include /etc/none.conf\n',
  });

  it('includes in order of names, the first directory wins', () => {
    const printed: string[] = [];
    flatten({ file: '/etc/main.conf' }, files, TIMEBALL, (line) => printed.push(line));
    assert.deepEqual(printed, ['port 1', 'minsources 2', 'log tracking', 'maxjitter 2', 'minsources 3', 'port 9']);
    const config = parseConfig({ file: '/etc/main.conf' }, files, TIMEBALL);
    assert.deepEqual([config.selection.minsources, config.selection.maxjitter, config.server.port], [3, 2, 9]);
  });

  it('nesting ends at ten', () => {
    const file = { file: '/etc/loop.conf' };
    assert.throws(() => parseConfig(file, files, TIMEBALL), { message: 'Maximum include level reached' });
    assert.equal(checkConfig(file, files, TIMEBALL).length, 1);
    const chain = (n: number) =>
      memoryFiles(
        Object.fromEntries(Array.from({ length: n }, (_, i) => [`${i}`, i < n - 1 ? `include ${i + 1}` : ''])),
      );
    assert.doesNotThrow(() => parseConfig({ file: '0' }, chain(10), TIMEBALL));
    assert.throws(() => parseConfig({ file: '0' }, chain(11), TIMEBALL), /include level/);
  });

  it('a named file must be there', () => {
    assert.throws(() => parseConfig({ file: '/etc/missing.conf' }, files, TIMEBALL), {
      message: 'Could not open /etc/none.conf : No such file or directory',
    });
  });

  it('flatten prints the wrong line, too, before it throws', () => {
    const printed: string[] = [];
    const source = { lines: ['  port   1', 'FOO  1', 'port 2'] };
    assert.throws(() => flatten(source, NO_FILES, TIMEBALL, (line) => printed.push(line)), /Invalid directive FOO/);
    assert.deepEqual(printed, ['port 1', 'FOO 1']);
  });
});
