import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { add, type Instant } from '../../../../../src/base/time.js';
import { corrected, type Exchange, figuresOf, type Waits } from '../../../../../src/core/ntp/client/exchange.js';

const T0 = 1_800_000_000_000_000_000n as Instant;

/** Clocks that agree; 10 us of cable each way, and what switches add. */
const exchange = (request: number, reply: number, waits?: Waits): Exchange => {
  const t2 = add(T0, 10e-6 + request);
  const t3 = add(t2, 50e-6);
  const t4 = add(t3, 10e-6 + reply);
  return { t1: { time: T0, kind: 'hardware' }, t2, t3, t4: { time: t4, kind: 'hardware' }, waits };
};

const figures = (request: number, reply: number, waits?: Waits) => {
  const e = exchange(request, reply, waits);
  return corrected(figuresOf(e), e);
};

describe('corrections of transparent clocks', () => {
  it('take what a packet waited out of offset and delay', () => {
    const blind = figures(300e-6, 20e-6);
    assert.ok(Math.abs(blind.offset - 140e-6) < 1e-9, 'without them the offset is wrong by half the difference');
    const seeing = figures(300e-6, 20e-6, { request: 300e-6, reply: 20e-6 });
    assert.ok(Math.abs(seeing.offset) < 1e-9);
    // The cable stays, and 100 ppm of the corrections.
    assert.ok(Math.abs(seeing.delay - (20e-6 + 320e-6 * 1e-4)) < 1e-9);
  });

  it('are not believed where one direction tells nothing, or where they are longer than the round trip', () => {
    const blind = figures(300e-6, 20e-6);
    for (const waits of [
      { request: 300e-6, reply: 0 },
      { request: 0, reply: 20e-6 },
      { request: -300e-6, reply: 20e-6 },
      { request: 300e-6, reply: 60e-6 },
      { request: Number.POSITIVE_INFINITY, reply: 20e-6 },
    ]) {
      assert.deepEqual(figures(300e-6, 20e-6, waits), blind);
    }
  });
});
