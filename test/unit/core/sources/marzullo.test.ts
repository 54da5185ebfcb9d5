import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { agree, isTruechimer } from '../../../../src/core/sources/marzullo.js';

type Row = [
  why: string,
  claims: [lo: number, hi: number, trusted?: 'T'][],
  agreed: [number, number, number],
  truechimers: string,
];

/** Claims as [lo, hi]; agreed as [lo, hi, depth]; truechimers as one letter a claim: y or -. */
const CASES: Row[] = [
  ['a single source agrees with itself', [[1, 3]], [1, 3, 1], 'y'],
  [
    "Marzullo's own example: three thermometers, the overlap of all",
    [
      [8, 12],
      [11, 13],
      [10, 12],
    ],
    [11, 12, 3],
    'yyy',
  ],
  [
    'the overlap of two wins over the third alone',
    [
      [8, 12],
      [11, 13],
      [14, 15],
    ],
    [11, 12, 2],
    'yy-',
  ],
  [
    'claims that touch in one point agree there',
    [
      [0, 1],
      [1, 2],
    ],
    [1, 1, 2],
    'yy',
  ],
  [
    'no overlap: depth one, the lowest',
    [
      [0, 1],
      [2, 3],
    ],
    [0, 1, 1],
    'y-',
  ],
  [
    'a narrow source within two vague ones is the answer',
    [
      [-100, 100],
      [4, 5],
      [-50, 80],
    ],
    [4, 5, 3],
    'yyy',
  ],
  [
    'a narrow liar outside the overlap of the others is a falseticker',
    [
      [0, 10],
      [2, 12],
      [20, 21],
    ],
    [2, 10, 2],
    'yy-',
  ],
  [
    'two equally deep overlaps: the lower one',
    [
      [0, 2],
      [1, 3],
      [10, 12],
      [11, 13],
    ],
    [1, 2, 2],
    'yy--',
  ],
  [
    'one trusted source outweighs three that agree elsewhere',
    [
      [0, 1],
      [0, 1],
      [0, 1],
      [5, 6, 'T'],
    ],
    [5, 6, 1],
    '---y',
  ],
  [
    'between trusted overlaps the others decide',
    [
      [0, 4, 'T'],
      [2, 6, 'T'],
      [3, 3.5],
    ],
    [3, 3.5, 3],
    'yyy',
  ],
  [
    'equal claims count each',
    [
      [1, 2],
      [1, 2],
    ],
    [1, 2, 2],
    'yy',
  ],
  ['a claim without width', [[1, 1]], [1, 1, 1], 'y'],
];

describe('Marzullo', () => {
  for (const [why, claims, [lo, hi, depth], truechimers] of CASES) {
    it(why, () => {
      const list = claims.map(([a, b, t]) => ({ lo: a, hi: b, trusted: t === 'T' }));
      const agreed = agree(list)!;
      assert.deepEqual([agreed.lo, agreed.hi, agreed.depth], [lo, hi, depth]);
      assert.equal(list.map((c) => (isTruechimer(c, agreed) ? 'y' : '-')).join(''), truechimers);
    });
  }

  it('without claims there is nothing', () => assert.equal(agree([]), undefined));
});
