import { fromHex, toHex } from '../base/ascii.js';
import { CodedError } from '../base/errors.js';
import type { EngineConfig } from '../engine/config.js';
import type { Effect, Event, Now } from '../engine/events.js';

/**
 * Event log: one JSON object a line. The first is the header, each other one an event of the engine, in order:
 *   {"timeball":"events","version":1,"config":{…}}
 *   {"now":{"raw":"…","mono":"…"},"event":{…},"effects":"1a2b3c4d"}
 * Instants are decimal strings of ns, bytes are {"hex":"…"}. `effects` is a digest of what the engine answered, absent
 * when not recorded.
 */
export interface LogHeader {
  readonly timeball: 'events';
  readonly version: 1;
  readonly config: EngineConfig;
}

export interface LogEntry {
  readonly now: Now;
  readonly event: Event;
  readonly effects?: string;
}

/** Fields that hold an Instant or a Mono. Named, so that no text of a receiver is ever taken for a number. */
const INSTANTS: ReadonlySet<string> = new Set([
  'raw',
  'mono',
  'time',
  'utc',
  'burstStart',
  'arrival',
  'local',
  'at',
  'expires',
  'buildDate',
  'ref',
  'referenceTime',
  'dispersionAt',
]);

/** `this`: a Buffer would come as what its toJSON made of it. */
function encode(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const given = this[key];
  if (given instanceof Uint8Array) return { hex: toHex(given) };
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Set ? [...value] : value;
}

/** An object: no text of a receiver or of the configuration can look like one. */
const isBytes = (value: unknown): value is { hex: string } =>
  typeof value === 'object' && value !== null && 'hex' in value && typeof value.hex === 'string';

const decode = (key: string, value: unknown): unknown => {
  if (typeof value === 'string' && INSTANTS.has(key) && /^-?\d{1,30}$/.test(value)) return BigInt(value);
  if (isBytes(value)) return fromHex(value.hex) ?? new Uint8Array();
  return key === 'traces' && Array.isArray(value) ? new Set(value) : value;
};

export const encodeHeader = (config: EngineConfig): string =>
  JSON.stringify({ timeball: 'events', version: 1, config } satisfies LogHeader, encode);

export const encodeEntry = (event: Event, now: Now, effects?: readonly Effect[]): string =>
  JSON.stringify(
    { now, event, ...(effects === undefined ? {} : { effects: digest(effects) }) } satisfies LogEntry,
    encode,
  );

/** FNV-1a, 32 bit, over the effects as JSON: tells a difference, is no proof against malice. */
export const digest = (effects: readonly Effect[]): string => {
  const text = JSON.stringify(effects, encode);
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return (h >>> 0).toString(16).padStart(8, '0');
};

/** @throws CodedError ERR_TB_REPLAY */
export const decodeHeader = (line: string): LogHeader => {
  const value = parseLine(line, 1) as Partial<LogHeader>;
  if (value.timeball !== 'events' || value.version !== 1 || typeof value.config !== 'object') {
    throw new CodedError('ERR_TB_REPLAY', 'not an event log of version 1: the header is missing');
  }
  return value as LogHeader;
};

/** @throws CodedError ERR_TB_REPLAY */
export const decodeEntry = (line: string, number: number): LogEntry => {
  const value = parseLine(line, number) as { now?: Partial<Now>; event?: { kind?: unknown }; effects?: unknown };
  const { now, event } = value;
  if (typeof now?.raw !== 'bigint' || typeof now.mono !== 'bigint' || typeof event?.kind !== 'string') {
    throw new CodedError('ERR_TB_REPLAY', `line ${number}: not an event`);
  }
  return value as LogEntry;
};

const parseLine = (line: string, number: number): object => {
  let value: unknown;
  try {
    value = JSON.parse(line, decode);
  } catch (cause) {
    throw new CodedError('ERR_TB_REPLAY', `line ${number}: not JSON`, { cause });
  }
  if (typeof value !== 'object' || value === null)
    throw new CodedError('ERR_TB_REPLAY', `line ${number}: not an object`);
  return value;
};
