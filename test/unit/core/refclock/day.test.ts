import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import { fromUnix } from '../../../../src/base/time.js';
import type { Seconds } from '../../../../src/base/units.js';
import type { Measured } from '../../../../src/core/refclock/manager.js';
import { Bench, NMEA, PPS, START } from './bench.js';

const DAY = 86400;

/** Spans of trouble: kind, begin, end (s). */
type Kind = 'no-fix' | 'silent' | 'no-pulse' | 'dead' | 'other-second' | 'frozen' | 'late';
interface Trouble {
  readonly kind: Kind;
  readonly from: number;
  readonly to: number;
}

const LONGEST: Readonly<Record<Kind, number>> = {
  'no-fix': 600,
  silent: 300,
  'no-pulse': 120,
  dead: 3000,
  'other-second': 8,
  frozen: 60,
  late: 9,
};

const troubles = (rng: Prng, length: number): Trouble[] => {
  const kinds = Object.keys(LONGEST) as Kind[];
  const list: Trouble[] = [];
  // Two troubles of the same kind never meet: nine wrong sentences in a row are promised to be harmless, eighteen not.
  for (let t = 600; t < length; t += 60 + rng.below(400)) {
    const kind = kinds[rng.below(kinds.length)]!;
    const to = t + rng.below(LONGEST[kind]);
    list.push({ kind, from: t, to });
    t = to;
  }
  return list;
};

interface Outcome {
  measured: number;
  pulses: number;
  worstPulse: Seconds;
  worstMessage: Seconds;
  /** Pulses that the nearest-second rule would have put a whole second wrong: what the faults are worth. */
  nearestWrong: number;
}

/** A receiver, a pulse wire and a clock, all of them bad. */
const run = (seed: number, disciplined: boolean, length: number): Outcome => {
  const rng = new Prng(seed);
  const b = Bench.of([NMEA, PPS], { ahead: 3 * rng.normal(), freq: 5e-5 * rng.normal() });
  const plan = troubles(rng.fork('plan'), length);
  const outcome = { measured: 0, pulses: 0, worstPulse: 0, worstMessage: 0, nearestWrong: 0 };
  let next = 0;
  let slow = 0;
  let lastMessage = { at: 0, error: 0 };
  const nearest = (s: number): void => {
    if (s - lastMessage.at < 2 && Math.round(lastMessage.error) !== 0) outcome.nearestWrong++;
  };
  const judge = (t: Seconds, list: readonly Measured[]): void => {
    const errors = list.map((m) => Math.abs(b.errorOf(m)));
    for (const [i, m] of list.entries()) {
      const error = errors[i]!;
      outcome.measured++;
      if (m.pulse) outcome.pulses++;
      if (m.pulse) outcome.worstPulse = Math.max(outcome.worstPulse, error);
      else outcome.worstMessage = Math.max(outcome.worstMessage, error);
      if (m.pulse && disciplined) b.change(t + 1e-3, m.sample.offset * 0.5, 0);
    }
    b.out.length = 0;
  };
  for (let s = 0; s < length; s++) {
    if (s % 16 === 0) {
      const { sample } = b.manager.poll(1, b.ctx(s - 0.2));
      if (sample !== undefined) {
        outcome.worstPulse = Math.max(
          outcome.worstPulse,
          Math.abs(b.errorOf({ source: 1, sample, sigma: 0, pulse: true })),
        );
      }
      b.manager.poll(0, b.ctx(s - 0.2));
    }
    while (next < plan.length && plan[next]!.to < s) next++;
    const trouble = plan[next] !== undefined && plan[next]!.from <= s ? plan[next]!.kind : undefined;
    const dead = trouble === 'dead';
    if (!dead && trouble !== 'no-pulse' && rng.uniform() > 2e-3) {
      const wild = rng.uniform() < 1e-3 ? rng.exponential() * 5e-3 : 0;
      nearest(s);
      judge(s, b.pulse(1, s, rng.normal() * 2e-6 + wild));
      if (rng.uniform() < 1e-3) judge(s, b.pulse(1, s + 0.1));
    }
    // Slow wander of the latency between 0.25 and 0.55 s, jitter 8 ms.
    slow = 0.4 + 0.15 * Math.sin(s / 4000);
    let latency = slow + 0.008 * rng.normal();
    let second = s;
    if (trouble === 'late' || rng.uniform() < 1e-3) latency = 1 + 0.4 * rng.uniform();
    if (trouble === 'other-second' || rng.uniform() < 1e-3) second = s + (trouble === undefined ? rng.below(7) - 3 : 1);
    if (trouble === 'frozen') second = plan[next]!.from;
    const lost = rng.uniform() < 3e-3;
    if (!dead && trouble !== 'silent' && !lost && latency < 1) {
      if (trouble !== 'no-fix') lastMessage = { at: s + latency, error: second - s + 0.4 - latency };
      judge(s, b.message(0, s, latency, { utc: fromUnix(START + second), valid: trouble !== 'no-fix' }));
    } else if (latency >= 1 && !dead && trouble !== 'silent') {
      // It comes after the next pulse; the messages of that second are lost behind it.
      const late = s;
      if (s + 1 < length) judge(s + 1, b.pulse(1, s + 1, rng.normal() * 2e-6));
      lastMessage = { at: s + latency, error: 0.4 - latency };
      judge(s + 1, b.message(0, late, latency));
      s++;
    }
    if (rng.uniform() < 1e-3) judge(s, b.pulse(1, s + 0.3 + 0.6 * rng.uniform()));
    if (rng.uniform() < 5e-5) b.jump(s + 0.95, 100 * rng.normal());
  }
  return outcome;
};

describe('faults of all kinds', () => {
  const cases = [
    ['a day on a free-running clock', 1, false, DAY],
    ['six hours on a clock that follows the pulses', 2, true, DAY / 4],
  ] as const;
  for (const [sentence, seed, disciplined, length] of cases) {
    it(`${sentence}: no measurement is off by a second`, () => {
      const o = run(seed, disciplined, length);
      assert.ok(o.pulses > 0.4 * length, `${o.pulses} pulses of ${o.measured} measurements`);
      assert.ok(o.worstPulse < 2e-3, `worst pulse ${o.worstPulse}`);
      assert.ok(o.worstMessage < 0.2, `worst message ${o.worstMessage}`);
      assert.ok(o.nearestWrong > 100, `the control, nearest second, is wrong only ${o.nearestWrong} times`);
    });
  }
});
