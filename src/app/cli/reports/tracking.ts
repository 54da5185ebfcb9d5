import { refidToHex, refidToText } from '../../../base/refid.js';
import { toIso } from '../../../base/time.js';
import type { ReplyValues } from '../../../wire/cmdmon/packet.js';
import { longDate, unixSeconds } from '../dates.js';
import { fixed, signed } from '../numbers.js';
import { modeOf } from '../query.js';
import { nameOf, printOne, type Session } from '../session.js';
import { cell, hidden, label, type Row } from '../sheet.js';

export const LEAP_TEXT = ['Normal', 'Insert second', 'Delete second', 'Not synchronised'];
export const leapText = (leap: number): string => LEAP_TEXT[leap] ?? 'Invalid';

type Tracking = ReplyValues<'TRACKING'>;

/** One line a value: several rows of text, one of CSV; so the line breaks stand in the labels. */
const trackingRow = (t: Tracking, name: string, mode: string | undefined): Row => {
  const slow = t.currentCorrection > 0;
  const fast = t.frequencyFastPpm > 0;
  return [
    label('Reference ID    : '),
    cell('refid', refidToHex(t.refId), refidToHex(t.refId)),
    cell('name', name, ` (${name})`, name),
    label('\nStratum         : '),
    cell('stratum', t.stratum, String(t.stratum)),
    label('\nRef time (UTC)  : '),
    cell('refTime', toIso(t.referenceTime), longDate(t.referenceTime), unixSeconds(t.referenceTime)),
    label('\nSystem time     : '),
    cell(
      'systemTimeSlowSeconds',
      t.currentCorrection,
      `${fixed(Math.abs(t.currentCorrection), 9)} seconds ${slow ? 'slow' : 'fast'} of NTP time`,
      fixed(t.currentCorrection, 9),
    ),
    label('\nLast offset     : '),
    cell('lastOffsetFastSeconds', t.lastOffset, `${signed(t.lastOffset, 9)} seconds`, fixed(t.lastOffset, 9)),
    label('\nRMS offset      : '),
    cell('rmsOffsetSeconds', t.rmsOffset, `${fixed(t.rmsOffset, 9)} seconds`, fixed(t.rmsOffset, 9)),
    label('\nFrequency       : '),
    cell(
      'frequencyFastPpm',
      t.frequencyFastPpm,
      `${fixed(Math.abs(t.frequencyFastPpm), 3)} ppm ${fast ? 'fast' : 'slow'}`,
      fixed(t.frequencyFastPpm, 3),
    ),
    label('\nResidual freq   : '),
    cell(
      'residualFrequencyPpm',
      t.residualFrequencyPpm,
      `${signed(t.residualFrequencyPpm, 3)} ppm`,
      fixed(t.residualFrequencyPpm, 3),
    ),
    label('\nSkew            : '),
    cell('skewPpm', t.skewPpm, `${fixed(t.skewPpm, 3)} ppm`, fixed(t.skewPpm, 3)),
    label('\nRoot delay      : '),
    cell('rootDelaySeconds', t.rootDelay, `${fixed(t.rootDelay, 9)} seconds`, fixed(t.rootDelay, 9)),
    label('\nRoot dispersion : '),
    cell(
      'rootDispersionSeconds',
      t.rootDispersion,
      `${fixed(t.rootDispersion, 9)} seconds`,
      fixed(t.rootDispersion, 9),
    ),
    label('\nUpdate interval : '),
    cell(
      'updateIntervalSeconds',
      t.lastUpdateInterval,
      `${fixed(t.lastUpdateInterval, 1)} seconds`,
      fixed(t.lastUpdateInterval, 1),
    ),
    label('\nLeap status     : '),
    cell('leap', leapText(t.leap), leapText(t.leap)),
    hidden('synchronised', t.leap !== 3),
    hidden('mode', mode ?? null),
  ];
};

export const tracking = async (session: Session): Promise<void> => {
  const t = await session.talker.ask('TRACKING', {});
  const name =
    t.address === undefined ? refidToText(t.refId) : await nameOf(session, t.address, { max: 0, isSource: true });
  const mode = session.ours && session.mode === 'json' ? await modeOf(session) : undefined;
  printOne(session, trackingRow(t, name, mode));
};
