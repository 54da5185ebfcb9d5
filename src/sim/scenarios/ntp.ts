import type { Prng } from '../../base/prng.js';
import { type ServerModel, SimServers, serverModel } from '../net/servers.js';
import { SimReadings } from '../readings.js';
import { BOARD, figureOf, ORDINARY_DAY, type Scenario, type Stage } from '../scenario.js';

const HONEST = ['192.0.2.1', '192.0.2.2', '192.0.2.3'] as const;

const lines = (addresses: readonly string[], options: string): string[] => [
  ...addresses.map((a) => `server ${a} iburst ${options}`),
  'makestep 0.1 3',
];

const stage = (
  rng: Prng,
  servers: readonly ServerModel[],
  conf: readonly string[],
): Stage & { upstream: SimServers } => ({
  conf,
  control: true,
  initialOffset: 20e-3,
  oscillator: BOARD,
  twins: [],
  upstream: new SimServers(servers, rng.fork('servers'), ORDINARY_DAY),
});

/** A client of NTP servers, on networks and among servers of every kind. */
export const ntpScenarios: readonly Scenario[] = [
  {
    name: 'ntp-lan',
    what: 'Three servers on a LAN that is busier up than down; nobody told the daemon so.',
    hours: 2,
    stage: (rng, control) =>
      stage(
        rng,
        HONEST.map((a) => serverModel(a)),
        lines(HONEST, control ? 'minpoll 4 maxpoll 4 asymmetry 0.5' : 'minpoll 4 maxpoll 4'),
      ),
    bounds: [{ name: 'settled', from: 3600, rms: 6e-6, max: 25e-6 }],
    syncedBy: 30,
    control: { what: 'told that the other way is the busy one', factor: 1.5, figure: figureOf('settled', 'rms') },
  },
  {
    name: 'ntp-early-stamp',
    what: 'Servers next door read the stamp of their replies 40 us before those leave; asked without `xleave`.',
    hours: 2,
    stage: (rng, control) => {
      const near = { baseUp: 3e-6, baseDown: 3e-6, waitUp: 1e-6, waitDown: 1e-6 };
      const servers = HONEST.map((a) => serverModel(a, { lead: 40e-6, interleaves: !control }, near));
      return stage(rng, servers, lines(HONEST, 'minpoll 4 maxpoll 4'));
    },
    bounds: [{ name: 'settled', from: 3600, rms: 1e-6, max: 5e-6 }],
    syncedBy: 30,
    control: { what: 'they do not know interleaved mode', factor: 4, figure: figureOf('settled', 'rms') },
  },
  {
    name: 'ntp-liar',
    what: 'One of four servers is half a second off and the nearest of all: the others outvote it.',
    hours: 1,
    stage: (rng, control) => {
      const liar = serverModel(
        '192.0.2.9',
        { offset: 0.5 },
        { baseUp: 10e-6, baseDown: 10e-6, waitUp: 1e-6, waitDown: 1e-6 },
      );
      const others = HONEST.map((a) => serverModel(a, control ? { offset: 0.5 } : {}));
      return stage(rng, [...others, liar], lines([...HONEST, liar.address], 'minpoll 4 maxpoll 6'));
    },
    bounds: [{ name: 'settled', from: 900, rms: 30e-6, max: 100e-6 }],
    syncedBy: 60,
    control: { what: 'the majority lies', factor: 1000, figure: figureOf('settled', 'rms') },
  },
  {
    name: 'ntp-spoofed',
    what: 'A stranger answers every request before the server does, and every packet comes twice.',
    hours: 1,
    stage: (rng, control) =>
      stage(
        rng,
        HONEST.map((a) => serverModel(a, control ? { offset: 0.05 } : { spoof: 0.05 }, { duplicates: 1 })),
        lines(HONEST, 'minpoll 4 maxpoll 6'),
      ),
    bounds: [{ name: 'settled', from: 900, rms: 30e-6, max: 100e-6 }],
    syncedBy: 60,
    control: { what: 'the servers themselves say it', factor: 1000, figure: figureOf('settled', 'rms') },
  },
  {
    name: 'ntp-wan',
    what: 'Servers far away: milliseconds of jitter, a fifth of the packets lost, some late enough to be overtaken.',
    hours: 6,
    stage: (rng, control) => {
      const far = { baseUp: 8e-3, baseDown: 8e-3, waitUp: 1e-3, waitDown: 0.7e-3, loss: 0.1, held: 0.05, heldFor: 0.4 };
      const servers = HONEST.map((a) => serverModel(a, {}, far));
      if (control) for (const s of servers) s.path.held = 0.9;
      return stage(rng, servers, lines(HONEST, 'minpoll 6 maxpoll 8'));
    },
    bounds: [{ name: 'settled', from: 7200, rms: 0.5e-3, max: 2e-3 }],
    syncedBy: 120,
    control: { what: 'nine packets in ten are held up for 0.4 s', factor: 3, figure: figureOf('settled', 'rms') },
  },
  {
    name: 'ntp-outage',
    what: 'All servers are silent for half an hour and come back.',
    hours: 2,
    stage: (rng, control) => {
      const s = stage(
        rng,
        HONEST.map((a) => serverModel(a)),
        lines(HONEST, 'minpoll 4 maxpoll 4'),
      );
      const silence = (silent: boolean) => () => {
        for (const server of s.upstream.servers) server.silent = silent;
      };
      const gone = { at: 3600.5, run: silence(true) };
      const back = { at: 5400.5, run: silence(false) };
      return { ...s, script: control ? [gone] : [gone, back] };
    },
    bounds: [
      { name: 'away', from: 3601, to: 5400, max: 250e-6 },
      { name: 'returned', from: 5700, rms: 10e-6, max: 40e-6 },
    ],
    syncedBy: 30,
    control: { what: 'they stay away', factor: 3, figure: figureOf('returned', 'rms') },
  },
  {
    name: 'ntp-kiss',
    what: 'A server sends kisses of death: RATE slows the daemon down, DENY ends it for that server, the others stay.',
    hours: 1,
    stage: (rng, control) => {
      const [first, second, third] = HONEST.map((a) => serverModel(a));
      if (control) first!.kiss = second!.kiss = third!.kiss = 'DENY';
      first!.kiss = 'DENY';
      second!.kiss = 'RATE';
      return stage(rng, [first!, second!, third!], lines(HONEST, 'minpoll 4 maxpoll 6'));
    },
    bounds: [{ name: 'settled', from: 900, rms: 30e-6, max: 100e-6 }],
    syncedBy: 60,
    control: { what: 'all of them deny', factor: 1000, figure: figureOf('settled', 'rms') },
  },
  {
    name: 'gps-lies',
    what: 'A reference clock is 30 ms off from the middle on: three servers on the network outvote it.',
    hours: 2,
    stage: (rng, control) => {
      const readings = new SimReadings(0, rng.fork('readings'));
      const servers = control ? [] : HONEST;
      const s = stage(
        rng,
        HONEST.map((a) => serverModel(a)),
        ['refclock SHM 0 refid GPS', ...lines(servers, 'minpoll 4 maxpoll 5')],
      );
      const lie = () => {
        readings.readings.bias = 30e-3;
      };
      return { ...s, twins: [readings], script: [{ at: 3600.5, run: lie }] };
    },
    bounds: [
      { name: 'before', from: 1800, to: 3600, max: 30e-6 },
      { name: 'lied to', from: 3900, max: 1e-3 },
    ],
    syncedBy: 60,
    control: {
      what: 'nobody else is asked: the jump is refused, and nothing is left to follow',
      factor: 2,
      figure: figureOf('lied to', 'rms'),
    },
  },
];
