import { BOARD, figureOf, type Scenario } from '../scenario.js';
import { SimThermometer } from '../thermometer.js';
import type { Happening } from '../world.js';
import { GPS_PPS, gpsBoard } from './parts.js';

/** An air conditioner: 10 degrees up and down in an hour, a quartz of 0.2 ppm a degree. */
const CYCLE = { amplitude: 2e-6, period: 3600, phase: 0 } as const;
const temperature = (t: number): number => 25 + 10 * Math.sin((2 * Math.PI * Math.floor(t)) / CYCLE.period);

/** Between two changes of the fan, s, and what each does to the quartz. */
const FAN = 1500;
const fan = (until: number): { at: number; by: number; tau: number }[] =>
  Array.from({ length: Math.floor(until / FAN) }, (_, i) => ({
    at: FAN * (i + 1),
    by: i % 2 ? -0.4e-6 : 0.4e-6,
    tau: 120,
  }));

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
    name: 'tempsensor',
    what: 'The same air conditioner, and nobody has told what it does: learned in two hours beside the pulses.',
    hours: 4,
    stage: (rng, control) => {
      const board = gpsBoard(rng);
      return {
        ...board,
        twins: control ? board.twins : [...board.twins, new SimThermometer(2, (t) => 1000 * temperature(t))],
        oscillator: { ...BOARD, wander: 1e-10, temperature: CYCLE },
        conf: [...GPS_PPS, 'tempsensor /sensor 2'],
        script: [lose(board, 3 * 3600)],
      };
    },
    bounds: [
      { name: 'away', from: 3 * 3600, max: 150e-6 },
      { name: 'steady', from: 1800, to: 3 * 3600, rms: 400e-9, max: 2e-6 },
    ],
    syncedBy: 30,
    control: { what: 'no sensor', factor: 10, figure: figureOf('away', 'max') },
  },
  {
    name: 'tempsensor-steps',
    what: 'A fan by turns: steps of 5 degrees that reach the quartz within minutes and the sensor at once; the receiver is lost for an hour.',
    hours: 5,
    stage: (rng, control) => {
      const board = gpsBoard(rng);
      const read = (t: number): number => 40 + (Math.floor(t / FAN) % 2 ? 5 : 0) + 0.2 * Math.sin(t);
      return {
        ...board,
        twins: control ? board.twins : [...board.twins, new SimThermometer(4, read)],
        oscillator: { ...BOARD, wander: 1e-10, steps: fan(5 * 3600) },
        conf: [...GPS_PPS, 'tempsensor /sensor 4'],
        script: [lose(board, 4 * 3600 + 600)],
      };
    },
    bounds: [
      { name: 'away', from: 4 * 3600 + 600, max: 150e-6 },
      { name: 'steady', from: 1800, to: 4 * 3600, rms: 500e-9, max: 3e-6 },
    ],
    syncedBy: 30,
    blind: 5,
    control: { what: 'no sensor', factor: 4, figure: figureOf('away', 'max') },
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
