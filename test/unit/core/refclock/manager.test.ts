import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import { add, diff, fromUnix, instant } from '../../../../src/base/time.js';
import type { Seconds } from '../../../../src/base/units.js';
import { type Measured, RefclockManager } from '../../../../src/core/refclock/manager.js';
import { Bench, FLOOR, NMEA, options, PPS, START } from './bench.js';

const WORLD = { ahead: 0.3, freq: 3e-5 };

const worst = (b: Bench, list: readonly Measured[] = b.out): Seconds =>
  Math.max(0, ...list.map((m) => Math.abs(b.errorOf(m))));

const numbering = (b: Bench, t: Seconds, source = 1): string => b.manager.reports(b.ctx(t))[source]!.numbering;
const reason = (b: Bench, t: Seconds, source = 1): string => b.manager.reports(b.ctx(t))[source]!.numberingReason;
const rejected = (b: Bench, t: Seconds, source = 1): Readonly<Record<string, number>> =>
  b.manager.reports(b.ctx(t))[source]!.rejected;

/** The rule of thumb that this product does not use: the pulse nearest to the message is the one that it names. */
const nearestPulse = (latency: Seconds): Seconds => Math.round(latency) * -1 + 0;

describe('names', () => {
  it('follow chrony: three letters and the index, two digits from the tenth on', () => {
    const many = Array.from({ length: 12 }, () => options({ driver: 'SHM' }));
    const b = Bench.of([options({}), options({ driver: 'NMEA' }), ...many]);
    assert.deepEqual(
      [0, 1, 2, 11].map((i) => b.manager.name(i)),
      ['PPS0', 'NME1', 'SHM2', 'SH11'],
    );
    assert.equal(b.manager.refIds[0], 0x50505330);
  });

  it('need not be unique, as with chronyd', () => {
    const b = Bench.of([options({ refid: 'GPS' }), options({ driver: 'NMEA', refid: 'GPS' })]);
    assert.equal(b.manager.refIds[0], b.manager.refIds[1]);
  });

  it('that are locked to and do not exist: the pulse counts as unlocked', () => {
    const b = Bench.of([options({ lock: 'NONE' })]);
    b.pulse(0, 1);
    assert.deepEqual(rejected(b, 1, 0), { unsynchronised: 1 });
  });
});

describe('numbering of pulses by sentences', () => {
  const cases: readonly (readonly [string, Seconds, { numbered: boolean; after?: number; spread?: Seconds }])[] = [
    ['an ordinary receiver numbers the third pulse, with its third sentence', 0.13, { numbered: true, after: 2.2 }],
    [
      'a slow one, late by more than half a second, is no worse: the pulse comes first',
      0.62,
      { numbered: true, after: 2.7 },
    ],
    ['half a second, where rounding rules flip, is as good as any', 0.5, { numbered: true, after: 2.6 }],
    ['near the next pulse the spread has to be known first', 0.82, { numbered: true, after: 15, spread: 0.005 }],
    ['nearer still it is refused', 0.93, { numbered: false, spread: 0.005 }],
    ['a wide spread makes refusal begin earlier', 0.8, { numbered: false, spread: 0.06 }],
    ['at the pulse itself nobody can say', 0.005, { numbered: false, spread: 0.01 }],
  ];
  for (const [sentence, latency, expected] of cases) {
    it(sentence, () => {
      const b = Bench.of([NMEA, PPS], WORLD);
      b.seconds(0, 40, latency, new Prng(7), expected.spread ?? 0.003);
      assert.equal(numbering(b, 40) !== 'none', expected.numbered, reason(b, 40));
      if (!expected.numbered) {
        assert.equal(b.pulses().length, 0);
        assert.match(reason(b, 40), /offset.*network source/);
        return;
      }
      const first = diff(b.pulses()[0]!.sample.time, b.raw(0));
      assert.ok(first <= expected.after!, `first measured pulse ${first}`);
      assert.ok(worst(b, b.pulses()) < 2e-5, `worst ${worst(b, b.pulses())}`);
    });
  }

  it('"nearest", the control, is a second wrong for the slow receiver and for a late burst', () => {
    assert.equal(nearestPulse(0.13), 0);
    assert.equal(nearestPulse(0.62), -1);
    assert.equal(nearestPulse(1.2), -1);
  });

  it('a refused latency is settled by a second clock that knows the second', () => {
    const b = Bench.of([NMEA, PPS], { ahead: 0.004 });
    b.synchronised = true;
    b.rootDistance = 0.02;
    b.seconds(0, 3, 0.97);
    assert.equal(numbering(b, 3), 'message');
    assert.ok(worst(b, b.pulses()) < 1e-6);
  });

  it('a second clock with a poor distance settles nothing', () => {
    const b = Bench.of([NMEA, PPS], { ahead: 0.004 });
    b.synchronised = true;
    b.rootDistance = 0.4;
    b.seconds(0, 5, 0.97);
    assert.equal(numbering(b, 5), 'none');
  });

  it("an offset given by the user settles it too, within chrony's 0.4 s", () => {
    const b = Bench.of([{ ...NMEA, offset: 0.9, offsetGiven: true }, PPS], WORLD);
    b.seconds(0, 5, 0.97);
    assert.notEqual(numbering(b, 5), 'none');
    assert.ok(worst(b, b.pulses()) < 1e-6);
  });

  it('five pulses a second cannot be told apart without help', () => {
    const b = Bench.of([NMEA, { ...PPS, rate: 5 }], WORLD);
    for (let s = 0; s < 5; s++) {
      for (let k = 0; k < 5; k++) b.pulse(1, s + k / 5);
      b.message(0, s, 0.13 + 0.85);
    }
    assert.equal(numbering(b, 5), 'none');
    assert.match(reason(b, 5), /0\.2 s cannot be told apart/);
  });

  it('five pulses a second are numbered when the latency is given', () => {
    const b = Bench.of(
      [
        { ...NMEA, offset: 0.12, offsetGiven: true },
        { ...PPS, rate: 5 },
      ],
      WORLD,
    );
    for (let s = 0; s < 6; s++) {
      for (let k = 0; k < 5; k++) {
        b.pulse(1, s + k / 5);
        if (k === 0) b.message(0, s, 0.13);
      }
    }
    assert.ok(b.pulses().length > 10);
    assert.ok(worst(b, b.pulses()) < 1e-6);
  });

  it('pulses without any message stay without number, and say so', () => {
    const b = Bench.of([NMEA, PPS], WORLD);
    for (let s = 0; s < 10; s++) b.pulse(1, s);
    assert.equal(b.out.length, 0);
    assert.match(reason(b, 10), /no message/);
    assert.deepEqual(rejected(b, 10), { unnumbered: 10 });
  });

  it('a clock that starts in 1970 is numbered all the same', () => {
    const b = Bench.of([NMEA, PPS], { ahead: -START + 0.2 });
    b.seconds(0, 6, 0.13);
    assert.ok(b.pulses().length >= 4);
    assert.ok(worst(b, b.pulses()) < 1e-6, 'an offset of 57 years has 0.24 µs resolution');
  });
});

describe('a known number', () => {
  const settled = (latency = 0.13): Bench => {
    const b = Bench.of([NMEA, PPS], WORLD);
    b.seconds(0, 30, latency, new Prng(3));
    return b;
  };

  const cases: readonly (readonly [string, (b: Bench) => unknown])[] = [
    [
      'outlives one late sentence that crosses the next pulse',
      (b) => {
        b.pulse(1, 30);
        b.pulse(1, 31);
        b.message(0, 30, 1.2);
      },
    ],
    ['outlives a lost sentence', (b) => [30, 31].map((t) => b.pulse(1, t))],
    [
      'outlives a sentence that names the next second',
      (b) => [b.pulse(1, 30), b.message(0, 30, 0.13, { utc: fromUnix(START + 31) })],
    ],
    [
      'outlives nine that name the second before',
      (b) => {
        for (let s = 30; s < 39; s++) {
          b.pulse(1, s);
          b.message(0, s, 0.13, { utc: fromUnix(START + s - 1) });
        }
      },
    ],
    [
      'outlives any number of disagreeing ones that do not agree among themselves',
      (b) => {
        for (let s = 30; s < 70; s++) {
          b.pulse(1, s);
          b.message(0, s, 0.13, { utc: fromUnix(START + s + 2 + 3 * (s % 3)) });
        }
      },
    ],
    [
      'outlives a jump of 1024 weeks',
      (b) => {
        for (let s = 30; s < 60; s++) {
          b.pulse(1, s);
          b.message(0, s, 0.13, { utc: fromUnix(START + s + 1024 * 7 * 86400) });
        }
      },
    ],
    [
      'outlives sentences that are frozen',
      (b) => {
        for (let s = 30; s < 50; s++) {
          b.pulse(1, s);
          b.message(0, s, 0.13, { utc: fromUnix(START + 29) });
        }
      },
    ],
    [
      'outlives a latency that grows by 0.7 s for good',
      (b) => {
        for (let s = 30; s < 70; s++) {
          b.pulse(1, s);
          b.message(0, s, 0.83);
        }
      },
    ],
  ];
  for (const [sentence, act] of cases) {
    it(sentence, () => {
      const b = settled();
      const before = b.pulses().length;
      act(b);
      b.seconds(80, 20, 0.13);
      assert.ok(b.pulses().length >= before + 20);
      assert.ok(worst(b, b.pulses()) < 2e-5, `worst pulse ${worst(b, b.pulses())}`);
      assert.ok(worst(b, b.out) < 0.75, `worst of all ${worst(b, b.out)}`);
    });
  }

  it('a sentence a second off gives no sample of its own', () => {
    const b = settled();
    b.pulse(1, 30);
    assert.deepEqual(b.message(0, 30, 0.13, { utc: fromUnix(START + 31) }), []);
    assert.equal(rejected(b, 31, 0)['other-second'], 1);
  });

  it('is given up after ten that agree among themselves', () => {
    const b = settled();
    for (let s = 30; s < 40; s++) {
      b.pulse(1, s);
      b.message(0, s, 0.13, { utc: fromUnix(START + s - 3) });
    }
    b.pulse(1, 40);
    assert.ok(Math.abs(b.errorOf(b.pulses().at(-1)!) + 3) < 1e-4, 'the receiver has the last word');
    assert.ok(b.manager.takeFacts().some((f) => f.name === 'refclock.renumbered' && f.severity === 'warn'));
  });

  it('is not given up while another clock holds with it', () => {
    const b = Bench.of([NMEA, PPS], { ahead: 0.001 });
    b.synchronised = true;
    b.rootDistance = 0.01;
    b.seconds(0, 10, 0.13);
    for (let s = 10; s < 40; s++) {
      b.pulse(1, s);
      b.message(0, s, 0.13, { utc: fromUnix(START + s - 3) });
    }
    assert.ok(worst(b, b.pulses()) < 1e-6);
  });

  it('a step in between begins the row of contradictions anew', () => {
    const b = settled();
    for (let s = 30; s < 45; s++) {
      b.pulse(1, s);
      b.message(0, s, 0.13, { utc: fromUnix(START + s - 1) });
      if (s === 37) b.change(s + 0.5, -0.2, 0, 'step');
    }
    assert.equal(numbering(b, 45), 'carried');
    assert.match(reason(b, 45), /7 messages in a row say another second/);
  });

  it('follows slews, rate changes and steps of the cooked clock', () => {
    const b = settled();
    b.change(29.5, -0.3, -3e-5);
    b.out.length = 0;
    b.seconds(30, 5, 0.13);
    assert.ok(worst(b, b.pulses()) < 2e-5);
    b.change(35.5, 7, 0, 'step');
    b.out.length = 0;
    b.seconds(36, 5, 0.13);
    assert.equal(b.pulses().length, 5);
    assert.ok(worst(b, b.pulses()) < 2e-5);
  });

  it('is void after a foreign jump, and found again at the third pulse with the latency remembered', () => {
    const b = settled(0.93 - 0.2);
    b.jump(30, 12.4);
    assert.equal(numbering(b, 30.2), 'none');
    b.out.length = 0;
    b.seconds(31, 4, 0.73);
    assert.equal(b.pulses().length, 2);
    assert.ok(worst(b, b.pulses()) < 1e-4);
  });

  it('goes with UTC over a leap second: times move, offsets stay', () => {
    const b = settled();
    const held = b.pulses().at(-1)!.sample.offset;
    // The inserted second: cooked time and the receiver's UTC both go back by one.
    b.change(30 - 1e-3, -1, 0, 'leap');
    b.pulse(1, 30);
    b.message(0, 30, 0.13, { utc: fromUnix(START + 29) });
    const after = b.pulses().at(-1)!;
    assert.ok(Math.abs(after.sample.offset - held) < 1e-3, `offset ${after.sample.offset}`);
    assert.equal(rejected(b, 31, 0)['other-second'], undefined);
  });

  it('goes through 23:59:60 of a receiver without a word of contradiction', () => {
    const b = settled();
    const held = b.pulses().at(-1)!.sample.offset;
    b.change(30 - 1e-3, -1, 0, 'leap');
    b.pulse(1, 30);
    b.message(0, 30, 0.13, { leapSecond: true });
    for (let s = 31; s < 50; s++) {
      b.pulse(1, s);
      b.message(0, s, 0.13, { utc: fromUnix(START + s - 1) });
    }
    assert.ok(Math.abs(b.pulses().at(-1)!.sample.offset - held) < 1e-3);
    assert.equal(numbering(b, 50), 'message');
    assert.equal(rejected(b, 50, 0)['other-second'], undefined);
  });

  it('re-based as a step instead, the control, the leap would be a whole second of offset', () => {
    const b = settled();
    const held = b.pulses().at(-1)!.sample.offset;
    b.change(30 - 1e-3, -1, 0, 'step');
    b.pulse(1, 30);
    assert.ok(Math.abs(b.pulses().at(-1)!.sample.offset - held - 1) < 1e-3);
  });

  it('is lost when an undisciplined clock has carried it for too long', () => {
    const b = settled();
    assert.equal(numbering(b, 1200), 'carried');
    assert.equal(numbering(b, 1400), 'none');
    assert.match(reason(b, 1400), /lost/);
  });

  it('is kept far longer by a clock whose error is known', () => {
    const b = settled();
    b.synchronised = true;
    b.rootDistance = 0.05;
    assert.equal(numbering(b, 86400), 'carried');
    b.rootDistance = 0.3;
    assert.equal(numbering(b, 86400), 'none');
  });
});

describe('a receiver', () => {
  it('without a fix gives no samples, and its pulses end a moment later', () => {
    const b = Bench.of([NMEA, PPS]);
    b.seconds(0, 20, 0.13);
    const before = b.out.length;
    for (let s = 20; s < 40; s++) {
      b.pulse(1, s);
      b.message(0, s, 0.13, { valid: false });
    }
    assert.equal(b.out.length - before, 8);
    assert.ok(b.out.slice(before).every((m) => m.pulse));
    assert.equal(rejected(b, 40, 0)['no-fix'], 20);
    assert.equal(rejected(b, 40)['no-fix'], 12);
    assert.match(reason(b, 40, 0), /no fix/);
  });

  it('that has its fix again needs four good ones in a row', () => {
    const b = Bench.of([NMEA, PPS]);
    b.seconds(0, 20, 0.13);
    for (let s = 20; s < 40; s++) b.message(0, s, 0.13, { valid: false });
    const before = b.out.length;
    b.seconds(40, 3, 0.13);
    assert.equal(b.out.length, before);
    b.seconds(43, 2, 0.13);
    assert.equal(b.out.length, before + 3, 'message 43, then pulse and message 44');
  });

  it('that pulses before its first fix is not believed', () => {
    const b = Bench.of([NMEA, PPS]);
    for (let s = 0; s < 20; s++) {
      b.pulse(1, s);
      b.message(0, s, 0.13, { valid: false });
    }
    assert.equal(b.out.length, 0);
  });

  it('that falls silent keeps its pulses for half a minute, then the clock only keeps the number', () => {
    const b = Bench.of([NMEA, PPS]);
    b.seconds(0, 20, 0.13);
    const before = b.out.length;
    b.manager.device(0, { kind: 'down', code: 'ERR_TB_DEVICE_MISSING', reason: 'unplugged' }, b.ctx(19.5));
    for (let s = 20; s < 120; s++) b.pulse(1, s);
    assert.equal(b.out.length - before, 30);
    assert.equal(numbering(b, 120), 'carried');
    const [, fact] = b.manager.takeFacts();
    assert.match(fact!.text, /NMEA device is down: unplugged; the clock carries the number/);
    b.seconds(120, 3, 0.13);
    assert.deepEqual(
      b.out.slice(-4).map((m) => m.pulse),
      [true, false, true, false],
    );
    assert.ok(worst(b, b.pulses()) < 1e-6);
  });

  it('shows what chrony would need as offset', () => {
    const b = Bench.of([NMEA, PPS], WORLD);
    b.seconds(0, 120, 0.213, new Prng(11), 0.008);
    const [nmea] = b.manager.reports(b.ctx(120));
    assert.ok(Math.abs(nmea!.chronyOffset! - 0.213) < 0.004);
    assert.equal(nmea!.latencyMedian, nmea!.chronyOffset);
    assert.ok(Math.abs(nmea!.latencySpread! - 0.008) < 0.004);
    assert.ok(Math.abs(nmea!.serialDelay! - 0.07) < 1e-4);
  });

  it('shows the drift of its latency over the last hour', () => {
    const b = Bench.of([NMEA, PPS], WORLD);
    const rng = new Prng(5);
    for (let s = 0; s < 3600; s++) {
      b.pulse(1, s);
      b.message(0, s, 0.2 + 2e-5 * s + rng.normal() * 0.005);
    }
    const [nmea] = b.manager.reports(b.ctx(3600));
    assert.ok(Math.abs(nmea!.latencyDrift! - 2e-5) < 2e-6, `${nmea!.latencyDrift}`);
  });

  it('is carried over the second when its latency slides past the next pulse', () => {
    const b = Bench.of([NMEA, PPS], WORLD);
    const rng = new Prng(6);
    for (let s = 0; s < 900; s++) {
      if (s > 0) b.pulse(1, s);
      if (s > 0) b.message(0, s - 1, 0.6 + 6e-4 * s + rng.normal() * 0.005);
    }
    assert.ok(b.pulses().length > 890);
    assert.ok(worst(b, b.pulses()) < 1e-5);
    assert.ok(b.manager.reports(b.ctx(900))[0]!.latencyMedian! > 1.05);
  });

  it('goes on alone with the latency it has learned when the pulses stop, however the clock strays', () => {
    const b = Bench.of([NMEA, PPS], { freq: 1e-4 });
    b.seconds(0, 60, 0.3);
    for (let s = 60; s < 1000; s++) b.message(0, s, 0.3);
    const own = b.out.filter((m) => !m.pulse);
    assert.ok(own.length > 980);
    assert.ok(Math.abs(b.errorOf(own.at(-1)!)) < 1e-3);
    const { rootDelay, rootDispersion } = own.at(-1)!.sample;
    assert.ok(rootDelay / 2 + rootDispersion > 0.01, 'and says that the latency may have moved');
  });

  it('agrees with the pulse within its own bound once its latency is learned', () => {
    const b = Bench.of([NMEA, PPS], WORLD);
    b.seconds(0, 300, 0.45, new Prng(2), 0.01);
    const own = b.out.filter((m) => !m.pulse);
    assert.ok(own.length > 250);
    const outside = own.filter((m) => Math.abs(b.errorOf(m)) > m.sample.rootDelay / 2 + m.sample.rootDispersion);
    assert.equal(outside.length, 0);
    const pulse = b.pulses().at(-1)!;
    assert.ok(own.at(-1)!.sigma > 1000 * pulse.sigma, 'weighed by measured noise');
  });

  it('alone is as late as it is, and honest about it', () => {
    const b = Bench.of([NMEA], WORLD);
    for (let s = 0; s < 20; s++) b.message(0, s, 0.4);
    assert.equal(b.out.length, 18);
    for (const m of b.out) {
      assert.ok(Math.abs(b.errorOf(m) + 0.4) < 1e-6);
      assert.ok(m.sample.rootDelay / 2 + m.sample.rootDispersion > 0.4);
    }
  });

  it('alone with the offset given is right, within a tenth', () => {
    const b = Bench.of([{ ...NMEA, offset: 0.4, offsetGiven: true }], WORLD);
    for (let s = 0; s < 20; s++) b.message(0, s, 0.4);
    assert.ok(worst(b) < 1e-6);
    const { rootDelay, rootDispersion } = b.out.at(-1)!.sample;
    assert.ok(rootDelay / 2 + rootDispersion >= 0.1);
  });

  it('alone is not moved by single sentences either', () => {
    const b = Bench.of([NMEA], WORLD);
    for (let s = 0; s < 60; s++) b.message(0, s, 0.1, s % 7 === 6 ? { utc: fromUnix(START + s + 1) } : {});
    assert.ok(worst(b) < 0.11);
  });

  const bad: readonly (readonly [string, Parameters<Bench['message']>[3], string])[] = [
    ['a message without date or time', { utc: undefined }, 'no-time'],
    ['a date before the software was built', { utc: fromUnix(START - 1024 * 7 * 86400) }, 'before-build-date'],
    ['a second between the seconds (faster fix rate)', { utc: fromUnix(START + 5, 200_000_000) }, 'fraction'],
    ['the leap second itself', { leapSecond: true }, 'leap-second'],
    ['the same epoch twice', { utc: fromUnix(START + 4) }, 'repeated'],
    ['a stamp from the future', { burstStart: fromUnix(START + 60) }, 'future'],
    ['a stamp that is old', { burstStart: fromUnix(START - 60) }, 'stale'],
  ];
  for (const [sentence, more, expected] of bad) {
    it(`${sentence} is counted as ${expected} and gives no sample`, () => {
      const b = Bench.of([NMEA, PPS]);
      b.seconds(0, 5, 0.13);
      assert.deepEqual(b.message(0, 5, 0.13, more), []);
      assert.equal(rejected(b, 6, 0)[expected], 1);
    });
  }

  it('that always shows the same fraction numbers the pulses all the same', () => {
    const b = Bench.of([NMEA, PPS], WORLD);
    for (let s = 0; s < 20; s++) {
      b.pulse(1, s);
      b.message(0, s, 0.13, { utc: fromUnix(START + s - 1, 799_000_000) });
    }
    assert.ok(b.pulses().length > 15);
    assert.ok(worst(b, b.pulses()) < 1e-6);
  });

  it('whose burst does not fit between two pulses is told so once', () => {
    const b = Bench.of([{ ...NMEA, driverOptions: { baud: '4800' } }, PPS]);
    for (let s = 0; s < 5; s++) b.message(0, s, 0.13, { bytesToEnd: 500 });
    assert.equal(b.manager.takeFacts().filter((f) => f.name === 'refclock.overrun').length, 1);
    assert.equal(rejected(b, 5, 0)['overrun'], 5);
  });

  it('announces a leap second on its day only', () => {
    const b = Bench.of([NMEA]);
    for (let s = 0; s < 6; s++) b.message(0, s, 0.13, { leapPending: 1 });
    assert.equal(b.out.at(-1)!.sample.leap, 0);
    const newYear = Date.UTC(2026, 11, 31) / 1000 - START;
    for (let s = newYear; s < newYear + 12; s++) b.message(0, s, 0.13, { leapPending: 1 });
    assert.equal(b.out.at(-1)!.sample.leap, 1);
    for (let s = newYear + 20; s < newYear + 24; s++) b.message(0, s, 0.13, { leapPending: -1 });
    assert.equal(b.out.at(-1)!.sample.leap, 2);
  });
});

describe('full samples', () => {
  const shm = options({ driver: 'SHM', parameter: '0', refid: 'SHM' });
  const bad: readonly (readonly [string, (b: Bench) => unknown, string])[] = [
    ['leap 3, not in sync', (b) => b.reading(0, 5, 0, 3), 'bad-leap'],
    ['not a number', (b) => b.reading(0, 5, Number.NaN), 'insane'],
    ['hundreds of years', (b) => b.reading(0, 5, 1e10), 'insane'],
    ['a time before the build', (b) => b.reading(0, 5, -3e6), 'before-build-date'],
    [
      'a stamp older than two polls',
      (b) => b.manager.reading(0, { local: b.raw(-40), offset: 0, error: 0, leap: 0, pulse: false }, b.ctx(5)),
      'stale',
    ],
    [
      'a stamp from the future',
      (b) => b.manager.reading(0, { local: b.raw(6), offset: 0, error: 0, leap: 0, pulse: false }, b.ctx(5)),
      'future',
    ],
    ['the same stamp twice', (b) => [5, 5].map((t) => b.reading(0, t, 0)), 'out-of-order'],
  ];
  for (const [sentence, act, expected] of bad) {
    it(`${sentence}: ${expected}`, () => {
      const b = Bench.of([shm]);
      act(b);
      assert.equal(rejected(b, 6, 0)[expected], 1);
    });
  }

  it('are corrected by the configured offset and by what the cooked clock is ahead', () => {
    const b = Bench.of([{ ...shm, offset: 0.5 }], WORLD);
    b.change(1, -0.25, 0);
    const [m] = b.reading(0, 5, 0);
    assert.ok(Math.abs(b.errorOf(m!) - 0.5) < 1e-6);
    assert.equal(m!.pulse, false);
  });

  it('in TAI need a leap table', () => {
    const tai = { ...shm, tai: true };
    const without = Bench.of([tai]);
    without.reading(0, 5, 37);
    assert.equal(rejected(without, 6, 0)['no-tai-offset'], 1);
    const table = new RefclockManager([tai], 1e-7, FLOOR, (t) => add(t, -37));
    const b = new Bench(table);
    assert.ok(Math.abs(b.errorOf(b.reading(0, 5, 37)[0]!)) < 1e-9);
  });

  it('are filtered a poll; the report of reach is that of arrivals', () => {
    const b = Bench.of([shm]);
    assert.deepEqual(b.manager.poll(0, b.ctx(0)), { reached: false, sample: undefined });
    for (let s = 0; s < 16; s++) b.reading(0, s, s === 3 ? 0.1 : 1e-4);
    const { reached, sample } = b.manager.poll(0, b.ctx(16));
    assert.equal(reached, true);
    assert.ok(Math.abs(sample!.offset - 1e-4) < 1e-8, 'the outlier is not in the middle 60 %');
    assert.deepEqual(b.manager.poll(0, b.ctx(17)), { reached: false, sample: undefined });
    b.reading(0, 18, 0, 3);
    assert.deepEqual(b.manager.poll(0, b.ctx(19)), { reached: true, sample: undefined });
  });

  it('number pulses that are locked to them, as in chrony', () => {
    const b = Bench.of([shm, { ...PPS, lock: 'SHM' }], WORLD);
    for (let s = 0; s < 10; s++) {
      b.pulse(1, s);
      b.reading(0, s + 0.2, 0.15);
    }
    assert.ok(b.pulses().length >= 6);
    assert.ok(worst(b, b.pulses()) < 1e-6);
  });

  it('number the pulse before them, not only the next one', () => {
    const b = Bench.of([shm, { ...PPS, lock: 'SHM' }], WORLD);
    const seen: number[] = [];
    for (let s = 0; s < 5; s++) {
      b.pulse(1, s);
      b.reading(0, s + 0.2, 0.15);
      seen.push(b.pulses().length);
    }
    // Three samples number the third pulse at once.
    assert.deepEqual(seen, [0, 0, 1, 2, 3]);
    assert.ok(worst(b, b.pulses()) < 1e-6);
  });

  it('that are more than 0.4 s off do not', () => {
    const b = Bench.of([shm, { ...PPS, lock: 'SHM' }], WORLD);
    for (let s = 0; s < 10; s++) {
      b.pulse(1, s);
      b.reading(0, s + 0.2, 0.45);
    }
    assert.equal(b.pulses().length, 0);
    assert.ok(rejected(b, 10)['lock-distance']! > 5);
  });

  it('older than maxlockage pulses do not number', () => {
    const b = Bench.of([shm, { ...PPS, lock: 'SHM' }], WORLD);
    for (let s = 0; s < 40; s++) {
      if (s % 8 === 0) b.reading(0, s, 0);
      else if (s % 8 === 4 || s % 8 === 5) b.pulse(1, s);
    }
    assert.equal(b.pulses().length, 0);
    assert.ok(rejected(b, 40)['lock-age']! > 5);
  });

  it('a whole second off for once do not move pulses that are numbered (chrony would follow)', () => {
    const b = Bench.of([shm, { ...PPS, lock: 'SHM' }], WORLD);
    for (let s = 0; s < 40; s++) {
      b.pulse(1, s);
      b.reading(0, s + 0.2, s === 20 ? 1 : 0);
    }
    assert.ok(b.pulses().length > 30);
    assert.ok(worst(b, b.pulses()) < 1e-6);
  });
});

describe('bounds', () => {
  it('reasons from outside cannot fill the memory', () => {
    const b = Bench.of([NMEA]);
    for (let i = 0; i < 10000; i++) b.manager.rejected(0, `odd ${i}`, 1);
    const counts = rejected(b, 1, 0);
    assert.ok(Object.keys(counts).length < 60);
    assert.equal(
      Object.values(counts).reduce((a, c) => a + c, 0),
      10000,
    );
  });

  it('facts that nobody takes are bounded', () => {
    const b = Bench.of([NMEA, PPS]);
    for (let i = 0; i < 10000; i++) {
      b.manager.device(
        0,
        { kind: i % 2 === 0 ? 'down' : 'up', code: 'ERR_TB_DEVICE_MISSING', reason: 'gone' },
        b.ctx(i),
      );
    }
    assert.ok(b.manager.takeFacts().length <= 64);
    assert.equal(b.manager.takeFacts().length, 0);
  });

  it('messages for a clock that reads none, and pulses at instant 0, are harmless', () => {
    const b = Bench.of([PPS]);
    assert.deepEqual(b.message(0, 1, 0.1), []);
    const edge = { edge: 'assert' as const, time: instant(0n), sequence: 1, missed: 0 };
    assert.deepEqual(b.manager.pulse(0, edge, b.ctx(1)), []);
  });
});

describe('poll interval', () => {
  it('is the one configured', () => {
    assert.equal(Bench.of([{ ...NMEA, poll: 2 }]).manager.pollInterval(0), 2);
  });
});
