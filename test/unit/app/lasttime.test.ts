import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { behindLastTime, lastKnownTime } from '../../../src/app/daemon/lasttime.js';
import { fromUnix } from '../../../src/base/time.js';

const dir = mkdtempSync(join(tmpdir(), 'tb-last-'));
after(() => rmSync(dir, { recursive: true, force: true }));

describe('last known time (-s)', () => {
  it("is the drift file's", () => {
    const path = join(dir, 'drift');
    writeFileSync(path, '0 0\n');
    utimesSync(path, 1_800_000_000, 1_800_000_000);
    assert.equal(lastKnownTime(path), fromUnix(1_800_000_000));
    assert.equal(lastKnownTime(join(dir, 'none')), undefined);
    assert.equal(lastKnownTime(undefined), undefined);
  });

  it('moves a clock forward only', () => {
    const last = fromUnix(1_800_000_000);
    assert.equal(behindLastTime(fromUnix(1_799_999_990), last), 10);
    assert.equal(behindLastTime(fromUnix(1_800_000_001), last), undefined);
    assert.equal(behindLastTime(last, undefined), undefined);
  });
});
