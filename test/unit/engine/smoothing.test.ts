import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REFID_LOCAL, REFID_SMOOTH, refidFromText } from '../../../src/base/refid.js';
import { add, fromUnix } from '../../../src/base/time.js';
import { cook } from '../../../src/core/clockview.js';
import type { ServerState } from '../../../src/core/ntp/state.js';
import { planStages, Smoothing } from '../../../src/engine/smoothing.js';

const T0 = fromUnix(1_800_000_000);
const OPTIONS = { maxFreqPpm: 400, maxWanderPpm: 0.5, leaponly: false };
const PRECISION = 1e-7;

const active = (options = OPTIONS): Smoothing => {
  const smoothing = new Smoothing(options);
  smoothing.activate(T0);
  return smoothing;
};

/** Follows a plan to its end. */
const end = (offset: number, freq: number, limit: number, wander: number): { offset: number; freq: number } => {
  let [x, v] = [offset, freq];
  for (const { wander: a, seconds: t } of planStages({ offset, freq }, limit, wander)) {
    assert.ok(t >= 0, 'a stage does not last less than nothing');
    assert.ok(Math.abs(a) <= wander * (1 + 1e-12));
    x += v * t + (a * t * t) / 2;
    v += a * t;
  }
  return { offset: x, freq: v };
};

describe('planStages', () => {
  const motions: readonly [number, number][] = [
    [1, 0],
    [-1, 0],
    [1e-6, 0],
    [0, 1e-4],
    [0, -1e-4],
    [0.5, 3e-4],
    [-0.5, 3e-4],
    // Faster than the limit, towards zero and away from it.
    [1, -5e-3],
    [1, 5e-3],
    [0, 0],
  ];
  for (const [offset, freq] of motions) {
    it(`brings ${offset} s moving at ${freq} to rest`, () => {
      const rest = end(offset, freq, 4e-4, 1e-6);
      assert.ok(Math.abs(rest.offset) < 1e-9, `offset ${rest.offset}`);
      assert.ok(Math.abs(rest.freq) < 1e-12, `freq ${rest.freq}`);
    });
  }
});

describe('Smoothing', () => {
  it('a correction of the clock does not move served time; it follows within the limits', () => {
    const s = active();
    s.corrected(T0, -0.001, 0);
    assert.equal(s.at(T0).offset, 0.001);
    // As chronyd 4.6.1 said half a second after `doffset 0.001` with these limits: +0.000999933, -0.258 ppm, 88.9 s.
    const soon = s.report(add(T0, 0.516))!;
    assert.ok(Math.abs(soon.offset - 0.000999933) < 1e-9);
    assert.ok(Math.abs(soon.freqPpm + 0.258) < 1e-3);
    assert.equal(soon.wanderPpm, -0.5);
    assert.ok(Math.abs(soon.remaining - 88.93) < 0.05, `${soon.remaining}`);
    assert.deepEqual(s.at(add(T0, 90)), { offset: 0, freq: 0 });
  });

  it('a change of frequency reaches clients slowly, too', () => {
    const s = active();
    s.corrected(T0, 0, 1e-6);
    assert.equal(s.at(T0).freq, -1e-6);
    const later = s.at(add(T0, 1));
    assert.ok(Math.abs(later.freq + 0.5e-6) < 1e-12);
  });

  it('does nothing before it is active, and activates once the clock is steady', () => {
    const s = new Smoothing(OPTIONS);
    s.corrected(T0, 1, 0);
    assert.equal(s.moving, false);
    assert.equal(s.settles(5001, T0), false);
    assert.equal(s.settles(4999, T0), true);
    assert.equal(s.settles(1, T0), false, 'only once');
    s.corrected(T0, 1, 0);
    assert.equal(s.moving, true);
  });

  it('leaponly: corrections pass, leap seconds are smeared', () => {
    const s = active({ ...OPTIONS, leaponly: true });
    s.corrected(T0, 0.5, 1e-6);
    assert.equal(s.at(T0).offset, 0);
    s.leapt(T0, -1, true);
    assert.equal(s.at(T0).offset, 1);
  });

  it('a leap second that the clock makes by itself moves served time with it', () => {
    const s = active();
    s.leapt(T0, -1, false);
    assert.equal(s.at(T0).offset, 0);
  });

  it('reset: served time is cooked time', () => {
    const s = active();
    s.corrected(T0, 1, 0);
    s.reset(T0);
    assert.equal(s.moving, false);
  });

  it('without the directive there is nothing to report', () => {
    const s = new Smoothing(undefined);
    assert.equal(s.activate(T0), false);
    assert.equal(s.report(T0), undefined);
  });
});

describe('Smoothing.serve', () => {
  const state: ServerState = {
    leap: 0,
    stratum: 1,
    refId: refidFromText('GPS'),
    referenceTime: T0,
    rootDelay: 0,
    rootDispersion: 1e-6,
    dispersionAt: T0,
    dispersionRate: 0,
    precision: -23,
    view: { ref: add(T0, -10), correction: 0.25, rate: 1e-5 },
  };

  it('adds the offset and its rate to the view, whatever the view counts from', () => {
    const s = active();
    const now = cook(state.view, T0);
    s.corrected(now, -0.001, 0);
    const at = add(now, 20);
    const served = s.serve(state, at, PRECISION);
    for (const later of [0, 0.5, 1]) {
      const raw = add(T0, 20 / (1 + 1e-5) + later);
      const expected = s.at(add(at, later)).offset;
      const found = Number(cook(served.view, raw) - cook(state.view, raw)) / 1e9;
      assert.ok(Math.abs(found - expected) < 1e-6, `${later} s later: ${found} instead of ${expected}`);
    }
    assert.ok(Math.abs(served.view.rate - state.view.rate - s.at(at).freq) < 1e-9);
  });

  it('says so: the refid of smoothed time, and the distance from UTC in the dispersion', () => {
    const s = active();
    s.corrected(T0, 0.5, 0);
    const served = s.serve(state, T0, PRECISION);
    assert.equal(served.refId, REFID_SMOOTH);
    assert.ok(Math.abs(served.rootDispersion - 0.500001) < 1e-9);
    assert.equal(s.serve({ ...state, leap: 3, refId: 0 }, T0, PRECISION).refId, 0);
  });

  it("offsets below the precision are nobody's business", () => {
    const s = active();
    s.corrected(T0, 5e-8, 0);
    assert.equal(s.serve(state, T0, PRECISION).refId, state.refId);
    assert.equal(s.serve({ ...state, refId: REFID_LOCAL }, T0, PRECISION).rootDispersion, state.rootDispersion);
  });

  it('leaves the state alone when nothing is smoothed', () => {
    assert.equal(active().serve(state, T0, PRECISION), state);
    assert.equal(new Smoothing(undefined).serve(state, T0, PRECISION), state);
  });
});
