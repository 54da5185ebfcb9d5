#!/usr/bin/env node
/**
 * Runs the suites: `node scripts/test.mjs [suite ...] [--only TEXT]`; suites are the folders of test/ (unit, wire, sim,
 * system, fuzz, tidy). Ends with the line `N passed, N failed, N skipped`, skipped tests listed by name before it.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const base = join(root, 'dist', 'test');
/** Cheap suites first; system suites last and one file at a time, since they start real daemons on fixed ports. */
const SUITES = ['tidy', 'unit', 'wire', 'fuzz', 'sim', 'system'];
const SERIAL = new Set(['system']);

const args = process.argv.slice(2);
const onlyAt = args.indexOf('--only');
const only = onlyAt >= 0 ? args.splice(onlyAt, 2)[1] : undefined;
const suites = args.length > 0 ? args : SUITES;

/** Test files whose source still is there: dist may hold output of deleted ones. */
const collect = (dir) =>
  !existsSync(dir)
    ? []
    : readdirSync(dir)
        .map((name) => join(dir, name))
        .flatMap((path) => (statSync(path).isDirectory() ? collect(path) : path.endsWith('.test.js') ? [path] : []))
        .filter((path) => existsSync(join(root, relative(join(root, 'dist'), path).replace(/\.js$/, '.ts'))))
        .filter((path) => only === undefined || path.includes(only))
        .sort();

const totals = { passed: 0, failed: 0, skipped: 0 };
const skipped = [];
const failures = [];

const runSuite = (suite) =>
  new Promise((resolve) => {
    const files = collect(join(base, suite));
    if (files.length === 0) return resolve();
    const before = { ...totals };
    const started = process.hrtime.bigint();
    const stream = run({ files, concurrency: SERIAL.has(suite) ? 1 : 2, timeout: 240_000 });
    const leaf = (event) => event.details?.type !== 'suite';
    const where = (event) => `${event.file ? relative(base, event.file) : suite}: ${event.name}`;
    stream.on('test:pass', (event) => {
      // The runner reports each file as a test of its own; those are not counted.
      if (!leaf(event) || event.name === event.file || files.includes(event.name)) return;
      if (event.skip !== undefined && event.skip !== false) {
        totals.skipped++;
        skipped.push(`${where(event)}${typeof event.skip === 'string' && event.skip ? ` (${event.skip})` : ''}`);
      } else totals.passed++;
    });
    stream.on('test:fail', (event) => {
      if (!leaf(event)) return;
      const error = event.details?.error;
      const cause = error?.cause ?? error;
      if (error?.failureType === 'subtestsFailed') return;
      totals.failed++;
      failures.push(
        `${where(event)}\n    ${String(cause?.stack ?? cause)
          .split('\n')
          .slice(0, 12)
          .join('\n    ')}`,
      );
    });
    stream.on('test:stderr', (event) => process.env.TIMEBALL_TEST_VERBOSE && process.stderr.write(event.message));
    stream.on('end', () => {
      const seconds = Number((process.hrtime.bigint() - started) / 1_000_000n) / 1000;
      const passed = totals.passed - before.passed;
      const failed = totals.failed - before.failed;
      process.stdout.write(`${suite}: ${passed} passed, ${failed} failed in ${seconds.toFixed(1)} s\n`);
      resolve();
    });
    stream.resume();
  });

for (const suite of suites) await runSuite(suite);
for (const line of failures) process.stdout.write(`FAILED ${line}\n`);
for (const line of skipped) process.stdout.write(`skipped ${line}\n`);
process.stdout.write(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`);
process.exit(totals.failed > 0 || totals.passed === 0 ? 1 : 0);
