import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { add, fromUnix, type Mono, mono } from '../../../src/base/time.js';
import { LeapKeeper } from '../../../src/engine/leap.js';
import { LocalReference } from '../../../src/engine/local.js';
import { PollTimers } from '../../../src/engine/polls.js';

const at = (s: number): Mono => mono(BigInt(Math.round(s * 1e9)));

describe('PollTimers', () => {
  it('a new source is polled with each of its first four samples, then every 2^poll seconds', () => {
    const polls = new PollTimers([4], at(0));
    for (let i = 1; i <= 4; i++) {
      assert.ok(polls.early(0), `sample ${i}`);
      polls.polled(0, true, at(i));
    }
    assert.equal(polls.early(0), false);
    assert.deepEqual(polls.due(at(19.9)), []);
    assert.deepEqual(polls.due(at(20)), [0]);
  });

  it('a poll without a sample does not use up the early ones', () => {
    const polls = new PollTimers([4], at(0));
    for (let i = 1; i < 10; i++) polls.polled(0, false, at(i));
    assert.ok(polls.early(0));
  });

  it('a source polled every second needs no early polls', () =>
    assert.equal(new PollTimers([0], at(0)).early(0), false));
});

describe('LocalReference', () => {
  const options = { stratum: 10, orphan: false, distance: 1, activate: 0, waitsynced: 0, waitunsynced: 0 };

  it('without the directive it is never active', () => {
    assert.equal(new LocalReference(undefined).active(undefined, undefined, 1e6), false);
  });

  it('serves at once when not synchronised, and when the distance has grown too large', () => {
    const local = new LocalReference(options);
    assert.equal(local.active(undefined, undefined, 0), true);
    assert.equal(local.active(0.5, 10, 100), false);
    assert.equal(local.active(1.5, 10, 100), true);
  });

  it('activate: a distance must have been reached once', () => {
    const local = new LocalReference({ ...options, activate: 0.5 });
    assert.equal(local.active(undefined, undefined, 1e6), false);
    local.note(0.6);
    assert.equal(local.active(undefined, undefined, 1e6), false);
    local.note(0.4);
    assert.equal(local.active(undefined, undefined, 1e6), true);
  });

  it('waits as told, counted from the last update or from the start', () => {
    const local = new LocalReference({ ...options, waitunsynced: 300, waitsynced: 60 });
    assert.equal(local.active(undefined, undefined, 299), false);
    assert.equal(local.active(undefined, undefined, 300), true);
    assert.equal(local.active(undefined, 10, 1000), false);
    assert.equal(local.active(2, 59, 1000), false);
    assert.equal(local.active(2, 60, 1000), true);
  });

  it("its reference time stays for a minute, and is nobody else's", () => {
    const one = new LocalReference(options);
    const other = new LocalReference(options);
    const start = fromUnix(1_800_000_000);
    const own = one.referenceTime(start);
    assert.equal(own, add(start, -1));
    assert.equal(one.referenceTime(add(start, 62)), own);
    assert.notEqual(other.referenceTime(add(start, 0.001)), own);
    assert.equal(one.referenceTime(add(start, 64)), add(start, 63), 'renewed');
    assert.equal(one.referenceTime(start), add(start, -1), 'the clock was set back');
  });
});

describe('LeapKeeper', () => {
  // 2026-06-30 23:59:60 would come before this midnight.
  const midnight = fromUnix(1_782_864_000);
  const before = (s: number) => add(midnight, -s);

  it('believes a vote on the last day of June only', () => {
    const keeper = new LeapKeeper('system', true);
    keeper.vote(1, before(3 * 86400));
    assert.equal(keeper.announced(before(3 * 86400)), 0);
    keeper.vote(1, before(3600));
    assert.equal(keeper.announced(before(3600)), 1);
    assert.equal(keeper.forKernel(before(3600), 1), 1);
  });

  it('withdraws with the vote', () => {
    const keeper = new LeapKeeper('system', true);
    keeper.vote(1, before(3600));
    keeper.vote(0, before(3000));
    assert.equal(keeper.announced(before(3000)), 0);
  });

  it('with the kernel: the jump of −1 s is expected once, and cooked time makes none of its own', () => {
    const keeper = new LeapKeeper('system', true);
    keeper.vote(1, before(100));
    assert.equal(keeper.due(add(midnight, 0.1)), undefined);
    assert.equal(keeper.expectsJump(add(midnight, 0.1), -0.5), false);
    assert.equal(keeper.expectsJump(add(midnight, 0.1), -1.00001), true);
    assert.equal(keeper.expectsJump(add(midnight, 0.2), -1), false, 'once');
  });

  it('the kernel stays armed past midnight until it has leapt: it does so in a tick after the pulse has woken us', () => {
    const keeper = new LeapKeeper('system', true);
    keeper.vote(1, before(100));
    assert.equal(keeper.forKernel(add(midnight, 0.001), 3), 1);
    assert.equal(keeper.kernelMovesTai(add(midnight, 0.001)), true);
    keeper.expectsJump(add(midnight, 0.005), -1);
    assert.equal(keeper.forKernel(before(0.995), 0), 0, 'done, although it is before midnight again');
    assert.equal(keeper.kernelMovesTai(add(midnight, 60)), false);
  });

  it('a kernel that never leaps is disarmed after a while', () => {
    const keeper = new LeapKeeper('system', true);
    keeper.vote(1, before(100));
    assert.equal(keeper.forKernel(add(midnight, 9), 0), 1);
    assert.equal(keeper.forKernel(add(midnight, 11), 0), 0);
  });

  it('without control: cooked time leaps by itself, once, at midnight', () => {
    const keeper = new LeapKeeper('system', false);
    keeper.vote(1, before(100));
    assert.equal(keeper.due(before(0.5)), undefined);
    assert.ok(Math.abs(keeper.nextAt(before(0.5))! - 0.5) < 1e-9);
    assert.equal(keeper.due(midnight), -1);
    assert.equal(keeper.due(add(midnight, 0.1)), undefined);
    assert.equal(keeper.forKernel(before(100), 1), 0);
  });

  it('a deleted second leaps a second before midnight', () => {
    const keeper = new LeapKeeper('step', true);
    keeper.vote(2, before(100));
    assert.equal(keeper.due(before(1.1)), undefined);
    assert.equal(keeper.due(before(1)), 1);
  });

  it('serves as not synchronised around the leap and drops measurements there', () => {
    const keeper = new LeapKeeper('step', false);
    keeper.vote(1, before(100));
    assert.equal(keeper.announced(before(0.5)), 3);
    assert.equal(keeper.isNear(before(4)), true);
    assert.equal(keeper.isNear(before(6)), false);
  });
});
