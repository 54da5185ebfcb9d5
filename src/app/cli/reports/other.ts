import { toIso } from '../../../base/time.js';
import type { ReplyValues } from '../../../wire/cmdmon/packet.js';
import { NEVER } from '../../../wire/cmdmon/protocol.js';
import { logDate, longDate, unixSeconds } from '../dates.js';
import { age, fixed, signed } from '../numbers.js';
import { nameOf, printOne, printTable, type Session } from '../session.js';
import { cell, label, type Row } from '../sheet.js';
import { AUTHDATA_HEAD, tableHead } from './heads.js';
import { countSources, eachSource, type ListOptions, nameWidth } from './sources.js';

const AUTH_MODES = ['-', 'SK', 'NTS'];

const authRow = (a: ReplyValues<'AUTH_DATA'>, name: string, width: number): Row => [
  cell('name', name, name.padEnd(width)),
  label(' '),
  cell('mode', AUTH_MODES[a.mode] ?? '?', (AUTH_MODES[a.mode] ?? '?').padStart(4)),
  label(' '),
  cell('keyId', a.keyId, String(a.keyId).padStart(5)),
  label(' '),
  cell('keyType', a.keyType, String(a.keyType).padStart(4)),
  label(' '),
  cell('keyBits', a.keyLength, String(a.keyLength).padStart(4)),
  label(' '),
  cell('lastKeSeconds', a.lastKeAgo === NEVER ? null : a.lastKeAgo, age(a.lastKeAgo), String(a.lastKeAgo)),
  label(' '),
  cell('keAttempts', a.keAttempts, String(a.keAttempts).padStart(4)),
  label(' '),
  cell('nak', a.nak, String(a.nak).padStart(4)),
  label(' '),
  cell('cookies', a.cookies, String(a.cookies).padStart(4)),
  label(' '),
  cell('cookieBytes', a.cookieLength, String(a.cookieLength).padStart(4)),
];

async function* authRows(session: Session, n: number, all: boolean): AsyncGenerator<Row> {
  const max = nameWidth(session, 27);
  for await (const s of eachSource(session, 'SOURCE_DATA', n, all)) {
    if (s.mode === 2) continue;
    const a = await session.talker.ask('AUTH_DATA', { address: s.address });
    yield authRow(a, await nameOf(session, s.address, { max, isSource: true }), max);
  }
}

export const authdata = async (session: Session, { all, verbose }: ListOptions): Promise<void> => {
  const n = await countSources(session);
  await printTable(session, tableHead(AUTHDATA_HEAD, verbose, session.wide), authRows(session, n, all));
};

export const rtcdata = async (session: Session): Promise<void> => {
  const r = await session.talker.ask('RTCREPORT', {});
  const row: Row = [
    label('RTC ref time (UTC) : '),
    cell('refTime', toIso(r.referenceTime), longDate(r.referenceTime), unixSeconds(r.referenceTime)),
    label('\nNumber of samples  : '),
    cell('samples', r.samples, String(r.samples)),
    label('\nNumber of runs     : '),
    cell('runs', r.runs, String(r.runs)),
    label('\nSample span period : '),
    cell('spanSeconds', r.span, age(r.span), String(r.span)),
    label('\nRTC is fast by     : '),
    cell('fastBySeconds', r.fastBy, `${fixed(r.fastBy, 6).padStart(12)} seconds`, fixed(r.fastBy, 6)),
    label('\nRTC gains time at  : '),
    cell('gainPpm', r.gainPpm, `${fixed(r.gainPpm, 3).padStart(9)} ppm`, fixed(r.gainPpm, 3)),
  ];
  printOne(session, row);
};

const LEAP_ONLY = '(leap second only)';

export const smoothing = async (session: Session): Promise<void> => {
  const s = await session.talker.ask('SMOOTHING', {});
  const active = (s.flags & 1) !== 0;
  const leapOnly = (s.flags & 2) !== 0;
  const row: Row = [
    label('Active         : '),
    cell('active', active, active ? 'Yes' : 'No'),
    cell('leapOnly', leapOnly, ` ${leapOnly ? LEAP_ONLY : ''}`, leapOnly ? LEAP_ONLY : ''),
    label('\nOffset         : '),
    cell('offsetSeconds', s.offset, `${signed(s.offset, 9)} seconds`, fixed(s.offset, 9)),
    label('\nFrequency      : '),
    cell('frequencyPpm', s.freqPpm, `${signed(s.freqPpm, 6)} ppm`, fixed(s.freqPpm, 6)),
    label('\nWander         : '),
    cell('wanderPpmPerSecond', s.wanderPpm, `${signed(s.wanderPpm, 6)} ppm per second`, fixed(s.wanderPpm, 6)),
    label('\nLast update    : '),
    cell('lastUpdateSeconds', s.lastUpdateAgo, `${fixed(s.lastUpdateAgo, 1)} seconds ago`, fixed(s.lastUpdateAgo, 1)),
    label('\nRemaining time : '),
    cell('remainingSeconds', s.remaining, `${fixed(s.remaining, 1)} seconds`, fixed(s.remaining, 1)),
  ];
  printOne(session, row);
};

type ManualSample = ReplyValues<'MANUAL_LIST'>['samples'][number];

const manualRow = (s: ManualSample, index: number): Row => [
  cell('index', index, String(index).padStart(2)),
  label(' '),
  cell('time', toIso(s.when), logDate(s.when)),
  label(' '),
  cell('slewedOffset', s.slewedOffset, fixed(s.slewedOffset, 2).padStart(10), fixed(s.slewedOffset, 2)),
  label(' '),
  cell('originalOffset', s.originalOffset, fixed(s.originalOffset, 2).padStart(10), fixed(s.originalOffset, 2)),
  label(' '),
  cell('residual', s.residual, fixed(s.residual, 2).padStart(10), fixed(s.residual, 2)),
];

const MANUAL_COLUMNS = '#    Date     Time(UTC)    Slewed   Original   Residual';

async function* manualRows(samples: readonly ManualSample[]): AsyncGenerator<Row> {
  for (const [index, sample] of samples.entries()) yield manualRow(sample, index);
}

export const manualList = async (session: Session): Promise<void> => {
  const reply = await session.talker.ask('MANUAL_LIST', {});
  const samples = reply.samples.slice(0, reply.count);
  const head = `210 n_samples = ${samples.length}\n${MANUAL_COLUMNS}\n${'='.repeat(MANUAL_COLUMNS.length)}\n`;
  await printTable(session, head, manualRows(samples));
};
