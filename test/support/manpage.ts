/** What the manual pages say, for tests that compare it with what is so. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from './peers.js';

/** Names in the row of a report in a table of JSON fields of timeball(1); `section`: its heading. */
export const documentedFields = (section: string, report: string): readonly string[] => {
  const page = readFileSync(join(repoRoot, 'docs', 'man', 'timeball.1.md'), 'utf8');
  const part = page.split(`## ${section}\n`)[1]!.split('\n## ')[0]!;
  const fields = new RegExp(`^\\| (?:each of )?\`${report}\` \\| ([^;|]*)`, 'm').exec(part)![1]!;
  return [...fields.matchAll(/`([A-Za-z0-9]+)`/g)].map((m) => m[1]!);
};
