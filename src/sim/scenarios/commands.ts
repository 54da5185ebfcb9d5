import { add, instant, NS_PER_S } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';
import { BOARD, figureOf, type Scenario } from '../scenario.js';
import type { Happening } from '../world.js';
import { GPS_PPS, gpsBoard } from './parts.js';

/** The operator reads a watch and types: how far off the key is pressed, s. */
export const typed = (at: number, off: Seconds): Happening => ({
  at,
  run: (world) => {
    const truth = add(world.now().raw, off - world.rawError());
    // Nobody types fractions.
    const time = instant(((truth + NS_PER_S / 2n) / NS_PER_S) * NS_PER_S);
    world.post({ kind: 'command', command: { name: 'settime', time } });
  },
});

/** What operators do to the clock. */
export const commandScenarios: readonly Scenario[] = [
  {
    name: 'smoothtime',
    what: 'The clock is moved by 10 ms by hand and put right by the pulses; clients of smoothed time hardly notice.',
    hours: 1,
    stage: (rng, control) => ({
      ...gpsBoard(rng),
      conf: control ? GPS_PPS : [...GPS_PPS, 'smoothtime 400 0.1'],
      script: [
        {
          at: 1800.4,
          run: (world) => world.post({ kind: 'command', command: { name: 'change-offset', offsetFast: 0.01 } }),
        },
      ],
    }),
    bounds: [
      { name: 'moved', from: 1801, to: 1900, max: 20e-6 },
      { name: 'before', from: 600, to: 1800, rms: 1e-6, max: 5e-6 },
      { name: 'after', from: 2400, rms: 1e-6, max: 5e-6 },
    ],
    syncedBy: 30,
    control: { what: 'without smoothtime', factor: 100, figure: figureOf('moved', 'max') },
  },
  {
    name: 'settime',
    what: 'No source at all: an operator with a watch sets a clock that is 30 s off and 40 ppm fast, four times.',
    hours: 3,
    stage: (_rng, control) => ({
      conf: ['manual', 'local stratum 8'],
      control: true,
      initialOffset: 30,
      oscillator: { ...BOARD, frequency: 40e-6 },
      twins: [],
      script: control ? [] : [typed(60.3, 0.2), typed(1800.1, -0.3), typed(5400.7, 0.1), typed(9000.5, -0.2)],
    }),
    bounds: [
      { name: 'set', from: 120, max: 2.5 },
      { name: 'late', from: -1500, max: 1 },
    ],
    syncedBy: 5,
    control: { what: 'nobody sets the clock', factor: 15, figure: figureOf('late', 'max') },
  },
  {
    name: 'local',
    what: 'The receiver is dead for the first twenty minutes; `local` serves the lab meanwhile and gives way to it.',
    hours: 1,
    stage: (rng, control) => {
      const board = gpsBoard(rng, { silent: true }, { silent: true });
      const repair: Happening = {
        at: 1200.5,
        run: () => {
          board.pulses.line.silent = false;
          board.messages.talk.silent = false;
        },
      };
      return { ...board, conf: control ? GPS_PPS : [...GPS_PPS, 'local stratum 10'], script: [repair] };
    },
    bounds: [{ name: 'steady', from: 2400, rms: 400e-9, max: 2e-6 }],
    control: {
      what: 'without `local` nobody has the time meanwhile',
      factor: 50,
      figure: (o) => 1 - o.syncedShare + 1e-3,
    },
  },
];
