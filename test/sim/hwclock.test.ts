/** Stamps of a network card in terms of a system clock that is steered, both with quartzes of their own, for an hour. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../src/base/prng.js';
import { fromUnix, type Instant, instant } from '../../src/base/time.js';
import { HwClock, type PhcBracket, translate } from '../../src/core/hwclock/hwclock.js';
import { KERNEL_ACTUATOR, NO_ACTUATOR, SimClock } from '../../src/sim/clock.js';
import { ModelOscillator } from '../../src/sim/oscillator.js';

const SECONDS = 3600;
const SKIP = 10;

interface Faults {
  /** The daemon tells what it does to the system clock. */
  readonly told: boolean;
  /** All readings alike, or without the slow ones. */
  readonly judged: boolean;
}

/** |errors| of stamps at odd moments between readings, ns, sorted; the verdicts. */
const hour = (seed: number, { told, judged }: Faults) => {
  const rng = new Prng(seed);
  const system = new SimClock(fromUnix(1_800_000_000), 0, KERNEL_ACTUATOR);
  const card = new SimClock(instant(42_000_000_000n), 0, NO_ACTUATOR);
  const quartz = new ModelOscillator({ frequency: 12e-6, wander: 1e-9 }, new Prng(seed + 1));
  const crystal = new ModelOscillator(
    { frequency: -31e-6, wander: 1e-9, temperature: { amplitude: 3e-7, period: 900 } },
    new Prng(seed + 2),
  );
  const clock = new HwClock({ minSamples: 2, maxSamples: 16, precision: 100e-9 });
  const errors: number[] = [];
  const verdicts = new Map<string, number>();
  let freq = 0;
  const at = (t: number): void => {
    system.advance(t);
    card.advance(t);
  };
  const readings = (slow: boolean): PhcBracket[] => {
    const n = judged ? 25 : 1;
    const t = BigInt(system.realtime());
    const phc = BigInt(card.realtime());
    // There and back over a bus; sometimes the processor is called away in between, after the card has answered.
    return Array.from({ length: n }, () => {
      const [there, back] = [
        900 + 200 * rng.uniform(),
        900 + 400 * rng.uniform() + (slow ? 300_000 * rng.uniform() : 0),
      ];
      return { before: t - BigInt(Math.round(there)), phc, after: t + BigInt(Math.round(back)) };
    });
  };
  for (let k = 0; k < SECONDS; k++) {
    at(k);
    system.setOscillator(quartz.next(k));
    card.setOscillator(crystal.next(k));
    const verdict = clock.add(readings(rng.uniform() < 0.05));
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    // Steered now and then, by up to 0.2 ppm; after half an hour an offset is slewed away at 50 ppm.
    at(k + 0.3);
    const want = k === 1800 ? 50e-6 : k === 1810 ? 0 : rng.uniform() < 0.5 ? (rng.uniform() - 0.5) * 4e-7 : undefined;
    if (want !== undefined && (k <= 1800 || k >= 1810)) {
      const raw: Instant = system.realtime();
      const set = system.setFrequency(want);
      if (told) clock.slewed(raw, set - freq);
      freq = set;
    }
    at(k + 0.3 + 0.6 * rng.uniform());
    const mapping = clock.mapping();
    if (mapping === undefined || k < SKIP) continue;
    errors.push(Math.abs(Number(translate(mapping, card.realtime()) - system.realtime())));
  }
  return { errors: errors.sort((a, b) => a - b), verdicts };
};

const p = (errors: readonly number[], share: number): number => errors[Math.floor(share * (errors.length - 1))]!;

describe('the clock of a network card beside a steered clock', () => {
  for (const seed of [1, 2, 3]) {
    it(`seed ${seed}: a stamp is right within 150 ns, 99 times in a hundred; no jump is seen where there is none`, () => {
      const { errors, verdicts } = hour(seed, { told: true, judged: true });
      assert.ok(errors.length > SECONDS * 0.99);
      assert.ok(
        p(errors, 0.5) < 80 && p(errors, 0.99) < 150 && errors.at(-1)! < 1000,
        `${p(errors, 0.5)} ${p(errors, 0.99)} ${errors.at(-1)}`,
      );
      assert.equal(verdicts.get('reset'), undefined);
      assert.ok(verdicts.get('slow')! > 20);
    });
  }

  it('not told what is done to the system clock it is measurably worse', () => {
    const [good, bad] = [true, false].map((told) => hour(1, { told, judged: true }).errors);
    assert.ok(p(bad!, 0.99) > 3 * p(good!, 0.99), `${p(good!, 0.99)} ${p(bad!, 0.99)}`);
    assert.ok(bad!.at(-1)! > 10_000);
  });

  it('with one reading at a time, too', () => {
    const [good, bad] = [true, false].map((judged) => hour(1, { told: true, judged }).errors);
    assert.ok(p(bad!, 0.5) > p(good!, 0.5), `${p(good!, 0.5)} ${p(bad!, 0.5)}`);
  });
});
