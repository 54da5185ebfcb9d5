import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatDrift, parseDrift } from '../../../../src/core/discipline/drift.js';

describe('drift file', () => {
  it("is chrony's line: %20.6f %20.6f", () => {
    assert.equal(
      formatDrift({ freqFastPpm: -12.3456789, skewPpm: 0.012 }),
      '          -12.345679             0.012000\n',
    );
  });

  it('reads what it writes', () => {
    const drift = { freqFastPpm: 3.25, skewPpm: 0.5 };
    assert.deepEqual(parseDrift(formatDrift(drift)), drift);
  });

  const good: [string, string, number, number][] = [
    ['single blanks', '1 2', 1, 2],
    ['exponents', '-1.5e1 2e-3\n', -15, 0.002],
    ['tabs, and more words after it', '\t.5\t1.\textra', 0.5, 1],
    ['more lines after it', '5 1\ngarbage', 5, 1],
  ];
  for (const [why, text, freqFastPpm, skewPpm] of good) {
    it(`takes ${why}`, () => assert.deepEqual(parseDrift(text), { freqFastPpm, skewPpm }));
  }

  const bad: [string, string][] = [
    ['nothing', ''],
    ['one number: cut short', '          -12.3456'],
    ['zeros of a file system that lost power', '\0'.repeat(42)],
    ['words', 'frequency skew'],
    ['infinity', 'Infinity 1'],
    ['not a number', 'nan nan'],
    ['hexadecimal', '0x10 1'],
    ['a frequency no clock has', '200000 1'],
    ['a negative skew', '1 -1'],
    ['a skew of more than everything', '1 1e9'],
    ['an exponent that overflows', '1e999 1'],
    ['an empty first line', '\n1 2'],
  ];
  for (const [why, text] of bad) it(`refuses ${why}`, () => assert.equal(parseDrift(text), undefined));
});
