import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import { add, diff, fromUnix } from '../../../../src/base/time.js';
import { formatRtcFile, parseRtcFile } from '../../../../src/core/rtc/file.js';
import { RtcTracker } from '../../../../src/core/rtc/tracker.js';

const START = fromUnix(1_795_000_000);
const near = (a: number | undefined, b: number, tolerance: number): void =>
  assert.ok(a !== undefined && Math.abs(a - b) <= tolerance, `${a} is not ${b} ± ${tolerance}`);

/** Measured every 15 s, with `noise` s of noise and every `slip`th one 0.4 s wrong. */
const run = (n: number, { fast = 2, gain = 30e-6, noise = 20e-6, slip = 0 } = {}): RtcTracker => {
  const rng = new Prng(7);
  const tracker = new RtcTracker();
  for (let i = 0; i < n; i++) {
    const wrong = slip > 0 && i % slip === slip - 1 ? 0.4 : 0;
    tracker.add(add(START, i * 15), fast + gain * i * 15 + noise * rng.normal() + wrong);
  }
  return tracker;
};

describe('the tracker of the real-time clock', () => {
  it('finds how fast it is and what it gains', () => {
    const tracker = run(40);
    near(tracker.estimate?.gain, 30e-6, 3e-7);
    near(tracker.fastAt(add(START, 3600)), 2 + 30e-6 * 3600, 5e-4);
    const report = tracker.report();
    // The runs test may let go of some.
    assert.ok(report.samples > 20 && report.samples <= 40, String(report.samples));
    assert.equal(report.span, (report.samples - 1) * 15);
    assert.ok(report.runs > 5, String(report.runs));
  });

  it('a late interrupt now and then bends nothing', () => {
    near(run(40, { slip: 7 }).estimate?.gain, 30e-6, 3e-7);
  });

  it('what is remembered stands in for a rate of its own', () => {
    const tracker = new RtcTracker();
    assert.equal(tracker.estimate, undefined);
    tracker.remember(-5e-6);
    tracker.add(START, 1);
    assert.equal(tracker.valid, false);
    near(tracker.fastAt(add(START, 1000)), 1 - 5e-3, 1e-9);
  });

  it('forgets the past that is no straight line any more', () => {
    const tracker = run(30, { gain: 0 });
    const rng = new Prng(8);
    for (let i = 0; i < 30; i++) tracker.add(add(START, 450 + i * 15), 2 + 100e-6 * i * 15 + 2e-4 * rng.normal());
    near(tracker.estimate?.gain, 100e-6, 5e-6);
    assert.ok(tracker.samples < 50, String(tracker.samples));
  });

  it('is never larger than 64 measurements, and looks ever less often', () => {
    // Signs that change all the time: nothing for the runs test.
    const alternate = (n: number, step: number): RtcTracker => {
      const tracker = new RtcTracker();
      for (let i = 0; i < n; i++) tracker.add(add(START, i * step), i % 2 === 0 ? 1e-5 : -1e-5);
      return tracker;
    };
    assert.equal(alternate(3, 15).interval, 15);
    const tracker = alternate(200, 15);
    assert.equal(tracker.samples, 64);
    assert.equal(tracker.interval, Math.round((63 * 15) / 16));
    assert.equal(alternate(64, 480).interval, 480);
  });

  it('a rate that is known is believed until enough measurements say otherwise', () => {
    const tracker = new RtcTracker();
    tracker.remember(50e-6);
    const until = (n: number): void => {
      for (let i = tracker.samples; i < n; i++) tracker.add(add(START, i * 15), 1 + 40e-6 * i * 15 + (i % 2) * 1e-4);
    };
    until(4);
    near(tracker.estimate?.gain, 50e-6, 5e-7);
    until(60);
    near(tracker.estimate?.gain, 40e-6, 5e-7);
  });

  it('a minute of measurements is not taken for a rate: after a night it would be seconds', () => {
    const tracker = new RtcTracker();
    const late = [0, 3e-3, 1e-3, 6e-3];
    for (const [i, by] of late.entries()) tracker.add(add(START, i * 15), 2 - by);
    assert.ok(Math.abs(tracker.estimate!.gain) < 40e-6, String(tracker.estimate!.gain));
    tracker.forget();
    assert.equal(tracker.report().gain, 0, 'and not remembered');
  });

  it('follows what is done to our clock: slews, steps, leap seconds', () => {
    for (const kind of ['adjust', 'step', 'leap'] as const) {
      const tracker = run(20, { noise: 0 });
      const before = tracker.estimate!;
      const at = add(START, 400);
      // Our clock is moved one second back: the RTC is one second further ahead of it.
      tracker.rebase({ at, doffset: -1, dfreq: 0, kind });
      near(tracker.estimate!.fast - before.fast, 1, 1e-6);
      near(tracker.estimate!.gain, before.gain, 1e-8);
    }
    const tracker = run(40);
    tracker.rebase({ at: add(START, 585), doffset: 0, dfreq: 10e-6, kind: 'adjust' });
    near(tracker.estimate!.gain, 20e-6, 3e-7);
  });

  it('when nobody knows how our clock was moved only the rate is kept', () => {
    const tracker = run(20);
    tracker.rebase({ at: add(START, 400), doffset: 5, dfreq: 0, kind: 'unknown' });
    assert.equal(tracker.samples, 0);
    assert.equal(tracker.estimate, undefined);
    near(tracker.report().gain, 30e-6, 2e-6);
  });

  it('a clock that was set back does not leave measurements of the future', () => {
    const tracker = run(10);
    tracker.add(add(START, 20), 2);
    assert.equal(tracker.samples, 3);
  });
});

describe('the file of the real-time clock', () => {
  it('is chrony’s line', () => {
    assert.equal(formatRtcFile({ at: START, fast: -1.25, gain: 12.3456e-6 }), '1 1795000000 -1.250000 12.346\n');
    assert.deepEqual(parseRtcFile('1 1795000000 -1.250000 12.346\n'), { at: START, fast: -1.25, gain: 12.346e-6 });
  });

  it('keeps the line when it is moved to a whole second', () => {
    const line = { at: add(START, 0.75), fast: 2, gain: 1000e-6 };
    const read = parseRtcFile(formatRtcFile(line))!;
    assert.equal(diff(read.at, START), 1);
    near(read.fast, 2 + 0.25 * 1000e-6, 1e-6);
  });

  for (const text of [
    '',
    '1',
    '0 1795000000 0 0',
    '1 x 0 0',
    '1 1795000000 nan 0',
    '1 1795000000 0 20000',
    '1 1795000000 4e9 0',
    '1 -5 0 0',
    '1 1e300 0 0',
    '2 1795000000 0 0',
  ]) {
    it(`"${text}" is not believed`, () => assert.equal(parseRtcFile(text), undefined));
  }
});
