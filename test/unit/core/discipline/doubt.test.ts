import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import { Doubt } from '../../../../src/core/discipline/doubt.js';

const SIGMA = 1e-6;

/** Feeds innovations; returns the kinds of what was found, with the index of each. */
const feed = (doubt: Doubt, n: number, error: (i: number) => number): string[] => {
  const found: string[] = [];
  for (let i = 0; i < n; i++) {
    const { kind } = doubt.add(error(i), SIGMA, SIGMA, 1);
    if (kind !== 'nothing') found.push(`${kind} ${i}`);
  }
  return found;
};

const grown = (seed: number): { doubt: Doubt; rng: Prng } => {
  const doubt = new Doubt();
  const rng = new Prng(seed);
  feed(doubt, 1000, () => SIGMA * rng.normal());
  return { doubt, rng };
};

describe('doubt about the covariance', () => {
  it('one or two measurements prove nothing', () => {
    const doubt = new Doubt();
    feed(doubt, 2, () => 0);
    assert.ok(doubt.extra >= 1e-3);
    feed(doubt, 1, () => 0);
    assert.ok(doubt.extra < 1e-6);
  });

  it('hours of white innovations of the foretold size raise no alarm, and widen nothing', () => {
    const { doubt, rng } = grown(1);
    assert.deepEqual(
      feed(doubt, 20_000, () => SIGMA * rng.normal()),
      [],
    );
    assert.ok(doubt.factor < 1.5, `${doubt.factor}`);
  });

  it('a large first innovation stays in the bound for a while', () => {
    const doubt = new Doubt();
    feed(doubt, 4, (i) => (i === 2 ? 1e-3 : 0));
    assert.ok(doubt.extra > 5e-4);
  });

  it('a ramp is a jump of the frequency, told within ten measurements and about as large as it is', () => {
    const { doubt } = grown(2);
    const size = 1e-6;
    for (let i = 1; i <= 10; i++) {
      const finding = doubt.add(i * size, SIGMA, SIGMA, 1);
      if (finding.kind === 'nothing') continue;
      assert.equal(finding.kind, 'jump');
      if (finding.kind === 'jump') assert.ok(finding.by > 0.5e-6 && finding.by < 2e-6, `${finding.by}`);
      return;
    }
    assert.fail('not noticed');
  });

  it('more noise is noise, not a jump, and widens the bound meanwhile', () => {
    const { doubt, rng } = grown(3);
    feed(doubt, 6, () => 10 * SIGMA * rng.normal());
    assert.ok(doubt.factor > 2, `${doubt.factor}`);
    const found = feed(doubt, 30, () => 10 * SIGMA * rng.normal());
    assert.ok(found[0]?.startsWith('noise'), `${found}`);
    assert.ok(!found.some((f) => f.startsWith('jump')), `${found}`);
  });

  it('says how large the new noise is, roughly, grown or shrunk', () => {
    for (let seed = 10; seed < 40; seed++) {
      for (const ratio of [10, 0.05]) {
        const { doubt, rng } = grown(seed);
        let sigma = 0;
        for (let i = 0; i < 100 && sigma === 0; i++) {
          const finding = doubt.add(ratio * SIGMA * rng.normal(), SIGMA, SIGMA, 1);
          if (finding.kind === 'noise' || finding.kind === 'quiet') sigma = finding.sigma;
        }
        const size = sigma / (ratio * SIGMA);
        assert.ok(size > 1 / 4 && size < 3, `seed ${seed}: ${ratio} taken for ${size} times that`);
      }
    }
  });

  it('after a change of the noise the bound stays wider for some hundred measurements', () => {
    const { doubt, rng } = grown(9);
    const before = doubt.factor;
    feed(doubt, 40, () => 10 * SIGMA * rng.normal());
    feed(doubt, 160, () => SIGMA * rng.normal());
    assert.ok(doubt.factor > 1.2 * before, `${doubt.factor}`);
    feed(doubt, 1100, () => SIGMA * rng.normal());
    assert.ok(doubt.factor < 1.15 * before, `${doubt.factor}`);
  });

  it('a source ten times quieter than learned is noticed, also when it is off by a constant', () => {
    const { doubt, rng } = grown(4);
    const found = feed(doubt, 100, () => 0.7 * SIGMA + 0.1 * SIGMA * rng.normal());
    assert.ok(
      found.some((f) => f.startsWith('quiet')),
      `${found}`,
    );
  });

  it('a jump leaves the bound wide for some measurements', () => {
    const { doubt, rng } = grown(5);
    const before = doubt.factor;
    doubt.jumped(1e-6);
    assert.ok(doubt.factor > 5 * before, `${doubt.factor}`);
    feed(doubt, 20, () => SIGMA * rng.normal());
    assert.ok(doubt.factor < 1.6 * before, `${doubt.factor}`);
  });

  it('where many are refused, the bound grows with their scatter; a train that is off by a constant has none', () => {
    const scattered = grown(6);
    const constant = grown(6);
    for (let i = 0; i < 8; i++) {
      scattered.doubt.refused(20 * SIGMA * scattered.rng.normal(), SIGMA, 1);
      constant.doubt.refused(1e4 * SIGMA, SIGMA, 1);
    }
    assert.ok(scattered.doubt.factor > 5, `${scattered.doubt.factor}`);
    for (let i = 0; i < 12; i++) constant.doubt.refused(1e4 * SIGMA, SIGMA, 1);
    assert.ok(constant.doubt.factor < 2, `${constant.doubt.factor}`);
  });

  it('nothing is quieter than the grain of the stamps', () => {
    const doubt = new Doubt();
    const found: string[] = [];
    for (let i = 0; i < 300; i++) {
      const finding = doubt.add(0, 1e-9, 1e-9, 1);
      if (finding.kind === 'quiet') found.push(`${finding.sigma}`);
    }
    assert.deepEqual(found, []);
  });

  it('at the start a claim that is far too large, or a first error taken for noise, is noticed within ten measurements', () => {
    const rng = new Prng(5);
    const found = feed(
      new Doubt(),
      30,
      (i) => (i < 2 ? 20 * SIGMA : 0.3 * SIGMA * 0.8 ** i) + 0.02 * SIGMA * rng.normal(),
    );
    assert.match(found[0] ?? 'nothing', /^quiet ([7-9]|1\d)$/);
  });

  it('noise as claimed hardly ever looks so', () => {
    let wrong = 0;
    for (let seed = 100; seed < 300; seed++) {
      const rng = new Prng(seed);
      wrong += feed(new Doubt(), 200, () => SIGMA * rng.normal()).length;
    }
    assert.ok(wrong <= 4, `${wrong} of 200 starts`);
  });

  it('a source without any noise does not make the noise vanish', () => {
    const doubt = new Doubt();
    for (let i = 0; i < 100; i++) {
      const finding = doubt.add(0, SIGMA, SIGMA, 1);
      if (finding.kind === 'quiet') assert.ok(finding.sigma > 0);
    }
  });

  it('noise that has doubled is in the bound after a minute or two', () => {
    const { doubt, rng } = grown(7);
    let least = Number.POSITIVE_INFINITY;
    feed(doubt, 400, (i) => {
      if (i > 128) least = Math.min(least, doubt.factor);
      return 2 * SIGMA * rng.normal();
    });
    assert.ok(least > 1.4, `${least}`);
  });

  it('refused on both sides, and those that are believed large: noise; late ones come to one side', () => {
    for (const late of [false, true]) {
      const { doubt, rng } = grown(8);
      let found = false;
      for (let i = 0; i < 60 && !found; i++) {
        const error = late ? -50 * SIGMA * rng.exponential() : 8 * SIGMA * rng.normal();
        const finding =
          Math.abs(error) > 6 * SIGMA ? doubt.refused(error, SIGMA, 1) : doubt.add(error, SIGMA, SIGMA, 1);
        found = finding.kind === 'noise';
      }
      assert.equal(found, !late);
    }
  });
});
