import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addMono, fromUnix, mono } from '../../../src/base/time.js';
import { SELECTION_DEFAULTS, SOURCE_DEFAULTS } from '../../../src/conf/defaults.js';
import { NO_SERVER } from '../../../src/core/ntp/state.js';
import { SourceSet } from '../../../src/core/sources/sourceset.js';
import { NtpSide } from '../../../src/engine/ntp.js';

const BOOT = mono(1_000_000_000_000n);
const START = fromUnix(1_767_225_600);

/** Instants, s, of the selections in a minute of so many sources that never answer, each asked every second. */
const selections = (count: number): number[] => {
  const seen: number[] = [];
  let t = 0;
  const side = new NtpSide(
    {
      sources: Array.from({ length: count }, (_, i) => {
        return { ...SOURCE_DEFAULTS, name: `198.18.${i >> 8}.${i & 255}`, minpoll: 0, maxpoll: 0 };
      }),
      broadcasts: [],
      refresh: 1000,
      precision: 1e-7,
      seed: [1],
    },
    {
      sources: new SourceSet([], { ...SELECTION_DEFAULTS, authselectmode: 'mix' }, 1e-7, 1e-6),
      cook: (raw) => raw,
      skewPpm: () => 0,
      effect: () => {},
      fact: () => {},
      select: () => seen.push(t),
      use: (m) => m,
      server: () => NO_SERVER,
      served: () => NO_SERVER,
      heard: () => {},
    },
  );
  const at = () => ({ raw: START, mono: addMono(BOOT, t) });
  side.start(at());
  for (; t < 60; t += 0.125) side.due(at());
  return seen;
};

/** The shortest time between two of them. */
const shortest = (times: readonly number[]): number => Math.min(...times.slice(1).map((t, i) => t - times[i]!));

describe('selection among NTP sources', () => {
  it('comes with every news of a few, waits a second for several, and longer in a crowd', () => {
    const few = selections(10);
    assert.ok(shortest(few) < 0.5, `${shortest(few)}`);
    const many = selections(100);
    assert.ok(shortest(many) === 1 && many.length > 50, `${shortest(many)} ${many.length}`);
    const crowd = selections(1000);
    assert.ok(shortest(crowd) === 4 && crowd.length > 10, `${shortest(crowd)} ${crowd.length}`);
  });
});
