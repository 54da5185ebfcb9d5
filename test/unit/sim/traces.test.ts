import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CodedError } from '../../../src/base/errors.js';
import { errorFigures, median, Series } from '../../../src/sim/figures.js';
import { parseManifest, score, Trace, type TraceManifest, type TraceScenario } from '../../../src/sim/traces.js';

const SCENARIO: TraceScenario = {
  rows: 3,
  columns: ['freq', 'pps_noise'],
  initial_offset_s: 1e-3,
  score_from: 1,
  score_to: 3,
};
const MANIFEST: TraceManifest = {
  freq_unit_s_per_s: 1e-12,
  time_unit_s: 1e-10,
  missing: -2147483648,
  seeds: [1],
  scenarios: { A: SCENARIO },
};
const bytes = (values: readonly number[]): Uint8Array => {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  values.forEach((v, i) => {
    view.setInt32(i * 4, v, true);
  });
  return new Uint8Array(view.buffer);
};

describe('traces', () => {
  it('read columns in their units, rows from 1, missing as undefined', () => {
    const trace = new Trace(MANIFEST, SCENARIO, bytes([5000000, 10000, 1, -2147483648, 2, -5]));
    assert.equal(trace.value('freq', 1), 5000000 * 1e-12);
    assert.equal(trace.value('pps_noise', 1), 1e-6);
    assert.equal(trace.value('pps_noise', 2), undefined);
    assert.equal(trace.value('pps_noise', 3), -5e-10);
    assert.equal(trace.value('freq', 0), undefined);
    assert.equal(trace.value('freq', 4), undefined);
    assert.equal(trace.value('delay_up', 1), undefined);
    assert.equal(trace.oscillator().next(0), 0);
  });

  it('refuse a short file and a manifest that is none', () => {
    assert.throws(() => new Trace(MANIFEST, SCENARIO, bytes([1, 2, 3])), CodedError);
    assert.throws(() => parseManifest('{'), CodedError);
    assert.throws(() => parseManifest('{"seeds":[1]}'), CodedError);
    assert.deepEqual(parseManifest(JSON.stringify(MANIFEST)), MANIFEST);
  });
});

describe('score', () => {
  it('takes seconds score_from + 1 … score_to, p99 by rank, settling from the last excursion', () => {
    const errors = Float64Array.of(1e-3, 3e-6, -4e-6, 1e-9);
    const s = score({ ...SCENARIO, rows: 4 }, errors, Float64Array.of(0, 3e-9, 4e-9, 0));
    assert.ok(Math.abs(s.rms_ns - Math.sqrt(12.5) * 1e3) < 1e-6);
    assert.ok(Math.abs(s.max_ns - 4000) < 1e-6);
    assert.ok(Math.abs(s.mean_ns + 500) < 1e-6);
    assert.ok(Math.abs(s.freq_rms_ppb - Math.sqrt(12.5)) < 1e-9);
    assert.equal(s.settle_1ms_s, 0);
    assert.equal(s.settle_100us_s, 1);
    assert.equal(s.settle_1us_s, 3);
    assert.equal(s.hold_60s_ns, undefined);
  });

  it('says when it never settled', () => {
    assert.equal(score(SCENARIO, Float64Array.of(1, 1, 1), new Float64Array(3)).settle_1ms_s, null);
  });

  it('looks at the outage and the return', () => {
    const errors = new Float64Array(4000);
    errors.fill(1e-8);
    errors[99 + 59] = 6e-5;
    errors[3701] = 1e-5;
    const lost = { ...SCENARIO, rows: 4000, score_from: 99, score_to: 3700, pps_lost: [100, 3700] as const };
    const s = score(lost, errors, new Float64Array(4000));
    assert.ok(Math.abs(s.hold_60s_ns! - 60_000) < 1e-6);
    assert.equal(s.reacquire_5us_s, 2);
  });
});

describe('figures', () => {
  it('are not numbers when there is nothing', () => {
    assert.ok(Number.isNaN(errorFigures([]).rms));
    assert.ok(Number.isNaN(median([])));
  });
  it('of a growing series', () => {
    const series = new Series();
    for (let i = 0; i < 10_000; i++) series.push(i);
    assert.equal(series.values.length, 10_000);
    assert.equal(series.values[9999], 9999);
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([3, 1, 2, 10]), 2.5);
  });
});
