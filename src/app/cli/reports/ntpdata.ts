import { createHash } from 'node:crypto';
import { refidToHex, refidToText } from '../../../base/refid.js';
import { toIso } from '../../../base/time.js';
import type { WireAddress } from '../../../wire/cmdmon/fields.js';
import type { ReplyValues } from '../../../wire/cmdmon/packet.js';
import { longDate, unixSeconds } from '../dates.js';
import { fixed, signed } from '../numbers.js';
import { printOne, printTable, type Session, shownAddress } from '../session.js';
import { type Cell, cell, type Json, label, type Row } from '../sheet.js';
import { countSources, eachSource } from './sources.js';
import { leapText } from './tracking.js';

type NtpData = ReplyValues<'NTP_DATA'>;

const MODE_TEXT: Readonly<Record<number, string>> = { 1: 'Symmetric active', 2: 'Symmetric passive', 4: 'Server' };
const STAMP_TEXT: Readonly<Record<string, string>> = { D: 'Daemon', K: 'Kernel', H: 'Hardware' };

/** The reference id that an address makes: itself, or the start of its MD5 (RFC 5905, 7.3). */
const hexAddress = (address: WireAddress): string => {
  if (!(address instanceof Uint8Array)) return '00000000';
  const id = address.length === 4 ? address : createHash('md5').update(address).digest().subarray(0, 4);
  return Buffer.from(id).toString('hex').toUpperCase();
};

/** Tests in groups as they are printed, first test first. */
const testBits = (flags: number): string => (flags & 0x3ff).toString(2).padStart(10, '0');
const testGroups = (flags: number): [string, string, string] => {
  const bits = testBits(flags);
  return [bits.slice(0, 3), bits.slice(3, 6), bits.slice(6)];
};

const FIRST = 'Remote address';

/** A line `title: value`; CSV without the unit. */
const line = (title: string, key: string, json: Json, text: string, csv?: string): Cell[] => [
  label(`${title === FIRST ? '' : '\n'}${title.padEnd(16)}: `),
  cell(key, json, text, csv ?? text),
];
const secondsLine = (title: string, key: string, x: number, digits: number, format = fixed): Cell[] =>
  line(title, key, x, `${format(x, digits)} seconds`, fixed(x, digits));
const countLine = (title: string, key: string, n: number): Cell[] => line(title, key, n, String(n));
const flagLine = (title: string, key: string, on: boolean): Cell[] => line(title, key, on, on ? 'Yes' : 'No');

const addressLine = (title: string, key: string, address: WireAddress): Cell[] => {
  const text = shownAddress(address);
  const hex = hexAddress(address);
  return line(title, key, address === undefined ? null : text, `${text} (${hex})`, `${text},${hex}`);
};

const pollText = (log2: number): string => `${log2} (${fixed(2 ** log2, log2 >= 0 ? 0 : Math.min(9, -log2))} seconds)`;

const headerLines = (d: NtpData): Cell[] => [
  ...addressLine(FIRST, 'remoteAddress', d.remoteAddress),
  ...countLine('Remote port', 'remotePort', d.remotePort),
  ...addressLine('Local address', 'localAddress', d.localAddress),
  ...line('Leap status', 'leap', leapText(d.leap), leapText(d.leap)),
  ...countLine('Version', 'version', d.version),
  ...line('Mode', 'mode', MODE_TEXT[d.mode] ?? 'Invalid', MODE_TEXT[d.mode] ?? 'Invalid'),
  ...countLine('Stratum', 'stratum', d.stratum),
  ...line('Poll interval', 'pollLog2', d.pollLog2, pollText(d.pollLog2), `${d.pollLog2},${fixed(2 ** d.pollLog2, 0)}`),
  ...line(
    'Precision',
    'precisionLog2',
    d.precisionLog2,
    `${d.precisionLog2} (${fixed(2 ** d.precisionLog2, 9)} seconds)`,
    `${d.precisionLog2},${fixed(2 ** d.precisionLog2, 9)}`,
  ),
  ...secondsLine('Root delay', 'rootDelaySeconds', d.rootDelay, 6),
  ...secondsLine('Root dispersion', 'rootDispersionSeconds', d.rootDispersion, 6),
];

const referenceLines = (d: NtpData): Cell[] => {
  const hex = refidToHex(d.refId);
  const text = d.stratum <= 1 ? refidToText(d.refId) : '';
  return [
    ...line('Reference ID', 'refid', hex, `${hex} (${text})`, `${hex},${text}`),
    ...line(
      'Reference time',
      'refTime',
      toIso(d.referenceTime),
      longDate(d.referenceTime),
      unixSeconds(d.referenceTime),
    ),
  ];
};

const measurementLines = (d: NtpData): Cell[] => [
  ...secondsLine('Offset', 'offsetSlowSeconds', d.offset, 9, signed),
  ...secondsLine('Peer delay', 'peerDelaySeconds', d.peerDelay, 9),
  ...secondsLine('Peer dispersion', 'peerDispersionSeconds', d.peerDispersion, 9),
  ...secondsLine('Response time', 'responseTimeSeconds', d.responseTime, 9),
  ...line('Jitter asymmetry', 'jitterAsymmetry', d.jitterAsymmetry, signed(d.jitterAsymmetry, 2)),
  ...line('NTP tests', 'tests', testBits(d.flags), testGroups(d.flags).join(' '), testGroups(d.flags).join(',')),
  ...flagLine('Interleaved', 'interleaved', (d.flags & 0x4000) !== 0),
  ...flagLine('Authenticated', 'authenticated', (d.flags & 0x8000) !== 0),
  ...line(
    'TX timestamping',
    'txTimestamping',
    STAMP_TEXT[d.txSource] ?? 'Invalid',
    STAMP_TEXT[d.txSource] ?? 'Invalid',
  ),
  ...line(
    'RX timestamping',
    'rxTimestamping',
    STAMP_TEXT[d.rxSource] ?? 'Invalid',
    STAMP_TEXT[d.rxSource] ?? 'Invalid',
  ),
];

const totalLines = (d: NtpData): Cell[] => [
  ...countLine('Total TX', 'totalTx', d.totalTx),
  ...countLine('Total RX', 'totalRx', d.totalRx),
  ...countLine('Total valid RX', 'totalValidRx', d.totalValidRx),
  ...countLine('Total good RX', 'totalGoodRx', d.totalGoodRx),
  ...countLine('Total kernel TX', 'kernelTx', d.kernelTx),
  ...countLine('Total kernel RX', 'kernelRx', d.kernelRx),
  ...countLine('Total HW TX', 'hardwareTx', d.hardwareTx),
  ...countLine('Total HW RX', 'hardwareRx', d.hardwareRx),
];

const ntpRow = (d: NtpData): Row => [...headerLines(d), ...referenceLines(d), ...measurementLines(d), ...totalLines(d)];

/** Each stands after an empty line. */
async function* allRows(session: Session, n: number): AsyncGenerator<Row> {
  for await (const source of eachSource(session, 'SOURCE_DATA', n, false)) {
    if (source.mode === 2) continue;
    yield [label('\n'), ...ntpRow(await session.talker.ask('NTP_DATA', { address: source.address }))];
  }
}

/** Of one source, or of all NTP sources when no address is given. */
export const ntpdata = async (session: Session, address: WireAddress): Promise<void> => {
  if (address === undefined) await printTable(session, '', allRows(session, await countSources(session)));
  else printOne(session, ntpRow(await session.talker.ask('NTP_DATA', { address })));
};
