// Writes docs/man/timeball.conf.5.md from the table of directives (build first: npm run build).
import { writeFileSync } from 'node:fs';
import { manual } from '../dist/src/conf/manual.js';

writeFileSync(new URL('../docs/man/timeball.conf.5.md', import.meta.url), manual());
