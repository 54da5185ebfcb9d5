/** docs/discipline.md: its tables are those of docs/discipline/figures.json, its plots are there. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Figures } from '../figures/figures.js';
import { withFigures } from '../figures/tables.js';
import { repoRoot } from '../support/peers.js';
import { readRepo } from '../support/tree.js';

describe('docs/discipline.md', () => {
  const page = readRepo('docs/discipline.md');
  const figures = JSON.parse(readRepo('docs/discipline/figures.json')) as Figures;

  it('has the tables of its figures (npm run figures)', () => {
    assert.equal(withFigures(page, figures), page);
  });

  it('would notice another figure', () => {
    const s1 = { ...figures.bench['S1']!, rms: figures.bench['S1']!.rms * 1.1 };
    assert.notEqual(withFigures(page, { ...figures, bench: { ...figures.bench, S1: s1 } }), page);
  });

  it('has its plots', () => {
    const plots = [...page.matchAll(/!\[[^\]]*\]\(([^)]+\.png)\)/g)].map((m) => m[1]!);
    assert.ok(plots.length >= 6);
    for (const plot of plots) assert.ok(existsSync(join(repoRoot, 'docs', plot)), plot);
  });
});
