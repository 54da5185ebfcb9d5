import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { repoRoot } from './peers.js';

/** Files below a folder of the checkout, as paths relative to its root. */
export const filesBelow = (dir: string, ending: string): string[] => {
  const walk = (path: string): string[] =>
    readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
      const full = join(path, entry.name);
      return entry.isDirectory() ? walk(full) : full.endsWith(ending) ? [relative(repoRoot, full)] : [];
    });
  const top = join(repoRoot, dir);
  return existsSync(top) ? walk(top).sort() : [];
};

export const readRepo = (path: string): string => readFileSync(join(repoRoot, path), 'utf8');

/** What git tracks; undefined outside a checkout (an unpacked package). */
export const trackedFiles = (): string[] | undefined => {
  try {
    const out = execFileSync('git', ['ls-files', '-z'], {
      cwd: repoRoot,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return out.split('\0').filter((p) => p !== '' && existsSync(join(repoRoot, p)));
  } catch {
    return undefined;
  }
};

/** Source text without comments and string contents, so that a rule looks at code only. */
export const codeOnly = (text: string): string =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''")
    .replace(/\/\/[^\n]*/g, '');
