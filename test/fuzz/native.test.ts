import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { repoRoot } from '../support/peers.js';

/** Exit status of the script where there is no clang. */
const NO_CLANG = 77;
const SECONDS = process.env['TIMEBALL_FUZZ_SECONDS'] ?? '3';

describe('fuzz: native', () => {
  it('what the kernel says beside packets, and of providers of stamps, under libFuzzer and sanitizers', (t) => {
    const { status, stderr } = spawnSync(join(repoRoot, 'scripts/addon-fuzz.sh'), [SECONDS], { encoding: 'utf8' });
    if (status === NO_CLANG) return t.skip('no clang with libFuzzer here');
    assert.equal(status, 0, stderr.slice(-4000));
    const runs = [...stderr.matchAll(/number_of_executed_units: (\d+)/g)].map(([, count]) => Number(count));
    assert.ok(runs.length === 2 && runs.every((count) => count > 1000), `${runs} executions`);
  });
});
