import { fromUnix } from '../../base/time.js';
import { SimNetwork } from '../net/network.js';
import { BOARD, figureOf, type Scenario } from '../scenario.js';
import { GPS_PPS, GPS_PPS_WIDTH, gpsBoard, setLine } from './parts.js';

/** 2027-06-30 23:00: an hour before a leap second that the world invents. */
const LEAP_EVENING = fromUnix(1_814_396_400);

/** What happens to the machine and its clock. */
export const hostScenarios: readonly Scenario[] = [
  {
    name: 'dash-x',
    what: 'The host clock may not be touched (-x) and drifts away; served time is right.',
    hours: 1,
    stage: (rng, control) => ({
      ...gpsBoard(rng),
      control: false,
      initialOffset: 0.3,
      oscillator: { ...BOARD, frequency: 12e-6 },
      conf: control ? GPS_PPS.map((line) => line.replace(/( lock NMEA.*)$/, '$1 noselect')) : GPS_PPS,
    }),
    bounds: [{ name: 'steady', from: 600, rms: 400e-9, max: 2e-6 }],
    syncedBy: 30,
    control: {
      what: 'nothing is selected: served time is the raw clock',
      factor: 1e4,
      figure: figureOf('steady', 'rms'),
    },
  },
  {
    name: 'clients',
    what: 'Basic, interleaved and broken clients ask through a jittery network; their stamps are judged by true time.',
    hours: 1,
    stage: (rng, control) => ({
      ...gpsBoard(rng),
      network: new SimNetwork(rng.fork('network'), {
        basic: 3,
        interleaved: control ? 0 : 3,
        lateTruth: !control,
        interval: 2,
        odd: 1,
        jitter: 50e-6,
      }),
    }),
    bounds: [{ name: 'steady', from: 600, rms: 400e-9, max: 2e-6 }],
    syncedBy: 30,
    control: {
      what: 'no interleaved mode, and no latency of sending learned: departure is what the daemon read',
      factor: 1.3,
      figure: (o) => o.network?.interleavedTxRms || (o.network?.basicTxRms ?? 0),
    },
  },
  {
    name: 'foreign-step',
    what: 'Another program steps the host clock by 0.25 s; the daemon sees it and puts it back.',
    hours: 1,
    stage: (rng, control) => ({
      ...gpsBoard(rng),
      noticesJumps: !control,
      script: [{ at: 1800.4, run: (world) => world.foreignStep(0.25) }],
    }),
    bounds: [
      { name: 'after', from: 1801, to: 1860, rms: 2e-6, max: 5e-6 },
      { name: 'steady', from: 600, to: 1800, rms: 400e-9, max: 2e-6 },
      { name: 'later', from: 2400, rms: 400e-9, max: 2e-6 },
    ],
    syncedBy: 30,
    control: { what: 'the watch on the raw clock is off', factor: 1000, figure: figureOf('after', 'max') },
  },
  {
    name: 'suspend',
    what: 'The machine sleeps for ten minutes and wakes with its clock 0.3 s wrong.',
    hours: 1,
    stage: (rng, control) => ({
      ...gpsBoard(rng),
      noticesJumps: !control,
      script: [{ at: 1800.4, run: (world) => world.suspend(600, 0.3) }],
    }),
    bounds: [
      { name: 'after', from: 2430, rms: 500e-9, max: 5e-6 },
      { name: 'before', from: 600, to: 1800, rms: 400e-9, max: 2e-6 },
    ],
    syncedBy: 30,
    control: { what: 'the watch on the raw clock is off', factor: 1000, figure: figureOf('after', 'max') },
  },
  {
    name: 'edge-after-sleep',
    what: 'Half a minute after waking up, while all is young again, the pulses jump to their other edge for ten minutes.',
    hours: 1.25,
    stage: (rng, control) => {
      const board = gpsBoard(rng);
      return {
        ...board,
        conf: GPS_PPS_WIDTH,
        script: [
          { at: 1800.4, run: (world) => world.suspend(600, 0.3) },
          setLine(board, control ? 2300.4 : 2424.4, { wrongEdge: true }),
          setLine(board, 3024.4, { wrongEdge: false }),
        ],
      };
    },
    bounds: [
      { name: 'wrong', from: 2430, to: 3024, max: 100e-6 },
      { name: 'after', from: 3040, rms: 500e-9, max: 5e-6 },
    ],
    syncedBy: 30,
    control: {
      what: 'on the other edge before it wakes: nothing to judge it by',
      factor: 1000,
      figure: figureOf('wrong', 'max'),
    },
  },
  {
    name: 'frequency-jump',
    what: 'The oscillator jumps by 1 ppm, as after a knock or a sudden draught.',
    hours: 1.5,
    stage: (rng, control) => ({
      ...gpsBoard(rng, control ? { missing: 0.95 } : {}),
      oscillator: { ...BOARD, jumps: [{ at: 1800, by: 1e-6 }] },
    }),
    bounds: [
      { name: 'jump', from: 1800, to: 1920, max: 30e-6 },
      { name: 'before', from: 600, to: 1800, rms: 400e-9, max: 2e-6 },
      { name: 'after', from: 2700, rms: 400e-9, max: 3e-6 },
    ],
    // No pulse can tell 1 ppm from its noise before some have come.
    blind: 5,
    syncedBy: 30,
    control: { what: 'one pulse in twenty arrives', factor: 2, figure: figureOf('jump', 'max') },
  },
  {
    name: 'leap-second',
    what: 'A leap second is inserted at the end of June; the receiver announces it, the kernel makes it.',
    hours: 1.5,
    stage: (rng, control) => ({
      ...gpsBoard(rng, {}, { announcesLeap: !control }),
      start: LEAP_EVENING,
      leapAt: 3600,
    }),
    bounds: [
      { name: 'after', from: 3603, rms: 400e-9, max: 3e-6 },
      { name: 'before', from: 600, to: 3600, rms: 400e-9, max: 2e-6 },
    ],
    syncedBy: 30,
    control: { what: 'the receiver does not announce it', factor: 1000, figure: figureOf('after', 'max') },
  },
];
