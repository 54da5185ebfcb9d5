/** Any text is a configuration, a list of problems or a coded error: nothing else comes out, and soon. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CodedError } from '../../src/base/errors.js';
import { DIRECTIVES } from '../../src/conf/directives.js';
import { checkConfig, flatten, parseConfig } from '../../src/conf/parse.js';
import { readSourceDirs } from '../../src/conf/sourcedirs.js';
import { memoryFiles, TIMEBALL } from '../unit/conf/memoryfiles.js';

const SETTINGS = { seed: 20261121, interruptAfterTimeLimit: 3000, numRuns: 2000 };

const words = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...DIRECTIVES.map((d) => d.name)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('PPS', 'SHM', 'NMEA', '0', '/dev/x:baud=9', 'poll', 'refid', 'all', '-1', '1e9'),
  },
  { weight: 1, arbitrary: fc.constantFrom('*', '[', '/c/*', '/c', '10/8', '::1', '#', '__proto__', 'constructor') },
  { weight: 1, arbitrary: fc.string({ maxLength: 8 }) },
);
const line = fc.array(words, { maxLength: 7 }).map((w) => w.join(' '));
const text = fc.oneof(
  fc.array(line, { maxLength: 12 }).map((l) => l.join('\n')),
  fc.string({ unit: 'binary', maxLength: 300 }),
);

describe('configuration text', () => {
  it('is read, or refused with a code', () => {
    fc.assert(
      fc.property(text, text, (main, other) => {
        const files = memoryFiles({ main, '/c/a.conf': other, '/c/b.sources': other });
        const source = { file: 'main' };
        const problems = checkConfig(source, files, TIMEBALL);
        const errors = problems.filter((p) => p.severity === 'error');
        const printed: string[] = [];
        try {
          parseConfig(source, files, TIMEBALL);
          assert.equal(errors.length, 0, 'check finds errors that parse does not');
        } catch (e) {
          assert.ok(e instanceof CodedError, String(e));
          assert.ok(errors.length > 0, `check finds nothing: ${e.message}`);
          return;
        }
        flatten(source, files, TIMEBALL, (l) => printed.push(l));
        // What is printed is a configuration that means the same.
        const again = parseConfig({ lines: printed }, files, TIMEBALL);
        assert.deepEqual(again, parseConfig(source, files, TIMEBALL));
      }),
      SETTINGS,
    );
  });

  it('in a sourcedir never throws', () => {
    fc.assert(
      fc.property(text, (sources) => {
        const read = readSourceDirs(['/c'], memoryFiles({ '/c/a.sources': sources }));
        assert.ok(read.sources.length + read.problems.length <= sources.split('\n').length);
      }),
      SETTINGS,
    );
  });
});
