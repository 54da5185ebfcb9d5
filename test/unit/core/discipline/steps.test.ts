import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromUnix } from '../../../../src/base/time.js';
import { steeringTime } from '../../../../src/core/discipline/steer.js';
import { ChangeLimit, StepRule } from '../../../../src/core/discipline/steps.js';

describe('makestep', () => {
  it('never, without a rule', () => assert.equal(new StepRule(undefined).allows(100), false));

  it('only in the first updates, only above the threshold', () => {
    const rule = new StepRule({ threshold: 0.1, limit: 2 });
    assert.equal(rule.allows(0.05), false);
    assert.equal(rule.allows(-0.5), true);
    assert.equal(rule.allows(0.5), false, 'the third update');
  });

  it('a negative limit means always; a new rule counts anew', () => {
    const rule = new StepRule({ threshold: 0.1, limit: -1 });
    for (let i = 0; i < 100; i++) assert.equal(rule.allows(1), true);
    rule.replace({ threshold: 0.1, limit: 1 });
    assert.deepEqual([rule.allows(1), rule.allows(1)], [true, false]);
  });
});

const at = (seconds: number) => fromUnix(1_700_000_000 + seconds);

describe('maxchange', () => {
  it('ignores some, then exits; the first updates are free', () => {
    const limit = new ChangeLimit({ offset: 1, start: 1, ignore: 2 });
    assert.deepEqual(
      [5, 5, 0.5, 5, 5, 5].map((x, i) => limit.judge(x, at(i), 0)),
      ['ok', 'ignore', 'ok', 'ignore', 'exit', 'again'],
    );
  });

  it('measurements within one polling interval count once', () => {
    const limit = new ChangeLimit({ offset: 1, start: 1, ignore: 1 });
    assert.deepEqual(
      [0, 15, 16, 17, 31, 32, 33].map((t) => limit.judge(5, at(t), 16)),
      ['ok', 'ok', 'ignore', 'again', 'again', 'exit', 'again'],
    );
    const glitch = new ChangeLimit({ offset: 1, start: 0, ignore: 1 });
    assert.deepEqual(
      [5, 5, 0, 5, 0].map((x, i) => glitch.judge(x, at(i), 16)),
      ['ignore', 'again', 'ok', 'again', 'ok'],
    );
  });

  it('a negative start switches it off', () => {
    const limit = new ChangeLimit({ offset: 1, start: -1, ignore: 0 });
    assert.equal(limit.judge(5, at(0), 0), 'ok');
  });

  it('a negative count ignores for ever', () => {
    const limit = new ChangeLimit({ offset: 1, start: 0, ignore: -1 });
    for (let i = 0; i < 10; i++) assert.equal(limit.judge(-2, at(i), 0), 'ignore');
  });
});

describe('steering time', () => {
  it('is the configured one within the uncertainty, shorter beyond, never under a second', () => {
    assert.equal(steeringTime(1e-7, 1e-7, 3), 3);
    assert.equal(steeringTime(-8e-7, 1e-7, 3), 1.5);
    assert.equal(steeringTime(1, 1e-7, 3), 1);
    assert.equal(steeringTime(1, 1e-7, 0.5), 0.5);
  });
});
