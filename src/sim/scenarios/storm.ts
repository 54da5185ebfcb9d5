import type { Prng } from '../../base/prng.js';
import type { Seconds } from '../../base/units.js';
import { BOARD, type Scenario } from '../scenario.js';
import type { Happening, World } from '../world.js';
import { GPS_PPS_WIDTH, gpsBoard } from './parts.js';

type Board = ReturnType<typeof gpsBoard>;

/** A fault that lasts: what begins it and what ends it. A sudden one has no end. */
interface Fault {
  readonly begin: (world: World) => void;
  readonly end?: (world: World) => void;
  readonly lasts: Seconds;
}

/** Quiet time at both ends of a storm, s. */
const CALM: Seconds = 1800;
/** Mean time between the end of a fault and the next one, s. */
const PAUSE: Seconds = 900;

const between = (rng: Prng, low: number, high: number): number => low + (high - low) * rng.uniform();

const draw = (rng: Prng, { messages, pulses }: Board): Fault => {
  const { talk } = messages;
  const { line } = pulses;
  const size = rng.uniform();
  const set = <T extends object>(target: T, bad: Partial<T>, lasts: Seconds): Fault => {
    const good = { ...target };
    return { begin: () => Object.assign(target, bad), end: () => Object.assign(target, good), lasts };
  };
  const faults: readonly (() => Fault)[] = [
    () => ({
      begin: () => {
        talk.fix = false;
        line.silent = true;
      },
      end: () => {
        talk.fix = true;
        line.silent = false;
      },
      lasts: 60 + 1740 * size,
    }),
    () => set(line, { silent: true }, 10 + 1800 * size),
    () => set(talk, { silent: true }, 10 + 1800 * size),
    () => set(talk, { wrongBy: size < 0.5 ? -1 : 1 }, 1 + 8 * size),
    () => set(talk, { late: 0.3, lateBy: between(rng, 0.5, 1.5) }, 600),
    () => set(line, { outliers: 0.2 * size, outlierSize: 10 ** between(rng, -5, -1) }, 600),
    () => set(line, { missing: 0.5 * size, doubled: 0.3 * size }, 600),
    () => set(line, { wrongEdge: true }, 10 + 600 * size),
    () => set(line, { sigma: 1e-6 + 2e-5 * size }, 900),
    () => ({ begin: (world) => world.foreignStep(between(rng, -2, 2)), lasts: 0 }),
    () => ({ begin: (world) => world.suspend(10 + 3600 * size, between(rng, -0.5, 0.5)), lasts: 10 + 3600 * size }),
    () => ({
      begin: () => {
        messages.plug(false);
        pulses.plug(false);
      },
      end: () => {
        messages.plug(true);
        pulses.plug(true);
      },
      lasts: 5 + 1200 * size,
    }),
  ];
  return faults[rng.below(faults.length)]!();
};

/** One fault after the other, none while another lasts, until half an hour before the end. */
const storm = (rng: Prng, board: Board, hours: number): Happening[] => {
  // One step in any case, so that the control has something to miss.
  const script: Happening[] = [{ at: CALM + 0.4, run: (world) => world.foreignStep(0.7) }];
  let t = CALM;
  for (;;) {
    t += 10 + PAUSE * rng.exponential();
    const { begin, end, lasts } = draw(rng, board);
    // Not on a whole second: a fault there would race with the pulse.
    const from = Math.floor(t) + 0.4;
    if (from + lasts > hours * 3600 - CALM) return script;
    script.push({ at: from, run: begin });
    if (end !== undefined) script.push({ at: from + lasts, run: end });
    t = from + lasts;
  }
};

export const stormScenarios: readonly Scenario[] = [
  {
    name: 'storm',
    what: 'Hours of random faults of every kind, one after another; the advertised bound holds all the time.',
    hours: 6,
    stage: (rng, control, hours) => {
      const board = gpsBoard(rng);
      const script = storm(rng.fork('storm'), board, hours);
      return { ...board, oscillator: { ...BOARD, wander: 5e-10 }, conf: GPS_PPS_WIDTH, script, noticesJumps: !control };
    },
    bounds: [{ name: 'calm', from: -1200, rms: 1e-6, max: 10e-6 }],
    syncedBy: 30,
    control: {
      what: 'the watch on the raw clock is off: steps and sleep go unnoticed',
      factor: 10,
      figure: (o) => 1 + o.violations,
    },
  },
];
