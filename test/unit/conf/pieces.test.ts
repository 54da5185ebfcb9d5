import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type * as conf from '../../../src/conf/config.js';
import {
  DISCIPLINE_DEFAULTS,
  LOCAL_DEFAULTS,
  REFCLOCK_DEFAULTS,
  SELECTION_DEFAULTS,
} from '../../../src/conf/defaults.js';
import { DIRECTIVES, findDirective } from '../../../src/conf/directives.js';
import { glob } from '../../../src/conf/glob.js';
import { manual } from '../../../src/conf/manual.js';
import { readSourceDirs } from '../../../src/conf/sourcedirs.js';
import { editDistance, suggest } from '../../../src/conf/suggest.js';
import type { NtpSourceOptions } from '../../../src/core/ntp/client/options.js';
import type * as core from '../../../src/core/refclock/options.js';
import { repoRoot } from '../../support/peers.js';
import { memoryFiles } from './memoryfiles.js';

/** Compiles only when each can stand for the other. */
type Same<A, B> = [A, B] extends [B, A] ? true : never;
const same: readonly [
  Same<conf.RefclockOptions, core.RefclockOptions>,
  Same<conf.DisciplineOptions, core.DisciplineOptions>,
  Same<conf.SelectionOptions, core.SelectionOptions>,
  Same<conf.LocalOptions, core.LocalOptions>,
  Same<conf.NtpSourceConfig, NtpSourceOptions>,
] = [true, true, true, true, true];

describe("core's options", () => {
  it('are declared in conf with the same fields and types', () => {
    assert.equal(same.length, 5);
    const values: readonly object[] = [REFCLOCK_DEFAULTS, DISCIPLINE_DEFAULTS, SELECTION_DEFAULTS, LOCAL_DEFAULTS];
    for (const value of values) assert.ok(Object.keys(value).length > 0);
  });
});

describe('the table', () => {
  it('has every directive of chrony 4.8, once', () => {
    const names = DIRECTIVES.filter((d) => d.addition === undefined).map((d) => d.name);
    assert.equal(new Set(names).size, names.length);
    const chrony =
      'acquisitionport allow authselectmode bindacqaddress bindacqdevice bindaddress bindcmdaddress bindcmddevice binddevice broadcast clientloglimit clockprecision cmdallow cmddeny cmdport cmdratelimit combinelimit commandkey confdir corrtimeratio deny driftfile dscp dumpdir dumponexit fallbackdrift generatecommandkey hwclockfile hwtimestamp hwtstimeout include initstepslew keyfile leapseclist leapsecmode leapsectz linux_freq_scale linux_hz local lock_all log logbanner logchange logdir mailonchange makestep manual maxchange maxclockerror maxdistance maxdrift maxjitter maxntsconnections maxsamples maxslewrate maxstratum maxtxbuffers maxupdateskew minsamples minsources minstratum nocerttimecheck noclientlog nosystemcert ntpsigndsocket ntsaeads ntscachedir ntsdumpdir ntsntpserver ntsport ntsprocesses ntsratelimit ntsrefresh ntsrotate ntsservercert ntsserverkey ntstrustedcerts opencommands peer pidfile pool port ptpdomain ptpport ratelimit refclock refresh reselectdist rtcautotrim rtcdevice rtcfile rtconutc rtcsync sched_priority server smoothtime sourcedir stratumweight tempcomp user';
    assert.deepEqual(names.toSorted(), chrony.split(' '));
  });

  it('names are lower case and documented in one line', () => {
    for (const { name, doc, default: value } of DIRECTIVES) {
      assert.match(name, /^[a-z_][a-z_0-9]*$/);
      assert.match(doc, /^[^\n]{10,}\.$/, name);
      assert.notEqual(value, '', name);
    }
    assert.equal(findDirective('MakeStep')?.name, 'makestep');
    assert.equal(findDirective('constructor'), undefined);
  });

  it('and the manual page are equal', () => {
    const page = readFileSync(`${repoRoot}/docs/man/timeball.conf.5.md`, 'utf8');
    assert.equal(page, manual(), 'run: node scripts/write-man.mjs');
  });
});

describe('suggestions', () => {
  it('count edits', () => {
    assert.equal(editDistance('', 'abc'), 3);
    assert.equal(editDistance('kitten', 'sitting'), 3);
    assert.equal(editDistance('prot', 'port'), 1);
  });

  it('are near or none', () => {
    assert.equal(suggest('makstep'), 'did you mean "makestep"?');
    assert.equal(suggest('prot'), 'did you mean "port"?');
    assert.equal(suggest('frobnicate'), undefined);
    assert.equal(suggest('x'.repeat(10000)), undefined);
  });
});

describe('glob', () => {
  const files = memoryFiles({
    '/a/x1/f.conf': '',
    '/a/x2/f.conf': '',
    '/a/y/f.conf': '',
    '/a/x1/.g.conf': '',
    'r.conf': '',
  });

  it('matches like the C library', () => {
    assert.deepEqual(glob('/a/x?/*.conf', files), ['/a/x1/f.conf', '/a/x2/f.conf']);
    assert.deepEqual(glob('/a/[!x]*/f*', files), ['/a/y/f.conf']);
    assert.deepEqual(glob('/a/x[2-9]/f.conf', files), ['/a/x2/f.conf']);
    assert.deepEqual(glob('/a/x1/.*', files), ['/a/x1/.g.conf']);
    assert.deepEqual(glob('*.conf', files), ['r.conf']);
    assert.deepEqual(glob('/a/f+(x', files), ['/a/f+(x']);
    assert.deepEqual(glob('/a/[z-a]', files), []);
    assert.deepEqual(glob('/a/[', files), []);
  });
});

describe('sourcedir', () => {
  it('leaves an unterminated line out and skips what is wrong', () => {
    const files = memoryFiles({
      '/s/a.sources': 'server a iburst\nport 1\nserver\n# c\npeer b\nserver unfin',
      '/t/a.sources': 'server hidden\n',
      '/t/b.sources': 'pool c\n',
      '/t/c.conf': 'server d\n',
    });
    const { sources, problems } = readSourceDirs(['/s', '/t', '/none'], files);
    assert.deepEqual(
      sources.map((s) => `${s.kind} ${s.name}`),
      ['server a', 'peer b', 'pool c'],
    );
    assert.deepEqual(problems, [
      'Invalid directive port at line 2 in file /s/a.sources',
      'Could not parse server directive at line 3 in file /s/a.sources',
    ]);
  });
});
