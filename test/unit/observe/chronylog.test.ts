import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { add, fromUnix } from '../../../src/base/time.js';
import type { MeasurementTrace, TrackingTrace } from '../../../src/core/report/traces.js';
import { ChronyFiles } from '../../../src/observe/chronyfiles.js';
import {
  banner,
  expo,
  measurementLine,
  refclockLine,
  selectionLine,
  statisticsLine,
  tempcompLine,
  trackingLine,
} from '../../../src/observe/chronylog.js';

/** 2026-11-21 01:42:04 UTC, when a real chronyd wrote the lines below. */
const AT = fromUnix(1795225324);

const TRACKING: TrackingTrace = {
  log: 'tracking',
  at: AT,
  reference: 'GPS',
  stratum: 1,
  frequencyFastPpm: -1.7531,
  skewPpm: 94.136,
  offsetFast: -1.026e-4,
  leap: 0,
  combined: 1,
  offsetSd: 3.397e-7,
  remaining: 1.061e-4,
  rootDelay: 1e-9,
  rootDispersion: 9.774e-5,
  maxError: 1.5,
};

const MEASUREMENT: MeasurementTrace = {
  log: 'measurements',
  at: AT,
  source: '127.0.0.1',
  leap: 0,
  stratum: 1,
  tests: 0b1111111111,
  localPollLog2: 0,
  remotePollLog2: 0,
  pollScore: 0,
  offset: -2.697e-6,
  peerDelay: 8.571e-6,
  peerDispersion: 2.649e-7,
  rootDelay: 0,
  rootDispersion: 0,
  refId: 0x7f7f0101,
  mode: 4,
  interleaved: false,
  txSource: 'kernel',
  rxSource: 'kernel',
};

describe("chrony's log lines are chronyd's, byte for byte", () => {
  it('numbers as C prints them', () => {
    assert.equal(expo(1e-8, 10, 3), ' 1.000e-08');
    assert.equal(expo(-1.25e-101, 10, 3), '-1.250e-101');
    assert.equal(expo(0, 10, 3), ' 0.000e+00');
    assert.equal(expo(Number.NaN, 10, 3), '       nan');
    assert.equal(expo(Number.NEGATIVE_INFINITY, 5, 3), ' -inf');
  });

  it('tracking', () => {
    assert.equal(
      trackingLine(TRACKING),
      '2026-11-21 01:42:04 GPS              1     -1.753     94.136 -1.026e-04 N  1  3.397e-07  1.061e-04  1.000e-09  9.774e-05  1.500e+00',
    );
    const unsynchronised: TrackingTrace = {
      ...TRACKING,
      at: add(AT, -6),
      reference: '',
      stratum: 0,
      frequencyFastPpm: 0,
      skewPpm: 1e6,
      offsetFast: 0,
      leap: 3,
      combined: 0,
      offsetSd: 0,
      remaining: 0,
      rootDelay: 1,
      rootDispersion: 1,
    };
    assert.equal(
      trackingLine(unsynchronised),
      '2026-11-21 01:41:58 0.0.0.0          0      0.000 1000000.000  0.000e+00 ?  0  0.000e+00  0.000e+00  1.000e+00  1.000e+00  1.500e+00',
    );
  });

  it('statistics', () => {
    const line = statisticsLine({
      log: 'statistics',
      at: AT,
      source: 'GPS',
      stdDev: 3.194e-7,
      offsetFast: -1.02e-4,
      offsetSd: 3.397e-7,
      diffFreq: -1.753e-6,
      skew: 9.413e-5,
      stress: 8.8e-4,
      samples: 3,
      start: 0,
      runs: 3,
      asymmetry: 0,
    });
    assert.equal(
      line,
      '2026-11-21 01:42:04 GPS              3.194e-07 -1.020e-04  3.397e-07 -1.753e-06  9.413e-05 8.8e-04   3   0   3  0.00',
    );
  });

  it('refclocks, raw and filtered', () => {
    const at = add(AT, -4 + 0.136610001);
    const raw = { sequence: 4, pulse: false, offset: 1.02012e-4 };
    const common = { log: 'refclocks', at, refid: 'GPS', leap: 0, cookedOffset: 1.02012e-4, dispersion: 2e-8 } as const;
    assert.equal(
      refclockLine({ ...common, raw }),
      '2026-11-21 01:42:00.136610 GPS     4 N 0  1.020120e-04  1.020120e-04  2.000e-08',
    );
    assert.equal(
      refclockLine({ ...common, raw: undefined, cookedOffset: 9.47915e-5, dispersion: 2.781e-6 }),
      '2026-11-21 01:42:00.136610 GPS     - N -       -        9.479150e-05  2.781e-06',
    );
  });

  it('selection', () => {
    const line = selectionLine({
      log: 'selection',
      at: AT,
      source: '127.0.0.1',
      state: '*',
      authenticated: false,
      options: { noselect: false, prefer: false, trust: false, require: false },
      reach: 0o17,
      score: 1,
      sinceSample: 4.51e-5,
      lowLimitFast: -3.902e-6,
      highLimitFast: 2.665e-6,
    });
    assert.equal(line, '2026-11-21 01:42:04 127.0.0.1       * -----   17  1.00  4.510e-05 -3.902e-06  2.665e-06');
  });

  it('measurements', () => {
    const line = measurementLine(MEASUREMENT);
    assert.equal(
      line,
      '2026-11-21 01:42:04 127.0.0.1       N  1 111 111 1111   0  0 0.00 -2.697e-06  8.571e-06  2.649e-07  0.000e+00  0.000e+00 7F7F0101 4B K K',
    );
  });

  it('tempcomp', () =>
    assert.equal(
      tempcompLine({ log: 'tempcomp', at: AT, temperature: 25.5, compensationPpm: 1.05 }),
      '2026-11-21 01:42:04  2.5500e+01  1.0500e+00',
    ));

  it('headings', () => {
    const widths = (['selection', 'measurements', 'tempcomp'] as const).map((n) => banner(n).split('\n')[0]!.length);
    assert.deepEqual(widths, [87, 136, 43]);
    assert.equal(
      banner('refclocks'),
      `${'='.repeat(79)}\n   Date (UTC) Time         Refid  DP L P  Raw offset   Cooked offset      Disp.\n${'='.repeat(79)}`,
    );
    assert.equal(banner('statistics').split('\n')[0], '='.repeat(116));
    assert.equal(banner('tracking').split('\n')[0], '='.repeat(131));
  });
});

describe('log files', () => {
  let dir: string;
  const problems: string[] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'timeball-log-'));
    problems.length = 0;
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const files = (logdir: string, logbanner = 2): ChronyFiles =>
    new ChronyFiles({ logdir, logbanner, names: new Set(['tracking']), onProblem: (t) => problems.push(t) });

  it('have a heading every so many entries, and only what was asked for', () => {
    const log = files(join(dir, 'new'));
    for (let i = 0; i < 3; i++) log.write(TRACKING);
    log.write({ log: 'refclocks', at: AT, refid: 'GPS', raw: undefined, leap: 0, cookedOffset: 0, dispersion: 0 });
    log.close();
    const lines = readFileSync(join(dir, 'new/tracking.log'), 'utf8').trimEnd().split('\n');
    assert.equal(lines.length, 3 + 3 + 3);
    assert.deepEqual([lines[0]?.[0], lines[3]?.[0], lines[5]?.[0], lines[8]?.[0]], ['=', '2', '=', '2']);
    assert.equal(existsSync(join(dir, 'new/refclocks.log')), false);
  });

  it('measurements that fail a test are raw ones, in the same file', () => {
    const write = (names: readonly string[]): string => {
      const log = new ChronyFiles({ logdir: dir, logbanner: 0, names: new Set(names), onProblem: () => {} });
      log.write(MEASUREMENT);
      log.write({ ...MEASUREMENT, tests: 0x3f7 });
      log.close();
      const text = readFileSync(join(dir, 'measurements.log'), 'utf8');
      rmSync(join(dir, 'measurements.log'));
      return text;
    };
    const good = `${measurementLine(MEASUREMENT)}\n`;
    assert.equal(write(['measurements']), good);
    assert.equal(write(['rawmeasurements']), `${good}${good.replace('111 111 1111', '111 111 0111')}`);
  });

  it('are opened anew by cyclelogs, with a heading', () => {
    const log = files(dir);
    log.write(TRACKING);
    renameSync(join(dir, 'tracking.log'), join(dir, 'tracking.log.1'));
    log.cycle();
    log.write(TRACKING);
    log.close();
    for (const name of ['tracking.log', 'tracking.log.1']) {
      assert.equal(readFileSync(join(dir, name), 'utf8').split('\n').length, 5, name);
    }
  });

  it('no headings with logbanner 0', () => {
    const log = files(dir, 0);
    log.write(TRACKING);
    log.close();
    assert.equal(readFileSync(join(dir, 'tracking.log'), 'utf8'), `${trackingLine(TRACKING)}\n`);
  });

  it('a directory that cannot be is told once and ends nothing', () => {
    writeFileSync(join(dir, 'file'), '');
    const log = files(join(dir, 'file'));
    log.write(TRACKING);
    log.write(TRACKING);
    log.close();
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, /Could not open .*tracking\.log/);
  });
});
