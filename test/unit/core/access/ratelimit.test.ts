import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ClientTable, clientTableBytes, SERVICE } from '../../../../src/core/access/clients.js';
import { LIMIT, RateLimiter, type RateLimitOptions } from '../../../../src/core/access/ratelimit.js';

/** A word whose low bits do not leak and whose high bits do not kiss. */
const STRICT = 0xffffffff | 0;

/** One client; asks at times in seconds (1/16 s steps), with the random words given. */
class Asker {
  readonly table = new ClientTable(new ArrayBuffer(clientTableBytes(256)), 256, 1);
  readonly record = this.table.lookup(Uint8Array.of(10, 0, 0, 1), true);
  readonly limiter: RateLimiter;
  constructor(options: Partial<RateLimitOptions> = {}) {
    this.limiter = new RateLimiter({ interval: 3, burst: 8, leak: 2, kod: 0, ...options }, this.table);
  }
  ask(seconds: number, random = STRICT): number {
    const now = Math.round(seconds * 16);
    const last = this.table.lastNtp(this.record);
    this.table.hit(this.record, SERVICE.NTP, now);
    return this.limiter.judge(this.record, last, now, random);
  }
  passes(times: readonly number[], random = STRICT): number {
    return times.filter((t) => this.ask(t, random) === LIMIT.PASS).length;
  }
}

const every = (step: number, n: number, from = 1000): number[] => Array.from({ length: n }, (_, i) => from + i * step);

describe('rate limit', () => {
  it('lets a burst through and then one an interval', () => {
    const a = new Asker();
    assert.equal(a.passes(every(0, 20)), 8);
    assert.equal(a.ask(1007.9), LIMIT.DROP);
    assert.equal(a.ask(1016), LIMIT.PASS);
    assert.equal(a.ask(1016), LIMIT.PASS, 'two intervals have gone by');
    assert.equal(a.ask(1016), LIMIT.DROP);
  });

  it('never drops who keeps to the interval, at any setting', () => {
    for (const interval of [-19, -10, -4, -3, 0, 3, 4, 12]) {
      const a = new Asker({ interval, burst: 1 });
      const step = Math.max(1 / 16, 2 ** interval);
      assert.equal(a.passes(every(step, 200)), 200, `interval ${interval}`);
    }
  });

  it('who asks more often than the grid of time still earns its share', () => {
    const a = new Asker({ interval: 8, burst: 1 });
    // 16 s steps for 4096 s: 16 intervals of 256 s.
    const passed = a.passes(every(16, 257));
    assert.ok(passed >= 16 && passed <= 18, `${passed}`);
  });

  it('leaks one in 2^leak', () => {
    const a = new Asker({ burst: 1, leak: 2 });
    a.ask(1000);
    const passed = Array.from({ length: 64 }, (_, i) => a.ask(1000, i | 0xffff0000)).filter((v) => v === LIMIT.PASS);
    assert.equal(passed.length, 16);
  });

  it('kisses one in 2^kod of those dropped, none with 0', () => {
    const kisses = (kod: number): number => {
      const a = new Asker({ burst: 1, kod });
      a.ask(1000);
      return Array.from({ length: 64 }, (_, i) => a.ask(1000, (i << 16) | 0xffff)).filter((v) => v === LIMIT.KISS)
        .length;
    };
    assert.deepEqual([kisses(0), kisses(1), kisses(3)], [0, 32, 8]);
  });

  it('gives in to a client that asks faster when it is not answered', () => {
    const a = new Asker({ interval: 6, burst: 1, leak: 2 });
    // Every 16 s while answered (the leak answers every time), every second when not.
    let t = 1000;
    for (let i = 0; i < 10; i++, t += 16) a.ask(t, 0);
    const verdicts: number[] = [];
    for (let i = 0; i < 30; i++) {
      verdicts.push(a.ask(t));
      t += verdicts.at(-1) === LIMIT.DROP ? 1 : 16;
    }
    assert.equal(verdicts[0], LIMIT.DROP);
    assert.ok(
      verdicts.slice(-10).every((v) => v === LIMIT.PASS),
      verdicts.join(''),
    );
    // Of two at once the bucket pays for one at most.
    assert.ok([a.ask(t, 0), a.ask(t, 0)].includes(LIMIT.DROP), 'the sense of the leak is turned round');
  });

  it('is not fooled by time that goes back', () => {
    const a = new Asker({ burst: 2 });
    a.passes([1000, 1000]);
    assert.equal(a.ask(900), LIMIT.DROP);
  });
});
