import { nmeaChecksum } from './checksum.js';

/** A sentence whose checksum is right: talker `GP`, type `RMC`, fields after the address. Proprietary: talker `P`. */
export interface NmeaSentence {
  readonly talker: string;
  readonly type: string;
  readonly fields: readonly string[];
}

export type SentenceReject = 'no-checksum' | 'checksum' | 'address' | 'encapsulated';

/** The longest seen is PSTMANTENNASTATUS. */
const ADDRESS = /^[A-Z][A-Z0-9]{3,19}$/;

/** Quectel uses the talker PQ for QZSS; every other address that begins with P is a maker's own (PGRMC is not an RMC). */
const PQ_TALKER = /^PQG(SV|SA|GA|NS|LL)$/;

const address = (text: string): { talker: string; type: string } | undefined => {
  if (!ADDRESS.test(text)) return undefined;
  if (text.startsWith('P') && !PQ_TALKER.test(text)) return { talker: 'P', type: text.slice(1) };
  return text.length === 5 ? { talker: text.slice(0, 2), type: text.slice(2) } : undefined;
};

/**
 * Checks and splits one line as the framer cut it: printable ASCII from `$` on, no second `$`, no line end.
 * The checksum is required and exact: two hexadecimal digits and nothing after them.
 */
export const parseSentence = (line: string): NmeaSentence | SentenceReject => {
  if (line.startsWith('!')) return 'encapsulated';
  const star = line.indexOf('*');
  if (star < 0) return 'no-checksum';
  const body = line.slice(1, star);
  const sum = line.slice(star + 1);
  if (!/^[0-9A-Fa-f]{2}$/.test(sum) || Number.parseInt(sum, 16) !== nmeaChecksum(body)) return 'checksum';
  const [head, ...fields] = body.split(',');
  const names = address(head!);
  return names === undefined ? 'address' : { ...names, fields };
};

/** Body (without `$`) to a whole sentence with checksum and line end. */
export const formatSentence = (body: string): string =>
  `$${body}*${nmeaChecksum(body).toString(16).toUpperCase().padStart(2, '0')}\r\n`;
