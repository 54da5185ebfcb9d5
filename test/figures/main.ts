/**
 * Figures, tables and plots of docs/discipline.md.
 *
 *   npm run figures -- --traces DIR [--others DIR] [--hold DIR] [--weeks FILE] [--no-plots] [--no-worlds]
 *
 * DIR: folders of traces as `timeball sim bench` reads them, with a results.json beside them (limits, chronyd's
 * figures). FILE: what `timeball sim run storm --duration 7d --seeds 1..200 --json` wrote. What is not given stays as it is;
 * with --no-worlds also those of the simulator's worlds, and of the cost.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repoRoot } from '../support/peers.js';
import type { Figures } from './figures.js';
import { measureBench, measureCost, measureHold, measureScenarios, readWeeks } from './measure.js';
import { drawAll } from './plots.js';
import { withFigures } from './tables.js';

const OUT = join(repoRoot, 'docs', 'discipline');
const PAGE = join(repoRoot, 'docs', 'discipline.md');
const FILE = join(OUT, 'figures.json');

const EMPTY: Figures = {
  bench: {},
  others: {},
  hold: {},
  scenarios: [],
  weeks: null,
  cost: { cpu: 'unknown', node: process.version, pulseMean: Number.NaN, pulseP99: Number.NaN },
};

const before = (): Figures => {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8')) as Figures;
  } catch {
    // The first run: nothing to keep.
    return EMPTY;
  }
};

const { values } = parseArgs({
  options: {
    traces: { type: 'string' },
    others: { type: 'string' },
    hold: { type: 'string' },
    weeks: { type: 'string' },
    'no-plots': { type: 'boolean' },
    'no-worlds': { type: 'boolean' },
  },
});
const { traces, others, hold, weeks } = values;
const worlds = values['no-worlds'] !== true;
mkdirSync(OUT, { recursive: true });
const old = before();
const figures: Figures = {
  bench: traces === undefined ? old.bench : await measureBench(traces),
  others: others === undefined ? old.others : await measureBench(others),
  hold: hold === undefined ? old.hold : await measureHold(hold),
  scenarios: worlds ? measureScenarios() : old.scenarios,
  weeks: weeks === undefined ? old.weeks : readWeeks(weeks),
  cost: worlds ? measureCost() : old.cost,
};
writeFileSync(
  FILE,
  `${JSON.stringify(figures, (_, v) => (typeof v === 'number' ? Number(v.toPrecision(6)) : v), 1)}\n`,
);
// From the file: what it does not hold is not in the page.
writeFileSync(PAGE, withFigures(readFileSync(PAGE, 'utf8'), JSON.parse(readFileSync(FILE, 'utf8')) as Figures));
if (traces !== undefined && values['no-plots'] !== true) drawAll(traces, figures.bench['S1']?.seeds ?? [], OUT);
