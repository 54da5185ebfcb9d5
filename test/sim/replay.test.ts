import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { replayMain, simMain } from '../../src/app/sim/main.js';
import { Options } from '../../src/app/sim/options.js';
import { RUN_OPTIONS, runMain } from '../../src/app/sim/run.js';
import type { Scenario } from '../../src/sim/scenario.js';
import { findScenario } from '../../src/sim/scenarios/index.js';

const dir = mkdtempSync(join(tmpdir(), 'timeball-replay-'));
after(() => rmSync(dir, { recursive: true }));

const call = async (
  main: typeof simMain,
  argv: readonly string[],
): Promise<{ code: number; out: string; err: string }> => {
  let [out, err] = ['', ''];
  const io = { stdout: { write: (s: string) => (out += s) }, stderr: { write: (s: string) => (err += s) } };
  const code = await main(argv, io);
  return { code, out, err };
};

const record = async (name: string, seed: number): Promise<string> => {
  const path = join(dir, `${name}-${seed}.jsonl`);
  await call(simMain, ['run', 'foreign-step', '--seed', String(seed), '--log', path]);
  return readFileSync(path, 'utf8');
};

describe('event logs', () => {
  it('are the same for the same seed, and differ for another', async () => {
    const a = await record('a', 1);
    assert.equal(await record('b', 1), a);
    assert.notEqual(await record('c', 2), a);
  });

  it('replay to the very same effects', async () => {
    const { code, out } = await call(replayMain, [join(dir, 'a-1.jsonl'), '--verify', '--json']);
    assert.equal(code, 0);
    const result = JSON.parse(out);
    assert.equal(result.verified, result.events);
    assert.ok(result.events > 7000);
    assert.equal(result.tracking.stratum, 1);
    assert.equal(result.tracking.refId, 'PPS');
    assert.ok(result.facts.some((f: string) => f.includes('step of the system clock')));
  });

  it('show where a replay diverges', async () => {
    const lines = readFileSync(join(dir, 'a-1.jsonl'), 'utf8').split('\n');
    const at = lines.findIndex((line) => line.includes('"pulse"'));
    lines[at] = lines[at]!.replace(/"effects":"(.)/, (_, c: string) => `"effects":"${c === '0' ? '1' : '0'}`);
    const path = join(dir, 'changed.jsonl');
    writeFileSync(path, lines.join('\n'));
    const { code, out } = await call(replayMain, [path, '--verify']);
    assert.equal(code, 1);
    assert.match(out, new RegExp(`different from line ${at + 1} on`));
  });

  it('that are none get a coded error', async () => {
    const path = join(dir, 'none.jsonl');
    writeFileSync(path, 'GPRMC\n');
    const bad = await call(replayMain, [path]);
    assert.equal(bad.code, 1);
    assert.match(bad.err, /line 1: not JSON \[ERR_TB_REPLAY\]/);
    const header = '{"timeball":"events","version":1,"config":{}}';
    writeFileSync(path, `${header}\n{"now":{"raw":"1","mono":"2"},"event":{"kind":"start"}}\n`);
    assert.match((await call(replayMain, [path])).err, /line 2: not for the engine of this version \[ERR_TB_REPLAY\]/);
    assert.equal((await call(replayMain, [join(dir, 'absent')])).code, 1);
    assert.equal((await call(replayMain, [])).code, 64);
  });
});

describe('timeball sim', () => {
  it('lists what there is', async () => {
    const { code, out } = await call(simMain, ['list']);
    assert.equal(code, 0);
    assert.match(out, /^pps-nmea +A good receiver/m);
    const rows = JSON.parse((await call(simMain, ['list', '--json'])).out);
    assert.ok(rows.length >= 15);
    assert.ok(rows.every((r: { control: string; bounds: unknown[] }) => r.control !== '' && r.bounds.length > 0));
  });

  it('runs one, says what it saw, and fails when a bound does not hold', async () => {
    const good = await call(simMain, ['run', 'shm', '--json']);
    assert.equal(good.code, 0);
    const outcome = JSON.parse(good.out);
    assert.equal(outcome.ok, true);
    assert.equal(outcome.violations, 0);
    assert.ok(outcome.bounds[0].served.rms < 150e-9);
  });

  it('takes seeds as a number, a range or a list, and sums them up', async () => {
    const seedsOf = async (...argv: string[]): Promise<number[]> => {
      const { out } = await call(simMain, ['run', 'shm', '--json', ...argv]);
      const lines = out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      const { summary } = lines.at(-1);
      assert.equal(summary.runs, lines.length - 1);
      assert.deepEqual([summary.failed, summary.violations, summary.outside], [[], 0, 0]);
      assert.ok(summary.worst > 0 && summary.nearest > 0 && summary.nearest < 1);
      return lines.slice(0, -1).map((o) => o.seed);
    };
    assert.deepEqual(await seedsOf('--seeds', '2', '--seed', '3'), [3, 4]);
    assert.deepEqual(await seedsOf('--seeds', '7..8'), [7, 8]);
    assert.deepEqual(await seedsOf('--seeds', '9,2'), [9, 2]);
  });

  it('runs for as long as asked', async () => {
    const { out } = await call(simMain, ['run', 'shm', '--duration', '150m', '--json']);
    assert.equal(JSON.parse(out).hours, 2.5);
  });

  it('ends with 1 when one seed of several breaks a bound, and says which', async () => {
    const shm = findScenario('shm');
    const strict: Scenario = { ...shm, bounds: [{ name: 'never', from: 600, max: 1e-12 }] };
    let out = '';
    const io = { stdout: { write: (text: string) => (out += text) }, stderr: { write: () => {} } };
    const options = new Options(['shm', '--seeds', '1..2'], RUN_OPTIONS);
    assert.equal(runMain(options, io, [strict]), 1);
    assert.match(out, /^FAIL shm: 2 runs of [\d.]+ h, failed: seeds 1 2$/m);
  });

  it('answers misuse with 64', async () => {
    for (const argv of [
      [],
      ['fly'],
      ['run'],
      ['run', 'no-such-scenario'],
      ['run', 'shm', '--seed', 'x'],
      ['run', 'shm', '--seeds', '5..2'],
      ['run', 'shm', '--seeds', '1,x'],
      ['run', 'shm', '--duration', '7w'],
      ['run', 'shm', '--duration', '9999d'],
      ['run', 'shm', '--seeds', '1..2', '--log', '/dev/null'],
      ['list', '--bad'],
      ['bench'],
    ]) {
      assert.equal((await call(simMain, argv)).code, 64, argv.join(' '));
    }
  });
});
