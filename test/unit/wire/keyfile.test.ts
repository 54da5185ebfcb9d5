import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { macBytes, parseKeyFile } from '../../../src/wire/ntp/keyfile.js';

describe('key file', () => {
  it('takes every form of a key', () => {
    const { keys, warnings } = parseKeyFile(
      [
        '# comment',
        '! another',
        '',
        '1 tulip',
        '2 MD5 ASCII:rose',
        '3 sha1 HEX:00ff10',
        ' 4\tAES128  HEX:000102030405060708090A0B0C0D0E0F ',
        '4294967295 SHA3-512 x',
      ].join('\n'),
    );
    assert.deepEqual(warnings, []);
    assert.deepEqual(
      keys.map((k) => [k.id, k.type, [...k.secret].slice(0, 3)]),
      [
        [1, 'MD5', [...Buffer.from('tul')]],
        [2, 'MD5', [...Buffer.from('ros')]],
        [3, 'SHA1', [0, 255, 16]],
        [4, 'AES128', [0, 1, 2]],
        [4294967295, 'SHA3-512', [120]],
      ],
    );
  });

  it('leaves out what it cannot use, says where, and keeps the secret', () => {
    const { keys, warnings } = parseKeyFile(
      '0 a\n4294967296 a\nx a\n7\n8 NONE secretword\n9 AES256 HEX:00\n10 HEX:0g\n11 HEX:\n12 MD5 a b\n13 a\n13 b\n',
    );
    assert.deepEqual(
      keys.map((k) => k.id),
      [13],
    );
    assert.equal(warnings.length, 10);
    for (const w of warnings) assert.match(w, / at line \d+$/);
    assert.ok(!warnings.join().includes('secretword'));
  });

  it('an NTPv4 MAC is cut to 24 bytes, older ones are whole', () => {
    assert.deepEqual(
      [macBytes('MD5', 4), macBytes('SHA512', 4), macBytes('SHA512', 3), macBytes('AES256', 4)],
      [20, 24, 68, 20],
    );
  });
});
