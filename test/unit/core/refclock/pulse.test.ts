import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import type { Seconds } from '../../../../src/base/units.js';
import { Bench, NMEA, options, PPS } from './bench.js';

const rejected = (b: Bench, t: Seconds, source = 1): Readonly<Record<string, number>> =>
  b.manager.reports(b.ctx(t))[source]!.rejected;

const settled = (): Bench => {
  const b = Bench.of([NMEA, PPS], { ahead: 0.3, freq: 3e-5 });
  b.seconds(0, 40, 0.13, new Prng(1));
  return b;
};

describe('a pulse', () => {
  const cases: readonly (readonly [string, (b: Bench) => unknown, Readonly<Record<string, number>>, number])[] = [
    ['that comes twice counts once', (b) => [b.pulse(1, 40), b.pulse(1, 40.1)], { doubled: 1 }, 1],
    ['that is missing is counted', (b) => b.pulse(1, 42), { missing: 2 }, 1],
    [
      'that comes before its turn, by half a second and more, is no pulse',
      (b) => b.pulse(1, 39.6),
      { 'off-grid': 1 },
      0,
    ],
    ['that is a millisecond late is an outlier', (b) => b.pulse(1, 40, 1e-3), { outlier: 1 }, 0],
    ['that is a microsecond late is not', (b) => b.pulse(1, 40, 1e-6), {}, 1],
    ['in the wrong order is refused', (b) => [b.pulse(1, 40), b.pulse(1, 38)], { 'out-of-order': 1 }, 1],
    ['older than two polls is refused', (b) => b.manager.pulse(1, edgeAt(b, 41), b.ctx(90)), { stale: 1 }, 0],
    ['from the future is refused', (b) => b.manager.pulse(1, edgeAt(b, 41), b.ctx(40)), { future: 1 }, 0],
  ];
  const edgeAt = (b: Bench, t: Seconds) => ({ edge: 'assert' as const, time: b.raw(t), sequence: 1, missed: 0 });
  for (const [sentence, act, reasons, accepted] of cases) {
    it(sentence, () => {
      const b = settled();
      const before = rejected(b, 40);
      const count = b.out.length;
      act(b);
      const after = { ...rejected(b, 90) };
      for (const [key, n] of Object.entries(before)) {
        after[key] = after[key]! - n;
        if (after[key] === 0) delete after[key];
      }
      assert.deepEqual(after, reasons);
      assert.equal(b.out.length - count, accepted);
    });
  }

  it('lost in the kernel is counted from the sequence number, once', () => {
    const b = settled();
    b.manager.pulse(1, { edge: 'assert', time: b.raw(43), sequence: 9, missed: 3 }, b.ctx(43.1));
    assert.equal(rejected(b, 44)['missing'], 3);
  });

  it('that strays in before anything is known is not counted with the good ones', () => {
    const b = Bench.of([NMEA, PPS]);
    b.seconds(0, 2, 0.13);
    b.pulse(1, 2.3);
    b.message(0, 2, 0.4);
    assert.equal(b.out.length, 0);
    b.seconds(3, 6, 0.13);
    assert.ok(b.pulses().length >= 4);
    for (const m of b.pulses()) assert.ok(Math.abs(b.errorOf(m)) < 1e-6, `${b.errorOf(m)}`);
  });

  it('may be locked to another source of pulses', () => {
    const b = Bench.of([NMEA, PPS, { ...PPS, refid: 'PPS2', lock: 'PPS', parameter: '/dev/pps1' }], { ahead: 0.3 });
    for (let s = 0; s < 20; s++) {
      b.pulse(1, s);
      b.pulse(2, s + 5e-5);
      b.message(0, s, 0.13);
    }
    const second = b.out.filter((m) => m.source === 2);
    assert.ok(second.length >= 12, `${second.length}`);
    for (const m of second) assert.ok(Math.abs(b.errorOf(m) + 5e-5) < 1e-6);
  });

  it('that follows a refused one half a second later is not taken for a double', () => {
    const b = settled();
    b.pulse(1, 40.7);
    assert.equal(b.pulse(1, 41).length, 1);
  });

  it('that has really moved is believed after four refusals', () => {
    const b = settled();
    const moved = Array.from({ length: 8 }, (_x, i) => b.pulse(1, 40 + i, 1e-3).length);
    assert.deepEqual(moved, [0, 0, 0, 0, 1, 1, 1, 1]);
    assert.ok(b.manager.takeFacts().some((f) => f.name === 'refclock.pulse.moved'));
  });

  it('that has moved by a third of a second has no number any more, until messages give it one', () => {
    const b = settled();
    for (let s = 40; s < 45; s++) b.pulse(1, s + 0.33);
    assert.equal(b.manager.reports(b.ctx(45.4))[1]!.numbering, 'none');
    for (let s = 45; s < 50; s++) {
      b.pulse(1, s + 0.33);
      b.message(0, s, 0.13 + 0.33);
    }
    assert.notEqual(b.manager.reports(b.ctx(50.4))[1]!.numbering, 'none');
    for (const m of b.pulses().slice(-2)) assert.ok(Math.abs(b.errorOf(m) + 0.33) < 1e-4);
  });

  it('noise of a source decides what an outlier is: what one calls wild is usual for another', () => {
    const noisy = Bench.of([NMEA, PPS]);
    const rng = new Prng(4);
    for (let s = 0; s < 60; s++) {
      noisy.pulse(1, s, Math.abs(rng.normal()) * 3e-4);
      noisy.message(0, s, 0.13);
    }
    assert.equal(rejected(noisy, 60)['outlier'], undefined);
    const sigma = noisy.pulses().at(-1)!.sigma;
    assert.ok(sigma > 5e-5 && sigma < 5e-4, `${sigma}`);
  });
});

describe('both edges reported', () => {
  it('resolve to the one after the longer pause, whichever came first', () => {
    const b = Bench.of([NMEA, PPS]);
    b.pulse(1, -0.9);
    for (let s = 0; s < 20; s++) {
      b.pulse(1, s);
      b.pulse(1, s + 0.1);
      b.message(0, s, 0.23);
    }
    assert.ok(b.pulses().length > 15);
    for (const m of b.pulses()) assert.ok(Math.abs(b.errorOf(m)) < 1e-6);
  });
});

describe('the wrong edge', () => {
  const unlocked = options({ refid: 'PPS' });
  it('is told by a constant offset against an independent clock', () => {
    const b = Bench.of([unlocked]);
    b.synchronised = true;
    b.rootDistance = 0.005;
    const rng = new Prng(8);
    for (let s = 0; s < 20; s++) b.pulse(0, s + 0.1, rng.normal() * 1e-6);
    const fact = b.manager.takeFacts().find((f) => f.name === 'refclock.wrong-edge');
    assert.match(fact!.text, /other edge of a pulse 100\.0 ms wide/);
    assert.equal(rejected(b, 20, 0)['wrong-edge'], 1);
  });

  it("is not told where the pulse itself is the reference, nor within the other clock's error", () => {
    for (const [selected, distance] of [
      [0, 0.005],
      [undefined, 0.05],
    ] as const) {
      const b = Bench.of([unlocked]);
      b.synchronised = true;
      b.rootDistance = distance;
      b.selected = selected;
      for (let s = 0; s < 20; s++) b.pulse(0, s + 0.1);
      assert.equal(b.manager.takeFacts().length, 0);
    }
  });

  it('is refused where the width is configured', () => {
    const b = Bench.of([{ ...unlocked, width: 0.1 }]);
    b.synchronised = true;
    b.rootDistance = 0.005;
    assert.equal(b.pulse(0, 1.1).length, 0);
    assert.equal(b.pulse(0, 2.0).length, 1);
    assert.equal(rejected(b, 3, 0)['width'], 1);
  });
});

describe('unlocked pulses', () => {
  const unlocked = options({ refid: 'PPS' });
  it('without a synchronised clock are dropped and empty the filter', () => {
    const b = Bench.of([unlocked], { ahead: 0.001 });
    b.synchronised = true;
    b.rootDistance = 0.1;
    b.pulse(0, 1);
    b.rootDistance = 0.5;
    b.pulse(0, 2);
    assert.deepEqual(rejected(b, 3, 0), { unsynchronised: 1 });
    assert.deepEqual(b.manager.poll(0, b.ctx(3)), { reached: true, sample: undefined });
  });

  it('are numbered by a synchronised clock, or by the local reference', () => {
    const b = Bench.of([unlocked], { ahead: 0.2 });
    b.synchronised = true;
    b.rootDistance = 0.3;
    const [m] = b.pulse(0, 1);
    assert.ok(Math.abs(b.errorOf(m!)) < 1e-8);
    b.synchronised = false;
    b.rootDistance = 16;
    b.localActive = true;
    assert.equal(b.pulse(0, 2).length, 1);
  });

  it('stand where our own reference stands while they are the reference', () => {
    const b = Bench.of([{ ...unlocked, stratum: 1 }]);
    b.synchronised = true;
    b.rootDistance = 0.01;
    b.stratum = 4;
    assert.equal(b.pulse(0, 1)[0]!.sample.stratum, 1);
    b.selected = 0;
    assert.equal(b.pulse(0, 2)[0]!.sample.stratum, 3);
    b.selected = undefined;
    b.localActive = true;
    assert.equal(b.pulse(0, 3)[0]!.sample.stratum, 3);
  });
});

describe('pulses by other doors', () => {
  it('come from SHM with the option pps', () => {
    const b = Bench.of([NMEA, options({ driver: 'SHM', refid: 'PPS', lock: 'NMEA', pps: true })], { ahead: 0.3 });
    for (let s = 0; s < 10; s++) {
      // The writer's idea of the second is 100 s off: only the place inside the second counts.
      b.reading(1, s, 100);
      b.message(0, s, 0.13);
    }
    assert.equal(b.pulses().length, 8);
    for (const m of b.pulses()) assert.ok(Math.abs(b.errorOf(m)) < 1e-6);
  });

  it('come from SOCK when the sample says so, and full samples beside them', () => {
    const b = Bench.of([NMEA, options({ driver: 'SOCK', refid: 'SOCK', lock: 'NMEA' })]);
    for (let s = 0; s < 6; s++) {
      b.reading(1, s, 0.5 - 0.5, 0, true);
      b.message(0, s, 0.13);
    }
    assert.equal(b.pulses().length, 4);
    assert.equal(b.reading(1, 6.5, 0.25)[0]!.sample.offset, 0.25);
  });

  it('with the option local follow a stable oscillator and are no source of time', () => {
    const b = Bench.of([options({ driver: 'PPS', refid: 'OCXO', local: true })], { ahead: 0.2, freq: 1e-5 });
    for (let s = 0; s < 20; s++) b.pulse(0, s);
    assert.equal(b.out.length, 20);
    assert.ok(b.out.every((m) => m.sample.leap === 3));
    const [first, last] = [b.out[0]!.sample.offset, b.out.at(-1)!.sample.offset];
    assert.ok(Math.abs(first - last - 19e-5) < 1e-8);
  });
});
