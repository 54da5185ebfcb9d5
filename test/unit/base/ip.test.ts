import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatIp, parseIp } from '../../../src/base/ip.js';

describe('base/ip', () => {
  const kept = [
    '0.0.0.0',
    '192.0.2.255',
    '::',
    '::1',
    '2001:db8::1',
    'fe80::1:0:0:1',
    '1:2:3:4:5:6:7:8',
    '::ffff:192.0.2.1',
  ];
  for (const text of kept) {
    it(`reads and writes ${text} unchanged`, () => assert.equal(formatIp(parseIp(text)!), text));
  }
  it('writes the canonical form', () => {
    assert.equal(formatIp(parseIp('2001:DB8:0:0:1:0:0:1')!), '2001:db8::1:0:0:1');
    assert.equal(formatIp(parseIp('1:0:2:3:4:5:6:7')!), '1:0:2:3:4:5:6:7');
  });
  const refused = [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.4/8',
    ':',
    ':::',
    '1:2',
    '1::2::3',
    '12345::',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '1.2.3.4::',
    'fe80::1%eth0',
    'host',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::1.2.3',
  ];
  for (const text of refused) it(`refuses '${text}'`, () => assert.equal(parseIp(text), undefined));
  it('agrees with the platform on what is an address', () => {
    const noise = fc.string({ unit: fc.constantFrom(...'0123456789abf:.'), maxLength: 24 });
    fc.assert(
      fc.property(noise, (text) => {
        assert.equal(parseIp(text) !== undefined, isIP(text) !== 0 && !text.includes('%'), text);
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
  it('round-trips every address', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    );
    fc.assert(
      fc.property(bytes, (b) => assert.deepEqual(parseIp(formatIp(b)), b)),
      { seed: 2, numRuns: 1000 },
    );
  });
});
