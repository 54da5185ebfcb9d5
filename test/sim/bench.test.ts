import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { simMain } from '../../src/app/sim/main.js';

/** Beside the repository: the public noise traces, where somebody has put them. */
const TRACES = fileURLToPath(new URL('../../../../shared/discipline-bench/traces', import.meta.url));

describe('discipline bench', () => {
  it('S1 within 1.5 of the limit', async (t) => {
    if (!existsSync(TRACES)) {
      t.skip('no noise traces beside the repository');
      return;
    }
    let out = '';
    const io = { stdout: { write: (s: string) => (out += s) }, stderr: { write: () => {} } };
    const code = await simMain(['bench', '--traces', TRACES, '--scenario', 'S1', '--seeds', '1', '--json'], io);
    assert.equal(code, 0);
    const { S1 } = JSON.parse(out);
    assert.equal(typeof S1.rms_ns['1'], 'number');
    assert.ok(S1.ratio_to_limit <= 1.5, `${S1.ratio_to_limit} times the limit`);
    assert.ok(S1.settle_1us_s === null || S1.settle_1us_s < 3600);
  });

  it('S8, an NTP server behind an asymmetric LAN, within 6 us', async (t) => {
    if (!existsSync(TRACES)) {
      t.skip('no noise traces beside the repository');
      return;
    }
    let out = '';
    const io = { stdout: { write: (s: string) => (out += s) }, stderr: { write: () => {} } };
    assert.equal(await simMain(['bench', '--traces', TRACES, '--scenario', 'S8', '--seeds', '1', '--json'], io), 0);
    assert.ok(JSON.parse(out).S8.median_rms_ns <= 6000, out);
  });
});
