import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import { add, fromUnix } from '../../../../src/base/time.js';
import { Grain, PULSE_GRAIN } from '../../../../src/core/refclock/grain.js';

const T0 = fromUnix(1_772_323_200);
const HALF_GRID = 21e-9;

/**
 * Pulses on a grid, foretold with `sign` × what is right; the clock is `slow` seconds slow and noisy by `sigma`.
 * Returns the rms of what is left after the first half.
 */
const follow = (grain: Grain, sign: number, sigma = 5e-9, slow = 3e-3, pulses = 1200): number => {
  const rng = new Prng(7);
  let squares = 0;
  for (let k = 1; k <= pulses; k++) {
    const early = HALF_GRID * (2 * ((0.37 * k) % 1) - 1);
    grain.foretold({ utc: add(T0, k), error: sign * early });
    const offset = slow + early + sigma * rng.normal();
    const left = offset - grain.take(add(T0, k - slow - early), offset, 1e-6) - slow;
    if (k > pulses / 2) squares += left * left;
  }
  return Math.sqrt(squares / (pulses / 2));
};

describe('error of a pulse as the receiver foretells it', () => {
  it('is taken out, and the pulse is worth more', () => {
    const grain = new Grain();
    assert.ok(follow(grain, 1) < 6e-9);
    assert.ok(grain.left < PULSE_GRAIN);
    assert.match(grain.news()!.text, /are corrected/);
    assert.equal(grain.news(), undefined);
  });

  it('with the wrong sign makes things worse, is found out and left alone', () => {
    const grain = new Grain();
    const rms = follow(grain, -1);
    assert.ok(rms > 11e-9 && rms < 14e-9, `${rms}: the bare grid has 12 ns`);
    assert.equal(grain.left, PULSE_GRAIN);
    assert.equal(grain.news()!.severity, 'warn');
  });

  it('of another pulse is left alone, too', () => {
    const grain = new Grain();
    const rng = new Prng(3);
    for (let k = 1; k < 1000; k++) {
      grain.foretold({ utc: add(T0, k), error: HALF_GRID * (2 * rng.uniform() - 1) });
      grain.take(add(T0, k), HALF_GRID * (2 * rng.uniform() - 1), 1e-6);
    }
    assert.equal(grain.news()!.severity, 'warn');
  });

  it('is believed again when it is right again', () => {
    const grain = new Grain();
    follow(grain, -1);
    grain.news();
    follow(grain, 1, 5e-9, 3e-3, 6000);
    assert.match(grain.news()!.text, /are corrected/);
  });

  it('under noise that hides it costs next to nothing and is no matter for a verdict', () => {
    const grain = new Grain();
    const rms = follow(grain, 1, 1e-6);
    assert.ok(rms < 1.1e-6);
    assert.match(grain.news()!.text, /are corrected/);
  });

  it('belongs to its second, not to the next pulse that comes', () => {
    const grain = new Grain();
    grain.foretold({ utc: add(T0, 2), error: 10e-9 });
    assert.equal(grain.take(add(T0, 1), 0, 1e-6), 0);
    assert.equal(grain.take(add(T0, 2), 0, 1e-6), 10e-9);
    assert.equal(grain.take(add(T0, 3), 0, 1e-6), 0);
    assert.equal(grain.left, PULSE_GRAIN);
  });

  it('is found when the clock is off by seconds', () => {
    const grain = new Grain();
    grain.foretold({ utc: add(T0, 100), error: 10e-9 });
    assert.equal(grain.take(add(T0, 0.2), 99.8, 1e-6), 10e-9);
  });

  it('beyond what a receiver can be off by is not believed', () => {
    const grain = new Grain();
    grain.foretold({ utc: add(T0, 1), error: 1e-3 });
    assert.equal(grain.take(add(T0, 1), 0, 1e-6), 0);
  });

  it('survives corrections of the clock', () => {
    const grain = new Grain();
    const rng = new Prng(5);
    let slow = 0;
    for (let k = 1; k < 300; k++) {
      const early = HALF_GRID * (2 * ((0.37 * k) % 1) - 1);
      grain.foretold({ utc: add(T0, k), error: -early });
      grain.take(add(T0, k), slow + early, 1e-3);
      // Large corrections, unlike anything on the grid: without re-basing they would drown the figures.
      const doffset = 5e-6 * rng.normal();
      grain.rebase({ at: add(T0, k), doffset, dfreq: 0, kind: 'adjust' });
      slow -= doffset;
    }
    assert.equal(grain.news()!.severity, 'warn');
  });
});
