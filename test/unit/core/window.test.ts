import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../src/base/prng.js';
import { medianOf, spreadAbout } from '../../../src/core/refclock/robust.js';
import { SortedWindow } from '../../../src/core/window.js';

describe('window in order of size', () => {
  it('has the medians and spreads of the last numbers, whatever they are', () => {
    const rng = new Prng(1);
    for (const length of [1, 2, 5, 64]) {
      const window = new SortedWindow(length);
      const list: number[] = [];
      for (let i = 0; i < 400; i++) {
        // Many equal ones among them.
        const value = rng.uniform() < 0.3 ? rng.below(3) : rng.normal();
        window.push(value);
        list.push(value);
        if (list.length > length) list.shift();
        assert.equal(window.length, list.length);
        assert.equal(window.median, medianOf(list));
        assert.equal(window.upperMedian, list.toSorted((a, b) => a - b)[list.length >> 1]);
        for (const centre of [window.median, 0.37, -9, 9]) {
          assert.equal(window.spreadAbout(centre), spreadAbout(list, centre));
        }
        if (i === 250) {
          window.clear();
          list.length = 0;
        }
      }
    }
  });

  it('has none when it is empty', () => {
    const window = new SortedWindow(3);
    for (const figure of [window.median, window.upperMedian, window.spreadAbout(0)]) assert.ok(Number.isNaN(figure));
    window.push(Number.POSITIVE_INFINITY);
    assert.equal(window.median, Number.POSITIVE_INFINITY);
  });
});
