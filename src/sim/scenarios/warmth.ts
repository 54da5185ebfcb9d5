import { BOARD, figureOf, type Scenario } from '../scenario.js';
import { SimThermometer } from '../thermometer.js';
import type { Happening } from '../world.js';
import { GPS_PPS, gpsBoard } from './parts.js';

/** An air conditioner: 10 degrees up and down in an hour, a quartz of 0.2 ppm a degree. */
const CYCLE = { amplitude: 2e-6, period: 3600, phase: 0 } as const;
const temperature = (t: number): number => 25 + 10 * Math.sin((2 * Math.PI * Math.floor(t)) / CYCLE.period);

/** From here on the receiver is silent, and so are its pulses. */
const lose = (board: ReturnType<typeof gpsBoard>, at: number): Happening => ({
  at,
  run: () => {
    board.messages.plug(false);
    board.pulses.plug(false);
  },
});

/** What is known of the oscillator besides its last frequency, when there is no reference. */
export const warmthScenarios: readonly Scenario[] = [
  {
    name: 'tempcomp',
    what: 'The quartz follows the air conditioner; a sensor and tempcomp make up for it while the receiver is away.',
    hours: 2.5,
    stage: (rng, control) => {
      const board = gpsBoard(rng);
      return {
        ...board,
        twins: control ? board.twins : [...board.twins, new SimThermometer(2, temperature)],
        oscillator: { ...BOARD, wander: 1e-11, temperature: CYCLE },
        conf: [...GPS_PPS, 'tempcomp /sensor 2 25 0 -0.2 0'],
        script: [lose(board, 7200)],
      };
    },
    bounds: [
      { name: 'away', from: 7200, max: 60e-6 },
      { name: 'steady', from: 1800, to: 7200, rms: 400e-9, max: 2e-6 },
    ],
    syncedBy: 30,
    control: { what: 'no sensor', factor: 20, figure: figureOf('away', 'max') },
  },
  {
    name: 'fallbackdrift',
    what: 'The receiver is lost when the quartz is warmest; the clock goes on with the average of the last hour.',
    hours: 7,
    stage: (rng, control) => {
      const board = gpsBoard(rng);
      return {
        ...board,
        oscillator: { ...BOARD, wander: 1e-11, temperature: CYCLE },
        conf: [...GPS_PPS, ...(control ? [] : ['fallbackdrift 10 12'])],
        script: [lose(board, 3600 * 4 + 900)],
      };
    },
    bounds: [
      { name: 'away', from: 3600 * 4 + 900, max: 8e-3 },
      { name: 'steady', from: 1800, to: 3600 * 4, rms: 400e-9, max: 2e-6 },
    ],
    syncedBy: 30,
    control: { what: 'no fallbackdrift', factor: 2, figure: figureOf('away', 'max') },
  },
];
