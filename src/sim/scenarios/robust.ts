import type { Prng } from '../../base/prng.js';
import type { Seconds } from '../../base/units.js';
import { onGrid, SimPulses } from '../pulses.js';
import { BOARD, figureOf, type Scenario, type Stage } from '../scenario.js';
import { SimSerial } from '../serial.js';
import { GPS_PPS, gpsBoard } from './parts.js';

/** A timing receiver that says what its own clock makes of the next pulse; `sign` −1: a firmware that errs in the sign. */
const timingBoard = (rng: Prng, sawtooth: Seconds, sign: 1 | -1): Stage => ({
  conf: GPS_PPS,
  control: true,
  initialOffset: 20e-3,
  oscillator: { ...BOARD, wander: 1e-11 },
  twins: [
    new SimSerial(0, rng.fork('serial'), {
      receiver: { baud: 115200, sentences: ['NAV-PVT', 'NAV-TIMELS', 'TIM-TP'], latency: 0.05 },
      faults: () => [],
      pulseError: (k) => -sign * sawtooth * onGrid(k),
    }),
    new SimPulses(1, rng.fork('pulses'), { sigma: 5e-9, sawtooth }),
  ],
});

/** Disturbances that a time server has to live with for hours, and what they may cost. */
export const robustScenarios: readonly Scenario[] = [
  {
    name: 'shifted-train',
    what: 'For an hour every pulse comes 10 ms late (a receiver that lost its mind): the clock does not follow.',
    hours: 2,
    stage: (rng, control) => {
      const board = gpsBoard(rng, control ? { bias: 10e-3 } : {});
      const set = (bias: number) => () => {
        board.pulses.line.bias = bias;
      };
      const script = [
        { at: 1800.5, run: set(10e-3) },
        { at: 5400.5, run: set(0) },
      ];
      return { ...board, oscillator: { ...BOARD, wander: 1e-10 }, script: control ? [] : script };
    },
    bounds: [
      { name: 'shifted', from: 1801, to: 5400, max: 100e-6 },
      { name: 'after', from: 5460, rms: 400e-9, max: 5e-6 },
    ],
    syncedBy: 30,
    control: {
      what: 'late from the start, with nothing to judge it by',
      factor: 50,
      figure: figureOf('shifted', 'max'),
    },
  },
  {
    name: 'sawtooth-10',
    what: 'A timing receiver on a good line: pulses on a grid of 21 ns (±10 ns) that creeps and at times stands still.',
    hours: 1,
    stage: (rng, control) => gpsBoard(rng, { sigma: 15e-9, sawtooth: control ? 500e-9 : 10.5e-9 }),
    bounds: [{ name: 'steady', from: 600, rms: 30e-9, max: 150e-9 }],
    syncedBy: 30,
    blind: 3,
    control: { what: 'a grid of 1 µs', factor: 5, figure: figureOf('steady', 'rms') },
  },
  {
    name: 'sawtooth-21',
    what: 'A navigation receiver on a good line: pulses on a grid of 42 ns (±21 ns) that creeps and at times stands still.',
    hours: 1,
    stage: (rng, control) => gpsBoard(rng, { sigma: 15e-9, sawtooth: control ? 500e-9 : 21e-9 }),
    bounds: [{ name: 'steady', from: 600, rms: 40e-9, max: 150e-9 }],
    syncedBy: 30,
    blind: 3,
    control: { what: 'a grid of 1 µs', factor: 5, figure: figureOf('steady', 'rms') },
  },
  {
    name: 'pulse-error-10',
    what: 'The grid of 21 ns (±10 ns), and the receiver says for each pulse where on it that lies (TIM-TP).',
    hours: 1,
    stage: (rng, control) => timingBoard(rng, 10.5e-9, control ? -1 : 1),
    bounds: [{ name: 'steady', from: 600, rms: 4e-9, max: 20e-9 }],
    syncedBy: 30,
    blind: 3,
    control: {
      what: 'the receiver errs in the sign: its word is refused',
      factor: 2,
      figure: figureOf('steady', 'rms'),
    },
  },
  {
    name: 'pulse-error-21',
    what: 'The grid of 42 ns (±21 ns), and the receiver says for each pulse where on it that lies (TIM-TP).',
    hours: 1,
    stage: (rng, control) => timingBoard(rng, 21e-9, control ? -1 : 1),
    bounds: [{ name: 'steady', from: 600, rms: 4e-9, max: 20e-9 }],
    syncedBy: 30,
    blind: 3,
    control: {
      what: 'the receiver errs in the sign: its word is refused',
      factor: 3,
      figure: figureOf('steady', 'rms'),
    },
  },
  {
    name: 'temperature-steps',
    what: 'Doors and fans: every half an hour the frequency moves by 0.3 ppm within some minutes, up and down.',
    hours: 2.5,
    stage: (rng, control) => ({
      ...gpsBoard(rng, control ? { missing: 0.97 } : {}),
      oscillator: {
        ...BOARD,
        steps: Array.from({ length: 4 }, (_, i) => ({ at: 1800 * (i + 1), by: i % 2 ? -0.3e-6 : 0.3e-6, tau: 120 })),
      },
    }),
    bounds: [{ name: 'steady', from: 600, rms: 600e-9, max: 3e-6 }],
    syncedBy: 30,
    blind: 3,
    control: { what: 'one pulse in thirty arrives', factor: 2, figure: figureOf('steady', 'max') },
  },
];
