import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Runtime, type RuntimeParts } from '../../../src/app/daemon/runtime.js';
import { instant, type Mono, mono } from '../../../src/base/time.js';
import type { Effect, Event, Now } from '../../../src/engine/events.js';

const START = 1_800_000_000_000_000_000n;
const BOOT = 5_000_000_000n;
/** A reading of the clock after the call: another thread had its turn meanwhile. */
const PREEMPTED = 40_000_000n;

/** A machine that needs `late[i]` ns to set the i-th frequency, and an engine that wants `wanted[i]` at its i-th event. */
const setup = (late: readonly bigint[], wanted: readonly (readonly [freq: number, change: number])[], tells = true) => {
  const told: Event[] = [];
  let ticks = BOOT;
  let sets = 0;
  let at: Mono | undefined;
  const clock = {
    realtime: () => instant(START + ticks - BOOT),
    monotonic: () => mono(ticks),
    boottime: () => mono(ticks),
    monotonicRaw: () => mono(ticks),
    free: () => ({ raw: mono(ticks), mono: mono(ticks) }),
    pair: (): Now => ({ raw: instant(START + ticks - BOOT), mono: mono(ticks) }),
  };
  let inForce = wanted[0]![0] - wanted[0]![1];
  const actuator = {
    readFrequency: (): number => inForce,
    setFrequency: (freq: number): number => {
      inForce = freq;
      at = mono(ticks + late[sets++]!);
      ticks += PREEMPTED;
      return freq;
    },
    get frequencyAt(): Mono | undefined {
      return tells ? at : undefined;
    },
  };
  const engine = {
    handle: (event: Event): Effect[] => {
      const want = wanted[told.length];
      told.push(event);
      return want === undefined ? [] : [{ kind: 'set-frequency', freq: want[0], change: want[1] }];
    },
  };
  const facts: string[] = [];
  const observer = { fact: ({ name }: { name: string }): number => facts.push(name) };
  const parts = { engine, clock, actuator, observer, after: (): void => {} } as unknown as RuntimeParts;
  const runtime = new Runtime(parts);
  const meddle = (freq: number, afterS: number): void => {
    ticks += BigInt(afterS) * 1_000_000_000n;
    inForce = freq;
  };
  const offsets = (): (number | string)[] => told.map((e) => (e.kind === 'frequency-late' ? e.offset : e.kind));
  return { runtime, offsets, facts, meddle };
};

const near = (got: number | string | undefined, want: number): void => {
  assert.ok(typeof got === 'number' && Math.abs(got - want) < 1e-15, `${got} instead of ${want}`);
};

describe('Runtime: a frequency that takes effect late', () => {
  it('is told by the moment the kernel names, at the old rate', () => {
    const { runtime, offsets } = setup([65_000_000n], [[0.01 - 3e-3, -3e-3]]);
    runtime.dispatch({ kind: 'tick' });
    const [first, second, ...more] = offsets();
    assert.equal(first, 'tick');
    near(second, (3e-3 / 1.01) * 0.065);
    assert.deepEqual(more, []);
  });

  it('counts from what the kernel ran at, whatever the engine takes that to be', () => {
    const { runtime, offsets } = setup([65_000_000n], [[-80e-6, 0]]);
    runtime.dispatch({ kind: 'tick' });
    assert.deepEqual(offsets(), ['tick'], 'the daemon before has left the same');
  });

  it('by a reading afterwards where nothing names it', () => {
    const { runtime, offsets } = setup([65_000_000n], [[-3e-3, -3e-3]], false);
    runtime.dispatch({ kind: 'tick' });
    near(offsets()[1], 3e-3 * 0.04);
  });

  it('what telling changes is late again, and told', () => {
    const { runtime, offsets } = setup(
      [65_000_000n, 2_000_000n],
      [
        [-3e-3, -3e-3],
        [-3.2e-3, -0.2e-3],
      ],
    );
    runtime.dispatch({ kind: 'tick' });
    const [, , again, ...more] = offsets();
    near(again, (0.2e-3 / (1 - 3e-3)) * 0.002);
    assert.deepEqual(more, []);
  });

  it('without end it is not told: what does not shrink waits for the next event', () => {
    const { runtime, offsets } = setup(
      [1_000_000n, 1_000_000n, 0n],
      [
        [-1e-3, -1e-3],
        [-2e-3, -1e-3],
        [-2e-3, 0],
      ],
    );
    runtime.dispatch({ kind: 'tick' });
    assert.equal(offsets().length, 2);
    runtime.dispatch({ kind: 'tick' });
    assert.equal(offsets()[2], 'tick');
    near(offsets()[3], (1e-3 / (1 - 1e-3)) * 0.001);
  });
});

describe("Runtime: another program's frequency", () => {
  it('is undone each time, and told of once a minute', () => {
    const { runtime, offsets, facts, meddle } = setup(Array(10).fill(0n), [[1e-5, 0]]);
    runtime.dispatch({ kind: 'tick' });
    const seen = [1, 1, 60].map((after) => {
      meddle(2e-5, after);
      runtime.dispatch({ kind: 'tick' });
      return facts.length;
    });
    assert.deepEqual(seen, [1, 1, 2]);
    assert.equal(offsets().filter((what) => typeof what === 'number').length, 3);
    runtime.dispatch({ kind: 'tick' });
    assert.equal(facts.length, 2, 'ours rules');
  });
});
