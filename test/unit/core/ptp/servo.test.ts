import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import { PhcServo } from '../../../../src/core/ptp/servo.js';

/** A clock with an oscillator that is `wrong`, read with `jitter` s, at `interval` s. */
class World {
  offset: number;
  private freq: number;
  private readonly rng = new Prng(7);
  readonly servo: PhcServo;
  steps = 0;

  constructor(
    offset: number,
    private readonly wrong: number,
    private readonly jitter = 0,
    found = 0,
  ) {
    this.offset = offset;
    this.freq = found;
    this.servo = new PhcServo(found, 500e-6);
  }

  /** Offsets, after each sample. `steered` false: what the servo wants is not done. */
  run(samples: number, steered = true): number[] {
    return Array.from({ length: samples }, (_, i) => {
      const action = this.servo.sample(this.offset + this.jitter * this.rng.normal(), i === 0 ? 0 : 1);
      if (steered) {
        this.freq = action.freq;
        this.offset += action.step;
        if (action.step !== 0) this.steps++;
      }
      this.offset += this.freq + this.wrong;
      return this.offset;
    });
  }
}

const worst = (offsets: readonly number[]): number => Math.max(...offsets.map(Math.abs));

describe('the servo of a PHC', () => {
  it('takes a clock that is 37 s and 30 ppm off to nanoseconds within ten samples', () => {
    const world = new World(-37, 30e-6);
    const offsets = world.run(30);
    assert.ok(worst(offsets.slice(10)) < 1e-9, `${worst(offsets.slice(10))}`);
    assert.ok(world.steps <= 2);
  });

  it('left alone the same clock is off by a millisecond', () => {
    const world = new World(-37, 30e-6);
    assert.ok(worst(world.run(30, false)) > 36);
  });

  it('keeps a clock within three times the jitter of reading it', () => {
    const world = new World(5e-6, -12e-6, 20e-9);
    const offsets = world.run(300);
    assert.ok(worst(offsets.slice(20)) < 100e-9, `${worst(offsets.slice(20))}`);
    assert.equal(world.steps, 0);
  });

  it('goes on from the frequency that it finds', () => {
    const world = new World(0, 25e-6, 0, -25e-6);
    assert.ok(worst(world.run(20)) < 1e-12);
  });

  it('steps where somebody has set a clock, and is back after a few samples', () => {
    const world = new World(0, 10e-6);
    world.run(20);
    world.offset += 0.5;
    const offsets = world.run(20);
    assert.equal(world.steps, 1);
    assert.ok(worst(offsets.slice(12)) < 1e-9);
  });

  it('goes on as before after a pause of which nothing is known', () => {
    const world = new World(0, 10e-6);
    world.run(20);
    const before = world.servo.sample(0, 1).freq;
    assert.deepEqual(world.servo.sample(5e-6, 0), { step: 0, freq: before });
  });

  it('asks no more than the clock can', () => {
    const servo = new PhcServo(0, 1e-6);
    servo.sample(0, 0);
    for (let i = 0; i < 50; i++) assert.ok(Math.abs(servo.sample(10e-6, 1).freq) <= 1e-6);
    assert.ok(servo.locked);
  });
});
