import { lookupService } from 'node:dns/promises';
import { formatIp } from '../../base/ip.js';
import { refidToText } from '../../base/refid.js';
import { addressText } from '../../core/report/place.js';
import type { WireAddress } from '../../wire/cmdmon/fields.js';
import { type Json, type Mode, type Row, toLine, toObject } from './sheet.js';
import { Refusal, type Talker } from './talk.js';

/** How sources and clients are called: by reverse DNS, by number, or as the configuration calls them. */
export type Naming = 'dns' | 'numeric' | 'source';

export interface CliIo {
  out(text: string): void;
  err(text: string): void;
}

export interface Session {
  /** Called as timeball: with what chronyc has not. */
  readonly ours: boolean;
  readonly talker: Talker;
  readonly io: CliIo;
  readonly mode: Mode;
  /** Name columns of 25 become 39 (`-w`). */
  readonly wide: boolean;
  naming: Naming;
  /** Families that names resolve to (`dns -4`…). */
  family: 0 | 4 | 6;
}

/** Throws Refusal when the daemon says no, SyntaxFault for wrong words, Failed when it was said already. */
export type Command = (session: Session, args: readonly string[]) => Promise<void>;

/** Told already; only the exit code is left to say. */
export class Failed extends Error {}

export const EXTRA_WIDTH = 14;

/** A report of one object. `head`: lines above it, text only. */
export const printOne = ({ io, mode }: Session, row: Row, head = ''): void => {
  if (mode === 'json') io.out(`${JSON.stringify(toObject(row))}\n`);
  else io.out((mode === 'text' ? head : '') + toLine(row, mode));
};

/** A report of many rows: each is printed when it comes, for a daemon may fail half way. JSON is one list at the end. */
export const printTable = async ({ io, mode }: Session, head: string, rows: AsyncIterable<Row>): Promise<void> => {
  if (mode === 'text') io.out(head);
  const objects: Json[] = [];
  for await (const row of rows) {
    if (mode === 'json') objects.push(toObject(row));
    else io.out(toLine(row, mode));
  }
  if (mode === 'json') io.out(`${JSON.stringify(objects)}\n`);
};

/** As chronyc prints it; undefined: there is none to print. */
export const shownAddress = (address: WireAddress): string =>
  address === undefined ? '[UNSPEC]' : addressText(address);

const reverse = async (address: Uint8Array): Promise<string> => {
  try {
    return (await lookupService(formatIp(address), 0)).hostname;
  } catch {
    return formatIp(address);
  }
};

const sourceName = async (session: Session, address: WireAddress): Promise<string> => {
  try {
    return (await session.talker.ask('NTP_SOURCE_NAME', { address })).name ?? '?';
  } catch (error) {
    if (error instanceof Refusal) return '?';
    throw error;
  }
};

/** The name of a source or a client; too long names end in '>'. */
export const nameOf = async (
  session: Session,
  address: WireAddress,
  options: { readonly max: number; readonly isSource: boolean },
): Promise<string> => {
  if (options.isSource && session.naming === 'source') return sourceName(session, address);
  if (!(address instanceof Uint8Array) || session.naming !== 'dns' || session.mode !== 'text')
    return shownAddress(address);
  const name = await reverse(address);
  return name.length > options.max && options.max > 0 ? `${name.slice(0, options.max - 1)}>` : name;
};

/** The name of a source that may be a reference clock. */
export const sourceLabel = (
  session: Session,
  source: { readonly refId: number; readonly address: WireAddress },
  max: number,
): Promise<string> | string =>
  source.address === undefined ? refidToText(source.refId) : nameOf(session, source.address, { max, isSource: true });
