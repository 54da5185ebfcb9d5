/** Recorded traces, run through the engine of today: outcomes are checked, not digits. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TrackingReport } from '../../src/core/report/reports.js';
import { Engine } from '../../src/engine/engine.js';
import { decodeEntry, decodeHeader } from '../../src/sim/eventlog.js';
import { filesBelow, readRepo } from '../support/tree.js';

/** Seconds after the start of a trace: pulses end at about 60 and come back at about 130. */
const [LOST, BACK] = [60, 130];
/** By then the first pulses have been numbered and used. */
const READY = 5;

const isNote = (line: string): boolean => line === '' || line.startsWith('#');

interface Moment {
  /** Since the first event, s. */
  readonly at: number;
  readonly tracking: TrackingReport;
}

/** What the engine reports after each event. */
const run = (lines: readonly string[]): Moment[] => {
  const { config } = decodeHeader(lines[0]!);
  const entries = lines.slice(1).map((line, i) => decodeEntry(line, i + 2));
  const start = entries[0]!.now;
  const engine = new Engine(config, start);
  return entries.map(({ event, now }) => {
    engine.handle(event, now);
    return { at: Number(now.mono - start.mono) / 1e9, tracking: engine.tracking(now) };
  });
};

const at = (moments: readonly Moment[], seconds: number): TrackingReport =>
  moments.findLast((m) => m.at <= seconds)!.tracking;

const linesOf = (path: string): string[] =>
  readRepo(path)
    .split('\n')
    .filter((line) => !isNote(line));

interface Recorded {
  /** What the undisciplined clock gains, s/s. */
  readonly freq: number;
  /** Events that show the clock's error. */
  readonly by: 'pulse' | 'reading';
  /** s: what is true of the clock before anything happens to the reference. */
  readonly calm: readonly [number, number];
  /** Mode at a time since the start, s. */
  readonly modes: readonly (readonly [number, string])[];
}

/** Recorded in the lab with a clock that ran free at a known rate. */
const LAB: Readonly<Record<string, Recorded>> = {
  'lab-pps-dirty': {
    freq: -20e-6,
    by: 'pulse',
    calm: [10, 50],
    modes: [
      [50, 'tracking'],
      [140, 'tracking'],
      [220, 'holdover'],
      [250, 'tracking'],
      [282, 'holdover'],
      [325, 'tracking'],
    ],
  },
  'lab-phc-bad': {
    freq: 15e-6,
    by: 'reading',
    calm: [5, 15],
    modes: [
      [15, 'tracking'],
      [50, 'tracking'],
      [90, 'holdover'],
      [125, 'tracking'],
      [180, 'holdover'],
      [260, 'tracking'],
    ],
  },
};

const fold = (x: number): number => x - Math.round(x);

/** What the pulses and readings of a calm time say the clock lacks inside the second at the start, the median, s. */
const lacksAtStart = (lines: readonly string[], { freq, by, calm: [from, to] }: Recorded): number => {
  const entries = lines.slice(1).map((line, i) => decodeEntry(line, i + 2));
  const start = entries[0]!.now.raw;
  const seen = entries.flatMap(({ event, now }) => {
    const since = Number(now.raw - start) / 1e9;
    if (since < from || since > to) return [];
    if (event.kind === 'pulse') return [fold(freq * since - Number(event.edge.time % 1_000_000_000n) / 1e9)];
    return event.kind === 'reading' && by === event.kind ? [fold(freq * since + event.reading.offset)] : [];
  });
  return seen.sort((a, b) => a - b)[seen.length >> 1]!;
};

/** Times at which the truth is not within the bound that clients are told, s. */
const outside = (moments: readonly Moment[], lines: readonly string[], recorded: Recorded): number[] => {
  const lacks = lacksAtStart(lines, recorded);
  const isOutside = ({ at: s, tracking: t }: Moment): boolean =>
    Math.abs(fold(t.currentCorrection - (lacks - recorded.freq * s))) > t.rootDelay / 2 + t.rootDispersion;
  return moments.filter((m) => m.at >= 10 && isOutside(m)).map((m) => m.at);
};

describe('traces', () => {
  const traces = filesBelow('hw-fixtures', '.jsonl');
  it('are there, and in the table of their README', () => {
    assert.ok(traces.length >= 3);
    for (const path of traces) assert.match(readRepo('hw-fixtures/README.md'), new RegExp(path.split('/')[1]!));
  });

  for (const path of traces.filter((path) => !path.includes('/lab-'))) {
    const moments = run(linesOf(path));

    it(`${path}: PPS selected, holdover with a growing bound, recovery`, () => {
      const before = at(moments, LOST - 5);
      assert.deepEqual([before.mode, before.name, before.stratum, before.leap], ['tracking', 'PPS', 1, 0]);
      const held = [70, 90, 110, BACK - 2].map((s) => at(moments, s));
      for (const t of held) assert.deepEqual([t.mode, t.leap], ['holdover', 0]);
      const bounds = [before, ...held].map((t) => t.rootDispersion);
      assert.deepEqual(
        bounds,
        bounds.toSorted((a, b) => a - b),
      );
      assert.ok(bounds.at(-1)! > 3 * bounds[1]!, `${bounds}`);
      const after = at(moments, BACK + 10);
      assert.deepEqual([after.mode, after.name, after.stratum], ['tracking', 'PPS', 1]);
      assert.ok(after.rootDispersion < bounds[1]!);
    });

    it(`${path}: the truth stays within the bound`, () => {
      // The receiver follows the host's clock: the true correction is nought.
      for (const { at: s, tracking: t } of moments.filter((m) => m.at >= READY)) {
        const bound = t.rootDelay / 2 + t.rootDispersion;
        assert.ok(Math.abs(t.currentCorrection) <= bound, `${s} s: ${t.currentCorrection} against ${bound}`);
      }
    });
  }

  for (const [name, recorded] of Object.entries(LAB)) {
    const lines = linesOf(`hw-fixtures/${name}.jsonl`);
    const moments = run(lines);

    it(`${name}: holds over and comes back`, () => {
      for (const [s, mode] of recorded.modes) assert.equal(at(moments, s).mode, mode, `${s} s`);
    });

    it(`${name}: the truth stays within the bound`, () => {
      assert.deepEqual(outside(moments, lines, recorded), []);
      const other = { ...recorded, freq: recorded.freq + 0.2e-6 };
      assert.notDeepEqual(outside(moments, lines, other), [], 'it would be noticed');
    });
  }

  it('fail without their pulses', () => {
    const lines = readRepo('hw-fixtures/pulse-lost.jsonl')
      .split('\n')
      .filter((line) => !isNote(line) && !line.includes('"kind":"reading"'));
    assert.notEqual(at(run(lines), LOST - 5).name, 'PPS');
  });
});
