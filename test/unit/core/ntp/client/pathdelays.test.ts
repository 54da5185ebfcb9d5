import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../../src/base/prng.js';
import type { Seconds } from '../../../../../src/base/units.js';
import { DelayModel, type DelayVerdict } from '../../../../../src/core/ntp/client/delay.js';
import { LEARNED_ASYMMETRY } from '../../../../../src/core/ntp/client/options.js';
import { PathDelays } from '../../../../../src/core/ntp/client/pathdelays.js';

type Take = (first: boolean, offset: Seconds, delay: Seconds) => DelayVerdict;

/** One exchange by the kernel's stamps, 4 µs shorter, then a hundred by the card's; what the last ones are corrected by, s. */
const correction = (take: Take): Seconds => {
  const rng = new Prng(5);
  take(true, 0, 6e-6);
  let sum = 0;
  for (let i = 0; i < 100; i++) {
    const [up, down] = [40e-9 * rng.exponential(), 20e-9 * rng.exponential()];
    const { bias } = take(false, (up - down) / 2, 10e-6 + up + down);
    if (i >= 50) sum += bias / 50;
  }
  return sum;
};

describe('path delays', () => {
  it('exchanges with other stamps do not count as shorter ways', () => {
    const paths = new PathDelays(LEARNED_ASYMMETRY, 0);
    const apart = correction((first, offset, delay) => {
      const kind = first ? 'kernel' : 'hardware';
      return paths.select(kind, kind, true).take(offset, delay, 1e-9);
    });
    assert.ok(apart > 0 && apart < 25e-9, `${apart}`);
    const model = new DelayModel(LEARNED_ASYMMETRY, 0);
    const together = correction((_, offset, delay) => model.take(offset, delay, 1e-9));
    assert.ok(Math.abs(together) > 100e-9, `control: ${together}`);
  });

  it('are asked for the kind that came last, and all are void on another network', () => {
    const paths = new PathDelays(LEARNED_ASYMMETRY, 0);
    assert.equal(paths.minimum, undefined);
    paths.select('kernel', 'kernel', false).take(0, 9e-6, 1e-9);
    paths.select('kernel', 'kernel', true).take(0, 5e-6, 1e-9);
    assert.equal(paths.minimum, 5e-6);
    paths.select('kernel', 'kernel', false);
    assert.equal(paths.minimum, 9e-6);
    paths.restart(true);
    assert.deepEqual([paths.minimum, paths.select('kernel', 'kernel', true).minimum], [undefined, undefined]);
  });
});
