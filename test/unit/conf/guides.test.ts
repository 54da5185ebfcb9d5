import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseConfig } from '../../../src/conf/parse.js';
import { repoRoot } from '../../support/peers.js';
import { readRepo } from '../../support/tree.js';
import { NO_FILES, TIMEBALL } from './memoryfiles.js';

const parse = (lines: readonly string[]) => parseConfig({ lines: [...lines] }, NO_FILES, TIMEBALL);

describe('configurations in the guides', () => {
  for (const guide of readdirSync(join(repoRoot, 'docs', 'guides'))) {
    const blocks = [...readRepo(`docs/guides/${guide}`).matchAll(/```conf\n([\s\S]*?)```/g)].map((m) => m[1]!);
    for (const [i, block] of blocks.entries()) {
      it(`${guide}, ${i + 1}: is taken`, () => {
        assert.doesNotThrow(() => parse(block.split('\n')));
      });
    }
  }
});

describe('the directive ptp4l', () => {
  const link = (line: string) => parse([line]).hardware.ptp4l;

  it('names a ptp4l that receives time, or one that gives ours away', () => {
    const receiver = { socket: '/a', domain: 0, grandmaster: false, phc: undefined, holdover: 1e-5, degraded: 1e-3 };
    assert.deepEqual(link('ptp4l /a'), [receiver]);
    assert.deepEqual(link('ptp4l /a domain 24 grandmaster phc eth0 holdover 1e-7 degraded 0.01'), [
      { ...receiver, domain: 24, grandmaster: true, phc: 'eth0', holdover: 1e-7, degraded: 0.01 },
    ]);
    assert.equal(parse(['ptp4l /a', 'ptp4l /b grandmaster']).hardware.ptp4l.length, 2);
  });

  it('takes nothing else', () => {
    for (const line of ['ptp4l', 'ptp4l /a b', 'ptp4l /a domain', 'ptp4l /a domain 256', 'ptp4l /a phc eth0']) {
      assert.throws(() => parse([line]), line);
    }
  });

  it('gives tai what it needs, unless it gives time away', () => {
    const clock = 'refclock PHC /dev/ptp0 tai';
    assert.doesNotThrow(() => parse([clock, 'ptp4l /a']));
    for (const lines of [[clock], [clock, 'ptp4l /a grandmaster']]) {
      assert.throws(() => parse(lines), /requires leapseclist/);
    }
  });

  it('a PHC cannot be followed and steered', () => {
    const lines = ['refclock PHC eth0', 'ptp4l /a grandmaster phc eth0'];
    assert.throws(() => parse(lines), /steered and be a reference/);
  });
});
