import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import { KalmanBank } from '../../../../src/core/discipline/bank.js';

const WANDER = 5e-10;
const QUIET = 1e-6;
const LOUD = 18e-6;

/** A clock whose frequency walks, measured once a second with noise `sigma`; the bank's estimate is taken into it, as the discipline does. */
class Bench {
  readonly bank = new KalmanBank(1e-7);
  private readonly rng: Prng;
  private x = 0;
  private f = 0;
  private seen = 0;

  constructor(seed: number) {
    this.rng = new Prng(seed);
  }

  run(n: number, sigma: number): void {
    const { bank, rng } = this;
    for (let k = 0; k < n; k++) {
      this.f += WANDER * rng.normal();
      this.x += this.f;
      bank.advance(1, true);
      bank.innovation(this.x + sigma * rng.normal(), 1, QUIET);
      // The first two set phase and frequency.
      bank.absorb(this.seen++ >= 2);
      const { x, f } = bank.belief;
      this.x -= x;
      this.f -= f;
      bank.shift(x, f);
    }
  }
}

const decades = (a: number, b: number): number => Math.abs(Math.log10(a / b));

describe('bank of filters, when the noise of the source changes', () => {
  for (const seed of [1, 2, 3]) {
    it(`the oscillator is the one it was, seed ${seed}`, () => {
      const bench = new Bench(seed);
      bench.run(3000, QUIET);
      const before = bench.bank.belief.wander;
      assert.ok(decades(before, WANDER) < 0.4, `${before}`);
      bench.bank.relearn(LOUD);
      assert.ok(decades(bench.bank.belief.wander, WANDER) < 0.6, `${bench.bank.belief.wander}`);
      bench.run(300, LOUD);
      assert.ok(decades(bench.bank.belief.sigma, LOUD) < 0.1, `${bench.bank.belief.sigma}`);
      assert.ok(decades(bench.bank.belief.wander, WANDER) < 0.7, `${bench.bank.belief.wander}`);
      bench.bank.quieten(QUIET);
      bench.run(60, QUIET);
      assert.ok(decades(bench.bank.belief.wander, WANDER) < 0.7, `${bench.bank.belief.wander}`);
    });
  }

  it('negative control: told a wrong size of the noise, it takes the oscillator for another', () => {
    const bench = new Bench(1);
    bench.run(3000, QUIET);
    bench.bank.relearn(LOUD);
    bench.bank.relearn(LOUD * 20);
    bench.run(30, LOUD);
    assert.ok(bench.bank.belief.wander < 0.5 * WANDER, `${bench.bank.belief.wander}`);
  });

  it('a source that has just been met begins anew: nothing was known of the oscillator either', () => {
    const bench = new Bench(2);
    bench.run(20, 100 * QUIET);
    const { fSd } = bench.bank.belief;
    bench.bank.quieten(QUIET);
    assert.ok(bench.bank.belief.fSd >= Math.min(1e-7, fSd));
    bench.run(200, QUIET);
    assert.ok(decades(bench.bank.belief.sigma, QUIET) < 0.15, `${bench.bank.belief.sigma}`);
  });
});

describe('bank of filters, when a source claims to be far less noisy than it first said', () => {
  const OFF = 0.1;
  /** What the next measurement is away by, from a source that now claims a tenth of its first noise. */
  const surprise = (bank: KalmanBank, away: number): number => {
    bank.advance(1, true);
    return bank.innovation(bank.belief.x + away, 1, 0.1 * QUIET).error;
  };

  it('as one just met: begins anew with a measurement that fits', () => {
    const bench = new Bench(1);
    bench.run(10, QUIET);
    assert.ok(Math.abs(surprise(bench.bank, QUIET)) < 1e-15);
    assert.ok(bench.bank.belief.sigma < 0.2 * QUIET, `${bench.bank.belief.sigma}`);
  });

  it('… but not with one that is away from all before', () => {
    const bench = new Bench(1);
    bench.run(10, QUIET);
    assert.ok(Math.abs(surprise(bench.bank, OFF) - OFF) < 1e-6);
  });

  for (const away of [QUIET, OFF]) {
    it(`as one whose noise has just changed: the clock is known, and a measurement is judged by it, ${away} s`, () => {
      const bench = new Bench(1);
      bench.run(3000, QUIET);
      bench.bank.relearn(LOUD);
      bench.run(300, LOUD);
      bench.bank.quieten(QUIET);
      bench.run(10, QUIET);
      assert.ok(Math.abs(surprise(bench.bank, away) - away) < 1e-9 + 1e-3 * away);
    });
  }
});
