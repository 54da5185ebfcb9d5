import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { helpOf } from '../../../../src/app/cli/help.js';
import { completions } from '../../../../src/app/cli/interactive.js';
import { generateKey } from '../../../../src/app/cli/keygen.js';
import { parseMoment } from '../../../../src/app/cli/settime.js';
import { addSource, localValues, selectOptions, sourceOffset } from '../../../../src/app/cli/sourcecommands.js';
import { SyntaxFault } from '../../../../src/app/cli/syntax.js';
import { toScreen } from '../../../../src/app/cli/watch.js';
import { refidFromText } from '../../../../src/base/refid.js';

/** Saturday, 2026-11-21 02:30:15 UTC. */
const NOW = Date.UTC(2026, 10, 21, 2, 30, 15);
const utc = (text: string): string | undefined => {
  const t = parseMoment(`${text} UTC`, NOW);
  return t === undefined ? undefined : new Date(Number(t / 1_000_000n)).toISOString().slice(0, 19);
};

describe('settime words', () => {
  // What chronyc 4.6.1 made of them, but for the T and the day before the time.
  const known: readonly [string, string][] = [
    ['now', '2026-11-21T02:30:15'],
    ['16:30', '2026-11-21T16:30:00'],
    ['16:30:05', '2026-11-21T16:30:05'],
    ['16:30:05.75', '2026-11-21T16:30:05'],
    ['Sep 25, 2015 16:30:05', '2015-09-25T16:30:05'],
    ['25 Sep 2015', '2015-09-25T00:00:00'],
    ['25-Sep-2015 1:02', '2015-09-25T01:02:00'],
    ['2015-09-25 16:30', '2015-09-25T16:30:00'],
    ['2015-09-25T16:30:05', '2015-09-25T16:30:05'],
    ['9/25/2015 4pm', '2015-09-25T16:00:00'],
    ['9/25/15', '2015-09-25T00:00:00'],
    ['4 pm', '2026-11-21T16:00:00'],
    ['12am', '2026-11-21T00:00:00'],
    ['12 p.m.', '2026-11-21T12:00:00'],
    ['tomorrow', '2026-11-22T02:30:15'],
    ['yesterday 12:00', '2026-11-20T12:00:00'],
    ['+5 minutes', '2026-11-21T02:35:15'],
    ['2 hours ago', '2026-11-21T00:30:15'],
    ['next week', '2026-11-28T02:30:15'],
    ['last fortnight', '2026-11-07T02:30:15'],
    ['this hour', '2026-11-21T02:30:15'],
    ['Nov 20 11:00', '2026-11-20T11:00:00'],
    ['20 Nov 1:02:03', '2026-11-20T01:02:03'],
    ['Friday', '2026-11-27T00:00:00'],
    ['Saturday 5:00', '2026-11-21T05:00:00'],
    ['', '2026-11-21T00:00:00'],
  ];
  for (const [text, expected] of known) it(`'${text}'`, () => assert.equal(utc(text), expected));

  it('zones', () => {
    const at = (text: string) => Number(parseMoment(text, NOW)! / 1_000_000_000n);
    assert.equal(at('2015-09-25 16:30 +0200'), Date.UTC(2015, 8, 25, 14, 30) / 1000);
    assert.equal(at('2015-09-25 16:30 -03:30'), Date.UTC(2015, 8, 25, 20, 0) / 1000);
    const local = new Date(2015, 8, 25, 16, 30).getTime() / 1000;
    assert.equal(at('2015-09-25 16:30'), local);
  });

  for (const text of ['gibberish', '25:00', '2015-13-01', '13pm', '10:00 11:00', 'Foo 12', '1 lustrum ago']) {
    it(`cannot read '${text}'`, () => assert.equal(utc(text), undefined));
  }
});

describe('words about sources', () => {
  it('local: defaults, off, and what the configuration would refuse', () => {
    const all = { enabled: 1, stratum: 10, distance: 1, orphan: 0, activate: 0, waitSynced: 0, waitUnsynced: 0 };
    assert.deepEqual(localValues([]), all);
    assert.equal(localValues(['off']).enabled, 0);
    assert.deepEqual(localValues(['stratum', '5', 'orphan', 'waitunsynced', '7']), {
      ...all,
      stratum: 5,
      orphan: 1,
      waitUnsynced: 7,
    });
    assert.equal(localValues(['orphan']).waitUnsynced, 300);
    for (const wrong of [['stratum'], ['stratum', '30'], ['nonsense']])
      assert.throws(() => localValues(wrong), SyntaxFault);
  });

  it("add: the directive's words, chronyc's defaults", async () => {
    const values = await addSource(['server', '192.0.2.1'], 0);
    const { name, port, minpoll, maxpoll, presendMinpoll, maxUnreach, flags, version, maxDelay } = values;
    assert.deepEqual(
      { name, port, minpoll, maxpoll, presendMinpoll, maxUnreach, flags, version, maxDelay },
      {
        name: '192.0.2.1',
        port: 123,
        minpoll: 6,
        maxpoll: 10,
        presendMinpoll: 100,
        maxUnreach: 100_000,
        flags: 1,
        version: 0,
        maxDelay: 3,
      },
    );
    const more = await addSource(['pool', '192.0.2.1', 'iburst', 'prefer', 'nts', 'offline', 'version', '3'], 0);
    assert.deepEqual([more.type, more.flags, more.version], [3, 0x4 | 0x8 | 0x200, 3]);
    for (const wrong of [[], ['foo', 'x'], ['server'], ['server', '192.0.2.1', 'minpoll', 'x']]) {
      await assert.rejects(addSource(wrong, 0), { message: 'Invalid syntax for add command' });
    }
  });

  it('selectopts and offset: refids and addresses', async () => {
    const gps = { address: undefined, refId: refidFromText('GPS') };
    assert.deepEqual(await selectOptions(['GPS', '+prefer', '-noselect'], 0), { ...gps, mask: 3, options: 0x8 });
    assert.deepEqual((await selectOptions(['192.0.2.1'], 0)).address, Uint8Array.of(192, 0, 2, 1));
    assert.deepEqual(await sourceOffset(['GPS', '-0.5'], 0), { ...gps, offset: -0.5 });
    for (const wrong of [[], ['GPS', 'prefer'], ['GPS', '+nope']])
      await assert.rejects(selectOptions(wrong, 0), SyntaxFault);
    for (const wrong of [[], ['GPS'], ['GPS', 'x']]) await assert.rejects(sourceOffset(wrong, 0), SyntaxFault);
  });
});

describe('keygen', () => {
  const lengths: readonly [string[], number, string, number][] = [
    [[], 1, 'SHA1', 160],
    [['5', 'SHA256', '100'], 5, 'SHA256', 104],
    [['5', 'MD5', '10'], 5, 'MD5', 80],
    [['5', 'MD5', '9999'], 5, 'MD5', 4096],
    [['7', 'AES128', '999'], 7, 'AES128', 128],
    [['7', 'AES256'], 7, 'AES256', 256],
    [['4294967296', 'SHA512', '512'], 0, 'SHA512', 512],
  ];
  for (const [words, id, type, bits] of lengths) {
    it(`${words.join(' ')}`, () => {
      const key = generateKey(words);
      assert.deepEqual([key.id, key.type, key.hex.length * 4], [id, type, bits]);
      assert.match(key.hex, /^[0-9A-F]+$/);
      assert.notEqual(generateKey(words).hex, key.hex);
    });
  }
  for (const words of [['x'], ['1', 'FOO'], ['1', 'sha1'], ['1', 'SHA1', 'x'], ['1', 'SHA1', '80', 'more']]) {
    it(`refuses ${words.join(' ')}`, () => assert.throws(() => generateKey(words), SyntaxFault));
  }
});

describe('completion', () => {
  const commands = ['manual', 'makestep', 'tracking', 'help', 'keygen'];
  it('of commands, and of the words behind them', () => {
    assert.deepEqual(completions('ma', commands), [['manual', 'makestep'], 'ma']);
    assert.deepEqual(completions('manual o', commands), [['off', 'on'], 'o']);
    assert.deepEqual(completions('tracking x', commands), [[], 'x']);
    assert.deepEqual(completions('help tr', commands), [['tracking'], 'tr']);
    assert.deepEqual(completions('keygen 1 AES', commands), [['AES128', 'AES256'], 'AES']);
    assert.deepEqual(completions('keygen A', commands), [[], 'A']);
  });
});

describe('help', () => {
  it('knows both names of a line', () => {
    assert.match(helpOf('offline'), /^online\|offline/);
    assert.equal(helpOf('offlin'), '');
    assert.equal(helpOf(undefined), '');
  });
});

describe('watch', () => {
  it('cuts what the screen cannot hold', () => {
    assert.equal(toScreen('abcdef\nx\ny', 3, 3), '\u001b[Habc\u001b[K\r\nx\u001b[K\u001b[J');
  });
});
