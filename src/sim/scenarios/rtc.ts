import { PPM } from '../../base/units.js';
import { SimRtc } from '../rtc.js';
import { BOARD, figureOf, ORDINARY_DAY, type Scenario } from '../scenario.js';

/** What a night of measurements has told of the RTC: 0.3 s fast, gaining 12 ppm. */
const FAST = 0.3;
const GAIN = 12e-6;
/** The machine was off for so long, s. */
const OFF = 40_000;

/** The real-time clock as the only thing that knows the time. */
export const rtcScenarios: readonly Scenario[] = [
  {
    name: 'rtc-start',
    what: 'Switched on without a receiver: the RTC gives the second (-s), its file the rest; the drift file holds the rate.',
    hours: 1,
    stage: (rng, control) => {
      const fast = FAST + GAIN * OFF;
      const line = { at: (ORDINARY_DAY - BigInt(OFF) * 1_000_000_000n) as typeof ORDINARY_DAY, fast: FAST, gain: GAIN };
      return {
        conf: ['rtcfile /rtc'],
        control: true,
        // Set from whole seconds, with half a second added for the fraction that nobody knew.
        initialOffset: 0.38,
        drift: { freq: -BOARD.frequency, skew: 0.1 * PPM },
        oscillator: BOARD,
        twins: [],
        rtc: new SimRtc({ fast, gain: GAIN, latency: 100e-6 }, rng),
        ...(control ? {} : { rtcMemory: line }),
      };
    },
    bounds: [{ name: 'running', from: 60, max: 5e-3 }],
    control: { what: 'no rtcfile to read', factor: 20, figure: figureOf('running', 'max') },
  },
];
