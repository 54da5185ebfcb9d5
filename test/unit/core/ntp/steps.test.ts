import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromUnix } from '../../../../src/base/time.js';
import { COUNTER } from '../../../../src/core/ntp/counters.js';
import { SnapshotReader, SnapshotWriter, stepGuard } from '../../../../src/core/ntp/snapshot.js';
import { newMemory } from '../../../../src/serve/tables.js';
import { request } from '../../../support/packets.js';
import { STATE, TestServer } from '../../../support/server.js';

const SEC = 1_800_000_000;

/** A server whose raw clock was stepped by `offset` and read SEC + 0.5 s just after. */
const stepped = (offset: number): TestServer => {
  const s = new TestServer();
  s.beginStep();
  s.publish(STATE, { after: fromUnix(SEC, 500_000_000), offset });
  return s;
};
const at = (s: TestServer, seconds: number) => {
  const sec = Math.floor(seconds);
  return s.ask(request(), { sec: SEC + sec, nsec: Math.round((seconds - sec) * 1e9) });
};

describe('requests in flight while the clock is stepped', () => {
  it('nothing is answered between the beginning of a step and the state after it', () => {
    const s = new TestServer();
    s.beginStep();
    assert.equal(s.ask(request()), undefined);
    s.publish(STATE);
    assert.ok(s.ask(request()) !== undefined);
    assert.equal(s.tables.counters[COUNTER.stale], 1);
  });

  it('after a step ahead: stamps from before it are dropped, those from after it answered', () => {
    const s = stepped(10);
    assert.equal(at(s, -9.51), undefined);
    assert.equal(at(s, 0.499), undefined);
    assert.ok(at(s, 0.5) !== undefined);
  });

  it('after a step back: stamps that may be of either side are dropped while something old may be about', () => {
    const s = stepped(-1);
    assert.equal(at(s, 0.4), undefined, 'before');
    assert.equal(at(s, 0.9), undefined, 'either');
    assert.ok(at(s, 1.6) !== undefined, 'after');
    const far = stepped(-1000);
    assert.equal(at(far, 1), undefined);
    assert.ok(at(far, 4) !== undefined, 'a long step back does not silence the server for long');
  });

  it('the guard word changes with every step, and only with steps', () => {
    const { snapshot } = newMemory(256, false, 1, 2);
    const guard = stepGuard(snapshot);
    const writer = new SnapshotWriter(snapshot);
    const reader = new SnapshotReader(snapshot);
    writer.write(STATE);
    assert.equal(guard[0], 0);
    writer.beginStep();
    writer.beginStep();
    assert.deepEqual([guard[0], reader.stepping], [1, true]);
    writer.write(STATE);
    assert.deepEqual([guard[0], reader.stepping], [2, false]);
  });
});

describe('requests that waited too long', () => {
  it('are dropped and counted, and so are stamps from the future', () => {
    const s = new TestServer();
    assert.ok(s.ask(request(), { ageUs: 900_000 }) !== undefined);
    assert.equal(s.ask(request(), { ageUs: 1_000_001 }), undefined);
    assert.ok(s.ask(request(), { ageUs: -500 }) !== undefined, 'a hardware stamp may lie a little ahead');
    assert.equal(s.ask(request(), { ageUs: -2000 }), undefined);
    assert.equal(s.tables.counters[COUNTER.stale], 2);
    assert.equal(s.tables.counters[COUNTER.hits], 2);
  });
});
