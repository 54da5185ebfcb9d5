import type { Prng } from '../../base/prng.js';
import { SimPulses } from '../pulses.js';
import type { ReceiverFault } from '../receiver/faults.js';
import { BOARD, figureOf, type Scenario, type Stage } from '../scenario.js';
import { type SerialModel, SimSerial } from '../serial.js';
import { GPS_PPS } from './parts.js';

/** A board whose receiver speaks in bytes, through the daemon's own decoder. */
const serialBoard = (rng: Prng, model: SerialModel, pulses: boolean): Stage => ({
  conf: pulses ? GPS_PPS : GPS_PPS.filter((line) => !line.includes('PPS')).map((line) => line.replace(' noselect', '')),
  control: true,
  initialOffset: 20e-3,
  oscillator: BOARD,
  twins: [new SimSerial(0, rng.fork('serial'), model), ...(pulses ? [new SimPulses(1, rng.fork('pulses'))] : [])],
});

/** One burst in five is damaged on the way. */
const noisyLine = (_k: number, rng: Prng): readonly ReceiverFault[] => {
  const count = 1 + rng.below(4);
  const faults: readonly ReceiverFault[] = [
    { kind: 'drop-bytes', count },
    { kind: 'duplicate-bytes', count },
    { kind: 'corrupt-bytes', count },
    { kind: 'garbage', count: 30 * count },
    { kind: 'glue' },
    { kind: 'cut', keep: 0.3 },
  ];
  const [hit, which] = [rng.uniform(), rng.below(faults.length)];
  return hit < 0.2 ? [faults[which]!] : [];
};

/** Receivers down to their bytes. */
export const byteScenarios: readonly Scenario[] = [
  {
    name: 'nmea-bytes',
    what: 'RMC, GGA, GSA and GSV at 9600 baud, byte by byte through framer and decoder, one burst in five damaged.',
    hours: 1,
    stage: (rng, control) => serialBoard(rng, { receiver: {}, faults: noisyLine }, !control),
    bounds: [{ name: 'steady', from: 600, rms: 400e-9, max: 2e-6 }],
    syncedBy: 60,
    control: { what: 'no pulse wire', factor: 100, figure: figureOf('steady', 'rms') },
  },
  {
    name: 'ubx-bytes',
    what: 'A u-blox receiver that speaks UBX only, 115200 baud, broken frames in between now and then.',
    hours: 1,
    stage: (rng, control) =>
      serialBoard(
        rng,
        {
          receiver: { baud: 115200, sentences: ['NAV-PVT', 'NAV-TIMEUTC', 'NAV-TIMELS', 'TIM-TP'], latency: 0.05 },
          faults: (k) => (k % 7 === 0 ? [{ kind: 'ubx-between', broken: true }] : []),
        },
        !control,
      ),
    bounds: [{ name: 'steady', from: 600, rms: 400e-9, max: 2e-6 }],
    syncedBy: 60,
    control: { what: 'no pulse wire', factor: 100, figure: figureOf('steady', 'rms') },
  },
  {
    name: 'rollover',
    what: 'An old receiver names a date 1024 weeks ago; the date is repaired and the second stays right.',
    hours: 1,
    stage: (rng, control) =>
      serialBoard(
        rng,
        { receiver: {}, faults: () => (control ? [{ kind: 'silent' }] : [{ kind: 'rollover', eras: -1 }]) },
        true,
      ),
    bounds: [{ name: 'steady', from: 600, rms: 400e-9, max: 2e-6 }],
    syncedBy: 60,
    control: {
      what: 'the sentences are silent: nobody numbers the pulses',
      factor: 100,
      figure: figureOf('steady', 'rms'),
    },
  },
];
