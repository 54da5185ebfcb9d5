import { fromUnix, type Instant, instant } from '../../base/time.js';
import { BUILT_IN } from '../../core/discipline/leaptable.js';
import type { LeapTable } from '../../wire/leapfile.js';
import { figureOf, type Scenario } from '../scenario.js';
import type { Happening } from '../world.js';
import { GPS_PPS, gpsBoard } from './parts.js';

/** 2027-06-30 23:00: an hour before a leap second that these worlds invent. */
const EVENING = fromUnix(1_814_396_400);
const MIDNIGHT: Instant = instant(EVENING + 3_600_000_000_000n);
/** True time of the leap: the second 23:59:60 begins; or 23:59:59 would have begun, when it is left out. */
const INSERTED = 3600;
const DELETED = 3599;

/** The world's leap second as a table knows it. */
const TABLE: LeapTable = {
  entries: [...BUILT_IN.entries, { at: MIDNIGHT, taiUtc: 38 }],
  expires: instant(MIDNIGHT + 180n * 86_400_000_000_000n),
};
const readTable: Happening = {
  at: 0.5,
  run: (world) => world.post({ kind: 'leap-table', named: { name: 'leap second list', table: TABLE } }),
};

const evening = { start: EVENING, leapAt: INSERTED };
const mode = (name: string): readonly string[] => [...GPS_PPS, `leapsecmode ${name}`];
const BEFORE = { name: 'before', from: 600, to: 3590, rms: 400e-9, max: 2e-6 } as const;
const AFTER = { name: 'after', from: 3603, rms: 400e-9, max: 3e-6 } as const;

/** Leap seconds in every mode, both ways. */
export const leapScenarios: readonly Scenario[] = [
  {
    name: 'leap-table',
    what: 'The receiver says nothing of a leap second (NMEA cannot), but a table knows it.',
    hours: 1.5,
    stage: (rng, control) => ({ ...gpsBoard(rng), ...evening, script: control ? [] : [readTable] }),
    bounds: [AFTER, BEFORE],
    syncedBy: 30,
    control: { what: 'no table', factor: 1000, figure: figureOf('after', 'max') },
  },
  {
    name: 'leap-deleted',
    what: 'The last second of June is left out; the receiver announces it, the kernel does it.',
    hours: 1.5,
    stage: (rng, control) => ({
      ...gpsBoard(rng, {}, { announcesLeap: !control }),
      start: EVENING,
      leapAt: DELETED,
      leapDeleted: true,
    }),
    bounds: [AFTER, BEFORE],
    syncedBy: 30,
    control: { what: 'the receiver does not announce it', factor: 1000, figure: figureOf('after', 'max') },
  },
  {
    name: 'leap-step',
    what: 'leapsecmode step: the daemon itself steps the clock at midnight.',
    hours: 1.5,
    stage: (rng, control) => ({
      ...gpsBoard(rng, {}, { announcesLeap: !control }),
      ...evening,
      conf: mode('step'),
    }),
    bounds: [AFTER, BEFORE],
    syncedBy: 30,
    control: { what: 'the receiver does not announce it', factor: 1000, figure: figureOf('after', 'max', 'raw') },
  },
  {
    name: 'leap-step-deleted',
    what: 'leapsecmode step, and the second is left out.',
    hours: 1.5,
    stage: (rng, control) => ({
      ...gpsBoard(rng, {}, { announcesLeap: !control }),
      start: EVENING,
      leapAt: DELETED,
      leapDeleted: true,
      conf: mode('step'),
    }),
    bounds: [AFTER, BEFORE],
    syncedBy: 30,
    control: { what: 'the receiver does not announce it', factor: 1000, figure: figureOf('after', 'max', 'raw') },
  },
  {
    name: 'leap-slew',
    what: 'leapsecmode slew: served time leaps, the host clock is never stepped and slewed right in time.',
    hours: 1.5,
    stage: (rng, control) => ({
      ...gpsBoard(rng, {}, { announcesLeap: !control }),
      ...evening,
      conf: mode('slew'),
    }),
    bounds: [AFTER, BEFORE],
    syncedBy: 30,
    control: { what: 'the receiver does not announce it', factor: 1000, figure: figureOf('after', 'max') },
  },
  {
    name: 'leap-ignore',
    what: 'leapsecmode ignore: nothing happens at midnight, then the error is measured and corrected as any other.',
    hours: 1.5,
    stage: (rng, control) => {
      const board = gpsBoard(rng, {}, { announcesLeap: true });
      const mute: Happening = {
        at: 3590,
        run: () => {
          board.messages.talk.silent = true;
        },
      };
      return { ...board, ...evening, conf: mode('ignore'), script: control ? [mute] : [] };
    },
    bounds: [{ ...AFTER, name: 'later', from: 3660 }, BEFORE],
    syncedBy: 30,
    blind: 60,
    control: { what: 'the receiver falls silent before', factor: 1000, figure: figureOf('later', 'max') },
  },
];
