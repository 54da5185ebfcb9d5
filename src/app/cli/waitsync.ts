import { setTimeout as sleep } from 'node:timers/promises';
import { REFID_LOCAL, refidToHex } from '../../base/refid.js';
import { fixed } from './numbers.js';
import { type Command, Failed, printOne, type Session } from './session.js';
import { cell, label } from './sheet.js';

/** Limits of `waitsync`; 0 = no limit. */
interface WaitLimits {
  readonly tries: number;
  readonly correction: number;
  readonly skewPpm: number;
  readonly intervalS: number;
}

const positive = (word: string | undefined, otherwise: number): number => {
  const n = Number.parseFloat(word ?? '');
  return n > 0 ? n : otherwise;
};

/** One look at the daemon; a daemon that does not answer is a try like any other. */
const isSynchronised = async (session: Session, n: number, limits: WaitLimits): Promise<boolean> => {
  const t = await session.talker.ask('TRACKING', {}).catch(() => undefined);
  if (t === undefined) return false;
  const correction = Math.abs(t.currentCorrection);
  const refid = refidToHex(t.refId);
  const row = [
    label('try: '),
    cell('try', n, String(n)),
    label(', refid: '),
    cell('refid', refid, refid),
    label(', correction: '),
    cell('correctionSeconds', correction, fixed(correction, 9)),
    label(', skew: '),
    cell('skewPpm', t.skewPpm, fixed(t.skewPpm, 3)),
  ];
  printOne(session, row);
  return (
    (t.address !== undefined || (t.refId !== 0 && t.refId !== REFID_LOCAL)) &&
    (limits.correction === 0 || correction <= limits.correction) &&
    (limits.skewPpm === 0 || t.skewPpm <= limits.skewPpm)
  );
};

/** `waitsync [tries [correction [skew [interval]]]]`: until synchronised within the limits, or tries are over. */
export const waitsync: Command = async (session, args) => {
  const limits: WaitLimits = {
    tries: Math.trunc(positive(args[0], 0)),
    correction: positive(args[1], 0),
    skewPpm: positive(args[2], 0),
    intervalS: Math.max(0.1, positive(args[3], 10)),
  };
  for (let n = 1; ; n++) {
    if (await isSynchronised(session, n, limits)) return;
    if (limits.tries > 0 && n >= limits.tries) throw new Failed();
    await sleep(limits.intervalS * 1000);
  }
};
