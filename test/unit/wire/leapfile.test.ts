import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { sha1 } from '../../../src/base/sha1.js';
import { fromUnix, toIso } from '../../../src/base/time.js';
import { type LeapFileResult, parseLeapList, parseTzif } from '../../../src/wire/leapfile.js';
import { leapList, tzif } from '../../support/leapfiles.js';

const problem = (r: LeapFileResult): string => ('problem' in r ? r.problem : 'none');
const table = (r: LeapFileResult) => {
  assert.ok('table' in r, problem(r));
  return r.table;
};

describe('sha1', () => {
  it('agrees with the system for every length about a block', () => {
    for (let n = 0; n < 200; n++) {
      const bytes = Uint8Array.from({ length: n }, (_, i) => (i * 7 + n) & 255);
      const hex = sha1(bytes).map((w) => w.toString(16).padStart(8, '0'));
      assert.equal(hex.join(''), createHash('sha1').update(bytes).digest('hex'));
    }
  });
});

describe('leap second list', () => {
  const good = leapList();

  it('is read with its dates', () => {
    const t = table(parseLeapList(good));
    assert.deepEqual(t.entries[0], { at: fromUnix(63_072_000), taiUtc: 10 });
    assert.equal(toIso(t.entries.at(-1)!.at, 0), '2017-01-01T00:00:00Z');
    assert.equal(t.entries.at(-1)!.taiUtc, 37);
    assert.equal(t.entries.length, 28);
    assert.equal(toIso(t.expires!, 0), '2026-06-28T00:00:00Z');
  });

  it('with one digit changed, is refused by its checksum; without checksum it is taken', () => {
    const changed = good.replace('3692217600', '3692304000');
    assert.match(problem(parseLeapList(changed)), /checksum/);
    assert.ok('table' in parseLeapList(changed.replace(/^#h.*$/m, '')));
    assert.match(problem(parseLeapList(good.replace('#@\t39', '#@\t38'))), /checksum/);
  });

  const WRONG: readonly [string, string, RegExp][] = [
    ['nothing', '', /no entries/],
    ['prose', 'there is no leap second\n', /not an entry/],
    ['a jump of two seconds', '2272060800 10\n2287785600 12\n', /not one second/],
    ['an entry twice', '2272060800 10\n2272060800 11\n', /not later/],
    ['not at midnight', '2272060801 10\n', /midnight/],
    ['a hundred digits', `${'9'.repeat(100)} 10\n`, /not an entry/],
    ['one that never expires', leapList().replace(/^#[@h].*\n/gm, ''), /no date of expiry/],
    ['no end', '2272060800 10\n'.repeat(300), /too long/],
  ];
  for (const [name, text, expected] of WRONG) {
    it(`refuses ${name}`, () => assert.match(problem(parseLeapList(text)), expected));
  }
});

describe('compiled time zone', () => {
  it('version 2 and 4: occurrences count the seconds before them; a repeated correction is the date of expiry', () => {
    const leaps: [number, number][] = [
      [78_796_800, 1],
      [94_694_401, 2],
    ];
    const t = table(parseTzif(tzif('2', leaps)));
    assert.deepEqual(
      t.entries.map((e) => [toIso(e.at, 0).slice(0, 10), e.taiUtc]),
      [
        ['1972-01-01', 10],
        ['1972-07-01', 11],
        ['1973-01-01', 12],
      ],
    );
    assert.equal(t.expires, undefined);
    const four = table(parseTzif(tzif('4', [...leaps, [126_230_402, 2]])));
    assert.equal(four.entries.length, 3);
    assert.equal(toIso(four.expires!, 0), '1974-01-01T00:00:00Z');
  });

  it('a deleted second is over where it would have begun', () => {
    const t = table(parseTzif(tzif('2', [[78_796_800 - 1, -1]])));
    assert.deepEqual(t.entries[1], { at: fromUnix(78_796_800), taiUtc: 9 });
  });

  it('version 1 has 32 bits', () => {
    assert.equal(table(parseTzif(tzif('\0', [[78_796_800, 1]]))).entries.length, 2);
  });

  it('refuses what is none', () => {
    assert.match(problem(parseTzif(new Uint8Array())), /not a compiled/);
    assert.match(problem(parseTzif(new TextEncoder().encode('TZif2'))), /not a compiled/);
    assert.match(problem(parseTzif(tzif('2', []))), /no leap seconds/);
    const whole = tzif('2', [[78_796_800, 1]]);
    const footer = 6;
    for (let n = 44; n < whole.length - footer; n++)
      assert.match(problem(parseTzif(whole.subarray(0, n))), /cut short/, `${n}`);
  });
});
