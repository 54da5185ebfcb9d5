import type { Prng } from '../../base/prng.js';
import type { Seconds } from '../../base/units.js';
import { worldConfig } from '../engineconfig.js';
import type { GroupOutcome, GroupScenario } from '../groupscenario.js';
import type { Group, MemberSpec } from '../net/group.js';
import { type ServerModel, SimServers, serverModel } from '../net/servers.js';
import { ModelOscillator } from '../oscillator.js';
import { SimReadings } from '../readings.js';
import { BOARD, ORDINARY_DAY } from '../scenario.js';

const ADDRESSES = ['10.0.0.11', '10.0.0.12', '10.0.0.13', '10.0.0.14'] as const;
/** Where the clocks stand at the start, s. */
const OFFSETS: readonly Seconds[] = [0.3, -0.2, 0.05, -0.4];
/** What their oscillators are off by on top of the board's usual. */
const RATES = [0, 12e-6, -7e-6, 20e-6] as const;

/** `outside`: models of a server that everybody may ask; each gets a network of its own to it. */
const crowd = (
  count: number,
  local: readonly string[],
  rng: Prng,
  outside: readonly ServerModel[] = [],
): MemberSpec[] =>
  ADDRESSES.slice(0, count).map((address, i) => {
    const others = ADDRESSES.slice(0, count).filter((a) => a !== address);
    const conf = [
      ...others.map((a) => `server ${a} iburst minpoll 3 maxpoll 4`),
      ...outside.map((s) => `server ${s.address} iburst minpoll 3 maxpoll 4`),
      ...local,
      'maxclockerror 20',
      'makestep 0.1 3',
    ];
    const model = { ...BOARD, frequency: BOARD.frequency + RATES[i]! };
    return {
      address,
      world: {
        seed: 100 + i,
        start: ORDINARY_DAY,
        initialOffset: OFFSETS[i]!,
        engine: worldConfig(conf, true),
        oscillator: new ModelOscillator(model, rng.fork(`oscillator ${i}`)),
        twins: [],
      },
      outside: new SimServers(outside, rng.fork(`outside ${i}`), ORDINARY_DAY),
    };
  });

const ORPHAN = ['local stratum 8 orphan distance 0.01 waitunsynced 30'];
const PLAIN = ['local stratum 8 distance 0.01 waitunsynced 30'];

const kill = (index: number) => (group: Group) => {
  group.members[index]!.alive = false;
};

const silence = (server: ServerModel, silent: boolean) => () => {
  server.silent = silent;
};

/** Seconds in which somebody followed the wrong one, and one. */
const astray = (name: string) => (o: GroupOutcome) => 1 + o.calms.find((c) => c.name === name)!.astray;

/** Two daemons with a receiver each, the first two of the network. */
const pair = (peers: boolean, rng: Prng, receivers: readonly SimReadings[]): MemberSpec[] =>
  receivers.map((receiver, i) => ({
    address: ADDRESSES[i]!,
    world: {
      seed: 100 + i,
      start: ORDINARY_DAY,
      initialOffset: OFFSETS[i]!,
      engine: worldConfig(
        [
          'refclock SHM 0 refid GPS poll 2',
          ...(peers ? [`peer ${ADDRESSES[1 - i]!} minpoll 4 maxpoll 4 xleave`] : []),
          'makestep 0.1 3',
        ],
        true,
      ),
      oscillator: new ModelOscillator(
        { ...BOARD, frequency: BOARD.frequency + RATES[i]!, wander: 1e-8 },
        rng.fork(`oscillator ${i}`),
      ),
      twins: [receiver],
    },
  }));

/** Daemons among themselves: without an outside, cut off from it, torn apart. */
export const groupScenarios: readonly GroupScenario[] = [
  {
    name: 'peers-backup',
    what: 'Two peers with a receiver each: each carries the other over the better part of an hour without its receiver.',
    hours: 3,
    stage: (rng, control) => {
      const receivers = [0, 1].map((i) => new SimReadings(0, rng.fork(`receiver ${i}`)));
      const deaf = (index: number, silent: boolean) => () => {
        receivers[index]!.readings.silent = silent;
      };
      return {
        members: pair(!control, rng, receivers),
        script: [
          { at: 1800.5, run: deaf(0, true) },
          { at: 4500.5, run: deaf(0, false) },
          { at: 6300.5, run: deaf(1, true) },
          { at: 9000.5, run: deaf(1, false) },
        ],
      };
    },
    calms: [
      { name: 'both', from: 600, to: 1800, parts: [{ members: [0, 1], leader: 'outside' }], spread: 10e-6 },
      {
        name: 'the first is deaf',
        from: 3000,
        to: 4500,
        parts: [{ members: [0, 1], leader: 1, above: 'outside' }],
        spread: 100e-6,
      },
      { name: 'both again', from: 5200, to: 6300, parts: [{ members: [0, 1], leader: 'outside' }], spread: 10e-6 },
      {
        name: 'the second is deaf',
        from: 7500,
        to: 9000,
        parts: [{ members: [0, 1], leader: 0, above: 'outside' }],
        spread: 100e-6,
      },
      { name: 'at the end', from: 9700, to: 10_800, parts: [{ members: [0, 1], leader: 'outside' }], spread: 10e-6 },
    ],
    control: { what: 'without the word peer', factor: 1000, figure: astray('the first is deaf') },
  },
  {
    name: 'orphan-three',
    what: 'Three daemons with no outside agree on the one with the smallest address; two of them die, one after another.',
    hours: 3,
    stage: (rng, control) => ({
      members: crowd(3, control ? PLAIN : ORPHAN, rng),
      script: [
        { at: 3600.5, run: kill(0) },
        { at: 7200.5, run: kill(1) },
      ],
    }),
    calms: [
      { name: 'together', from: 300, to: 3600, parts: [{ members: [0, 1, 2], leader: 0 }], spread: 100e-6 },
      { name: 'after the first', from: 4800, to: 7200, parts: [{ members: [1, 2], leader: 1 }], spread: 100e-6 },
      { name: 'alone', from: 8400, to: 10800, parts: [{ members: [2], leader: 2 }], spread: 0 },
    ],
    control: { what: 'without the word orphan', factor: 1000, figure: astray('together') },
  },
  {
    name: 'orphan-partition',
    what: 'A network of four is torn in two for an hour: each side has its own leader; mended, there is one again.',
    hours: 4,
    stage: (rng, control) => ({
      members: crowd(4, ORPHAN, rng),
      script: [
        { at: 3600.5, run: (group) => group.tear((address) => (address < '10.0.0.13' ? 0 : 1)) },
        { at: control ? 14_399 : 7200.5, run: (group) => group.tear(undefined) },
      ],
    }),
    calms: [
      { name: 'together', from: 300, to: 3600, parts: [{ members: [0, 1, 2, 3], leader: 0 }], spread: 100e-6 },
      {
        name: 'torn',
        from: 4800,
        to: 7200,
        parts: [
          { members: [0, 1], leader: 0 },
          { members: [2, 3], leader: 2 },
        ],
        spread: 100e-6,
      },
      { name: 'mended', from: 9000, to: 14_300, parts: [{ members: [0, 1, 2, 3], leader: 0 }], spread: 100e-6 },
    ],
    control: { what: 'it is never mended', factor: 1000, figure: astray('mended') },
  },
  {
    name: 'orphan-outside',
    what: 'Three daemons follow a server outside; it is silent for two hours, they follow the smallest of themselves; it is back.',
    hours: 4,
    stage: (rng, control) => {
      const server = serverModel('192.0.2.1');
      return {
        members: crowd(3, control ? PLAIN : ORPHAN, rng, [server]),
        script: [
          { at: 3600.5, run: silence(server, true) },
          { at: 10_800.5, run: silence(server, false) },
        ],
      };
    },
    calms: [
      { name: 'outside', from: 300, to: 3600, parts: [{ members: [0, 1, 2], leader: 'outside' }], spread: 100e-6 },
      { name: 'cut off', from: 7200, to: 10_800, parts: [{ members: [0, 1, 2], leader: 0 }], spread: 100e-6 },
      { name: 'back', from: 12_000, to: 14_400, parts: [{ members: [0, 1, 2], leader: 'outside' }], spread: 100e-6 },
    ],
    control: { what: 'without the word orphan', factor: 1000, figure: astray('cut off') },
  },
];
