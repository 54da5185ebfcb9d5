import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../src/base/prng.js';
import { diff, fraction, fromUnix, type Instant } from '../../../src/base/time.js';
import type { Event } from '../../../src/engine/events.js';
import { KERNEL_ACTUATOR, SimClock } from '../../../src/sim/clock.js';
import type { Host, Twin } from '../../../src/sim/host.js';
import { SimMessages } from '../../../src/sim/messages.js';
import { SimPulses } from '../../../src/sim/pulses.js';
import { EventQueue, type Task } from '../../../src/sim/queue.js';
import { SimReadings } from '../../../src/sim/readings.js';
import { Timeline } from '../../../src/sim/timeline.js';

const START = fromUnix(1_772_323_200);

interface Seen {
  readonly event: Event;
  readonly raw: Instant;
}

/** A host with a clock and a queue, and nobody who disciplines. */
const live = (twin: Twin, seconds: number, timeline = new Timeline(START), offset = 0): Seen[] => {
  const clock = new SimClock(START, offset, KERNEL_ACTUATOR);
  const queue = new EventQueue();
  const seen: Seen[] = [];
  const host: Host = {
    t: 0,
    clock,
    timeline,
    post: (event) => seen.push({ event, raw: clock.realtime() }),
    at: (t: number, task: Task) => queue.push(t, task),
  };
  twin.start(host);
  while (queue.nextAt <= seconds) {
    const t = queue.nextAt;
    clock.advance(t);
    queue.pop().run(t);
  }
  return seen;
};

const edges = (seen: readonly Seen[]): { time: Instant; raw: Instant }[] =>
  seen.flatMap(({ event, raw }) => (event.kind === 'pulse' ? [{ time: event.edge.time, raw }] : []));
const fold = (t: Instant): number => (fraction(t) > 0.5 ? fraction(t) - 1 : fraction(t));

describe('simulated pulses', () => {
  it('come at whole true seconds with the given noise, and are never handed over before they were stamped', () => {
    const seen = edges(live(new SimPulses(0, new Prng(1), { sigma: 1e-6 }), 4000.5));
    assert.equal(seen.length, 4000);
    const errors = seen.map((e) => fold(e.time));
    const rms = Math.sqrt(errors.reduce((a, e) => a + e * e, 0) / errors.length);
    assert.ok(Math.abs(rms / 1e-6 - 1) < 0.05);
    assert.ok(seen.every((e) => e.raw >= e.time));
  });

  it('see the local clock, not true time', () => {
    const seen = edges(live(new SimPulses(0, new Prng(1), { sigma: 0 }), 10.5, new Timeline(START), 0.25));
    assert.ok(seen.every((e) => Math.abs(fold(e.time) - 0.25) < 1e-9));
  });

  it('can be one-sided, missing, doubled, wild, early or of the wrong edge', () => {
    const one = edges(live(new SimPulses(0, new Prng(1), { sigma: 0, latency: 1e-6 }), 2000.5)).map((e) =>
      fold(e.time),
    );
    assert.ok(Math.min(...one) >= 0);
    assert.ok(Math.abs(one.reduce((a, b) => a + b, 0) / one.length / 1e-6 - 1) < 0.1);
    assert.ok(Math.abs(edges(live(new SimPulses(0, new Prng(1), { missing: 0.3 }), 1000.5)).length - 700) < 60);
    assert.ok(Math.abs(edges(live(new SimPulses(0, new Prng(1), { doubled: 0.3 }), 1000.99)).length - 1300) < 60);
    const wild = edges(live(new SimPulses(0, new Prng(1), { sigma: 1e-7, outliers: 0.2, outlierSize: 1e-3 }), 1000.5));
    const off = wild.filter((e) => Math.abs(fold(e.time)) > 0.9e-3).length;
    assert.ok(Math.abs(off - 200) < 50);
    const wrong = edges(live(new SimPulses(0, new Prng(1), { sigma: 0, wrongEdge: true, width: 0.1 }), 10.5));
    assert.ok(wrong.every((e) => Math.abs(fold(e.time) - 0.1) < 1e-9));
    const early = edges(live(new SimPulses(0, new Prng(1), { sigma: 0, bias: -10e-3 }), 10.5));
    assert.ok(early.every((e) => Math.abs(fold(e.time) + 10e-3) < 1e-9));
    assert.equal(edges(live(new SimPulses(0, new Prng(1), { silent: true }), 10.5)).length, 0);
  });

  it('tell that the device is not there, and give nothing', () => {
    const seen = live(new SimPulses(3, new Prng(1), {}, false), 10.5);
    assert.equal(seen.length, 1);
    const { event } = seen[0]!;
    assert.ok(event.kind === 'device' && event.source === 3 && event.state.kind === 'down');
  });
});

describe('simulated sentences', () => {
  const messages = (seen: readonly Seen[]) =>
    seen.flatMap(({ event }) => (event.kind === 'message' ? [event.message] : []));

  it('name the second of the pulse before them and arrive after their bytes', () => {
    const all = messages(live(new SimMessages(0, new Prng(1), { jitter: 0, wander: 0, latency: 0.2 }), 100.9));
    assert.equal(all.length, 100);
    for (const m of all) {
      assert.ok(Math.abs(diff(m.burstStart, m.utc!) - 0.2) < 1e-9);
      assert.ok(Math.abs(diff(m.arrival, m.burstStart) - 70 / 960) < 1e-9);
    }
  });

  it('can be void, late and off by a second', () => {
    const wrong = messages(live(new SimMessages(0, new Prng(1), { jitter: 0, wander: 0, wrongBy: 1 }), 10.9));
    assert.ok(wrong.every((m) => diff(m.burstStart, m.utc!) < -0.8));
    const late = messages(live(new SimMessages(0, new Prng(1), { late: 1, lateBy: 0.9 }), 10.9));
    assert.ok(late.every((m) => diff(m.burstStart, m.utc!) > 0.9));
    assert.ok(messages(live(new SimMessages(0, new Prng(1), { fix: false }), 10.9)).every((m) => !m.valid));
  });

  it('name an inserted second by the midnight after it, once as leap second', () => {
    const all = messages(live(new SimMessages(0, new Prng(1), { announcesLeap: true }), 8.9, new Timeline(START, 5)));
    assert.deepEqual(
      all.map((m) => [Number(m.utc! - START) / 1e9, m.leapSecond, m.leapPending]),
      [
        [1, false, 1],
        [2, false, 1],
        [3, false, 1],
        [4, false, 1],
        [5, true, 0],
        [5, false, 0],
        [6, false, 0],
        [7, false, 0],
      ],
    );
  });
});

describe('simulated readings', () => {
  it('say what to add to the stamp to get true time', () => {
    const seen = live(new SimReadings(0, new Prng(1), { sigma: 1e-5 }), 100.5, new Timeline(START), 0.3);
    const readings = seen.flatMap(({ event }) => (event.kind === 'reading' ? [event.reading] : []));
    assert.equal(readings.length, 100);
    readings.forEach((r, i) => {
      const reference = Number(r.local - START) / 1e9 + r.offset;
      assert.ok(Math.abs(reference - (i + 1)) < 2e-9);
      assert.ok(Math.abs(r.offset + 0.3) < 1e-4);
    });
  });

  it('keep only the position in the second when they are pulses', () => {
    const seen = live(new SimReadings(0, new Prng(1), { pulse: true }), 10.5, new Timeline(START), 3.25);
    for (const { event } of seen) {
      if (event.kind === 'reading') assert.ok(event.reading.pulse && Math.abs(event.reading.offset + 0.25) < 1e-5);
    }
  });
});
