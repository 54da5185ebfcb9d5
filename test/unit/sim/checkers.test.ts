import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { add, fromUnix, type Instant } from '../../../src/base/time.js';
import { correctionAt } from '../../../src/core/clockview.js';
import type { ServerState } from '../../../src/core/ntp/state.js';
import type { Effect, Event } from '../../../src/engine/events.js';
import { Checkers } from '../../../src/sim/checkers.js';
import { nmeaEpoch } from '../../../src/sim/host.js';
import type { Seen } from '../../../src/sim/world.js';

const START = fromUnix(1_772_323_200);

/** A daemon that says what it is told to say, on a clock that is `error` ahead of true time. */
class Puppet implements Seen {
  t = 0;
  error = 0;
  asleep = false;
  state: ServerState | undefined;
  readonly clock = { realtime: (): Instant => add(START, this.t + this.error) };
  servedError = (): number | undefined =>
    this.state === undefined ? undefined : this.error + correctionAt(this.state.view, this.clock.realtime());

  claim(distance: number, change: Partial<ServerState> = {}): void {
    const raw = this.clock.realtime();
    this.state = {
      leap: 0,
      stratum: 1,
      refId: 1,
      referenceTime: raw,
      rootDelay: 0,
      rootDispersion: distance,
      dispersionAt: raw,
      dispersionRate: 1e-6,
      precision: -20,
      view: { ref: raw, correction: 0, rate: 0 },
      ...change,
    };
  }
}

const TICK: Event = { kind: 'tick' };
const message = (valid: boolean): Event => ({
  kind: 'message',
  source: 0,
  message: { ...nmeaEpoch(START, false, START, START), valid },
});

const through = (c: Checkers, p: Puppet, event: Event, change: () => void, effects: readonly Effect[] = []): void => {
  c.before(event, p);
  change();
  c.after(event, { raw: p.clock.realtime(), mono: 0n as never }, effects, p);
};

const ready = (): { c: Checkers; p: Puppet } => {
  const c = new Checkers();
  const p = new Puppet();
  through(c, p, message(true), () => p.claim(1e-3));
  return { c, p };
};

describe('checkers', () => {
  it('say nothing about a daemon that is right', () => {
    const { c, p } = ready();
    p.error = 0.9e-3;
    for (p.t = 1; p.t < 50; p.t++) c.second(p.t, p);
    assert.equal(c.total, 0);
    assert.equal(c.synchronised, 49);
    assert.equal(c.firstSync, 1);
  });

  it('count every second at which served time is outside its advertised distance', () => {
    const { c, p } = ready();
    p.error = 1.1e-3;
    for (p.t = 1; p.t <= 200; p.t++) c.second(p.t, p);
    // The distance grows by 1 ppm: after 100 s the error is inside again.
    assert.equal(c.counts.distance, 99);
    assert.equal(c.violations[0]?.rule, 'distance');
    assert.equal(c.violations.length, 20);
  });

  it('take half of the root delay into the distance', () => {
    const { c, p } = ready();
    p.error = 1.1e-3;
    p.claim(1e-3, { rootDelay: 0.4e-3 });
    c.second(0, p);
    assert.equal(c.total, 0);
  });

  it('do not judge who admits not to be synchronised', () => {
    const { c, p } = ready();
    p.error = 5;
    p.claim(1e-3, { leap: 3, stratum: 16 });
    c.second(1, p);
    assert.equal(c.total, 0);
    assert.equal(c.synchronised, 0);
  });

  it('do not judge a machine that sleeps, for it serves nobody', () => {
    const { c, p } = ready();
    p.error = 5;
    p.asleep = true;
    c.second(1, p);
    assert.equal(c.total, 0);
    p.asleep = false;
    c.second(2, p);
    assert.equal(c.counts.distance, 1);
  });

  it('refuse stratum 1 before any valid message', () => {
    for (const valid of [false, true]) {
      const c = new Checkers();
      const p = new Puppet();
      through(c, p, message(valid), () => p.claim(1e-3));
      c.second(1, p);
      assert.equal(c.counts.reference, valid ? 0 : 1);
    }
  });

  it('refuse a claim that is fresher than the evidence', () => {
    const { c, p } = ready();
    const claimed = p.state!.referenceTime;
    p.t = 300;
    p.claim(1, { referenceTime: claimed });
    c.second(300, p);
    assert.equal(c.counts.reference, 0);
    p.claim(1);
    c.second(301, p);
    assert.equal(c.counts.reference, 1);
  });

  it('count the age of evidence in true time: it may itself have moved the clock by minutes', () => {
    const { c, p } = ready();
    p.t = 300;
    p.error = -232;
    through(c, p, message(true), () => {
      p.error = 0;
      p.claim(1);
    });
    p.t = 301;
    c.second(301, p);
    assert.equal(c.counts.reference, 0);
  });

  it('see served time go back by more than was advertised, unless it was declared', () => {
    const back = (by: number, event: Event = TICK, effects: readonly Effect[] = []): Checkers => {
      const { c, p } = ready();
      through(
        c,
        p,
        event,
        () => p.claim(1e-3, { view: { ref: p.clock.realtime(), correction: -by, rate: 0 } }),
        effects,
      );
      return c;
    };
    assert.equal(back(0.5e-3).counts.monotonic, 0);
    assert.ok(Math.abs(back(0.5e-3).largestBack - 0.5e-3) < 2e-9);
    assert.equal(back(2e-3).counts.monotonic, 1);
    assert.equal(back(2e-3, TICK, [{ kind: 'step-clock', offset: -2e-3 }]).counts.monotonic, 0);
    assert.equal(back(2e-3, { kind: 'clock-jump', offset: 1 }).counts.monotonic, 0);
  });

  it('see timers that run wild and floods of effects', () => {
    const { c, p } = ready();
    for (let i = 0; i < 201; i++) through(c, p, TICK, () => {});
    assert.equal(c.counts.bounded, 1);
    through(c, p, message(true), () => {}, new Array<Effect>(101).fill({ kind: 'set-frequency', freq: 0 }));
    assert.equal(c.counts.bounded, 2);
  });
});
