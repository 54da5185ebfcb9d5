import type { Scenario } from '../scenario.js';
import { figureOf } from '../scenario.js';
import { gpsBoard, NMEA_ALONE, withoutPulses } from './parts.js';

/** Receivers that talk well and badly. */
export const receiverScenarios: readonly Scenario[] = [
  {
    name: 'pps-nmea',
    what: 'A good receiver with a pulse wire: sentences number the pulses, nothing goes wrong.',
    hours: 1,
    stage: (rng, control) => (control ? withoutPulses(gpsBoard(rng)) : gpsBoard(rng)),
    bounds: [{ name: 'steady', from: 600, rms: 400e-9, max: 2e-6 }],
    syncedBy: 30,
    control: { what: 'no pulse wire', factor: 100, figure: figureOf('steady', 'rms') },
  },
  {
    name: 'cold-start',
    what: 'Dead RTC (1970), 20 ppm off, no drift file: right within two minutes.',
    hours: 1,
    stage: (rng, control) => {
      const board = gpsBoard(rng);
      return {
        ...board,
        conf: control ? board.conf.filter((line) => !line.startsWith('makestep')) : board.conf,
        initialOffset: -1_772_323_200,
        oscillator: { frequency: 20e-6, wander: 1e-9 },
      };
    },
    bounds: [{ name: 'steady', from: 120, rms: 500e-9, max: 5e-6 }],
    syncedBy: 30,
    control: { what: 'no makestep', factor: 1e6, figure: figureOf('steady', 'rms', 'raw') },
  },
  {
    name: 'warm-start',
    what: 'A restart with a drift file: 20 ppm off, known to 50 ppb, right from the first pulses on.',
    hours: 1,
    stage: (rng, control) => ({
      ...gpsBoard(rng),
      oscillator: { frequency: 20e-6, wander: 1e-9 },
      ...(control ? {} : { drift: { freq: -20e-6, skew: 50e-9 } }),
    }),
    bounds: [
      { name: 'first', from: 5, to: 10, max: 3e-6 },
      { name: 'steady', from: 600, rms: 400e-9, max: 2e-6 },
    ],
    syncedBy: 30,
    control: { what: 'no drift file', factor: 1.5, figure: figureOf('first', 'max') },
  },
  {
    name: 'late-device',
    what: 'The receiver is plugged in a quarter of an hour after the start.',
    hours: 1,
    stage: (rng, control) => {
      const board = gpsBoard(rng);
      const { messages, pulses } = board;
      const plug = (at: number, present: boolean) => ({
        at,
        run: () => {
          messages.plug(present);
          pulses.plug(present);
        },
      });
      return { ...board, script: control ? [plug(0, false)] : [plug(0, false), plug(900, true)] };
    },
    bounds: [{ name: 'after', from: 1200, rms: 400e-9, max: 2e-6 }],
    syncedBy: 930,
    notBefore: 900,
    control: { what: 'it is never plugged in', factor: 1000, figure: figureOf('after', 'rms') },
  },
  {
    name: 'off-by-one',
    what: 'For ten minutes the sentences name the second after the right one; served time is not led astray.',
    hours: 1,
    stage: (rng, control) => {
      const board = gpsBoard(rng);
      const { talk } = board.messages;
      const script = [
        { at: 1800.3, run: () => (talk.wrongBy = 1) },
        { at: 2400.3, run: () => (talk.wrongBy = 0) },
      ];
      return { ...(control ? withoutPulses(board) : board), script };
    },
    bounds: [
      { name: 'wrong', from: 1800, to: 2420, max: 20e-6 },
      { name: 'after', from: 2430, rms: 400e-9, max: 2e-6 },
    ],
    syncedBy: 30,
    control: { what: 'sentences alone, no pulse to carry the number', factor: 1000, figure: figureOf('wrong', 'max') },
  },
  {
    name: 'late-bursts',
    what: 'One burst in ten comes 0.9 s late and crosses the next pulse.',
    hours: 1,
    stage: (rng, control) => {
      const board = gpsBoard(rng, {}, { late: 0.1, lateBy: 0.9 });
      return control ? withoutPulses(board) : board;
    },
    bounds: [{ name: 'steady', from: 600, rms: 400e-9, max: 2e-6 }],
    syncedBy: 60,
    control: { what: 'sentences alone', factor: 1000, figure: figureOf('steady', 'rms') },
  },
  {
    name: 'lost-fix',
    what: 'The receiver loses its fix for a quarter of an hour: no pulses, void sentences; then it returns.',
    hours: 1.5,
    stage: (rng, control) => {
      const board = gpsBoard(rng);
      const set = (fix: boolean) => () => {
        board.messages.talk.fix = fix;
        board.pulses.line.silent = !fix;
      };
      const away = { at: 2700.5, run: set(false) };
      const back = { at: 3600.5, run: set(true) };
      return { ...board, script: control ? [away] : [away, back] };
    },
    bounds: [
      { name: 'returned', from: 3610, rms: 500e-9, max: 5e-6 },
      { name: 'before', from: 600, to: 2700, rms: 400e-9, max: 2e-6 },
      // Wander of 1 ppb/√s over a quarter of an hour: 1e-9 × 900^1.5 / √3 = 16 µs is one sigma.
      { name: 'holdover', from: 2701, to: 3600, max: 80e-6 },
    ],
    syncedBy: 30,
    control: { what: 'the fix never returns', factor: 10, figure: figureOf('returned', 'rms') },
  },
  {
    name: 'nmea-only',
    what: 'Sentences alone, their latency configured, 5 ms of jitter and 5 ms of slow wander.',
    hours: 2,
    stage: (rng, control) => {
      const stage = withoutPulses(gpsBoard(rng));
      return control ? { ...stage, conf: NMEA_ALONE.map((line) => line.replace(/ offset .*/, ' delay 0.5')) } : stage;
    },
    bounds: [{ name: 'steady', from: 1800, rms: 10e-3, max: 40e-3 }],
    syncedBy: 120,
    control: { what: 'the latency is not configured', factor: 5, figure: figureOf('steady', 'rms') },
  },
];
