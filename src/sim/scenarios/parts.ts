import type { Prng } from '../../base/prng.js';
import type { Seconds } from '../../base/units.js';
import { SimMessages, type Talk } from '../messages.js';
import { type PulseLine, SimPulses } from '../pulses.js';
import { BOARD, type Stage } from '../scenario.js';
import type { Happening } from '../world.js';

/** The documented way to run a receiver with a pulse wire: sentences number the pulses and are never selected. */
export const GPS_PPS: readonly string[] = [
  'refclock NMEA /dev/gps0 refid NMEA noselect',
  'refclock PPS /dev/pps0 lock NMEA refid PPS',
  'makestep 0.1 3',
];

/** The same, told how wide the pulses are: their other edge can be known. */
export const GPS_PPS_WIDTH: readonly string[] = GPS_PPS.map((line) =>
  line.includes('refclock PPS') ? `${line} width 0.1` : line,
);

/** GOOD_TALK's latency of the burst's first byte, as a user would have measured it. */
export const CALIBRATED: Seconds = 0.12;

/** Sentences alone, with their latency configured. */
export const NMEA_ALONE: readonly string[] = [
  `refclock NMEA /dev/gps0 refid NMEA offset ${CALIBRATED}`,
  'makestep 0.1 3',
];

/** A board with a GPS receiver and a pulse wire that starts 20 ms off, with clock control. */
export const gpsBoard = (
  rng: Prng,
  line: Partial<PulseLine> = {},
  talk: Partial<Talk> = {},
): Stage & { readonly messages: SimMessages; readonly pulses: SimPulses } => {
  const messages = new SimMessages(0, rng.fork('messages'), talk);
  const pulses = new SimPulses(1, rng.fork('pulses'), line);
  return {
    conf: GPS_PPS,
    control: true,
    initialOffset: 20e-3,
    oscillator: BOARD,
    twins: [messages, pulses],
    messages,
    pulses,
  };
};

/** The same board without its pulse wire: the usual negative control. */
export const withoutPulses = (stage: Stage & { readonly messages: SimMessages }): Stage => ({
  ...stage,
  conf: NMEA_ALONE,
  twins: [stage.messages],
});

/** From `at` on, s, the board's pulse line is like this. */
export const setLine = (
  { pulses }: { readonly pulses: SimPulses },
  at: Seconds,
  to: Partial<PulseLine>,
): Happening => ({
  at,
  run: () => Object.assign(pulses.line, to),
});
