import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CommentFilter } from '../../src/app/cli/comment-filter.js';
import { receiverDecode } from '../../src/app/cli/receiver-decode.js';
import { formatSentence } from '../../src/wire/receiver/nmea.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'timeball-decode-'));
after(() => rmSync(dir, { recursive: true }));

const run = (argv: string[]) => {
  let [out, err] = ['', ''];
  const code = receiverDecode(argv, { stdout: { write: (s) => (out += s) }, stderr: { write: (s) => (err += s) } });
  return { code, out, err, lines: out.split('\n').filter((l) => l !== '') };
};
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(dir, name), content);
  return join(dir, name);
};

const GOOD = formatSentence('GPRMC,000001.00,A,4807.0,N,01131.0,E,0.0,0.0,060419,,,A');

describe('timeball receiver decode', () => {
  it('prints one JSON line an epoch and counts what it refuses', () => {
    const bad = GOOD.replace('000001', '000002');
    const path = file('a.nmea', `# Date: 2019-04-05\n# $GPRMC in a comment\n${GOOD}${bad}# mid comment\n`);
    const { code, lines, err } = run([path, '--json', '--now', '2019-04-05']);
    assert.equal(code, 0);
    assert.equal(lines.length, 1);
    const { utc, valid, from, leap } = JSON.parse(lines[0]!);
    assert.deepEqual(
      { utc, valid, from, leap },
      { utc: '2019-04-06T00:00:01.000Z', valid: true, from: 'RMC', leap: null },
    );
    assert.equal(err, 'rejected checksum 1\n');
  });
  it('prints a line for people without --json', () => {
    assert.match(run([file('b.nmea', GOOD), '--now=2019-04-05']).out, /^2019-04-06T00:00:01\.000Z {2}valid {2}RMC\n$/);
  });
  it('says 2 for a file without epochs, 1 for no file, 64 for usage', () => {
    assert.equal(run([file('c.nmea', 'nothing\n')]).code, 2);
    const missing = run([join(dir, 'missing')]);
    assert.equal(missing.code, 1);
    assert.match(missing.err, /cannot read/);
    for (const argv of [[], ['--json'], ['a', 'b'], ['a', '--now'], ['a', '--now', 'soon'], ['a', '--what']]) {
      assert.equal(run(argv).code, 64, argv.join(' '));
    }
  });
  it('the leap second of our own trace', () => {
    const { lines, err } = run([join(ROOT, 'hw-fixtures', 'receiver-leap-2016.nmea'), '--json', '--now', '2016-12-31']);
    const epochs = lines.map((l) => JSON.parse(l) as { utc: string; leapSecond: boolean; valid: boolean });
    assert.deepEqual(
      epochs.map((e) => e.utc.slice(11, 19)),
      ['23:59:58', '23:59:59', '23:59:60', '00:00:00', '00:00:01'],
    );
    assert.deepEqual(
      epochs.map((e) => e.leapSecond),
      [false, false, true, false, false],
    );
    assert.ok(epochs.every((e) => e.valid));
    assert.equal(err, '');
  });
});

describe('comment filter', () => {
  const pass = (text: string, cut: number): string => {
    const filter = new CommentFilter();
    const bytes = Buffer.from(text, 'latin1');
    let out = '';
    for (let i = 0; i < bytes.length; i += cut)
      out += Buffer.from(filter.pass(bytes.subarray(i, i + cut))).toString('latin1');
    return out;
  };
  it('drops the head and later `# ` lines, keeps other # bytes, in any cut', () => {
    const text = '# head\n#\tmore\n#\n$A\n# between\n\xb5b#x\n#\x01binary\n$B # not\n';
    for (const cut of [1, 2, 5, 1000]) assert.equal(pass(text, cut), '$A\n\xb5b#x\n#\x01binary\n$B # not\n');
  });
});
