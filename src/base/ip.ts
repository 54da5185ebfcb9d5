/**
 * IP addresses as bytes in network order: 4 (IPv4) or 16 (IPv6). Text is read and written as inet_pton(3) and
 * inet_ntop(3) do, because people compare what chrony and timeball print.
 */
export type IpBytes = Uint8Array;

const parseIp4 = (text: string): IpBytes | undefined => {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const out = new Uint8Array(4);
  for (const [i, part] of parts.entries()) {
    // No leading zeros: some readers take them for octal, so an address must not mean two things.
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
    out[i] = Number(part);
  }
  return out;
};

/** The groups of one side of `::` (or of the whole), a dotted quad at the end counting as two. */
const parseGroups = (text: string): number[] | undefined => {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (part.includes('.') && i === parts.length - 1) {
      const quad = parseIp4(part);
      if (quad === undefined) return undefined;
      groups.push((quad[0]! << 8) | quad[1]!, (quad[2]! << 8) | quad[3]!);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else return undefined;
  }
  return groups;
};

const parseIp6 = (text: string): IpBytes | undefined => {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0]!);
  const tail = halves.length === 2 ? parseGroups(halves[1]!) : [];
  if (head === undefined || tail === undefined) return undefined;
  if (halves.length === 2 && halves[0]!.includes('.')) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  const out = new Uint8Array(16);
  for (const [i, g] of groups.entries()) {
    out[2 * i] = g >> 8;
    out[2 * i + 1] = g & 0xff;
  }
  return out;
};

/** Numeric IPv4 or IPv6 text; undefined for anything else (host names, zones, shortened IPv4). */
export const parseIp = (text: string): IpBytes | undefined =>
  text.length > 45 ? undefined : text.includes(':') ? parseIp6(text) : parseIp4(text);

/** Start and length of the longest run of two or more zero groups (the first of equals; RFC 5952, 4.2). */
const longestZeroRun = (groups: readonly number[]): { at: number; length: number } => {
  let best = { at: -1, length: 1 };
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (i + n < 8 && groups[i + n] === 0) n++;
    if (n > best.length) best = { at: i, length: n };
  }
  return best;
};

const formatIp6 = (bytes: IpBytes): string => {
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!);
  const run = longestZeroRun(groups);
  const quad = formatIp4(bytes.subarray(12));
  if (run.at === 0 && run.length === 6) return `::${quad}`;
  if (run.at === 0 && run.length === 5 && groups[5] === 0xffff) return `::ffff:${quad}`;
  const hex = groups.map((g) => g.toString(16));
  if (run.at < 0) return hex.join(':');
  return `${hex.slice(0, run.at).join(':')}::${hex.slice(run.at + run.length).join(':')}`;
};

const formatIp4 = (bytes: IpBytes): string => bytes.subarray(0, 4).join('.');

export const formatIp = (bytes: IpBytes): string => (bytes.length === 4 ? formatIp4(bytes) : formatIp6(bytes));
