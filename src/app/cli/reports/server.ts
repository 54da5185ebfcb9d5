import type { ReplyValues } from '../../../wire/cmdmon/packet.js';
import { NEVER } from '../../../wire/cmdmon/protocol.js';
import { CLIENTS_PER_REPLY } from '../../../wire/cmdmon/replies.js';
import { age, log2Interval } from '../numbers.js';
import { nameOf, printOne, printTable, type Session } from '../session.js';
import { type Cell, cell, label, type Row } from '../sheet.js';
import { CLIENTS_HEAD, CLIENTS_NKE_HEAD, tableHead } from './heads.js';
import { nameWidth } from './sources.js';

type Stats = ReplyValues<'SERVER_STATS'>;

/** In the order of print, which is not the order on the wire. */
const STATS_LINES: readonly { key: keyof Stats; label: string }[] = [
  { key: 'ntpHits', label: 'NTP packets received       : ' },
  { key: 'ntpDrops', label: 'NTP packets dropped        : ' },
  { key: 'cmdHits', label: 'Command packets received   : ' },
  { key: 'cmdDrops', label: 'Command packets dropped    : ' },
  { key: 'logDrops', label: 'Client log records dropped : ' },
  { key: 'nkeHits', label: 'NTS-KE connections accepted: ' },
  { key: 'nkeDrops', label: 'NTS-KE connections dropped : ' },
  { key: 'ntpAuthHits', label: 'Authenticated NTP packets  : ' },
  { key: 'ntpInterleavedHits', label: 'Interleaved NTP packets    : ' },
  { key: 'ntpTimestamps', label: 'NTP timestamps held        : ' },
  { key: 'ntpSpanSeconds', label: 'NTP timestamp span         : ' },
  { key: 'daemonRx', label: 'NTP daemon RX timestamps   : ' },
  { key: 'daemonTx', label: 'NTP daemon TX timestamps   : ' },
  { key: 'kernelRx', label: 'NTP kernel RX timestamps   : ' },
  { key: 'kernelTx', label: 'NTP kernel TX timestamps   : ' },
  { key: 'hardwareRx', label: 'NTP hardware RX timestamps : ' },
  { key: 'hardwareTx', label: 'NTP hardware TX timestamps : ' },
];

export const serverstats = async (session: Session): Promise<void> => {
  const s = await session.talker.ask('SERVER_STATS', {});
  const cells = STATS_LINES.flatMap((line, i): Cell[] => [
    label(`${i === 0 ? '' : '\n'}${line.label}`),
    cell(line.key, Number(s[line.key]), String(s[line.key])),
  ]);
  printOne(session, cells);
};

const ACTIVITY_LINES: readonly { key: keyof ReplyValues<'ACTIVITY'>; text: string }[] = [
  { key: 'online', text: ' sources online' },
  { key: 'offline', text: ' sources offline' },
  { key: 'burstOnline', text: ' sources doing burst (return to online)' },
  { key: 'burstOffline', text: ' sources doing burst (return to offline)' },
  { key: 'unresolved', text: ' sources with unknown address' },
];

export const activity = async (session: Session): Promise<void> => {
  const a = await session.talker.ask('ACTIVITY', {});
  const cells = ACTIVITY_LINES.flatMap(({ key, text }, i): Cell[] => [
    cell(key, a[key], `${i === 0 ? '' : '\n'}${a[key]}`),
    label(text),
  ]);
  printOne(session, cells, '200 OK\n');
};

export interface ClientsOptions {
  readonly minHits: number;
  readonly reset: boolean;
  /** NTS-KE instead of command columns. */
  readonly nke: boolean;
}

type Client = ReplyValues<'CLIENT_ACCESSES'>['clients'][number];

/** Asks on from where the last reply ended until a reply is not full. */
async function* eachClient(session: Session, { minHits, reset }: ClientsOptions): AsyncGenerator<Client> {
  let firstIndex = 0;
  for (;;) {
    const reply = await session.talker.ask('CLIENT_ACCESSES', {
      firstIndex,
      maxClients: CLIENTS_PER_REPLY,
      minHits,
      reset: reset ? 1 : 0,
    });
    for (const client of reply.clients.slice(0, reply.count)) if (client.address !== undefined) yield client;
    // The index must move on, whatever the daemon says: else this would never end.
    if (reply.nextIndex >= reply.tableSize || reply.count < CLIENTS_PER_REPLY || reply.nextIndex <= firstIndex) return;
    firstIndex = reply.nextIndex;
  }
}

const intervalCell = (key: string, log2: number): Cell =>
  cell(key, log2 === 127 ? null : log2, log2Interval(log2), String(log2));
const ageCell = (key: string, s: number): Cell => cell(key, s === NEVER ? null : s, age(s), String(s));
const countCell = (key: string, n: number, width: number): Cell => cell(key, n, String(n).padStart(width));

const clientRow = (c: Client, name: string, width: number, nke: boolean): Row => [
  cell('name', name, name.padEnd(width)),
  label('  '),
  countCell('ntpHits', c.ntpHits, 6),
  label('  '),
  countCell('ntpDrops', c.ntpDrops, 5),
  label('  '),
  intervalCell('ntpIntervalLog2', c.ntpIntervalLog2),
  label('  '),
  intervalCell('ntpTimeoutIntervalLog2', c.ntpTimeoutIntervalLog2),
  label('  '),
  ageCell('lastNtpSeconds', c.lastNtpAgo),
  label('  '),
  countCell(nke ? 'nkeHits' : 'cmdHits', nke ? c.nkeHits : c.cmdHits, 6),
  label('  '),
  countCell(nke ? 'nkeDrops' : 'cmdDrops', nke ? c.nkeDrops : c.cmdDrops, 5),
  label('  '),
  intervalCell(nke ? 'nkeIntervalLog2' : 'cmdIntervalLog2', nke ? c.nkeIntervalLog2 : c.cmdIntervalLog2),
  label('  '),
  ageCell(nke ? 'lastNkeSeconds' : 'lastCmdSeconds', nke ? c.lastNkeAgo : c.lastCmdAgo),
];

async function* clientRows(session: Session, options: ClientsOptions): AsyncGenerator<Row> {
  const max = nameWidth(session);
  for await (const c of eachClient(session, options)) {
    yield clientRow(c, await nameOf(session, c.address, { max, isSource: false }), max, options.nke);
  }
}

export const clients = (session: Session, options: ClientsOptions): Promise<void> => {
  const head = tableHead(options.nke ? CLIENTS_NKE_HEAD : CLIENTS_HEAD, false, session.wide);
  return printTable(session, head, clientRows(session, options));
};
