import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import { add, fromUnix } from '../../../../src/base/time.js';
import type { Deviation } from '../../../../src/core/report/stability.js';
import { Histogram } from '../../../../src/core/stability/histogram.js';
import { Series } from '../../../../src/core/stability/series.js';
import { Stability } from '../../../../src/core/stability/stability.js';

const START = fromUnix(1_800_000_000);
const at = (s: number) => add(START, s);
const find = (d: readonly Deviation[], tau: number): Deviation => d.find((row) => row.tau === tau)!;

describe('series', () => {
  it('learns its interval: a second, sixteen, several a second', () => {
    for (const [spacing, step] of [
      [1, 1],
      [16.2, 16],
      [0.2, 1],
      [2.1, 2],
    ] as const) {
      const series = new Series();
      for (let i = 0; i < 200; i++) series.add(at(i * spacing), 0);
      assert.equal(series.interval, step);
      assert.equal(series.deviations()[0]!.tau, step);
    }
  });

  it('lost measurements change figures little, and none is made of filled points alone', () => {
    const prng = new Prng(5);
    const [whole, holed] = [new Series(), new Series()];
    for (let i = 0; i < 20_000; i++) {
      const x = 1e-7 * prng.normal();
      whole.add(at(i), x);
      if (prng.uniform() > 0.05) holed.add(at(i + 0.01 * prng.normal()), x);
    }
    for (const tau of [1, 8, 64, 512]) {
      const [a, b] = [find(whole.deviations(), tau), find(holed.deviations(), tau)];
      assert.ok(Math.abs(b.adev / a.adev - 1) < 0.06, `${tau}: ${a.adev} ${b.adev}`);
      assert.ok(Math.abs(b.tdev / a.tdev - 1) < 0.25, `${tau}: ${a.tdev} ${b.tdev}`);
    }
  });

  it('a long gap breaks the record instead of being bridged', () => {
    const series = new Series();
    for (let i = 0; i < 100; i++) series.add(at(i), 0);
    for (let i = 0; i < 100; i++) series.add(at(50_000 + i), 1e-3);
    assert.ok(series.deviations().every((d) => d.mtie === 0));
    // Negative control: without the gap the step is seen.
    const joined = new Series();
    for (let i = 0; i < 200; i++) joined.add(at(i), i < 100 ? 0 : 1e-3);
    assert.equal(find(joined.deviations(), 1).mtie, 1e-3);
  });

  it('a source that becomes slower starts again on a wider grid', () => {
    const series = new Series();
    for (let i = 0; i < 100; i++) series.add(at(i), 0);
    for (let i = 0; i < 100; i++) series.add(at(100 + 4 * i), 0);
    assert.equal(series.interval, 4);
  });

  it('takes times that go back, twice the same, and far ahead', () => {
    const series = new Series();
    for (const t of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 3, 1e9, -1e9, 5, 6]) series.add(at(t), 0);
    assert.equal(series.interval, 1);
  });
});

describe('histogram', () => {
  it('percentiles of a normal distribution, both signs', () => {
    const prng = new Prng(6);
    const histogram = new Histogram();
    for (let i = 0; i < 50_000; i++) histogram.add(1e-7 * prng.normal());
    const { p50, p90, p99, max, mean, count, histogram: bins } = histogram.report()!;
    for (const [is, sds] of [
      [p50, 0.6745],
      [p90, 1.6449],
      [p99, 2.5758],
    ] as const) {
      assert.ok(Math.abs(is / (sds * 1e-7) - 1) < 0.03, `${is} ${sds}`);
    }
    assert.ok(max > 3.5e-7 && max < 6e-7 && Math.abs(mean) < 2e-9 && count === 50_000);
    assert.equal(
      bins.reduce((sum, [, , n]) => sum + n, 0),
      count,
    );
    for (let i = 1; i < bins.length; i++) assert.ok(bins[i]![0] >= bins[i - 1]![1] - 1e-20);
    const negative = bins.filter(([, to]) => to <= 0).reduce((sum, [, , n]) => sum + n, 0);
    assert.ok(Math.abs(negative / count - 0.5) < 0.01);
  });

  it('shows one-sidedness, takes extremes and nonsense', () => {
    const histogram = new Histogram();
    assert.equal(histogram.report(), undefined);
    for (const x of [0, -0, 1e-30, -1e30, 5, Number.NaN, Number.POSITIVE_INFINITY]) histogram.add(x);
    const { count, max, p99 } = histogram.report()!;
    assert.deepEqual([count, max], [5, 1e30]);
    assert.ok(p99 <= max);
  });
});

describe('stability of sources, clock and oscillator', () => {
  /** An oscillator with white frequency noise, corrected every second by what was measured. */
  const disciplined = (gain: number): Stability => {
    const prng = new Prng(7);
    const stability = new Stability();
    let error = 0;
    for (let i = 0; i < 30_000; i++) {
      error += 1e-8 * prng.normal();
      stability.measured(0, at(i), error);
      stability.used(0, at(i), error);
      stability.measured(1, at(i + 0.3), error + 1e-5 * prng.normal());
      stability.changed({ at: at(i), doffset: gain * error, dfreq: 0, kind: 'adjust' }, 0);
      error -= gain * error;
    }
    return stability;
  };

  it('sees the free oscillator through the corrections', () => {
    const [clock, oscillator, source, noisy] = disciplined(0.5).report((i) => ['PPS', 'NMEA'][i]);
    assert.deepEqual(
      [clock, oscillator, source, noisy].map((s) => [s!.kind, s!.name]),
      [
        ['clock', ''],
        ['oscillator', ''],
        ['source', 'PPS'],
        ['source', 'NMEA'],
      ],
    );
    // White FM stays white FM at all averaging times for the oscillator; the clock is held.
    assert.ok(Math.abs(find(oscillator!.deviations, 256).adev / (1e-8 / 16) - 1) < 0.2);
    assert.ok(find(clock!.deviations, 256).adev < 0.2 * find(oscillator!.deviations, 256).adev);
    assert.ok(Math.abs(find(noisy!.deviations, 1).tdev / 1e-5 - 1) < 0.05);
    assert.deepEqual(source!.deviations, clock!.deviations);
    assert.equal(oscillator!.jitter, undefined);
  });

  it('without corrections clock and oscillator are the same', () => {
    const [clock, oscillator] = disciplined(0).report((i) => ['PPS', 'NMEA'][i]);
    assert.deepEqual(clock!.deviations, oscillator!.deviations);
  });

  it('a step, a jump and another source cut the record; a leap second does not show', () => {
    const quiet = (act: (s: Stability, i: number) => void): number => {
      const stability = new Stability();
      for (let i = 0; i < 400; i++) {
        act(stability, i);
        stability.used(i < 300 ? 0 : 1, at(i), i < 300 ? 0 : 1e-3);
      }
      return Math.max(...stability.report(() => '')[1]!.deviations.map((d) => d.mtie));
    };
    const jump = (kind: 'adjust' | 'step' | 'unknown' | 'leap', doffset: number) => (s: Stability, i: number) => {
      if (i === 150) s.changed({ at: at(i), doffset, dfreq: 0, kind }, 0);
    };
    assert.equal(quiet(jump('step', 0.5)), 0);
    assert.equal(quiet(jump('unknown', -20)), 0);
    assert.equal(quiet(jump('adjust', 0.5)), 0);
    assert.equal(quiet(jump('leap', -1)), 0);
    // A correction that no measurement asked for is seen in the oscillator.
    assert.ok(quiet(jump('adjust', 1e-6)) > 0.9e-6);
  });

  it('forgets sources that are no more, and keeps a bounded number', () => {
    const stability = new Stability();
    for (let i = 0; i < 1000; i++) stability.measured(i, at(i), 0);
    const names = stability.report((i) => (i % 2 === 0 ? `${i}` : undefined)).map((s) => s.name);
    assert.equal(names.length, 2 + 32);
    assert.deepEqual([names[2], names.at(-1)], ['936', '998']);
  });
});
