/** Documents that must say what the code says. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { ERRORS } from '../../src/base/errors.js';
import { repoRoot } from '../support/peers.js';
import { readRepo, trackedFiles } from '../support/tree.js';

/** Folders named in the table of docs/structure.md. */
const documentedFolders = (): string[] =>
  [...readRepo('docs/structure.md').matchAll(/^\| `([^`]+)` \|/gm)].map((m) => m[1]!).sort();

/** Folders that need a line: all at the top, and the rooms below src and addon and docs to the second level. */
const realFolders = (files: readonly string[]): string[] => {
  const folders = new Set<string>();
  for (const file of files) {
    const parts = file.split('/').slice(0, -1);
    if (parts.length === 0) continue;
    folders.add(parts[0]!);
    if (['src', 'addon', 'docs'].includes(parts[0]!) && parts.length > 1) folders.add(parts.slice(0, 2).join('/'));
    if (parts[0] === 'src' && ['core', 'wire'].includes(parts[1]!) && parts.length > 2)
      folders.add(parts.slice(0, 3).join('/'));
  }
  return [...folders].sort();
};

const tracked = (t: TestContext): string[] | undefined => {
  const files = trackedFiles();
  if (files === undefined) t.skip('not a git checkout');
  return files;
};

describe('documents', () => {
  it('docs/structure.md names every folder, and no other', (t) => {
    const files = tracked(t);
    if (files === undefined) return;
    const real = realFolders(files).filter((f) => f !== 'src');
    const named = documentedFolders();
    assert.deepEqual(
      real.filter((f) => !named.includes(f)),
      [],
      'folders without a line',
    );
    assert.deepEqual(
      named.filter((f) => !existsSync(join(repoRoot, f))),
      [],
      'lines without a folder',
    );
  });

  it('docs/errors.md and the error table are equal', () => {
    const rows = [...readRepo('docs/errors.md').matchAll(/^\| `(ERR_TB_\w+)` \| ([^|]+) \|/gm)];
    assert.deepEqual(Object.fromEntries(rows.map((m) => [m[1]!, m[2]!.trim()])), { ...ERRORS });
  });

  it('links between documents lead somewhere', (t) => {
    const files = tracked(t);
    if (files === undefined) return;
    const broken = files
      .filter((f) => f.endsWith('.md'))
      .flatMap((file) =>
        [...readRepo(file).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
          .map((m) => m[1]!)
          .filter((target) => !existsSync(join(repoRoot, file, '..', target)))
          .map((target) => `${file}: ${target}`),
      );
    assert.deepEqual(broken, []);
  });

  it('nothing unfinished is marked in src or addon', (t) => {
    const files = tracked(t);
    if (files === undefined) return;
    const marks = new RegExp(['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'not ' + 'implemented'].join('|'));
    const hits = files.filter((f) => /^(src|addon)\//.test(f)).filter((f) => marks.test(readRepo(f)));
    assert.deepEqual(hits, []);
  });
});
