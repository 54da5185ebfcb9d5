import { formatIp, parseIp } from '../base/ip.js';
import { type Args, DeviceWordError, parseInteger } from './args.js';
import type { AccessRule, Subnet } from './config.js';

/** `10`, `10.1`, `10.1.2`: the missing numbers are zero and the given ones make the prefix. */
const parseShortIp4 = (text: string): { address: string; bits: number } | undefined => {
  const parts = text.split('.');
  if (parts.length > 3 || !parts.every((p) => /^[0-9]{1,3}$/.test(p) && Number(p) <= 255)) return undefined;
  const numbers = parts.map(Number);
  while (numbers.length < 4) numbers.push(0);
  return { address: numbers.join('.'), bits: 8 * parts.length };
};

/** A host name has a letter; without this, a mistyped address would be asked of the DNS. */
const isHostName = (text: string): boolean => /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?$/i.test(text) && /[a-z]/i.test(text);

type Words = ({ readonly kind: 'net' } & Subnet) | { readonly kind: 'host'; readonly name: string };

/**
 * The words `IP`, `IP/bits`, shortened IPv4, host name; undefined for anything else.
 * @throws DeviceWordError: more bits than an address has, which chronyd finds when it fills its table
 */
export const parseSubnet = (text: string): Words | undefined => {
  const [addressText, bitsText, ...more] = text.split('/');
  if (more.length > 0) return undefined;
  const bytes = parseIp(addressText!);
  const short = bytes === undefined ? parseShortIp4(addressText!) : undefined;
  if (bytes === undefined && short === undefined) {
    return bitsText === undefined && isHostName(text) ? { kind: 'host', name: text } : undefined;
  }
  const family = bytes === undefined || bytes.length === 4 ? 4 : 6;
  const address = bytes === undefined ? short!.address : formatIp(bytes);
  const width = family === 4 ? 32 : 128;
  const bits = bitsText === undefined ? (short?.bits ?? width) : parseInteger(bitsText);
  if (bits === undefined || bits < 0) return undefined;
  if (bits > width) throw new DeviceWordError(`Bad subnet in ${address}/${bits}`);
  return { kind: 'net', family, address, bits };
};

/** `[all] [SUBNET]`; nothing = everything. */
export const parseAccessRule = (args: Args, action: AccessRule['action']): AccessRule => {
  let word = args.optional();
  // `all` is written in lower case: chronyd takes anything else for a host's name.
  const all = word === 'all';
  if (all) word = args.optional();
  if (args.left > 0) throw args.unparsable();
  if (word === undefined) return { action, all, subnet: { kind: 'any' } };
  const subnet = parseSubnet(word);
  if (subnet === undefined) throw args.unparsable(`"${word}" is neither a network nor a host name`);
  if (subnet.kind !== 'host') return { action, all, subnet };
  return { action, all, subnet: { ...subnet, unknown: args.at(args.unparsable().message) } };
};
