import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refidFromText } from '../../../../src/base/refid.js';
import { fromUnix } from '../../../../src/base/time.js';
import { dumpFileName, formatDump, parseDump } from '../../../../src/core/sources/dump.js';

const GPS = refidFromText('GPS');
const NOW = fromUnix(1_795_227_400);

/** As chronyd 4.6.1 wrote it for a SOCK reference clock, 0.25 s ahead of the system clock. */
const FROM_CHRONYD = `SRC0
.
0 177 8 0 0
3 0
1795227324.654523999 -1.000000e-03 -2.500000e-01 1.000000e-09 2.000000e-08 1.000000e-09 2.000000e-08
1795227325.658472999 -1.000000e-03 -2.500000e-01 1.000000e-09 2.000000e-08 1.000000e-09 2.000000e-08
1795227327.662185999 -1.000000e-03 -5.551115e-17 1.000000e-09 2.000000e-08 1.000000e-09 2.000000e-08
`;

describe('dump files', () => {
  it("have chrony's names", () => assert.equal(dumpFileName({ name: 'GPS', refId: GPS }), 'refid:47505300.dat'));

  it('a reachability register has eight bits', () =>
    assert.equal(parseDump(FROM_CHRONYD.replace('0 177 8', '0 777 8'), { name: 'GPS', refId: GPS }, NOW), undefined));

  it('reads what chronyd wrote', () => {
    const dump = parseDump(FROM_CHRONYD, { name: 'GPS', refId: GPS }, NOW)!;
    assert.equal(dump.reach, 0o177);
    assert.equal(dump.reachSize, 8);
    assert.equal(dump.samples.length, 3);
    assert.deepEqual(dump.samples[0], {
      time: fromUnix(1_795_227_324, 654_523_999),
      offset: 0.001,
      peerDelay: 1e-9,
      peerDispersion: 2e-8,
      rootDelay: 1e-9,
      rootDispersion: 2e-8,
      stratum: 0,
      leap: 0,
    });
  });

  it('an NTP source: its address names the file, its name and its key must be the same', () => {
    const server = { name: 'ntp.example.net', refId: 5 as typeof GPS, address: '2001:db8::7', authenticated: true };
    assert.equal(dumpFileName(server), '2001:db8::7.dat');
    const text = FROM_CHRONYD.replace('\n.\n0 177', '\nntp.example.net\n1 177');
    const dump = parseDump(text, server, NOW)!;
    assert.equal(dump.samples.length, 3);
    assert.match(formatDump(dump), /^SRC0\nntp\.example\.net\n1 177 8 0 0\n/);
    assert.equal(parseDump(text, { ...server, name: 'other.example.net' }, NOW), undefined);
    assert.equal(parseDump(text, { ...server, authenticated: false }, NOW), undefined);
  });

  it('writes what it reads', () => {
    const dump = parseDump(FROM_CHRONYD, { name: 'GPS', refId: GPS }, NOW)!;
    // The offset as it was measured is not kept: it stands as the present one.
    const expected = FROM_CHRONYD.replace(/-2\.500000e-01|-5\.551115e-17/g, '-1.000000e-03');
    assert.equal(formatDump(dump), expected);
  });

  const broken: readonly [string, string][] = [
    ['another kind of file', FROM_CHRONYD.replace('SRC0', 'SRC1')],
    ['a file cut short', FROM_CHRONYD.slice(0, 200)],
    ['an empty file', ''],
    ['a line of words', FROM_CHRONYD.replace('1795227325.658472999', 'yesterday')],
    ['times that go back', FROM_CHRONYD.replace('1795227325.', '1795227323.')],
    ['times of the future', FROM_CHRONYD.replace('1795227327.', '1795229999.')],
    ['a negative dispersion', FROM_CHRONYD.replace('2.000000e-08', '-2.000000e-08')],
    ['numbers that are none', FROM_CHRONYD.replace('-2.500000e-01', 'nan')],
    ['a register of nines', FROM_CHRONYD.replace('0 177 8', '0 999 8')],
    ['more samples than anybody keeps', FROM_CHRONYD.replace('3 0', '99 0')],
    ['no samples', FROM_CHRONYD.replace('3 0', '0 0')],
  ];
  for (const [what, text] of broken) {
    it(`refuses ${what}`, () => assert.equal(parseDump(text, { name: 'GPS', refId: GPS }, NOW), undefined));
  }
});
