import { lookup } from 'node:dns/promises';
import { type IpBytes, parseIp } from '../../base/ip.js';
import type { WireAddress } from '../../wire/cmdmon/fields.js';

/** The words of a command cannot be understood; `message` goes to stderr as chronyc says it. */
export class SyntaxFault extends Error {}

export const toInt = (word: string | undefined, message: string): number => {
  if (word === undefined || !/^[-+]?\d+$/.test(word)) throw new SyntaxFault(message);
  const n = Number(word);
  if (n < -(2 ** 31) || n >= 2 ** 31) throw new SyntaxFault(message);
  return n;
};

export const toNumber = (word: string | undefined, message: string): number => {
  if (word === undefined || !/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(word)) throw new SyntaxFault(message);
  return Number(word);
};

/** A numeric address, `ID#n`, or a host name that resolves. */
export const toAddress = async (
  word: string | undefined,
  family: 0 | 4 | 6,
  message: string,
): Promise<IpBytes | number> => {
  if (word === undefined) throw new SyntaxFault(message);
  const id = /^ID#(\d{1,10})$/.exec(word);
  if (id !== null) return Number(id[1]) >>> 0;
  const literal = parseIp(word);
  if (literal !== undefined) return literal;
  try {
    const found = parseIp((await lookup(word, { family })).address);
    if (found !== undefined) return found;
  } catch {
    // Falls to the fault below: chronyc does not say why a name does not resolve.
  }
  throw new SyntaxFault(message);
};

export interface Subnet {
  readonly address: WireAddress;
  readonly bits: number;
}

/** `10`, `10.1`, `10.1.2`, with or without `/bits`: IPv4 written short. */
const shortIp4 = (text: string): Subnet | undefined => {
  if (!/^\d{1,3}(\.\d{1,3}){0,3}$/.test(text)) return undefined;
  const parts = text.split('.');
  const address = parseIp([...parts, '0', '0', '0'].slice(0, 4).join('.'));
  return address === undefined ? undefined : { address, bits: parts.length * 8 };
};

/** What `allow` and its kin take: nothing = everything, IP[/bits], short IPv4[/bits], a host name. */
export const toSubnet = async (word: string | undefined, family: 0 | 4 | 6): Promise<Subnet> => {
  const message = 'Could not read address';
  if (word === undefined) return { address: undefined, bits: 0 };
  const [host = '', bits, ...more] = word.split('/');
  if (more.length > 0) throw new SyntaxFault(message);
  const literal = parseIp(host);
  const base = literal === undefined ? shortIp4(host) : { address: literal, bits: literal.length * 8 };
  if (base !== undefined) return bits === undefined ? base : { ...base, bits: toInt(bits, message) };
  if (bits !== undefined) throw new SyntaxFault(message);
  const address = await toAddress(host, family, message);
  return { address, bits: address instanceof Uint8Array ? address.length * 8 : 0 };
};

const maskOf = (length: number, bits: number): IpBytes =>
  Uint8Array.from({ length }, (_, i) => (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))) & 0xff);

/** `[MASK/]ADDRESS` or `ADDRESS/BITS`; nothing = all sources. */
export const toMasked = async (
  word: string | undefined,
  family: 0 | 4 | 6,
): Promise<{ mask: WireAddress; address: WireAddress }> => {
  if (word === undefined) return { mask: undefined, address: undefined };
  const [first = '', second] = word.split('/');
  if (second === undefined) {
    const address = await toAddress(first, family, 'Could not get address for hostname');
    return { mask: address instanceof Uint8Array ? maskOf(address.length, address.length * 8) : undefined, address };
  }
  const left = parseIp(first);
  const right = parseIp(second);
  if (left !== undefined && right !== undefined && left.length === right.length) return { mask: left, address: right };
  if (left === undefined || !/^\d{1,3}$/.test(second)) throw new SyntaxFault('Invalid syntax for mask/address');
  return { mask: maskOf(left.length, Number(second)), address: left };
};
