/** Words of a moment as chronyc 4.6.1 reads them (observed on 2026-11-21 at 09:55:43 UTC, a Saturday). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseMoment } from '../../../../src/app/cli/settime.js';
import { toIso } from '../../../../src/base/time.js';

process.env['TZ'] = 'UTC';
const NOW_MS = Date.UTC(2026, 10, 21, 9, 55, 43);

const READ: Readonly<Record<string, string>> = {
  '16:30 EST': '2026-11-21T21:30:00',
  '16:30 CET': '2026-11-21T15:30:00',
  '16:30 EST DST': '2026-11-21T20:30:00',
  '16:30 A': '2026-11-21T17:30:00',
  '16:30 N': '2026-11-21T15:30:00',
  'next month': '2026-12-21T09:55:43',
  '2 months ago': '2026-09-21T09:55:43',
  '1 year 2 months': '2028-01-21T09:55:43',
  '2 hours 3 minutes ago': '2026-11-21T07:52:43',
  fortnight: '2026-12-05T09:55:43',
  'next monday': '2026-11-23T00:00:00',
  'last monday': '2026-11-16T00:00:00',
  'third monday': '2026-12-07T00:00:00',
  'twelfth month': '2027-11-21T09:55:43',
  '20270925 1630': '2027-09-25T16:30:00',
  '2027/9/25': '2027-09-25T00:00:00',
  '25-Sep-27': '2027-09-25T00:00:00',
  'Fri Sep 25 16:30:05 2027': '2027-09-25T16:30:05',
  '1630': '2026-11-21T16:30:00',
  'tomorrow 1 hour': '2026-11-22T10:55:43',
  '10:00 (x)': '2026-11-21T10:00:00',
  'yesterday 10:00 EST': '2026-11-20T15:00:00',
  '16:30 M': '2026-11-22T04:30:00',
  m: '2026-11-21T12:00:00',
  '16:30 NZST': '2026-11-21T04:30:00',
  '10 A': '2026-11-21T11:00:00',
  '5': '2026-11-21T05:00:00',
  '100': '2026-11-21T01:00:00',
  '10:3': '2026-11-21T10:03:00',
  '1:2:3': '2026-11-21T01:02:03',
  '270925': '2027-09-25T00:00:00',
  '99-01-01': '1999-01-01T00:00:00',
  '1/2/3': '2003-01-02T00:00:00',
  Sep25: '2026-09-25T00:00:00',
  '10:00 (x (y))': '2026-11-21T10:00:00',
};

describe('settime', () => {
  for (const [words, moment] of Object.entries(READ)) {
    it(words, () => assert.equal(toIso(parseMoment(words, NOW_MS)!, 0).slice(0, 19), moment));
  }

  it('refuses what is no time', () => {
    for (const words of [
      'foo',
      'ago',
      '25:00',
      '2460',
      '16:30 J',
      '10:00 EST CET',
      'jan 2027',
      '13pm',
      'monday tuesday',
      '10:00 (x',
    ]) {
      assert.equal(parseMoment(words, NOW_MS), undefined, words);
    }
  });
});
