import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Refusals } from '../../../src/app/daemon/refusals.js';
import { addMono, mono } from '../../../src/base/time.js';
import type { RefclockReport } from '../../../src/core/report/reports.js';

const report = (name: string, rejected: Record<string, number>) => ({ name, rejected }) as unknown as RefclockReport;

describe('refused input in the log', () => {
  it('is told once a reason and a clock, then at every tenfold', () => {
    const told: string[] = [];
    const refusals = new Refusals();
    const start = mono(0n);
    for (const [i, n] of [1, 2, 9, 10, 11, 99, 150, 5000].entries()) {
      const reports = () => [report('NMEA', { checksum: n }), report('PPS', i === 0 ? {} : { stale: 1 })];
      refusals.look(addMono(start, 2 * i), reports, (text) => told.push(text));
    }
    assert.deepEqual(told, [
      'NMEA input refused: checksum (1 so far)',
      'PPS input refused: stale (1 so far)',
      'NMEA input refused: checksum (10 so far)',
      'NMEA input refused: checksum (150 so far)',
      'NMEA input refused: checksum (5000 so far)',
    ]);
  });

  it('is looked for every two seconds at most', () => {
    const refusals = new Refusals();
    let looks = 0;
    const reports = () => {
      looks++;
      return [];
    };
    for (let i = 0; i < 100; i++) refusals.look(addMono(mono(0n), i / 10), reports, () => {});
    assert.equal(looks, 5);
  });
});
