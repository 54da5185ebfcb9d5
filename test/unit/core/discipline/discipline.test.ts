import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import { add, fromUnix } from '../../../../src/base/time.js';
import { KalmanBank } from '../../../../src/core/discipline/bank.js';
import { Discipline } from '../../../../src/core/discipline/discipline.js';
import { makeTrace, median, OPTIONS, rms, runTrace, settled, type World } from '../../../support/traces.js';

const S1: World = { rows: 4000, sigma: 1e-6, q: 1e-9 };
const START = fromUnix(1_800_000_000);
const micro = (x: number): number => x * 1e6;

describe('discipline on traces made here', () => {
  it('reaches what theory allows at two noise levels, nothing configured', () => {
    // Steady-state a-priori rms of the optimal filter: 213.9 ns and 64.9 ns; frequency-only steering adds 2…4 %.
    const figures = (sigma: number): number =>
      median([1, 2, 3].map((seed) => rms(runTrace(makeTrace({ ...S1, sigma }, seed)).errors, 1000, 4000)));
    const noisy = figures(1e-6);
    const quiet = figures(2e-7);
    assert.ok(noisy < 1.2 * 213.9e-9, `${noisy}`);
    assert.ok(quiet < 1.2 * 64.9e-9, `${quiet}`);
  });

  it('a wrong claim of the source costs nothing in the long run', () => {
    for (const sigma of [1e-9, 1e-4]) {
      const run = runTrace(makeTrace(S1, 4), { sigma });
      assert.ok(rms(run.errors, 1000, 4000) < 270e-9, `claimed ${sigma}: ${rms(run.errors, 1000, 4000)}`);
    }
  });

  it('cold start: 50 ms and 20 ppm off, within 1 us after a few pulses', () => {
    for (const seed of [1, 2, 3]) {
      const trace = makeTrace({ rows: 300, sigma: 2e-7, q: 1e-9, initialOffset: 0.05, initialFreq: 2e-5 }, seed);
      const second = settled(trace, runTrace(trace).errors, 1e-6);
      assert.ok(second <= 6, `${second} s`);
    }
  });

  it('refuses outliers; without the gate they ruin the clock (negative control)', () => {
    const trace = makeTrace({ ...S1, outliers: 0.02, missing: 0.05 }, 5);
    const gated = runTrace(trace);
    assert.ok(gated.refused > 40, `${gated.refused}`);
    assert.ok(rms(gated.errors, 1000, 4000) < 280e-9);
    const bank = new KalmanBank(1e-4);
    let squares = 0;
    let free = trace.initialOffset;
    let corrected = 0;
    for (let i = 0; i < 4000; i++) {
      if (i >= 1000) squares += (free - corrected) ** 2;
      const noise = trace.pulse[i]!;
      bank.advance(1, true);
      if (!Number.isNaN(noise)) {
        bank.innovation(-(free + noise), 0, 1e-6);
        bank.absorb(i > 2);
      }
      corrected = -bank.belief.x - bank.belief.f;
      free += trace.freq[i]!;
    }
    assert.ok(Math.sqrt(squares / 3000) > 1e-6, 'ungated');
  });

  it('every fifth pulse 1 ms off: still follows', () => {
    const run = runTrace(makeTrace({ ...S1, outliers: 0.2 }, 6));
    assert.ok(rms(run.errors, 1000, 4000) < 400e-9, `${rms(run.errors, 1000, 4000)}`);
  });

  it('a train 10 ms off for an hour is not followed, and says that it is in doubt', () => {
    const wrong = (k: number): number => (k > 2000 && k <= 5600 ? 0.01 : 0);
    const trace = makeTrace({ ...S1, rows: 6000, extraPulse: wrong }, 7);
    const run = runTrace(trace);
    const worst = Math.max(...run.errors.slice(2000, 5600).map(Math.abs));
    assert.ok(worst < 1e-3, `${worst}`);
    assert.equal(run.modes[3000], 'holdover');
    assert.ok(run.bounds[3000]! > 0.01);
    assert.ok(rms(run.errors, 5620, 6000) < 400e-9, 'back at once');
  });

  it('how long it waits for a train to come back depends on how long that was right before', () => {
    const wrong = (until: number) => makeTrace({ ...S1, rows: 2000, extraPulse: (k) => (k <= until ? 5e-3 : 0) }, 7);
    const short = runTrace(wrong(20));
    assert.ok(Math.abs(short.errors[500]!) > 4e-3 && short.bounds[500]! > 4e-3, 'ten minutes of doubt, and it says so');
    assert.ok(Math.abs(short.errors[700]!) < 2e-6, `${short.errors[700]}`);
    const long = runTrace(wrong(400));
    assert.ok(Math.abs(long.errors[1500]!) > 4e-3 && long.bounds[1500]! > 4e-3, 'negative control');
    assert.ok(Math.abs(long.errors[1700]!) < 2e-6, `${long.errors[1700]}`);
  });

  it('a frequency jump of 1 ppm is caught within seconds', () => {
    for (const sigma of [2e-7, 1e-6]) {
      const run = runTrace(makeTrace({ ...S1, sigma, extraFreq: (k) => (k > 2000 ? 1e-6 : 0) }, 8));
      const worst = Math.max(...run.errors.slice(2000, 2100).map(Math.abs));
      assert.ok(worst < 30e-6, `${worst}`);
      assert.ok(rms(run.errors, 2060, 4000) < 500e-9, `${rms(run.errors, 2060, 4000)}`);
    }
  });

  it('a source that becomes a hundred times as noisy is followed again', () => {
    const rng = new Prng(33);
    const noise = new Float64Array(4001).map((_, k) => (k > 1500 ? 1e-4 * rng.normal() : 0));
    const run = runTrace(makeTrace({ ...S1, extraPulse: (k) => noise[k]! }, 33));
    assert.equal(run.modes.at(-1), 'tracking');
    assert.ok(run.discipline.belief.sigma > 3e-5, `${run.discipline.belief.sigma}`);
    assert.ok(rms(run.errors, 2000, 4000) < 30e-6, `${rms(run.errors, 2000, 4000)}`);
  });

  it('a burst of late pulses passes without a trace', () => {
    const rng = new Prng(34);
    const burst = new Float64Array(4001).map((_, k) => (k > 2000 && k < 2040 ? 50e-6 * rng.exponential() : 0));
    const run = runTrace(makeTrace({ ...S1, sigma: 2e-7, extraPulse: (k) => burst[k]! }, 34));
    assert.ok(rms(run.errors, 2060, 4000) < 100e-9, `${rms(run.errors, 2060, 4000)}`);
  });

  it('learns a drift: a sine of 1 ppm an hour', () => {
    const run = runTrace(makeTrace({ ...S1, rows: 6000, sine: { amplitude: 1e-6, period: 3600 } }, 9));
    assert.ok(rms(run.errors, 2400, 6000) < 320e-9, `${rms(run.errors, 2400, 6000)}`);
  });

  it('one measurement every 16 s', () => {
    const run = runTrace(makeTrace({ ...S1, rows: 16_000 }, 10), { every: 16 });
    // Steady state for L = q·T^1.5/sigma: the filter at T = 16 s leaves about 0.45 us.
    assert.ok(rms(run.cooked, 4000, 16_000) < 0.65e-6, `${rms(run.cooked, 4000, 16_000)}`);
    assert.equal(run.modes.at(-1), 'tracking');
  });

  it('holdover: the bound holds, grows, and the pulses are taken up at once when they return', () => {
    for (const seed of [1, 2, 3, 4]) {
      const trace = makeTrace({ ...S1, rows: 5000, lost: [3001, 4800] }, seed);
      const run = runTrace(trace);
      assert.equal(run.modes[4000], 'holdover');
      for (let k = 3001; k < 4800; k++) assert.ok(Math.abs(run.cooked[k]!) < run.bounds[k]!, `${k}`);
      assert.ok(run.bounds[4799]! > 20 * run.bounds[3000]!);
      assert.ok(Math.abs(run.errors[4803]!) < 5e-6, `${run.errors[4803]}`);
    }
  });
});

describe('honest bound', () => {
  it('holds 99.9 % of the time and is not lazy', () => {
    let outside = 0;
    let all = 0;
    for (const seed of [11, 12, 13, 14]) {
      const run = runTrace(makeTrace({ ...S1, rows: 14_400 }, seed));
      for (let k = 3; k < 14_400; k++) if (Math.abs(run.cooked[k]!) > run.bounds[k]!) outside++;
      all += 14_397;
      const half = median([...run.bounds.slice(1000)]);
      const error = rms(run.cooked, 1000, 14_400);
      assert.ok(half < 6 * error, `${half} for ${error}`);
    }
    assert.ok(outside / all < 0.002, `${outside} of ${all}`);
  });

  /** The bound after each of eight pulses 1 us apart, whose source claims `claim` from the sixth on. */
  const withClaim = (claim: number): number[] => {
    const discipline = new Discipline(OPTIONS, undefined);
    return [0, 1, -1, 0, 1, -1, 0, 1].map((us, i) => {
      const time = add(START, i);
      discipline.measure({ time, offset: us * 1e-6, sigma: i < 5 ? 1e-5 : claim, source: 0 });
      return discipline.bound(time).halfWidth;
    });
  };

  it('a claim of little noise, from five pulses that happened to lie close, is no knowledge yet', () => {
    const [, , , , before, first, second, third] = withClaim(1e-7);
    assert.ok(before! < 1e-3, `${before}`);
    assert.ok(first! > 1e-3 && second! > 1e-3, `${first} ${second}`);
    assert.ok(third! < 1e-2, `${third}`);
  });

  it('negative control: without such a claim the bound shrinks from the third pulse on', () => {
    const bounds = withClaim(1e-5);
    for (const [i, bound] of bounds.entries()) assert.ok(i < 2 || bound < 1e-3, `${i}: ${bound}`);
  });

  it('before the first measurement nothing is known', () => {
    const discipline = new Discipline(OPTIONS, undefined);
    assert.equal(discipline.bound(START).halfWidth, 1);
    assert.equal(discipline.mode, 'reset');
    discipline.hold(START);
    assert.equal(discipline.mode, 'reset');
  });
});

describe('corrections', () => {
  /** One measurement a second of the cooked clock, which moves by what is applied. */
  const feed = (discipline: Discipline, offsets: number[], apply = true) => {
    let moved = 0;
    return offsets.map((offset, i) => {
      const time = add(START, i + moved);
      const c = discipline.measure({ time, offset, sigma: 1e-6, source: 0 });
      if (!apply || !c.accepted) return c;
      discipline.rebase({ at: time, doffset: c.doffset, dfreq: c.dfreq, kind: 'adjust' });
      moved += c.doffset;
      return c;
    });
  };

  it('the first is the whole offset, the second brings the frequency', () => {
    const [first, second] = feed(new Discipline(OPTIONS, undefined), [0.05, 20e-6]);
    assert.ok(Math.abs(first!.doffset - 0.05) < 1e-6);
    assert.equal(first!.step, true);
    assert.equal(first!.dfreq, 0);
    assert.ok(Math.abs(second!.dfreq - 20e-6) < 1e-6, `${micro(second!.dfreq)} ppm`);
  });

  it('a drift file is believed as far as its skew says', () => {
    const known = new Discipline(OPTIONS, { freq: 20e-6, skew: 1e-9 });
    const [, second] = feed(known, [0.05, 20e-6]);
    assert.ok(Math.abs(second!.dfreq) < 1e-6, 'a pulse against a known frequency is noise');
  });

  it('a claim of 100 us that turns into 100 ns does not make it timid for minutes', () => {
    const discipline = new Discipline(OPTIONS, undefined);
    const rng = new Prng(35);
    let error = 0.05;
    let rate = 20e-6;
    let moved = 0;
    for (let i = 0; i < 12; i++) {
      const time = add(START, i + moved);
      const sigma = i < 5 ? 1e-4 : 1e-7;
      const c = discipline.measure({ time, offset: error + 1e-7 * rng.normal(), sigma, source: 0 });
      assert.ok(c.accepted, `${i}: ${c.reason}`);
      discipline.rebase({ at: time, doffset: c.doffset, dfreq: c.dfreq, kind: 'adjust' });
      moved += c.doffset;
      rate -= c.dfreq;
      error += rate - c.doffset;
    }
    assert.ok(Math.abs(rate) < 0.1e-6, `${micro(rate)} ppm left`);
  });

  it('what is not applied comes again', () => {
    const discipline = new Discipline(OPTIONS, undefined);
    const [first] = feed(discipline, [1e-3], false);
    const second = discipline.measure({ time: add(START, 1), offset: 1e-3, sigma: 1e-6, source: 0 });
    assert.ok(Math.abs(first!.doffset - 1e-3) < 1e-6);
    assert.ok(Math.abs(second.doffset - 1e-3) < 5e-6);
  });

  it('a measurement that is not newer is refused', () => {
    const discipline = new Discipline(OPTIONS, undefined);
    feed(discipline, [0, 0, 0]);
    assert.equal(discipline.measure({ time: add(START, 1), offset: 0, sigma: 1e-6, source: 0 }).accepted, false);
  });

  it('says when the clock was wrong by more than logchange', () => {
    const [first] = feed(new Discipline({ ...OPTIONS, logchange: 0.01 }, undefined), [0.05]);
    assert.deepEqual(
      first!.facts.map((f) => f.text),
      ['System clock wrong by 0.050000 seconds'],
    );
  });

  it('a correction beyond mailchange only is a fact for the mail, not for the log', () => {
    const [first] = feed(new Discipline({ ...OPTIONS, logchange: 1, mailchange: 0.01 }, undefined), [0.05]);
    assert.deepEqual(
      first!.facts.map((f) => [f.name, f.severity]),
      [['discipline.wrong', 'debug']],
    );
  });

  it('maxchange hears of a source that insists on what is not believed', () => {
    const options = { ...OPTIONS, maxchange: { offset: 0.01, start: 0, ignore: 0 } };
    const corrections = feed(new Discipline(options, undefined), [...new Array<number>(60).fill(1e-6), 1, 1, 1, 1, 1]);
    assert.deepEqual(
      corrections.slice(60).map((c) => c.exit?.code),
      [undefined, undefined, undefined, undefined, 1],
    );
  });

  it('maxchange: ignored, then the daemon is to exit', () => {
    const options = { ...OPTIONS, maxchange: { offset: 0.01, start: 0, ignore: 1 } };
    const corrections = feed(new Discipline(options, undefined), [0.05, 0.05]);
    assert.deepEqual(
      corrections.map((c) => [c.accepted, c.exit?.code]),
      [
        [false, undefined],
        [false, 1],
      ],
    );
    assert.match(corrections[1]!.facts[0]!.text, /exceeds the allowed maximum of 0.010 seconds \(exiting\)/);
  });

  it('maxdrift clamps the whole frequency', () => {
    const options = { ...OPTIONS, maxdriftPpm: 10 };
    const [, second] = feed(new Discipline(options, undefined), [0, 20e-6]);
    assert.ok(Math.abs(second!.dfreq - 10e-6) < 1e-12);
  });

  it('an unknown change of the clock voids the phase: the next measurement is taken as it comes', () => {
    const discipline = new Discipline(OPTIONS, undefined);
    feed(discipline, new Array<number>(50).fill(0));
    discipline.rebase({ at: add(START, 50), doffset: 0, dfreq: 0, kind: 'unknown' });
    assert.equal(discipline.mode, 'reset');
    const c = discipline.measure({ time: add(START, 60), offset: -3, sigma: 1e-6, source: 0 });
    assert.ok(c.accepted && Math.abs(c.doffset + 3) < 1e-4);
  });

  it('another source with another noise takes over without a jump', () => {
    const discipline = new Discipline(OPTIONS, undefined);
    feed(
      discipline,
      Array.from({ length: 200 }, (_, i) => (i % 2 ? 1e-6 : -1e-6)),
    );
    const before = discipline.belief;
    const c = discipline.measure({ time: add(START, 200), offset: 0.01, sigma: 0.01, source: 1 });
    assert.ok(c.accepted);
    assert.ok(Math.abs(c.doffset) < 1e-6, `10 ms of noise move the clock by ${micro(c.doffset)} us`);
    assert.ok(Math.abs(Math.log2(discipline.belief.wander / before.wander)) < 2, 'the wander is the same oscillator');
    const back = discipline.measure({ time: add(START, 201), offset: 0, sigma: 1e-6, source: 0 });
    assert.ok(back.accepted && Math.abs(back.doffset) < 1e-6);
    assert.ok(discipline.belief.sigma < 3e-6);
  });
});
