import type { Prng } from '../../base/prng.js';
import type { Seconds } from '../../base/units.js';
import { type Path, type ServerModel, SimServers, serverModel } from '../net/servers.js';
import { BOARD, figureOf, ORDINARY_DAY, type Scenario, type Stage } from '../scenario.js';
import type { Happening } from '../world.js';

type Crowd = Stage & { readonly upstream: SimServers };

const stage = (rng: Prng, servers: readonly ServerModel[], options: string, more: readonly string[] = []): Crowd => ({
  conf: [...servers.map((s) => `server ${s.address} iburst ${options}`), 'makestep 0.1 3', ...more],
  control: true,
  initialOffset: 20e-3,
  oscillator: BOARD,
  twins: [],
  upstream: new SimServers(servers, rng.fork('servers'), ORDINARY_DAY),
});

/** `offsets`: of each server's clock, s. */
const servers = (offsets: readonly Seconds[], path: Partial<Path> = {}): ServerModel[] =>
  offsets.map((offset, i) => serverModel(`192.0.2.${i + 1}`, { offset }, path));

const at = (t: number, run: () => void): Happening => ({ at: t, run });

const POLLS = 'minpoll 4 maxpoll 6';
const SETTLED = { name: 'settled', from: 900, rms: 30e-6, max: 150e-6 } as const;

/** Many servers, some of which lie, change, or stand behind roads that do. */
export const crowdScenarios: readonly Scenario[] = [
  {
    name: 'ntp-many',
    what: 'Forty servers near and far, fifteen of which lie, each in its own way.',
    hours: 1,
    stage: (rng, control) => {
      const liars = control ? 25 : 15;
      const all = Array.from({ length: 40 }, (_, i) => {
        const base = 100e-6 * 1.15 ** (i % 20);
        const lie = control ? 0.05 : (0.02 + 0.01 * i) * (i % 2 === 0 ? 1 : -1);
        const path = { baseUp: base, baseDown: base, waitUp: base / 4, waitDown: base / 4 };
        return serverModel(`192.0.2.${i + 1}`, { offset: i < liars ? lie : 0 }, path);
      });
      return stage(rng, all, POLLS);
    },
    bounds: [SETTLED],
    syncedBy: 120,
    control: { what: 'twenty-five of them tell the same lie', factor: 300, figure: figureOf('settled', 'rms') },
  },
  {
    name: 'ntp-conspiracy',
    what: 'Two of five servers agree on a time that is 80 ms off; the nearest of all is one of them.',
    hours: 1,
    stage: (rng, control) => {
      const all = servers([0.08, 0.08, control ? 0.08 : 0, 0, 0]);
      Object.assign(all[0]!.path, { baseUp: 10e-6, baseDown: 10e-6, waitUp: 1e-6, waitDown: 1e-6 });
      return stage(rng, all, POLLS);
    },
    bounds: [SETTLED],
    syncedBy: 60,
    control: { what: 'three of five agree on it', factor: 500, figure: figureOf('settled', 'rms') },
  },
  {
    name: 'ntp-half',
    what: 'Two servers against two: that is no majority, nobody is believed, and the daemon says that it does not know.',
    hours: 1,
    stage: (rng, control) => stage(rng, servers(control ? [0.5, 0.5, 0] : [0.5, 0.5, 0, 0]), POLLS),
    bounds: [{ name: 'untouched', from: 60, max: 60e-3 }],
    notBefore: 3601,
    control: { what: 'one of the honest ones is not there', factor: 8, figure: figureOf('untouched', 'max') },
  },
  {
    name: 'ntp-jump',
    what: 'After an hour one of three servers jumps by ten seconds, after another hour a second one is wrong by 50 ms for a minute.',
    hours: 3,
    stage: (rng, control) => {
      const all = servers([0, 0, 0, 0]);
      const set = (which: readonly number[], offset: Seconds) => () => {
        for (const i of which) all[i]!.offset = offset;
      };
      const first = control ? [0, 1, 2] : [0];
      const script = [at(3600.5, set(first, 10)), at(7200.5, set([1], 0.05)), at(7260.5, set([1], 0))];
      return { ...stage(rng, all, POLLS), script };
    },
    bounds: [SETTLED],
    syncedBy: 60,
    control: {
      what: 'three of four jump together: nobody knows who is right, and the daemon says so',
      factor: 2,
      figure: (o) => 1 / o.syncedShare,
    },
  },
  {
    name: 'ntp-claims',
    what: 'Four servers 0.3 s off say of themselves: stratum 0, stratum 16, not synchronised, 20 s from the root. None counts.',
    hours: 1,
    stage: (rng, control) => {
      const all = servers([0, 0, 0.3, 0.3, 0.3, 0.3]);
      if (!control) {
        all[2]!.stratum = 0;
        all[3]!.stratum = 16;
        all[4]!.leap = 3;
        all[5]!.rootDispersion = 20;
      }
      return stage(rng, all, POLLS);
    },
    bounds: [SETTLED],
    syncedBy: 60,
    control: { what: 'they say that they are fine', factor: 1000, figure: figureOf('settled', 'rms') },
  },
  {
    name: 'ntp-distance-lie',
    what: 'A server is 20 ms off and claims to stand at the root itself; three that admit milliseconds outvote it.',
    hours: 1,
    stage: (rng, control) => {
      const all = servers([0.02, 0, 0, 0]);
      for (const s of all.slice(1)) {
        s.rootDelay = 4e-3;
        s.rootDispersion = 2e-3;
        if (control) s.silent = true;
      }
      return stage(rng, all, POLLS);
    },
    bounds: [SETTLED],
    syncedBy: 60,
    control: { what: 'the others are silent', factor: 100, figure: figureOf('settled', 'rms') },
  },
  {
    name: 'ntp-route',
    what: 'After an hour the way to one of three servers becomes 10 ms longer, one way only; an hour later it is short again.',
    hours: 3,
    stage: (rng, control) => {
      const all = servers([0, 0, 0]);
      const set = (longer: Seconds) => () => {
        all[0]!.path.baseUp = 100e-6 + longer;
      };
      if (control) for (const s of all) s.path.baseUp += 10e-3;
      return { ...stage(rng, all, POLLS), script: [at(3600.5, set(10e-3)), at(7200.5, set(0))] };
    },
    bounds: [SETTLED],
    syncedBy: 60,
    control: { what: 'all ways are as long from the beginning', factor: 20, figure: figureOf('settled', 'rms') },
  },
  {
    name: 'ntp-one-way',
    what: 'The only server is 5 ms away and 1 ms back: nobody can see that, but the operator knows and says it (offset).',
    hours: 2,
    stage: (rng, control) => {
      const all = servers([0], { baseUp: 5e-3, baseDown: 1e-3 });
      return stage(rng, all, control ? POLLS : `${POLLS} offset -0.002`);
    },
    bounds: [{ name: 'settled', from: 1800, rms: 40e-6, max: 150e-6 }],
    syncedBy: 60,
    control: { what: 'he does not say it', factor: 40, figure: figureOf('settled', 'rms') },
  },
  {
    name: 'ntp-reorder',
    what: 'A third of the packets is held up for three seconds: replies overtake one another, a tenth comes twice, a tenth never.',
    hours: 2,
    stage: (rng, control) => {
      const path = { held: 0.3, heldFor: 3, duplicates: 0.1, loss: 0.1 };
      const all = servers([0, 0, 0], path);
      if (control) for (const s of all) s.path.held = 1;
      return stage(rng, all, 'minpoll 2 maxpoll 4');
    },
    bounds: [{ name: 'settled', from: 1800, rms: 60e-6, max: 400e-6 }],
    syncedBy: 120,
    control: { what: 'all are held up', factor: 3, figure: figureOf('settled', 'rms') },
  },
  {
    name: 'ntp-suspend',
    what: 'The machine sleeps for ten minutes and wakes with its clock 0.3 s wrong; it has nothing but three servers.',
    hours: 2,
    stage: (rng, control) => ({
      ...stage(rng, servers([0, 0, 0]), POLLS),
      noticesJumps: !control,
      script: [{ at: 3600.4, run: (world) => world.suspend(600, 0.3) }],
    }),
    bounds: [
      { name: 'before', from: 900, to: 3600, rms: 30e-6, max: 150e-6 },
      { name: 'awake', from: 4320, rms: 50e-6, max: 300e-6 },
    ],
    syncedBy: 60,
    control: { what: 'the watch on the raw clock is off', factor: 3, figure: figureOf('awake', 'max') },
  },
  {
    name: 'ntp-dns',
    what: 'No name can be resolved for three hours; then all can.',
    hours: 6,
    stage: (rng, control) => {
      const all = servers([0, 0, 0]);
      const s = stage(rng, [], '', ['server a.example iburst', 'server b.example iburst', 'pool c.example iburst']);
      const upstream = new SimServers(all, rng.fork('named'), ORDINARY_DAY);
      const found = (): void => {
        for (const [i, name] of ['a.example', 'b.example', 'c.example'].entries()) {
          upstream.names.set(name, [all[i]!.address]);
        }
      };
      return { ...s, upstream, script: control ? [] : [at(10_800.5, found)] };
    },
    bounds: [{ name: 'found', from: 16_200, rms: 100e-6, max: 500e-6 }],
    notBefore: 10_800,
    syncedBy: 14_500,
    control: { what: 'they never can', factor: 100, figure: figureOf('found', 'rms') },
  },
];
