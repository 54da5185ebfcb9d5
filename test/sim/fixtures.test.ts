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

describe('traces', () => {
  const traces = filesBelow('hw-fixtures', '.jsonl');
  it('are there, and in the table of their README', () => {
    assert.ok(traces.length >= 3);
    for (const path of traces) assert.match(readRepo('hw-fixtures/README.md'), new RegExp(path.split('/')[1]!));
  });

  for (const path of traces) {
    const lines = readRepo(path)
      .split('\n')
      .filter((line) => !isNote(line));
    const moments = run(lines);

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

  it('fail without their pulses', () => {
    const lines = readRepo('hw-fixtures/pulse-lost.jsonl')
      .split('\n')
      .filter((line) => !isNote(line) && !line.includes('"kind":"reading"'));
    assert.notEqual(at(run(lines), LOST - 5).name, 'PPS');
  });
});
