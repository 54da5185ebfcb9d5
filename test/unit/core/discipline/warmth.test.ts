import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import { mono } from '../../../../src/base/time.js';
import { Warmth } from '../../../../src/core/discipline/warmth.js';

const at = (t: number) => mono(BigInt(Math.round(t * 1e9)));

interface World {
  readonly warmth: Warmth;
  readonly temperature: (t: number) => number;
  /** What the oscillator makes of it. */
  readonly freq: (t: number) => number;
}

/** `seconds` with reference, the sensor read every four of them. */
const learn = ({ warmth, temperature, freq }: World, seconds: number): void => {
  const rng = new Prng(11);
  let walk = 0;
  for (let t = 0; t < seconds; t++) {
    walk += 1e-10 * rng.normal();
    if (t % 4 === 0) warmth.sense(temperature(t), at(t));
    warmth.observe(freq(t) + walk + 3e-9 * rng.normal(), 1);
  }
};

/** The change that is made up for, from `from` until `to` s. */
const away = ({ warmth, temperature }: World, from: number, to: number): number => {
  warmth.hold();
  let whole = 0;
  for (let t = from; t < to; t += 4) {
    whole += warmth.sense(temperature(t), at(t));
  }
  return whole;
};

const cycle = (t: number): number => 30 + 5 * Math.sin((2 * Math.PI * t) / 3600);

describe('what the temperature does to the oscillator', () => {
  it('is learned, in any unit, and followed without a reference', () => {
    for (const unit of [1, 1000]) {
      const warmth = new Warmth();
      const temperature = (t: number): number => unit * cycle(t);
      const freq = (t: number): number => -0.2e-6 * (cycle(t) - 20);
      const world = { warmth, temperature, freq };
      learn(world, 7200);
      const change = away(world, 7200, 8100);
      assert.ok(Math.abs(change - (freq(8100) - freq(7200))) < 0.05e-6, `${change}`);
      assert.ok(warmth.guides);
    }
  });

  it('also where it is a parabola', () => {
    const freq = (t: number): number => -0.035e-6 * (cycle(t) - 30) ** 2;
    const world = { warmth: new Warmth(), temperature: cycle, freq };
    learn(world, 4 * 3600);
    const change = away(world, 4 * 3600, 4 * 3600 + 900);
    assert.ok(Math.abs(change - (freq(900) - freq(0))) < 0.1e-6, `${change}`);
  });

  it('also where the quartz is minutes behind the sensor', () => {
    const temperature = (t: number): number => 40 + (Math.floor(t / 1500) % 2) * 5;
    let warm = 40;
    const freq = (t: number): number => {
      warm += (temperature(t) - warm) / 120;
      return 0.1e-6 * (warm - 40);
    };
    const world = { warmth: new Warmth(), temperature, freq };
    learn(world, 12_000);
    // The eighth step, down again.
    const early = away(world, 12_000, 12_060);
    assert.ok(early < -0.1e-6 && early > -0.35e-6, `${early}: not at once`);
  });

  it('does nothing as long as it knows nothing, or the sensor has nothing to do with the quartz', () => {
    const young = { warmth: new Warmth(), temperature: cycle, freq: (t: number) => cycle(t) * 1e-7 };
    learn(young, 600);
    assert.equal(away(young, 600, 1500), 0);
    assert.equal(young.warmth.guides, false);
    const rng = new Prng(2);
    const other = { warmth: new Warmth(), temperature: () => 30 + rng.normal(), freq: () => 5e-6 };
    learn(other, 7200);
    assert.ok(Math.abs(away(other, 7200, 7500)) < 5e-9);
  });

  it('is not carried far beyond the temperatures seen', () => {
    const temperature = (t: number): number => (t < 7200 ? cycle(t) : 200);
    const world = { warmth: new Warmth(), temperature, freq: (t: number) => 0.2e-6 * (temperature(t) - 30) };
    learn(world, 7200);
    const change = away(world, 7200, 7300);
    assert.ok(change > 1e-6 && change < 1.8e-6, `${change}: 5 degrees and a margin of 2.5`);
  });

  it('a sensor alone, a reference alone and a gap harm nothing', () => {
    const warmth = new Warmth();
    warmth.observe(1e-6, 1);
    warmth.hold();
    assert.equal(warmth.sense(20, at(1)), 0);
    for (let i = 0; i < 200; i++) warmth.observe(1e-6, i % 10 === 0 ? 1000 : 1);
    warmth.hold();
    assert.equal(warmth.sense(21, at(2)), 0);
  });
});
