import { Prng } from '../base/prng.js';
import type { Seconds } from '../base/units.js';
import { Group, Member, type MemberSpec } from './net/group.js';
import type { Path } from './net/servers.js';
import type { TrueTime } from './queue.js';

/** Something that happens to the network or to a machine. */
export interface GroupHappening {
  readonly at: TrueTime;
  run(group: Group): void;
}

export interface GroupStage {
  readonly members: readonly MemberSpec[];
  readonly path?: Partial<Path>;
  readonly script: readonly GroupHappening[];
}

/** A stretch of the run in which everybody who lives has to agree. */
export interface Calm {
  readonly name: string;
  readonly from: TrueTime;
  readonly to: TrueTime;
  /** Groups by their indices, each with the member that it has to follow, or 'outside'; a leader serves its own time. */
  readonly parts: readonly {
    readonly members: readonly number[];
    readonly leader: number | 'outside';
    /** Whom the leader follows; 'itself' unless given. */
    readonly above?: 'outside';
  }[];
  /** Largest difference of served times inside a part, s. */
  readonly spread: Seconds;
}

/** Several daemons on one network, and who has to follow whom. */
export interface GroupScenario {
  readonly name: string;
  /** One sentence. */
  readonly what: string;
  readonly hours: number;
  stage(rng: Prng, control: boolean): GroupStage;
  readonly calms: readonly Calm[];
  /** Seconds at most, in the whole run, in which some follow one another in a circle; 0 unless given. */
  readonly circling?: number;
  readonly control: { readonly what: string; readonly factor: number; figure(o: GroupOutcome): number };
}

export interface CalmResult extends Calm {
  /** s, greatest of the stretch. */
  readonly seen: Seconds;
  /** Seconds in which somebody followed the wrong one. */
  readonly astray: number;
  /** In words, the first of them. */
  readonly first: string | undefined;
}

export interface GroupOutcome {
  readonly name: string;
  readonly seed: number;
  readonly hours: number;
  readonly calms: readonly CalmResult[];
  readonly circling: number;
  readonly failures: readonly string[];
}

class Watch {
  seen: Seconds = 0;
  astray = 0;
  first: string | undefined;

  constructor(readonly calm: Calm) {}

  second(k: number, members: readonly Member[]): void {
    if (k < this.calm.from || k >= this.calm.to) return;
    const wrong: string[] = [];
    for (const { members: indices, leader, above = 'itself' } of this.calm.parts) {
      const part = indices.map((i) => members[i]!);
      const errors = part.map((m) => m.world.servedError() ?? m.world.rawError());
      this.seen = Math.max(this.seen, Math.max(...errors) - Math.min(...errors));
      const wanted = leader === 'outside' ? leader : members[leader]!;
      for (const m of part) if (m.follows !== (m === wanted ? above : wanted)) wrong.push(whom(m));
    }
    if (wrong.length === 0) return;
    this.astray++;
    this.first ??= `at ${k} s ${wrong.join(', ')}`;
  }
}

const whom = (m: Member): string => {
  const { follows } = m;
  return `${m.address} follows ${follows instanceof Member ? follows.address : follows}`;
};

/** Does somebody get, from one to the next, back to himself? */
export const circles = (members: readonly Member[]): boolean =>
  members.some((m) => {
    let at = m.follows;
    for (let hops = 0; hops < members.length && at instanceof Member; hops++) {
      if (at === m) return true;
      at = at.follows;
    }
    return false;
  });

export const runGroup = (
  scenario: GroupScenario,
  options: { readonly seed: number; readonly control?: boolean },
): GroupOutcome => {
  const rng = new Prng(options.seed);
  const stage = scenario.stage(rng.fork('stage'), options.control === true);
  const group = new Group(stage.members, rng.fork('group'), stage.path);
  const watches = scenario.calms.map((calm) => new Watch(calm));
  const script = [...stage.script].sort((a, b) => a.at - b.at);
  let circling = 0;
  for (let k = 1; k <= scenario.hours * 3600; k++) {
    for (; script.length > 0 && script[0]!.at < k; script.shift()) {
      group.run(script[0]!.at);
      script[0]!.run(group);
    }
    group.run(k);
    const living = group.members.filter((m) => m.alive);
    if (circles(living)) circling++;
    for (const watch of watches) watch.second(k, group.members);
  }
  const calms = watches.map(({ calm, seen, astray, first }) => ({ ...calm, seen, astray, first }));
  const failures = [
    ...calms.filter((c) => c.astray > 0).map((c) => `${c.name}: ${c.astray} s astray, first ${c.first}`),
    ...calms.filter((c) => c.seen > c.spread).map((c) => `${c.name}: spread ${c.seen.toExponential(2)} s`),
    ...(circling > (scenario.circling ?? 0) ? [`${circling} s in a circle`] : []),
  ];
  return { name: scenario.name, seed: options.seed, hours: scenario.hours, calms, circling, failures };
};
