import { refidToText } from '../../../base/refid.js';
import type { ReplyValues, RequestValues } from '../../../wire/cmdmon/packet.js';
import { NEVER, SELECT_OPTION } from '../../../wire/cmdmon/protocol.js';
import { age, fixed, frequency, interval, signedFrequency, signedInterval } from '../numbers.js';
import { EXTRA_WIDTH, nameOf, printTable, type Session, sourceLabel } from '../session.js';
import { type Cell, cell, label, type Row } from '../sheet.js';
import { SELECTDATA_HEAD, SOURCES_HEAD, SOURCESTATS_HEAD, tableHead } from './heads.js';
import { leapText } from './tracking.js';

export interface ListOptions {
  /** Also sources whose names are not resolved. */
  readonly all: boolean;
  readonly verbose: boolean;
}

const MODES = ['^', '=', '#'];
const STATES = ['*', '?', 'x', '~', '+', '-'];
const NAME_WIDTH = 25;

export const nameWidth = (session: Session, base = NAME_WIDTH): number => base + (session.wide ? EXTRA_WIDTH : 0);

export const countSources = async (session: Session): Promise<number> =>
  (await session.talker.ask('N_SOURCES', {})).count;

/** The reply about each of `n` sources in turn; those whose names are not resolved only when asked for. */
export async function* eachSource<N extends 'SOURCE_DATA' | 'SOURCESTATS' | 'SELECT_DATA'>(
  session: Session,
  name: N,
  n: number,
  all: boolean,
): AsyncGenerator<ReplyValues<N>> {
  for (let index = 0; index < n; index++) {
    const reply = (await session.talker.ask(name, { index } as RequestValues<N>)) as ReplyValues<N>;
    if (all || typeof reply.address !== 'number') yield reply;
  }
}

/** A refclock's address holds its refid. */
const refclockName = (address: ReplyValues<'SOURCE_DATA'>['address']): string =>
  address instanceof Uint8Array ? refidToText(new DataView(address.buffer).getUint32(0)) : '';

const known = (seconds: number): number | null => (seconds === NEVER ? null : seconds);

const sourceRow = (s: ReplyValues<'SOURCE_DATA'>, name: string, width: number): Row => [
  cell('mode', MODES[s.mode] ?? ' ', MODES[s.mode] ?? ' '),
  cell('state', STATES[s.state] ?? ' ', STATES[s.state] ?? ' '),
  label(' '),
  cell('name', name, name.padEnd(width + 2)),
  label('  '),
  cell('stratum', s.stratum, String(s.stratum).padStart(2)),
  label('  '),
  cell('pollLog2', s.pollLog2, String(s.pollLog2).padStart(2)),
  label('   '),
  cell('reach', s.reach, s.reach.toString(8).padStart(3)),
  label('  '),
  cell('lastRxSeconds', known(s.sinceSample), age(s.sinceSample), String(s.sinceSample)),
  label('  '),
  cell('lastOffsetFastSeconds', s.lastOffsetFast, signedInterval(s.lastOffsetFast), fixed(s.lastOffsetFast, 9)),
  label('['),
  cell(
    'measuredOffsetFastSeconds',
    s.lastOffsetMeasuredFast,
    signedInterval(s.lastOffsetMeasuredFast),
    fixed(s.lastOffsetMeasuredFast, 9),
  ),
  label('] +/- '),
  cell('errorBoundSeconds', s.errorBound, interval(s.errorBound), fixed(s.errorBound, 9)),
];

async function* sourcesRows(session: Session, n: number, all: boolean): AsyncGenerator<Row> {
  const max = nameWidth(session);
  for await (const s of eachSource(session, 'SOURCE_DATA', n, all)) {
    const name = s.mode === 2 ? refclockName(s.address) : await nameOf(session, s.address, { max, isSource: true });
    yield sourceRow(s, name, max);
  }
}

export const sources = async (session: Session, { all, verbose }: ListOptions): Promise<void> => {
  const n = await countSources(session);
  await printTable(session, tableHead(SOURCES_HEAD, verbose, session.wide), sourcesRows(session, n, all));
};

const statsRow = (s: ReplyValues<'SOURCESTATS'>, name: string, width: number): Row => [
  cell('name', name, name.padEnd(width)),
  label(' '),
  cell('samples', s.samples, String(s.samples).padStart(3)),
  label(' '),
  cell('runs', s.runs, String(s.runs).padStart(3)),
  label('  '),
  cell('spanSeconds', s.span, age(s.span), String(s.span)),
  label(' '),
  cell('residualFrequencyPpm', s.residualFreqPpm, signedFrequency(s.residualFreqPpm), fixed(s.residualFreqPpm, 3)),
  label(' '),
  cell('skewPpm', s.skewPpm, frequency(s.skewPpm), fixed(s.skewPpm, 3)),
  label('  '),
  cell('offsetFastSeconds', s.offsetFast, signedInterval(s.offsetFast), fixed(s.offsetFast, 9)),
  label('  '),
  cell('stdDevSeconds', s.stdDev, interval(s.stdDev), fixed(s.stdDev, 9)),
];

async function* sourcestatsRows(session: Session, n: number, all: boolean): AsyncGenerator<Row> {
  const max = nameWidth(session);
  for await (const s of eachSource(session, 'SOURCESTATS', n, all)) {
    const name = await sourceLabel(session, s, max);
    yield statsRow(s, name, max);
  }
}

export const sourcestats = async (session: Session, { all, verbose }: ListOptions): Promise<void> => {
  const n = await countSources(session);
  await printTable(session, tableHead(SOURCESTATS_HEAD, verbose, session.wide), sourcestatsRows(session, n, all));
};

const OPTIONS = [
  { bit: SELECT_OPTION.NOSELECT, letter: 'N', name: 'noselect' },
  { bit: SELECT_OPTION.PREFER, letter: 'P', name: 'prefer' },
  { bit: SELECT_OPTION.TRUST, letter: 'T', name: 'trust' },
  { bit: SELECT_OPTION.REQUIRE, letter: 'R', name: 'require' },
];

/** Five columns, the last without a meaning yet. */
const optionsCell = (key: string, bits: number): Cell => {
  const letters = [...OPTIONS.map((o) => ((bits & o.bit) !== 0 ? o.letter : '-')), '-'];
  const names = OPTIONS.filter((o) => (bits & o.bit) !== 0).map((o) => o.name);
  return cell(key, names, letters.join(''), letters.join(','));
};

const LEAP_LETTERS = ['N', '+', '-', '?'];

const selectRow = (s: ReplyValues<'SELECT_DATA'>, name: string, width: number): Row => [
  cell('state', s.state, s.state),
  label(' '),
  cell('name', name, name.padEnd(width)),
  label(' '),
  cell('authenticated', s.authenticated !== 0, s.authenticated !== 0 ? 'Y' : 'N'),
  label(' '),
  optionsCell('configuredOptions', s.configured),
  label(' '),
  optionsCell('effectiveOptions', s.effective),
  label(' '),
  cell('lastRxSeconds', known(s.sinceSample), age(s.sinceSample), String(s.sinceSample)),
  label(' '),
  cell('score', s.score, fixed(s.score, 1).padStart(5)),
  label(' '),
  cell('lowLimitFastSeconds', s.lowLimitFast, signedInterval(s.lowLimitFast), fixed(s.lowLimitFast, 9)),
  label(' '),
  cell('highLimitFastSeconds', s.highLimitFast, signedInterval(s.highLimitFast), fixed(s.highLimitFast, 9)),
  label('  '),
  cell('leap', leapText(s.leap), LEAP_LETTERS[s.leap] ?? '?', leapText(s.leap)),
];

async function* selectdataRows(session: Session, n: number, all: boolean): AsyncGenerator<Row> {
  const max = nameWidth(session);
  for await (const s of eachSource(session, 'SELECT_DATA', n, all)) {
    const name = await sourceLabel(session, s, max);
    yield selectRow(s, name, max);
  }
}

export const selectdata = async (session: Session, { all, verbose }: ListOptions): Promise<void> => {
  const n = await countSources(session);
  await printTable(session, tableHead(SELECTDATA_HEAD, verbose, session.wide), selectdataRows(session, n, all));
};
