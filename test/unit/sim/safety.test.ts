import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../src/base/prng.js';
import { worldConfig } from '../../../src/sim/engineconfig.js';
import { circles } from '../../../src/sim/groupscenario.js';
import { Member } from '../../../src/sim/net/group.js';
import { SafetyJudge } from '../../../src/sim/net/safety.js';
import { type ServerModel, SimServers, serverModel } from '../../../src/sim/net/servers.js';
import { ModelOscillator } from '../../../src/sim/oscillator.js';
import { BOARD, ORDINARY_DAY } from '../../../src/sim/scenario.js';
import { World } from '../../../src/sim/world.js';

/** Runs half an hour with these servers; what the judge found. `words`: options of the first one. */
const judge = (servers: readonly ServerModel[], words: string): readonly { readonly text: string }[] => {
  const safety = new SafetyJudge();
  const conf = servers.map((s, i) => `server ${s.address} iburst minpoll 3 maxpoll 4 ${i === 0 ? words : ''}`);
  const world = new World(
    {
      seed: 1,
      start: ORDINARY_DAY,
      initialOffset: 0,
      engine: worldConfig(conf, true),
      oscillator: new ModelOscillator(BOARD, new Prng(1)),
      twins: [],
      upstream: new SimServers(servers, new Prng(2), ORDINARY_DAY),
    },
    [safety],
  );
  world.run(1800);
  return safety.findings;
};

const servers = (...offsets: number[]): ServerModel[] =>
  offsets.map((offset, i) => serverModel(`192.0.2.${i + 1}`, { offset }));

describe('the judge of whom the clock follows', () => {
  it('objects when an operator makes the daemon trust a liar among honest servers', () => {
    const findings = judge(servers(0.05, 0, 0), 'trust');
    assert.ok(findings.length > 1000 - 1, `${findings.length}`);
    assert.match(findings[0]!.text, /^follows 192\.0\.2\.1, which lies; 2 of 3 do not$/);
  });

  it('has nothing against a daemon that votes', () => {
    assert.deepEqual(judge(servers(0.05, 0, 0), ''), []);
  });

  it('nor against one that cannot know: the liars are the majority', () => {
    assert.deepEqual(judge(servers(0.05, 0.05, 0), ''), []);
  });

  it('a server that admits how far off it is does not lie, nor does one within what its way hides', () => {
    const [first, ...others] = servers(0.05, 0, 0);
    assert.deepEqual(judge([{ ...first!, rootDispersion: 0.06 }, ...others], 'trust'), []);
    assert.deepEqual(judge(servers(100e-6, 0, 0), 'trust'), []);
  });
});

describe('circles of daemons that follow one another', () => {
  /** Members by name, each with whom it follows. */
  const ring = (follows: Readonly<Record<string, string>>): Member[] => {
    const members = new Map<string, Member>();
    const make = (name: string): Member =>
      Object.create(Member.prototype, { follows: { get: () => members.get(follows[name]!) ?? follows[name] } });
    for (const name of Object.keys(follows)) members.set(name, make(name));
    return [...members.values()];
  };

  it('are found whatever their length, and nothing else is taken for one', () => {
    assert.equal(circles(ring({ a: 'b', b: 'a' })), true);
    assert.equal(circles(ring({ a: 'b', b: 'c', c: 'a', d: 'itself' })), true);
    assert.equal(circles(ring({ a: 'itself', b: 'a', c: 'a' })), false);
    assert.equal(circles(ring({ a: 'outside', b: 'a', c: 'b', d: 'nobody' })), false);
  });
});
