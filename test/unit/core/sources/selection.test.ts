import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refidFromText } from '../../../../src/base/refid.js';
import { add, fromUnix, type Instant } from '../../../../src/base/time.js';
import type { Leap } from '../../../../src/base/units.js';
import type { SelectionOptions } from '../../../../src/core/refclock/options.js';
import type { Sample } from '../../../../src/core/sample.js';
import { type SourceInfo, SourceSet } from '../../../../src/core/sources/sourceset.js';

const START = fromUnix(1_800_000_000);
const at = (s: number): Instant => add(START, s);

const OPTIONS: SelectionOptions = {
  combinelimit: 3,
  maxdistance: 3,
  maxjitter: 1,
  minsources: 1,
  reselectdist: 1e-4,
  stratumweight: 1e-3,
  minstratum: 0,
  maxstratum: 15,
  minsamples: 6,
  maxsamples: 0,
};

/** A source of a case: where its offset is, how wide its interval, and its options as words. */
interface Actor {
  readonly offset: number;
  readonly width: number;
  readonly words?: string;
  readonly kind?: SourceInfo['kind'];
  readonly stratum?: number;
  readonly leap?: Leap;
  readonly jitter?: number;
  /** Polls it answers; all by default. */
  readonly answers?: number;
  readonly slope?: number;
}

const infoOf = (a: Actor, i: number): SourceInfo => ({
  name: `S${i}`,
  refId: refidFromText(`S${i}`),
  kind: a.kind ?? 'refclock',
  address: undefined,
  options: {
    noselect: a.words?.includes('noselect') ?? false,
    prefer: a.words?.includes('prefer') ?? false,
    trust: a.words?.includes('trust') ?? false,
    require: a.words?.includes('require') ?? false,
  },
  minsamples: -1,
  maxsamples: -1,
  maxunreach: 100000,
  pollLog2: 4,
});

const sampleOf = (a: Actor, s: number, n: number): Sample => ({
  time: at(s),
  offset: a.offset + (a.slope ?? 0) * s + (a.jitter ?? 0) * (n % 2 ? 1 : -1),
  peerDelay: 0,
  peerDispersion: a.width,
  rootDelay: 0,
  rootDispersion: a.width,
  stratum: a.stratum ?? 0,
  leap: a.leap ?? 0,
});

/** Polls all actors every 16 s; returns the set and all facts said. */
const play = (actors: Actor[], polls = 10, options = OPTIONS) => {
  const set = new SourceSet(actors.map(infoOf), options, 1e-9, 1e-6);
  const facts: string[] = [];
  let selection = set.select(at(0));
  for (let n = 0; n < polls; n++) {
    const s = 16 * (n + 1);
    actors.forEach((a, i) => {
      const hit = n < (a.answers ?? polls);
      set.reach(i, hit);
      if (hit) set.accumulate(i, sampleOf(a, s, n));
      selection = set.select(at(s));
      facts.push(...selection.facts.map((f) => f.text));
    });
  }
  const letters = set.selectReports(at(16 * polls)).map((r) => r.state);
  return { set, facts, selection, letters: letters.join('') };
};

const ms = 1e-3;

/** Letters after ten polls, one a source. */
const TABLE: [why: string, actors: Actor[], letters: string, options?: Partial<SelectionOptions>][] = [
  ['a single source is selected', [{ offset: 0, width: ms }], '*'],
  [
    'of two that agree the one with the smaller distance is selected, the other too far to be combined',
    [
      { offset: 0, width: ms },
      { offset: 0, width: 10 * ms },
    ],
    '*D',
  ],
  [
    'similar ones are combined',
    [
      { offset: 0, width: ms },
      { offset: 0.1 * ms, width: 1.2 * ms },
    ],
    '*+',
  ],
  [
    'noselect is never used, however good',
    [
      { offset: 0, width: ms },
      { offset: 0, width: 0.01 * ms, words: 'noselect' },
    ],
    '*N',
  ],
  [
    'the third that disagrees is a falseticker',
    [
      { offset: 0, width: ms },
      { offset: 0, width: ms },
      { offset: 50 * ms, width: ms },
    ],
    '*+x',
  ],
  [
    'two that disagree: no majority, nobody is believed',
    [
      { offset: 0, width: ms },
      { offset: 50 * ms, width: ms },
    ],
    'xx',
  ],
  [
    'trust decides between two that disagree',
    [
      { offset: 0, width: ms },
      { offset: 50 * ms, width: ms, words: 'trust' },
    ],
    'x*',
  ],
  [
    'wider than the trusted one: not trusted',
    [
      { offset: 0, width: ms, words: 'trust' },
      { offset: 0, width: 2 * ms },
    ],
    '*T',
  ],
  [
    'prefer wins against a better one',
    [
      { offset: 0, width: 0.1 * ms },
      { offset: 0, width: ms, words: 'prefer' },
    ],
    'P*',
  ],
  [
    'the required source is missing',
    [
      { offset: 0, width: ms },
      { offset: 50 * ms, width: 9, words: 'require' },
    ],
    'Wd',
  ],
  ['too few survive', [{ offset: 0, width: ms }], 'W', { minsources: 2 }],
  ['too far', [{ offset: 0, width: 4 }], 'd'],
  ['too jittery', [{ offset: 0, width: ms, jitter: 1.5 }], '~'],
  ['not synchronised itself', [{ offset: 0, width: ms, leap: 3 }], 's'],
  ['stratum too high', [{ offset: 0, width: ms, stratum: 5 }], 'r', { maxstratum: 4 }],
  ['no sample', [{ offset: 0, width: ms, answers: 0 }], 'M'],
  ['silent for long, alone', [{ offset: 0, width: ms, answers: 2 }], 'S'],
  [
    'a reference clock has a bonus over a server at the same distance',
    [
      { offset: 0, width: 0.1 * ms, kind: 'client' },
      { offset: 0, width: 0.1 * ms },
    ],
    '+*',
  ],
  [
    'a lower stratum wins at the same distance',
    [
      { offset: 0, width: 0.2 * ms, stratum: 3 },
      { offset: 0, width: 0.2 * ms, stratum: 1 },
    ],
    '+*',
  ],
  [
    'combinelimit 0: nobody is combined',
    [
      { offset: 0, width: ms },
      { offset: 0, width: ms },
    ],
    '*D',
    { combinelimit: 0 },
  ],
  [
    'the bonus of a reference clock is not the measure of a server beside it: too far to be combined',
    [
      { offset: 0, width: 0.01 * ms },
      { offset: 0, width: 0.1 * ms, kind: 'client' },
    ],
    '*D',
  ],
  [
    'stratumweight 0: the stratum is no reason',
    [
      { offset: 0, width: 0.19 * ms, stratum: 9 },
      { offset: 0, width: 0.2 * ms, stratum: 1 },
    ],
    '*+',
    { stratumweight: 0 },
  ],
  [
    'reselectdist: how much worse a reference clock may be',
    [
      { offset: 0, width: 0.1 * ms, kind: 'client' },
      { offset: 0, width: 0.5 * ms },
    ],
    '+*',
    { reselectdist: ms },
  ],
  [
    'stratum too low',
    [
      { offset: 0, width: ms, stratum: 1 },
      { offset: 0, width: ms, stratum: 2 },
    ],
    'r*',
    { minstratum: 2 },
  ],
  [
    'trust outvotes any number of others',
    [
      { offset: 0, width: ms },
      { offset: 0, width: ms },
      { offset: 0, width: ms },
      { offset: 50 * ms, width: ms, words: 'trust' },
    ],
    'xxx*',
  ],
  [
    'two trusted that disagree: nobody is believed, though the others agree',
    [
      { offset: 0, width: ms },
      { offset: 0, width: ms },
      { offset: 50 * ms, width: ms, words: 'trust' },
      { offset: 90 * ms, width: ms, words: 'trust' },
    ],
    'xxxx',
  ],
  [
    'the required source is there: all are used',
    [
      { offset: 0, width: ms },
      { offset: 0, width: ms, words: 'require' },
    ],
    '*+',
  ],
  [
    'prefer does not make a falseticker true',
    [
      { offset: 0, width: ms },
      { offset: 0, width: ms },
      { offset: 50 * ms, width: ms, words: 'prefer' },
    ],
    '*+x',
  ],
  [
    'another frequency is not combined',
    [
      { offset: 0, width: 40 * ms },
      { offset: 0, width: 40 * ms, slope: 1e-4 },
    ],
    '*D',
  ],
];

describe('selection', () => {
  for (const [why, actors, letters, options] of TABLE) {
    it(why, () => {
      const played = play(actors, 10, { ...OPTIONS, ...options });
      assert.equal(played.letters, letters, JSON.stringify(played.set.selectReports(at(160)).map((r) => r.reason)));
    });
  }

  it('a source is selected at its second sample, and said so once', () => {
    const actor = { offset: 1e-3, width: ms };
    assert.equal(play([actor], 1).selection.selected, undefined);
    const { selection, facts } = play([actor], 2);
    assert.equal(selection.selected, 0);
    assert.equal(selection.refId, refidFromText('S0'));
    assert.deepEqual(facts, ['Selected source S0']);
    assert.deepEqual(play([actor], 10).facts, ['Selected source S0']);
  });

  it('at the start who is one poll behind is waited for; who answers as often and is no good is not', () => {
    for (const [answers, selected] of [
      [1, undefined],
      [2, 0],
    ] as const) {
      const set = new SourceSet(
        [0, 1].map((i) => infoOf({ offset: 0, width: ms }, i)),
        OPTIONS,
        1e-9,
        1e-6,
      );
      for (let n = 0; n < 2; n++) {
        set.reach(0, true);
        set.accumulate(0, sampleOf({ offset: 0, width: ms }, 16 * n, n));
      }
      for (let n = 0; n < answers; n++) set.reach(1, true);
      assert.equal(set.select(at(32)).selected, selected);
      assert.equal(set.selectReports(at(32))[0]!.state, selected === undefined ? 'w' : '*');
    }
  });

  it('a new source takes over only when it has been better for a while', () => {
    const set = new SourceSet(
      [0, 1].map((i) => infoOf({ offset: 0, width: 1 }, i)),
      OPTIONS,
      1e-9,
      1e-6,
    );
    const poll = (n: number, i: number, width: number): number | undefined => {
      set.reach(i, true);
      set.accumulate(i, sampleOf({ offset: 0, width }, 16 * n + i, n));
      return set.select(at(16 * n + i)).selected;
    };
    for (let n = 1; n <= 10; n++) poll(n, 0, ms);
    const chosen: (number | undefined)[] = [];
    for (let n = 11; n <= 25; n++) {
      poll(n, 0, ms);
      chosen.push(poll(n, 1, 0.5 * ms));
    }
    const change = chosen.indexOf(1);
    assert.ok(change >= 2 && change <= 8, `changed after ${change} polls`);
    assert.ok(chosen.slice(change).every((c) => c === 1));
  });

  it('a reference clock that fell silent hands over to one that is about as good, and to no other', () => {
    const us = 1e-6;
    const after = (missed: number, ...others: Actor[]): string => {
      const polls = 40;
      const silent: Actor = { offset: 0, width: us, answers: polls - missed };
      return play([silent, ...others], polls).letters;
    };
    const other: Actor = { offset: 0, width: 1.5 * us };
    assert.equal(after(0, other)[1], '+', 'while the first is heard');
    assert.equal(after(1, other)[0], '*', 'a poll may be missed');
    assert.equal(after(2, other)[1], '*');
    assert.equal(after(8, other)[1], '*');
    assert.equal(after(3, { offset: 0, width: 3 * us }, other)[2], '*', 'the better one of two');
    assert.equal(after(3, { offset: 0, width: ms })[0], '*', 'one that is much worse waits');
    assert.equal(after(3, { ...other, kind: 'client' })[0], '*', 'a server waits');
    assert.equal(after(3, { ...other, answers: 37 })[0], '*', 'who is silent as well is no heir');
    const server: Actor = { offset: 0, width: ms, kind: 'client', answers: 37 };
    assert.equal(play([server, { ...server, answers: 40 }], 40).letters[0], '*', 'servers miss polls now and then');
  });

  it('says what is lost, once', () => {
    const { facts, selection } = play([{ offset: 0, width: ms, answers: 3 }], 20);
    assert.deepEqual(facts, ['Selected source S0', "Can't synchronise: no selectable sources (1 unreachable sources)"]);
    assert.equal(selection.leap, 3);
    assert.equal(selection.stratum, 16);
  });

  it("uses chrony's words for majorities and falsetickers", () => {
    const apart = play([0, 1].map((i) => ({ offset: i, width: ms }))).facts;
    assert.ok(apart.includes("Can't synchronise: no majority (no agreement among 2 sources)"), apart.join());
    const pairs = play([0, 0, 1, 2].map((offset) => ({ offset, width: ms }))).facts;
    assert.ok(pairs.includes("Can't synchronise: no majority (only 2 of 4 sources agree)"), pairs.join());
    const liar = play([0, 0, 1].map((offset) => ({ offset, width: ms }))).facts;
    assert.equal(liar.filter((t) => t === 'Detected falseticker S2').length, 1);
  });

  it('a sample that is not newer discards the history', () => {
    const { set } = play([{ offset: 0, width: ms }], 5);
    set.accumulate(0, sampleOf({ offset: 0, width: ms }, 10, 0));
    assert.equal(set.sourcestatsReports(at(90))[0]!.samples, 1);
    assert.deepEqual(
      set
        .select(at(90))
        .facts.map((f) => f.text)
        .slice(0, 1),
      ['Out of order sample detected, discarding history for S0'],
    );
  });

  it('the leap vote needs a majority', () => {
    const vote = (leaps: Leap[]): Leap => play(leaps.map((leap) => ({ offset: 0, width: ms, leap }))).selection.leap;
    assert.equal(vote([1, 1, 0]), 1);
    assert.equal(vote([1, 0, 0]), 0);
    assert.equal(vote([2]), 2);
    assert.equal(vote([1, 2]), 0);
  });

  it('the combined offset lies between the sources, nearer to the better one', () => {
    const { selection } = play([
      { offset: 0, width: ms },
      { offset: 0.4 * ms, width: 2 * ms },
    ]);
    assert.deepEqual(selection.combined, [0, 1]);
    assert.ok(selection.offset > 0.1 * ms && selection.offset < 0.18 * ms, `${selection.offset}`);
    assert.ok(selection.offsetSd > 0.1 * ms);
  });

  it('reports in the letters and signs of chronyc', () => {
    const { set } = play([{ offset: 2 * ms, width: ms, jitter: 1e-15 }], 10);
    const [report] = set.sourceReports(at(165));
    assert.equal(report!.state, '*');
    assert.equal(report!.reach, 0o377);
    assert.equal(report!.sinceSample, 5);
    assert.ok(Math.abs(report!.lastOffsetMeasuredFast + 2 * ms) < 1e-12);
    const [stats] = set.sourcestatsReports(at(165));
    assert.equal(stats!.samples, 10);
    assert.equal(stats!.spanS, 144);
    assert.ok(Math.abs(stats!.offsetFast + 2 * ms) < 1e-9);
    const [select] = set.selectReports(at(165));
    assert.ok(select!.lowLimitFast < -2 * ms && select!.highLimitFast > -2 * ms);
  });

  it('a change of the clock moves the estimates with it; an unknown one voids them', () => {
    const { set } = play([{ offset: 2 * ms, width: ms, slope: 1e-6 }], 10);
    set.rebase({ at: at(160), doffset: 2 * ms + 160e-6, dfreq: 1e-6, kind: 'adjust' });
    const [stats] = set.sourcestatsReports(at(160));
    assert.ok(Math.abs(stats!.offsetFast) < 1e-9, `${stats!.offsetFast}`);
    assert.ok(Math.abs(stats!.residualFreqPpm) < 1e-6);
    const [report] = set.sourceReports(at(160));
    assert.ok(Math.abs(report!.lastOffsetFast) < 1e-9);
    assert.ok(Math.abs(report!.lastOffsetMeasuredFast + 2.16 * ms) < 1e-9, 'as measured stays as measured');
    set.rebase({ at: at(160), doffset: 0, dfreq: 0, kind: 'unknown' });
    assert.equal(set.sourcestatsReports(at(160))[0]!.samples, 0);
    assert.equal(set.select(at(161)).selected, undefined);
  });

  it('negative control: without statistics of its own a source is not believed at its first sample', () => {
    const { letters } = play([{ offset: 0, width: ms }], 1);
    assert.equal(letters, 'M');
  });
});
