import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../src/base/prng.js';
import { EventQueue } from '../../../src/sim/queue.js';

describe('event queue', () => {
  it('gives tasks by time, and equal times in the order of asking', () => {
    const queue = new EventQueue();
    const rng = new Prng(1);
    const asked: { at: number; seq: number }[] = [];
    const got: { at: number; seq: number }[] = [];
    for (let seq = 0; seq < 500; seq++) {
      const at = rng.below(40);
      asked.push({ at, seq });
      queue.push(at, { run: () => got.push({ at, seq }) });
    }
    while (queue.length > 0) queue.pop().run(queue.nextAt);
    asked.sort((a, b) => a.at - b.at || a.seq - b.seq);
    assert.deepEqual(got, asked);
  });

  it('has nothing next when it is empty', () => {
    const queue = new EventQueue();
    assert.equal(queue.nextAt, Number.POSITIVE_INFINITY);
    assert.throws(() => queue.pop(), /empty/);
  });

  it('refuses to grow without bound', () => {
    const queue = new EventQueue();
    const task = { run: () => {} };
    assert.throws(() => {
      for (let i = 0; i < 20_000; i++) queue.push(i, task);
    }, /bounded/);
  });
});
