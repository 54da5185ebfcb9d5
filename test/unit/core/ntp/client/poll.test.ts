import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PollControl } from '../../../../../src/core/ntp/client/poll.js';

describe('polling interval', () => {
  it('grows while the samples fit, up to maxpoll', () => {
    const polls = new PollControl(4, 6, 8);
    for (let i = 0; i < 200; i++) polls.good(1e-6, 1e-4, 16);
    assert.equal(polls.poll, 6);
  });

  it('shrinks when the offset moves by more than the distance explains', () => {
    const polls = new PollControl(4, 10, 8);
    for (let i = 0; i < 200; i++) polls.good(1e-6, 1e-4, 16);
    const before = polls.poll;
    for (let i = 0; i < 3; i++) polls.good(1e-3, 1e-4, 16);
    assert.ok(polls.poll < before - 2, `${before} ${polls.poll}`);
  });

  it('shrinks while statistics rest on few samples, and never below minpoll', () => {
    const polls = new PollControl(4, 10, 8);
    polls.poll = 6;
    for (let i = 0; i < 200; i++) polls.good(1e-6, 1e-4, 3);
    assert.equal(polls.poll, 4);
  });

  it('a silent server is asked less, the one that the clock follows not so soon', () => {
    for (const [followed, poll] of [
      [true, 6],
      [false, 10],
    ] as const) {
      const polls = new PollControl(4, 10, 8);
      for (let i = 0; i < 25; i++) polls.silent(followed);
      assert.equal(polls.poll, poll);
    }
  });

  it('asks more often than once a second only servers that are near', () => {
    const polls = new PollControl(-3, 0, 8);
    assert.equal(polls.interval(1e-3), 0.125);
    assert.equal(polls.interval(0.05), 1);
    assert.equal(polls.interval(undefined), 1);
  });

  it('limits change while it runs', () => {
    const polls = new PollControl(4, 10, 8);
    polls.setMin(6);
    assert.equal(polls.poll, 6);
    polls.setMax(5);
    assert.deepEqual([polls.min, polls.max, polls.poll], [5, 5, 5]);
    polls.atLeast(8);
    assert.deepEqual([polls.max, polls.poll], [8, 8]);
  });
});
