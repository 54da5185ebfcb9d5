import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  age,
  fixed,
  frequency,
  interval,
  log2Interval,
  signed,
  signedFrequency,
  signedInterval,
} from '../../../../src/app/cli/numbers.js';

/** Results of printf and of chronyc 4.3, looked at. */
describe('app/cli numbers', () => {
  const roundings: readonly [number, number, string][] = [
    [0.5, 0, '0'],
    [1.5, 0, '2'],
    [2.5, 0, '2'],
    [-2.5, 0, '-2'],
    [-0.5, 0, '-0'],
    [0.125, 2, '0.12'],
    [0.375, 2, '0.38'],
    [100.25, 1, '100.2'],
    [0.15, 1, '0.1'],
    [1.005, 2, '1.00'],
    [-0, 3, '-0.000'],
    [0, 3, '0.000'],
    [-1e-12, 9, '-0.000000000'],
    [99.5, 0, '100'],
    [4e18, 0, '4000000000000000000'],
  ];
  for (const [x, digits, text] of roundings)
    it(`rounds ${x} to ${digits} digits as printf`, () => assert.equal(fixed(x, digits), text));
  it('puts signs', () => assert.deepEqual([signed(0, 1), signed(-0, 1), signed(1.25, 1)], ['+0.0', '-0.0', '+1.2']));
  const intervals: readonly [number, string][] = [
    [0, '   0ns'],
    [9.9994e-6, '9999ns'],
    [9.9996e-6, '  10us'],
    [0.0099994, '9999us'],
    [0.5, ' 500ms'],
    [9.9996, '  10.0s'],
    [999.4, ' 999.4s'],
    [1000, ' 1000s'],
    [99_999, '99999s'],
    [1e6, '16667m'],
    [1e8, '27778h'],
    [1e9, '11574d'],
    [3e12, '95129y'],
  ];
  for (const [s, text] of intervals)
    it(`writes ${s} s as '${text.trim()}'`, () => assert.equal(interval(s).trim(), text.trim()));
  it('keeps its columns', () => {
    assert.deepEqual([interval(4), interval(-4), signedInterval(-4e-9)], ['4000ms', '4000ms', '   -4ns']);
  });
  const ages: readonly [number, string][] = [
    [0xffffffff, '   -'],
    [1199, '1199'],
    [1200, ' 20m'],
    [35_999, '599m'],
    [36_000, ' 10h'],
    [345_599, ' 95h'],
    [345_600, '  4d'],
    [86_400 * 1000 - 1, '999d'],
    [86_400 * 1000, '  2y'],
  ];
  for (const [s, text] of ages) it(`writes an age of ${s} s as '${text}'`, () => assert.equal(age(s), text));
  it('writes frequencies and log2 intervals', () => {
    assert.deepEqual(
      [frequency(2000), signedFrequency(0.0004), signedFrequency(-123456.7)],
      ['  2000.000', '    +0.000', '   -123457'],
    );
    assert.deepEqual([log2Interval(127), log2Interval(-2), log2Interval(6)], [' -', '-2', ' 6']);
  });
});
