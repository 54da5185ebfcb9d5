import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { add, fromUnix, type Instant } from '../../../../src/base/time.js';
import { SELECTION_DEFAULTS } from '../../../../src/conf/defaults.js';
import { refIdOfAddress } from '../../../../src/core/ntp/client/refid.js';
import { type SourceInfo, SourceSet } from '../../../../src/core/sources/sourceset.js';

const START = fromUnix(1_800_000_000);
const at = (s: number): Instant => add(START, s);
const OURS = '10.0.0.20';

interface Actor {
  readonly address: string;
  readonly stratum: number;
  readonly kind?: SourceInfo['kind'];
  /** Polls out of ten that it answers. */
  readonly answers?: number;
}

const infoOf = ({ address, kind = 'client' }: Actor): SourceInfo => ({
  name: address,
  refId: refIdOfAddress(address),
  kind,
  address,
  options: { noselect: false, prefer: false, trust: false, require: false },
  minsamples: -1,
  maxsamples: -1,
  maxunreach: 100000,
  pollLog2: 4,
});

/** Ten polls of all; the letters of the last, and who is selected. `orphan`: our own stratum; undefined = no such mode. */
const judge = (actors: readonly Actor[], orphan: number | undefined, ours = OURS) => {
  const set = new SourceSet(actors.map(infoOf), SELECTION_DEFAULTS, 1e-9, 1e-6);
  const ownRefId = () => (ours === '' ? undefined : refIdOfAddress(ours));
  const rule = orphan === undefined ? undefined : { stratum: orphan, ownRefId };
  let selected: number | undefined;
  for (let n = 1; n <= 10; n++) {
    actors.forEach(({ stratum, answers = 10 }, i) => {
      set.reach(i, n <= answers);
      if (n > answers) return;
      const rest = { peerDelay: 0, peerDispersion: 1e-3, rootDelay: 0, rootDispersion: 1e-3, leap: 0 as const };
      set.accumulate(i, { time: at(16 * n), offset: 0, stratum, ...rest });
    });
    selected = set.select(at(16 * n), rule).selected;
  }
  const reports = set.selectReports(at(160));
  return { letters: reports.map((r) => r.state).join(''), selected, reasons: reports.map((r) => r.reason) };
};

const LOW: Actor = { address: '10.0.0.9', stratum: 8 };
const LOWEST: Actor = { address: '10.0.0.1', stratum: 8 };
const HIGH: Actor = { address: '10.0.0.100', stratum: 8 };

const TABLE: [why: string, actors: readonly Actor[], orphan: number | undefined, letters: string][] = [
  ['without the word a server of our own stratum is a server like others', [HIGH], undefined, '*'],
  ['who has a greater reference id is not followed', [HIGH], 8, 'O'],
  ['who has a smaller one is', [LOW], 8, '*'],
  ['of several the one with the smallest, alone', [LOW, HIGH, LOWEST], 8, 'OO*'],
  ['who follows somebody serves local time as well, but is nobody to follow', [{ ...LOWEST, stratum: 9 }], 8, 'O'],
  ['nor does he stand before one who can be followed', [{ ...LOWEST, stratum: 9 }, LOW], 8, 'O*'],
  ['a lower stratum is real time: it goes before all of them', [LOWEST, { ...HIGH, stratum: 7 }], 8, 'O*'],
  [
    'a reference clock is no orphan, whatever its stratum',
    [LOWEST, { ...HIGH, stratum: 9, kind: 'refclock' }],
    8,
    'O*',
  ],
  ['who has fallen silent makes room for the next', [{ ...LOWEST, answers: 1 }, LOW], 8, 'M*'],
];

describe('selection in orphan mode', () => {
  for (const [why, actors, orphan, letters] of TABLE) {
    it(why, () => {
      const judged = judge(actors, orphan);
      assert.equal(judged.letters, letters, judged.reasons.join('; '));
      assert.equal(judged.selected, letters.includes('*') ? letters.indexOf('*') : undefined);
    });
  }

  it('reference ids are compared as unsigned numbers', () => {
    assert.equal(judge([{ address: '10.0.0.1', stratum: 8 }], 8, '192.168.0.1').letters, '*');
    assert.equal(judge([{ address: '192.168.0.1', stratum: 8 }], 8, '10.0.0.1').letters, 'O');
  });

  it('says why in words', () => {
    assert.match(judge([HIGH], 8).reasons[0]!, /0A000064 is not smaller than ours, 0A000014/);
    assert.match(judge([{ ...LOW, stratum: 9 }], 8).reasons[0]!, /serves local time: stratum 9, ours would be 8/);
  });

  it('whom we do not know ourselves to be, we do not compare', () => {
    assert.equal(judge([LOW], 8, '').letters, 'O');
  });

  it('any group agrees: one follows nobody, all others follow that one', () => {
    const addresses = ['10.0.0.5', '172.16.0.1', '10.0.0.77', '192.168.1.1', 'fd00::1', 'fd00::2'];
    const leaders = addresses.map((own) => {
      const others = addresses.filter((a) => a !== own);
      const { selected } = judge(
        others.map((address) => ({ address, stratum: 8 })),
        8,
        own,
      );
      return selected === undefined ? own : others[selected]!;
    });
    assert.equal(new Set(leaders).size, 1, leaders.join());
  });
});
