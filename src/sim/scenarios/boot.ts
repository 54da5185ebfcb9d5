import { diff, fromUnix } from '../../base/time.js';
import { SimServers, serverModel } from '../net/servers.js';
import { BOARD, figureOf, ORDINARY_DAY, type Scenario } from '../scenario.js';
import { typed } from './commands.js';

/** A board without a battery: its clock starts at the beginning of 1970. */
const EPOCH = diff(fromUnix(0), ORDINARY_DAY);

const ADDRESSES = ['192.0.2.1', '192.0.2.2', '192.0.2.3'] as const;

const models = () => ADDRESSES.map((a) => serverModel(a));

/** The first minutes of a machine that does not know what time it is. */
export const bootScenarios: readonly Scenario[] = [
  {
    name: 'boot-1970',
    what: 'The clock starts in 1970, three servers know better: it is stepped once, and no time before that is vouched for.',
    hours: 1,
    stage: (rng, control) => ({
      conf: [...ADDRESSES.map((a) => `server ${a} iburst minpoll 4 maxpoll 6`), ...(control ? [] : ['makestep 1 3'])],
      control: true,
      initialOffset: EPOCH,
      oscillator: BOARD,
      twins: [],
      upstream: new SimServers(models(), rng.fork('servers'), ORDINARY_DAY),
    }),
    bounds: [{ name: 'settled', from: 900, rms: 30e-6, max: 150e-6 }],
    syncedBy: 60,
    control: { what: 'without makestep, the kernel clock', factor: 1e6, figure: figureOf('settled', 'rms', 'raw') },
  },
  {
    name: 'boot-1970-alone',
    what: 'The clock starts in 1970 and there is no outside: the network agrees on local time until an operator sets it.',
    hours: 2,
    stage: (_rng, control) => ({
      conf: ['local stratum 8', 'manual', 'makestep 1 -1'],
      control: true,
      initialOffset: EPOCH,
      oscillator: BOARD,
      twins: [],
      script: control ? [] : [typed(600.3, 0.3)],
    }),
    bounds: [{ name: 'set', from: 620, max: 1.5 }],
    syncedBy: 5,
    control: { what: 'nobody sets it', factor: 1e6, figure: figureOf('set', 'max') },
  },
  {
    name: 'initstepslew',
    what: 'The clock is 5 s off and may not be stepped later: servers are asked before normal operation, one of them is not there.',
    hours: 1,
    stage: (rng, control) => {
      const all = models();
      all[1]!.silent = true;
      return {
        conf: [
          ...ADDRESSES.map((a) => `server ${a} iburst minpoll 4 maxpoll 6`),
          'maxslewrate 500',
          ...(control ? [] : [`initstepslew 1 ${ADDRESSES.join(' ')}`]),
        ],
        control: true,
        initialOffset: -5,
        oscillator: BOARD,
        twins: [],
        upstream: new SimServers(all, rng.fork('servers'), ORDINARY_DAY),
      };
    },
    bounds: [
      { name: 'settled', from: 900, rms: 30e-6, max: 150e-6 },
      { name: 'soon', from: 30, to: 60, max: 1e-3 },
    ],
    notBefore: 6,
    syncedBy: 60,
    control: { what: 'without it, the kernel clock', factor: 100, figure: figureOf('settled', 'rms', 'raw') },
  },
];
