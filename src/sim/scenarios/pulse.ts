import { BOARD, figureOf, type Scenario } from '../scenario.js';
import type { Happening } from '../world.js';
import { GPS_PPS, GPS_PPS_WIDTH, gpsBoard, setLine } from './parts.js';

/** A rate of 3000 ppm was set 65 ms later than the daemon thinks: 200 µs that nobody tells it of. */
const lateSlew = (at: number): Happening => ({ at, run: (world) => world.clock.jump(200e-6) });

/** Pulse lines that misbehave. */
export const pulseScenarios: readonly Scenario[] = [
  {
    name: 'pulses-vanish',
    what: 'The pulse wire breaks for a quarter of an hour while the sentences go on; then it is mended.',
    hours: 1.5,
    stage: (rng, control) => {
      const board = gpsBoard(rng);
      const broken = setLine(board, 2700.5, { silent: true });
      const mended = setLine(board, 3600.5, { silent: false });
      return { ...board, script: control ? [broken] : [broken, mended] };
    },
    bounds: [
      { name: 'returned', from: 3610, rms: 500e-9, max: 5e-6 },
      { name: 'holdover', from: 2701, to: 3600, max: 80e-6 },
    ],
    syncedBy: 30,
    control: { what: 'the wire stays broken', factor: 10, figure: figureOf('returned', 'rms') },
  },
  {
    name: 'wrong-edge',
    what: 'For ten minutes the end of the 0.1 s pulse is captured: `width` tells it from the clock that was right before.',
    hours: 1,
    stage: (rng, control) => {
      const board = gpsBoard(rng, { wrongEdge: control });
      const wrong = setLine(board, 1800.5, { wrongEdge: true });
      const right = setLine(board, 2400.5, { wrongEdge: false });
      return { ...board, conf: GPS_PPS_WIDTH, script: control ? [] : [wrong, right] };
    },
    bounds: [
      { name: 'after', from: 2410, rms: 400e-9, max: 5e-6 },
      { name: 'wrong', from: 1801, to: 2400, max: 50e-6 },
    ],
    syncedBy: 30,
    control: {
      what: 'wrong from the start, with nothing to judge it by',
      factor: 1000,
      figure: figureOf('after', 'rms'),
    },
  },
  {
    name: 'outliers',
    what: 'One pulse in five is a millisecond off.',
    hours: 1,
    stage: (rng, control) =>
      // The control has the same variance without anything that could be told apart: 1 ms × √0.2.
      gpsBoard(rng, control ? { sigma: 447e-6 } : { outliers: 0.2, outlierSize: 1e-3 }),
    bounds: [{ name: 'steady', from: 600, rms: 600e-9, max: 5e-6 }],
    syncedBy: 60,
    control: { what: 'the same variance as plain noise', factor: 20, figure: figureOf('steady', 'rms') },
  },
  {
    name: 'ragged',
    what: 'Pulses missing (5 %), doubled (5 %) and 1 ms off (2 %), interrupts one-sided.',
    hours: 1,
    stage: (rng, control) =>
      gpsBoard(rng, control ? { sigma: 150e-6 } : { missing: 0.05, doubled: 0.05, outliers: 0.02, latency: 0.5e-6 }),
    bounds: [{ name: 'steady', from: 600, rms: 1.2e-6, max: 5e-6 }],
    syncedBy: 60,
    blind: 3,
    control: { what: 'plain noise of about the same variance', factor: 5, figure: figureOf('steady', 'rms') },
  },
  {
    name: 'dirty',
    what: 'A good line with bad manners: 3 % outliers of any size up to 50 µs, 5 % missing, a grid of ±40 ns, a calm quartz, and a machine that takes its time over the first correction.',
    hours: 1,
    stage: (rng, control) => ({
      ...gpsBoard(rng, {
        sigma: 50e-9,
        outliers: 0.03,
        outlierSize: 50e-6,
        anySize: true,
        missing: 0.05,
        sawtooth: 40e-9,
      }),
      // A clock that can be read to 5 µs, as on an emulated machine, says nothing of its pulses' noise.
      conf: [...GPS_PPS, 'clockprecision 5e-6'],
      initialOffset: 3e-3,
      oscillator: { frequency: 12e-6, wander: 1e-12 },
      script: (control ? Array.from({ length: 17 }, (_, i) => 200 * i) : [0]).map((at) => lateSlew(at + 5.5)),
    }),
    bounds: [
      { name: 'steady', from: 600, rms: 25e-9, max: 120e-9 },
      { name: 'early', from: 120, to: 600, rms: 150e-9, max: 1e-6 },
    ],
    syncedBy: 60,
    // The clock is not where the daemon has been told that it put it.
    blind: 60,
    control: { what: 'every 200 s it does so again', factor: 20, figure: figureOf('steady', 'rms') },
  },
  {
    name: 'slow-start',
    what: 'A cold machine takes 65 ms over the first frequencies it sets, and corrects for what that did to the clock.',
    hours: 1,
    stage: (rng, control) => ({
      ...gpsBoard(rng, { sigma: 200e-9 }),
      initialOffset: 3e-3,
      sluggish: { until: 30, by: 0.065, told: !control },
    }),
    bounds: [
      { name: 'start', from: 10, to: 60, max: 2e-6 },
      { name: 'steady', from: 600, rms: 100e-9, max: 500e-9 },
    ],
    syncedBy: 30,
    control: { what: 'the engine is not told', factor: 8, figure: figureOf('start', 'max') },
  },
  {
    name: 'bursts',
    what: 'Every five minutes or so some seconds in which half of the pulses are up to 200 µs off, either way.',
    hours: 2,
    stage: (rng, control) =>
      gpsBoard(
        rng,
        // The control has the same variance without anything that could be told apart.
        control ? { sigma: 13e-6 } : { bursts: 1 / 300, burstLength: 8, outlierSize: 200e-6, anySize: true },
      ),
    bounds: [{ name: 'steady', from: 600, rms: 300e-9, max: 2e-6 }],
    syncedBy: 60,
    control: { what: 'the same variance as plain noise', factor: 4, figure: figureOf('steady', 'rms') },
  },
  {
    name: 'bursts-near',
    what: 'The same with half minutes of pulses up to 20 µs off: hardly to be told from a source that has become noisy.',
    hours: 2,
    stage: (rng, control) =>
      gpsBoard(
        rng,
        control ? { sigma: 2.5e-6 } : { bursts: 1 / 300, burstLength: 30, outlierSize: 20e-6, anySize: true },
      ),
    bounds: [{ name: 'steady', from: 600, rms: 1e-6, max: 20e-6 }],
    syncedBy: 60,
    control: { what: 'the same variance as plain noise', factor: 1, figure: figureOf('steady', 'rms') },
  },
  {
    name: 'noisier',
    what: 'The pulses become seventeen times noisier for half an hour (a loaded machine, a bad antenna), then good again.',
    hours: 1.5,
    stage: (rng, control) => {
      const board = gpsBoard(rng);
      const set = (sigma: number) => () => {
        board.pulses.line.sigma = sigma;
      };
      const worse = { at: 1800.5, run: set(17e-6) };
      const good = { at: 3600.5, run: set(1e-6) };
      return { ...board, script: control ? [worse] : [worse, good] };
    },
    bounds: [
      { name: 'good', from: 4200, rms: 800e-9, max: 3e-6 },
      { name: 'change', from: 1800, to: 2100, max: 50e-6 },
      { name: 'noisy', from: 2100, to: 3600, rms: 4e-6, max: 15e-6 },
    ],
    syncedBy: 30,
    control: { what: 'they stay noisy', factor: 2, figure: figureOf('good', 'rms') },
  },
  {
    name: 'noise-by-turns',
    what: 'Every ten minutes the pulses become 2 to 22 times noisier, for five: the oscillator is the same all the time.',
    hours: 6,
    stage: (rng, control) => {
      const board = gpsBoard(rng, control ? { sigma: 11e-6 } : {});
      const { line } = board.pulses;
      const sizes = rng.fork('sizes');
      const script = Array.from({ length: 34 }, (_, i) => {
        const sigma = 2e-6 + 20e-6 * sizes.uniform();
        return [
          { at: 600 * (i + 1) + 0.5, run: () => Object.assign(line, { sigma }) },
          { at: 600 * (i + 1) + 300.5, run: () => Object.assign(line, { sigma: 1e-6 }) },
        ];
      });
      return { ...board, oscillator: { ...BOARD, wander: 5e-10 }, script: control ? [] : script.flat() };
    },
    bounds: [
      { name: 'all', from: 600, rms: 4e-6, max: 30e-6 },
      { name: 'good', from: -600, rms: 400e-9, max: 2e-6 },
    ],
    syncedBy: 30,
    control: { what: 'they are as noisy all the time', factor: 4, figure: figureOf('good', 'rms') },
  },
];
