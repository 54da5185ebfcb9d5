import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compensationPpm, parseTempcompPoints, parseTemperature } from '../../../../src/core/discipline/tempcomp.js';

describe('tempcomp', () => {
  it('a parabola about t0', () => {
    const model = { kind: 'quadratic', t0: 26_000, k0: 0.5, k1: 0.000183, k2: 1e-8 } as const;
    assert.equal(compensationPpm(model, 26_000), 0.5);
    assert.ok(Math.abs(compensationPpm(model, 27_000) - (0.5 + 0.183 + 0.01)) < 1e-12);
  });

  it('points: straight lines between them, the outer ones go on beyond', () => {
    const points = parseTempcompPoints('# degrees ppm\n20 1.0\n21 0.6\n\n22 0.4\n');
    assert.ok(points !== undefined);
    const at = (t: number): number => compensationPpm({ kind: 'points', points }, t);
    const cases: [number, number][] = [
      [20, 1],
      [20.5, 0.8],
      [21, 0.6],
      [21.5, 0.5],
      [22, 0.4],
      [24, 0],
      [19, 1.4],
    ];
    for (const [t, ppm] of cases) assert.ok(Math.abs(at(t) - ppm) < 1e-12, `${t}: ${at(t)}`);
  });

  for (const [name, text] of [
    ['half a point', '20\n21 1\n'],
    ['a falling temperature', '20 1\n19 2\n'],
    ['the same temperature twice', '20 1\n20 2\n'],
    ['a word', '20 1\n21 warm\n'],
    ['infinity', '20 1\n21 1e999\n'],
  ] as const) {
    it(`points with ${name} are none`, () => assert.equal(parseTempcompPoints(text), undefined));
  }

  it('what stands behind the two numbers is passed over; how many points there are is for the caller to judge', () => {
    assert.deepEqual(parseTempcompPoints('20 1 cold\n'), [[20, 1]]);
    assert.deepEqual(parseTempcompPoints(''), []);
  });

  it('a sensor is read as the kernel writes it', () => {
    assert.equal(parseTemperature('48312\n'), 48312);
    assert.equal(parseTemperature(' -3.5e1 C'), -35);
    for (const text of ['', 'N/A', 'inf', '0x10', '12C']) assert.equal(parseTemperature(text), undefined, text);
  });
});
