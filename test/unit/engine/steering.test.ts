import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addMono, diffMono, type Mono, mono } from '../../../src/base/time.js';
import { Steering } from '../../../src/engine/steering.js';

const START = mono(5_000_000_000n);
const at = (s: number): Mono => addMono(START, s);
const seconds = (x: number): number => Math.round(x * 1e6) / 1e6;

describe('steering', () => {
  it('takes a correction out evenly by the end of a second while converging, however uncertain it is', () => {
    const steering = new Steering(3);
    const spans = [0, 0.25, 0.75].map((s) => seconds(steering.time(at(s), 'converging', 1e-3, 1)));
    assert.deepEqual(spans, [1, 0.75, 0.25]);
    assert.equal(diffMono(steering.wake(at(0.75)), at(0)), 1, 'looks again at the end of it');
  });

  it('begins a new second where little is left of the old one', () => {
    const steering = new Steering(3);
    steering.time(at(0), 'converging', 1e-3, 1);
    assert.equal(seconds(steering.time(at(0.9), 'converging', 1e-3, 1)), 1);
    assert.equal(seconds(steering.time(at(5), 'converging', 1e-3, 1)), 1, 'a slow source');
  });

  it('keeps the frequency quiet once tracking', () => {
    const steering = new Steering(3);
    steering.time(at(0), 'converging', 1e-3, 1);
    assert.equal(steering.time(at(0.25), 'tracking', 1e-3, 1), 3);
    assert.equal(diffMono(steering.wake(at(0.25)), at(0.25)), 1);
    assert.equal(new Steering(0.5).time(at(0), 'tracking', 1e-9, 1), 1, 'never below a second');
  });

  it('slews nothing any more once the daemon ends', () => {
    const steering = new Steering(3);
    steering.leave();
    for (const mode of ['converging', 'tracking', 'holdover'] as const) {
      assert.equal(steering.time(at(0), mode, 1e-3, 1e-6), Number.POSITIVE_INFINITY);
    }
  });
});
