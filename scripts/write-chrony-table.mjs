// Writes the tables of docs/chrony.md from the tables of the language (build first: npm run build).
import { readFileSync, writeFileSync } from 'node:fs';
import { withTables } from '../dist/src/app/chronytable.js';

const path = new URL('../docs/chrony.md', import.meta.url);
writeFileSync(path, withTables(readFileSync(path, 'utf8')));
