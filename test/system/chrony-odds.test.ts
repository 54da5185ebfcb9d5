/**
 * Clock odds and ends, side by side with the real chronyd: leap second tables, maxchange, tempcomp, smoothtime, dump files,
 * the real-time clock that is not there, and -s.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadNative } from '../../src/devices/native.js';
import { encodeSock } from '../../src/wire/refclock/sock.js';
import { askOurs, linkTo } from '../support/chronypair.js';
import { cleanUp, Running, testDir, track } from '../support/daemon.js';
import { leapList, rightUtc } from '../support/leapfiles.js';
import { peerEnv, requirePeer } from '../support/peers.js';

after(cleanUp);

const SET = 'chrony-trixie';
const PARALLEL = { concurrency: 4, timeout: 120_000 };
const SOCK = 'refclock SOCK @DIR@/gps.sock refid GPS poll 0 filter 1 delay 0.001';

interface Setting {
  /** Written before the start, by name in the daemon's directory. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly args?: readonly string[];
  /** The files are this old, s. */
  readonly age?: number;
}

/** Starts a daemon in a directory of its own, which lines name as @DIR@. Its time zones are in `zones`. */
const launch = (program: string, lines: readonly string[], { files = {}, args = [], age }: Setting): Running => {
  const dir = testDir();
  const run = join(dir, 'run');
  mkdirSync(run);
  chmodSync(run, 0o770);
  for (const [name, content] of Object.entries(files)) {
    const path = join(dir, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    const when = Date.now() / 1000 - (age ?? 0);
    utimesSync(path, when, when);
  }
  const socket = join(run, 'chronyd.sock');
  const own = [`bindcmdaddress ${socket}`, 'cmdport 0', `pidfile ${join(dir, 'pid')}`, 'user root', 'port 0'];
  const config = join(dir, 'chrony.conf');
  writeFileSync(config, `${[...own, ...lines].join('\n').replaceAll('@DIR@', dir)}\n`);
  const env = { ...peerEnv(program), TZDIR: join(dir, 'zones') };
  const child = spawn(program, ['-x', '-U', '-d', ...args, '-f', config], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const running = new Running(child, dir, socket);
  track(running);
  return running;
};

/** What both say and do; undefined: there is no chronyd here. */
const sideBySide = async <T>(
  t: TestContext,
  lines: readonly string[],
  setting: Setting,
  story: (daemon: Running) => Promise<T>,
): Promise<readonly [theirs: T, ours: T] | undefined> => {
  const chronyd = requirePeer(t, 'chronyd', SET);
  if (chronyd === undefined) return undefined;
  const programs = [chronyd, linkTo('chronyd')];
  const [theirs, ours] = await Promise.all(programs.map((program) => story(launch(program, lines, setting))));
  return [theirs!, ours!];
};

/** Lines of the log, without their times and without what every start says. */
const said = (daemon: Running): readonly string[] =>
  daemon
    .log()
    .replaceAll(daemon.dir, 'DIR')
    .split('\n')
    .map((line) => line.replace(/^\S+Z /, '').trimEnd())
    .filter((line) => !/^$|^\S+ version |Disabled control|exiting$|^Initial freq|root privileges/.test(line));

const ended = (daemon: Running): Promise<number> =>
  new Promise((resolve) => daemon.child.once('close', () => daemon.exited.then(resolve)));

/** From the start to the end, which comes by itself or when the daemon has answered. */
const wholeLife = async (daemon: Running): Promise<{ readonly code: number; readonly lines: readonly string[] }> => {
  const end = ended(daemon);
  await daemon.ready().then(
    () => daemon.stop(),
    () => undefined,
  );
  return { code: await end, lines: said(daemon) };
};

describe('leap second tables', PARALLEL, () => {
  const fresh = leapList(Math.floor(Date.now() / 1000) + 365 * 86400);
  const zones = { 'zones/right/UTC': rightUtc(), 'zones/UTC': 'TZif2', 'zones/leap-seconds.list': fresh };

  /** Without our reasons in parentheses, and without what we use in place of what failed. */
  const comparable = (lines: readonly string[]): readonly string[] =>
    lines
      .map((line) => line.replace(/(check, ignoring) \(.*\)$/, '$1'))
      .filter((line) => line !== 'Using leap second list DIR/zones/leap-seconds.list');

  const cases: Readonly<Record<string, readonly [lines: readonly string[], list?: string]>> = {
    'right/UTC': [['leapsectz right/UTC']],
    'a zone without leap seconds': [['leapsectz UTC']],
    'a zone that is not there': [['leapsectz right/Nowhere']],
    'a list before a zone': [['leapseclist @DIR@/list', 'leapsectz right/UTC'], fresh],
    'a list that is not there, and a zone': [['leapseclist @DIR@/list', 'leapsectz right/UTC']],
    'a list of words': [['leapseclist @DIR@/list'], 'no leap seconds\nat all\n'],
    'an empty list': [['leapseclist @DIR@/list'], ''],
    'a list that ends before 2012': [['leapseclist @DIR@/list'], fresh.split('\n').slice(0, 12).join('\n')],
    'a list that never expires': [['leapseclist @DIR@/list'], fresh.replace(/^#[@h].*\n/gm, '')],
  };
  for (const [name, [lines, list]] of Object.entries(cases)) {
    it(name, async (t) => {
      const files = list === undefined ? zones : { ...zones, list };
      const both = await sideBySide(t, lines, { files }, wholeLife);
      if (both === undefined) return;
      const [theirs, ours] = both;
      assert.notDeepEqual(theirs.lines, []);
      assert.deepEqual([ours.code, comparable(ours.lines)], [theirs.code, theirs.lines]);
    });
  }

  it('an expired list is what chronyd goes on with; ours gives way to one that is not, and would say so', async (t) => {
    const old = leapList(1_600_000_000);
    const lines = ['leapseclist @DIR@/list'];
    const both = await sideBySide(t, lines, { files: { ...zones, list: old } }, wholeLife);
    if (both === undefined) return;
    assert.deepEqual(both[0].lines, ['Using leap second list DIR/list']);
    assert.deepEqual(both[1].lines, ['Using leap second list DIR/zones/leap-seconds.list']);
    const none = await sideBySide(t, lines, { files: { list: old } }, wholeLife);
    assert.match(none![1].lines.join('\n'), /built-in leap second table(\n.* needs update)?/);
  });
});

describe('files that others write', PARALLEL, () => {
  it('a sourcedir: taken, refused and dropped again, with the same words', async (t) => {
    const files = {
      'sources/a.sources': 'server 127.0.0.2 port 9\n# two times\nserver 127.0.0.2 port 9\nserver 127.0.0.3 key 9\n',
      'sources/b.txt': 'server 127.0.0.9\n',
    };
    const both = await sideBySide(t, ['sourcedir @DIR@/sources'], { files }, async (daemon) => {
      await daemon.ready();
      const list = async () => (await daemon.report('sources')).map((row) => row.slice(0, 6));
      const first = await list();
      writeFileSync(join(daemon.dir, 'sources', 'a.sources'), 'server 127.0.0.4 minpoll 7\n');
      const { stdout } = await askOurs(daemon.socket, 'reload sources');
      const then = await list();
      await daemon.stop();
      return { first, stdout, then, lines: [...said(daemon)].sort() };
    });
    if (both === undefined) return;
    assert.ok(both[0].lines.includes('Key 9 is missing') && both[0].first.length === 2, both[0].lines.join('\n'));
    assert.deepEqual(both[1], both[0]);
  });

  it('a key file: what is wrong with it, and the keys that are left', async (t) => {
    const keys = [
      'hello',
      '# c',
      '7 NOPE abc',
      '9 MD5 HEX:0',
      '10 MD5 HEX:0g',
      '12 AES128 HEX:00',
      '14 a b c',
      '16 a',
      '17 b',
    ];
    const files = { keys: `${keys.join('\n')}\n` };
    const both = await sideBySide(
      t,
      ['keyfile @DIR@/keys', 'server 127.0.0.2 port 9 key 16'],
      { files },
      async (daemon) => {
        await daemon.ready();
        writeFileSync(join(daemon.dir, 'keys'), '1 MD5 abc\n');
        const { stdout } = await askOurs(daemon.socket, 'rekey');
        await daemon.stop();
        // We say where in the file, always.
        return {
          stdout,
          lines: said(daemon).map((line) => line.replace(/(key \d+.*) at line \d+ in file \S+$/, '$1')),
        };
      },
    );
    if (both === undefined) return;
    assert.ok(both[0].lines.includes('Loaded 2 symmetric keys') && both[0].lines.length > 9, both[0].lines.join('\n'));
    assert.deepEqual(both[1], both[0]);
  });

  for (const [name, drift] of [
    ['one number', '1.5\n'],
    ['words', 'fast slow\n'],
    ['nothing', ''],
    ['a third word', '-1.5 0.25 9\n'],
  ] as const) {
    it(`a drift file with ${name}`, async (t) => {
      const both = await sideBySide(t, ['driftfile @DIR@/drift'], { files: { drift } }, wholeLife);
      if (both === undefined) return;
      assert.equal(both[0].lines.length, 1);
      assert.deepEqual(both[1], both[0]);
    });
  }
});

/** Ten samples a second for a daemon's SOCK clock, until the returned function is called. `rate`: s/s that the offset grows. */
const feed = (daemon: Running, offset: number, rate = 0): (() => void) => {
  const begin = performance.now();
  const socket = new (loadNative().Datagram)(join(testDir(), 'feeder.sock'), { unlink: true });
  const timer = setInterval(() => {
    const now = Date.now();
    const stamp = { sec: BigInt(Math.floor(now / 1000)), usec: (now % 1000) * 1000, pulse: false, leap: 0 as const };
    try {
      socket.send(
        encodeSock({ ...stamp, offset: offset + rate * 1e-3 * (performance.now() - begin) }),
        join(daemon.dir, 'gps.sock'),
      );
    } catch {
      // It has ended.
    }
  }, 100);
  return () => {
    clearInterval(timer);
    socket.close();
  };
};

describe('maxchange and fallbackdrift', PARALLEL, () => {
  it('waitsync is content; fallbackdrift: without its reference the clock goes on with what it ran at before', async (t) => {
    const both = await sideBySide(t, ['fallbackdrift 0 2', SOCK], {}, async (daemon) => {
      await daemon.ready();
      const frequency = async (): Promise<number> => Number((await daemon.report('tracking'))[0]?.[7]);
      const stop = feed(daemon, 0, 50e-6);
      // The clock loses 50 ppm.
      await daemon.until('the frequency', async () => (Math.abs((await frequency()) + 50) < 5 ? true : undefined));
      const { code, stdout } = await askOurs(daemon.socket, 'waitsync 3 1 0 0.1');
      await sleep(3000);
      stop();
      await sleep(3000);
      const kept = await frequency();
      await daemon.stop();
      return { kept, code, stdout };
    });
    if (both === undefined) return;
    for (const { kept } of both) assert.ok(Math.abs(kept + 50) < 5, `${kept}`);
    const [theirs, ours] = both;
    assert.match(theirs.stdout, /^try: 1, refid: 47505300, correction:/);
    assert.deepEqual([ours.code, ours.stdout], [0, theirs.stdout]);
  });

  it('an offset beyond it is ignored so many polls and then the end, with the same words', async (t) => {
    const both = await sideBySide(t, ['maxchange 1 0 2', SOCK], {}, async (daemon) => {
      const end = ended(daemon);
      await daemon.ready();
      const stop = feed(daemon, 5);
      const code = await end;
      stop();
      return { code, lines: said(daemon) };
    });
    if (both === undefined) return;
    const [theirs, ours] = both;
    assert.equal(theirs.code, 1);
    assert.equal(theirs.lines.filter((line) => /^Adjustment of 5\.000 .*\(ignored\)$/.test(line)).length, 2);
    assert.deepEqual(ours, theirs);
  });

  const WRONG = /^Selected source GPS\nSystem clock wrong by [45]\.[09]\d+ seconds$/;
  for (const [rule, expected] of [
    ['1 1 0', WRONG],
    ['1 -1 0', WRONG],
    ['9 0 0', WRONG],
    ['-1 0 0', /^Selected source GPS\nAdjustment of 5\.000 .* maximum of -1\.000 seconds \(exiting\)$/],
  ] as const) {
    it(`maxchange ${rule}`, async (t) => {
      const both = await sideBySide(t, [`maxchange ${rule}`, 'logchange 1', SOCK], {}, async (daemon) => {
        await daemon.ready();
        const stop = feed(daemon, 5);
        await daemon.logged(/(System clock wrong|Adjustment of 5).*\n/);
        stop();
        await daemon.stop();
        return said(daemon).join('\n');
      });
      for (const text of both ?? []) assert.match(text, expected);
    });
  }
});

describe('tempcomp', PARALLEL, () => {
  const LINES = ['log tempcomp', 'logdir @DIR@', 'tempcomp @DIR@/sensor 0.5 @DIR@/points'];

  for (const [name, points] of [
    ['two points, the last without an end of line', '0 1.0\n20 2.0'],
    ['a third word behind them', '0 1.0 cold\n20 2.0 warm\n'],
  ] as const) {
    it(name, async (t) => {
      const both = await sideBySide(t, LINES, { files: { sensor: '25.5\n', points } }, async (daemon) => {
        const file = join(daemon.dir, 'tempcomp.log');
        const text = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
        await daemon.until('a line', () => (/^\d.*\n/m.test(text()) ? true : undefined));
        await daemon.stop();
        return text()
          .split('\n')
          .slice(0, 4)
          .join('\n')
          .replace(/^[-\d]+ [:\d]+/m, 'DATE');
      });
      if (both === undefined) return;
      assert.match(both[0], /^DATE {2}2\.5500e\+01 {2}2\.2750e\+00$/m);
      assert.equal(both[1], both[0]);
    });
  }

  for (const [name, points] of [
    ['one point', '20 1\n'],
    ['no point', ''],
    ['words', 'cold 1\nwarm 2\n'],
    ['half a point', '20 1\n30\n'],
    ['no file', undefined],
  ] as const) {
    it(`${name}: the end, with the same words`, async (t) => {
      const sensor = '25.5\n';
      const files: Setting['files'] = points === undefined ? { sensor } : { sensor, points };
      const both = await sideBySide(t, LINES, { files }, wholeLife);
      if (both === undefined) return;
      assert.equal(both[0].code, 1);
      assert.match(both[0].lines.join('\n'), /^Fatal error : .*DIR\/points/);
      assert.deepEqual(both[1], both[0]);
    });
  }

  it('a sensor that says nothing, or too much', async (t) => {
    for (const sensor of ['', '25500\n']) {
      const lines = ['tempcomp @DIR@/sensor 0.5 20 1 0.1 0.01'];
      const both = await sideBySide(t, lines, { files: { sensor } }, async (daemon) => {
        await daemon.logged(/emperature.*\n/);
        await daemon.stop();
        // Once, and not at every reading: the difference that is meant.
        return [...new Set(said(daemon))];
      });
      if (both === undefined) return;
      assert.equal(both[0].length, 1);
      assert.deepEqual(both[1], both[0]);
    }
  });
});

describe('smoothtime', PARALLEL, () => {
  const smoothing = async (daemon: Running) => {
    const [[active, leaponly, offset] = []] = await daemon.report('smoothing');
    return { active, leaponly, offset: Number(offset) };
  };

  for (const option of ['', ' leaponly']) {
    it(`activated by command, reset, activated again${option && `:${option}`}`, async (t) => {
      const both = await sideBySide(t, [`smoothtime 400 0.01${option}`], {}, async (daemon) => {
        await daemon.ready();
        const answers = [(await smoothing(daemon)).active];
        for (const words of ['activate', 'activate', 'reset']) {
          answers.push((await askOurs(daemon.socket, `smoothtime ${words}`)).stdout, (await smoothing(daemon)).active);
        }
        await daemon.stop();
        return { answers, lines: said(daemon) };
      });
      if (both === undefined) return;
      const words = option === '' ? 'Activated time smoothing' : 'Activated time smoothing (leap seconds only)';
      assert.deepEqual(both[0].lines.slice(0, 2), [words, 'Reset time smoothing']);
      assert.deepEqual(both[1], both[0]);
    });
  }

  it('begins by itself when the clock is steady, and takes up what the clock is corrected by then', async (t) => {
    const both = await sideBySide(t, ['smoothtime 400 0.01', SOCK], {}, async (daemon) => {
      await daemon.ready();
      await askOurs(daemon.socket, 'smoothtime activate');
      const stop = feed(daemon, 0.2);
      const served = await daemon.until('an offset', async () => {
        const { offset } = await smoothing(daemon);
        return offset === 0 ? undefined : offset.toFixed(3);
      });
      stop();
      await daemon.stop();
      return served;
    });
    if (both === undefined) return;
    assert.equal(both[0], '-0.200');
    assert.equal(both[1], both[0]);
  });
});

describe('dump files of reference clocks', PARALLEL, () => {
  const now = Math.floor(Date.now() / 1000);
  // Up and down by turns: how many of them are a straight line is not left to the last bit of the arithmetic.
  const samples = (n: number): string[] =>
    Array.from({ length: n }, (_, i) => {
      const offset = (1e-3 + (i % 2) * 1e-6).toExponential(6).replace('e-3', 'e-03');
      return `${now - 100 + 2 * i}.000000000 ${offset} ${offset} 1.000000e-04 1.000000e-06 2.000000e-04 2.000000e-06`;
    });
  const dump = (head: string, lines: readonly string[]): string =>
    ['SRC0', '.', head, `${lines.length} 0`, ...lines, ''].join('\n');
  const good = dump('0 377 8 0 0', samples(8));

  /** By reference identifier: each is the file of a clock of its own. */
  const FILES: Readonly<Record<string, string>> = {
    GOOD: good,
    ONE: dump('0 377 8 0 0', samples(1)),
    MANY: dump('0 377 8 0 0', samples(45)),
    OLD: good.replace(/^\d{10}/gm, (second) => String(Number(second) - 1_000_000)),
    S15: dump('0 377 8 15 1', samples(8)),
    ZERO: dump('0 377 8 0 0', []),
    LATE: good.replace(/^\d{10}/gm, (second) => String(Number(second) + 1000)),
    BACK: dump('0 377 8 0 0', samples(8).reverse()),
    S16: dump('0 377 8 16 0', samples(8)),
    LEA3: dump('0 377 8 0 3', samples(8)),
    CRLF: good.replaceAll('\n', '\r\n'),
    CUT: good.slice(0, 300),
    NONE: '',
    SRC1: good.replace('SRC0', 'SRC1'),
    OVER: dump('0 377 8 0 0', [
      ...samples(8),
      ...Array.from({ length: 92 }, (_, i) => samples(1)[0]!.replace('1', `${i}`)),
    ]),
  };
  const GOOD = ['GOOD', 'ONE', 'MANY', 'OLD', 'S15'];
  const fileOf = (id: string): string => `dump/refid:${Buffer.from(id.padEnd(4, '\0')).toString('hex')}.dat`;

  it('each reads the same ones, refuses the same ones, and writes what it has read', async (t) => {
    const lines = Object.keys(FILES).map((id) => `refclock SOCK @DIR@/${id}.sock refid ${id} noselect poll 10`);
    const files = Object.fromEntries(Object.entries(FILES).map(([id, text]) => [fileOf(id), text]));
    const both = await sideBySide(t, ['dumpdir @DIR@/dump', ...lines], { files, args: ['-r'] }, async (daemon) => {
      await daemon.ready();
      const used = Object.keys(FILES).filter((id) => !existsSync(join(daemon.dir, fileOf(id))));
      const sources = (await daemon.report('sources')).map((row) => [row[2], Number(row[6]) < 4e9]);
      const counts = (await daemon.report('sourcestats')).map((row) => row.slice(0, 3));
      await askOurs(daemon.socket, 'dump');
      const written = ['GOOD', 'ONE', 'S15'].map((id) => readFileSync(join(daemon.dir, fileOf(id)), 'utf8'));
      await daemon.stop();
      const loads = said(daemon).filter((line) => line.includes('dump file'));
      // A poll may have been missed between start and dump.
      return {
        used,
        sources,
        counts,
        loads,
        written: written.map((text) => text.replace(/ 3[0-7]{2} 8 /, ' REACH 8 ')),
      };
    });
    if (both === undefined) return;
    const [theirs, ours] = both;
    assert.deepEqual(
      theirs.loads,
      Object.keys(FILES).map((id) => `${GOOD.includes(id) ? 'Loaded' : 'Could not load'} dump file for ${id}`),
    );
    assert.deepEqual(ours, theirs);
  });
});

describe('the real-time clock and -s', PARALLEL, () => {
  it('no RTC: the same words, the same replies, and its file is left alone', async (t) => {
    const lines = ['rtcfile @DIR@/rtc', 'rtcdevice @DIR@/none', 'rtcautotrim 30'];
    for (const rtc of [undefined, '1 1700000000 0.500000 1.000\n']) {
      const both = await sideBySide(t, lines, { files: rtc === undefined ? {} : { rtc } }, async (daemon) => {
        await daemon.ready();
        const replies = [];
        for (const words of ['rtcdata', 'trimrtc', 'writertc']) replies.push(await askOurs(daemon.socket, words));
        await daemon.stop();
        const path = join(daemon.dir, 'rtc');
        return { replies, lines: said(daemon), rtc: existsSync(path) ? readFileSync(path, 'utf8') : undefined };
      });
      if (both === undefined) return;
      assert.equal(both[0].rtc, rtc);
      assert.match(both[0].replies[0]!.stdout, /^513 RTC driver not running/);
      assert.deepEqual(both[1], both[0]);
    }
  });

  for (const [name, age, words] of [
    ['a drift file of the future: the clock would be set, which -x forbids', -1000, ['Could not step system clock']],
    ['a drift file of the past says nothing about the time', 1000, []],
  ] as const) {
    it(`-s with ${name}`, async (t) => {
      const setting = { files: { drift: '1.500000 0.100000\n' }, age, args: ['-s'] };
      const both = await sideBySide(t, ['driftfile @DIR@/drift'], setting, wholeLife);
      if (both === undefined) return;
      assert.deepEqual(both[0].lines, [...words, 'Frequency 1.500 +/- 0.100 ppm read from DIR/drift']);
      assert.deepEqual(both[1], both[0]);
    });
  }
});
