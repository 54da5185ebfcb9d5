import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import { add, diff, fromUnix } from '../../../../src/base/time.js';
import { chi2At90, SampleFilter } from '../../../../src/core/refclock/filter.js';
import type { Sample } from '../../../../src/core/sample.js';

const T0 = fromUnix(1_795_000_000);
const PRECISION = 1e-7;

const sample = (t: number, offset: number, more: Partial<Sample> = {}): Sample => ({
  time: add(T0, t),
  offset,
  peerDelay: 1e-9,
  peerDispersion: 1e-6,
  rootDelay: 1e-9,
  rootDispersion: 1e-6,
  stratum: 0,
  leap: 0,
  ...more,
});

const filled = (offsets: readonly number[], length = 64, maxDispersion = 0): SampleFilter => {
  const filter = new SampleFilter(length, maxDispersion, PRECISION);
  for (const [i, offset] of offsets.entries()) assert.ok(filter.accumulate(sample(i, offset)));
  return filter;
};

const close = (a: number, b: number, tolerance = 1e-12): void => assert.ok(Math.abs(a - b) <= tolerance, `${a} ≠ ${b}`);

describe('sample filter', () => {
  const cases: readonly (readonly [string, readonly number[], number, number])[] = [
    ['one sample is its own mean', [5e-3], 0, 5e-3],
    ['two are averaged', [1e-3, 3e-3], 0.5, 2e-3],
    ['of three the middle one is left', [1, 5e-3, -1], 1, 5e-3],
    ['of four the two middle ones', [1, 2e-3, 4e-3, -1], 1.5, 3e-3],
    ['of ten the middle six', [9, 1, 1, 1, 8, 1, -8, 1, 1, -9], (1 + 2 + 3 + 5 + 7 + 8) / 6, 1],
  ];
  for (const [sentence, offsets, time, offset] of cases) {
    it(sentence, () => {
      const out = filled(offsets).take()!;
      close(out.offset, offset);
      close(diff(out.time, T0), time, 2e-9);
    });
  }

  it('no samples, no result; and a result empties it', () => {
    assert.equal(filled([]).take(), undefined);
    const filter = filled([1, 2]);
    filter.take();
    assert.equal(filter.count, 0);
    assert.equal(filter.take(), undefined);
    close(filter.last!.offset, 2);
  });

  it('a time that does not increase is refused', () => {
    const filter = filled([1, 2]);
    assert.equal(filter.accumulate(sample(1, 3)), false);
    assert.equal(filter.accumulate(sample(0.5, 3)), false);
    assert.equal(filter.count, 2);
  });

  it('keeps the newest of its length', () => {
    const filter = filled([9, 9, 9, 1, 1], 2);
    close(filter.take()!.offset, 1);
  });

  it('leaves out samples with more than 1.5 times the smallest dispersion when four remain', () => {
    const run = (good: number): number => {
      const filter = new SampleFilter(64, 0, PRECISION);
      for (let i = 0; i < 8; i++) {
        filter.accumulate(sample(i, i < good ? 1 : 2, { peerDispersion: i < good ? 1e-6 : 1.6e-6 }));
      }
      return filter.take()!.offset;
    };
    close(run(4), 1);
    assert.ok(run(3) > 1.4, 'three are not enough: all eight are used');
  });

  it('drops everything when the variance is above maxdispersion²', () => {
    assert.equal(filled([0, 1e-2, 0, 1e-2, 0, 1e-2], 64, 1e-3).take(), undefined);
    assert.notEqual(filled([0, 1e-2, 0, 1e-2, 0, 1e-2], 64, 1e-1).take(), undefined);
  });

  it('two equal offsets do not divide by zero', () => {
    const out = filled([1, 1]).take()!;
    assert.ok(Number.isFinite(out.peerDispersion) && out.peerDispersion >= 1e-6);
  });

  it('the fit does not take a slope for noise', () => {
    const ramp = filled(Array.from({ length: 16 }, (_x, i) => i * 1e-3)).take()!;
    assert.ok(ramp.peerDispersion < 2e-6, `${ramp.peerDispersion}`);
  });

  it('a quiet batch by luck gets the long-term dispersion, a loud one keeps its own', () => {
    const rng = new Prng(9);
    const filter = new SampleFilter(64, 0, PRECISION);
    let t = 0;
    const batch = (sigma: number): number => {
      for (let i = 0; i < 16; i++)
        filter.accumulate(sample(t++, rng.normal() * sigma, { peerDispersion: 1e-9, rootDispersion: 1e-9 }));
      return filter.take()!.peerDispersion;
    };
    const usual = Array.from({ length: 40 }, () => batch(1e-5));
    close(filter.averageDispersion, 5e-6, 2.5e-6);
    const quiet = batch(1e-8);
    const loud = batch(1e-3);
    const mean = usual.slice(20).reduce((a, b) => a + b, 0) / 20;
    assert.ok(quiet > mean / 3, 'not believed');
    assert.ok(loud > 20 * mean, 'believed');
  });

  it('dispersion is never below the mean of the inputs', () => {
    const filter = new SampleFilter(64, 0, PRECISION);
    for (let i = 0; i < 8; i++) filter.accumulate(sample(i, 0, { peerDispersion: 3e-3, rootDispersion: 4e-3 }));
    const out = filter.take()!;
    close(out.peerDispersion, 3e-3);
    close(out.rootDispersion, 4e-3);
  });

  it('follows clock changes, and keeps offsets at a leap', () => {
    const filter = filled([0.5, 0.5]);
    filter.rebase({ at: add(T0, 2), doffset: 0.5, dfreq: 1e-3, kind: 'adjust' });
    const out = filter.take()!;
    // The clock would have been 0.5 s ahead at t=2, and 1.5 ms less than that at t=0.5.
    close(diff(out.time, T0), 0.5 + 0.5 - 1.5e-3, 2e-9);
    close(out.offset, 1.5e-3);
    const leap = filled([0.5, 0.5]);
    leap.rebase({ at: add(T0, 2), doffset: -1, dfreq: 0, kind: 'leap' });
    const after = leap.take()!;
    close(after.offset, 0.5);
    close(diff(after.time, T0), -0.5, 2e-9);
  });

  it('chi-square: the table and its continuation meet', () => {
    close(chi2At90(1), 2.706, 1e-3);
    close(chi2At90(10), 15.987, 1e-3);
    close(chi2At90(11), 17.275, 0.02);
    close(chi2At90(30), 40.256, 0.02);
    close(chi2At90(60), 74.397, 0.02);
  });
});
