import { SimReadings } from '../readings.js';
import { BOARD, figureOf, type Scenario } from '../scenario.js';

/** References that give whole readings. */
export const readingScenarios: readonly Scenario[] = [
  {
    name: 'shm',
    what: 'Another program writes pulses into shared memory, 200 ns of noise.',
    hours: 1,
    stage: (rng, control) => ({
      conf: ['refclock SHM 0 refid PPS precision 1e-7', 'makestep 0.1 3'],
      control: true,
      initialOffset: 50e-3,
      oscillator: BOARD,
      twins: [new SimReadings(0, rng.fork('shm'), { sigma: control ? 50e-6 : 200e-9 })],
    }),
    bounds: [{ name: 'steady', from: 600, rms: 150e-9, max: 1e-6 }],
    syncedBy: 30,
    control: { what: 'a writer that is 250 times noisier', factor: 10, figure: figureOf('steady', 'rms') },
  },
  {
    name: 'phc',
    what: 'A PHC that a grandmaster keeps right, read with a bracket of 2 µs.',
    hours: 1,
    stage: (rng, control) => ({
      conf: ['refclock PHC /dev/ptp0 refid PHC dpoll 0 poll 2', 'makestep 0.1 3'],
      control: true,
      initialOffset: -0.4,
      oscillator: BOARD,
      twins: [new SimReadings(0, rng.fork('phc'), { sigma: 300e-9, error: 1e-6, bias: control ? 20e-6 : 0 })],
    }),
    bounds: [{ name: 'steady', from: 600, rms: 200e-9, max: 1.5e-6 }],
    syncedBy: 30,
    control: { what: 'a PHC that is 20 µs off', factor: 10, figure: figureOf('steady', 'rms') },
  },
];
