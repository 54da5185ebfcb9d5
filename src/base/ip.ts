/**
 * IP addresses as bytes in network order: 4 (IPv4) or 16 (IPv6). Text is read and written as inet_pton(3) and
 * inet_ntop(3) do, because people compare what chrony and timeball print.
 */
import ipaddr from 'ipaddr.js';

export type IpBytes = Uint8Array;

/** No leading zeros: some readers take them for octal, so an address must not mean two things. */
const STRICT_QUAD = /(?:^|:)(?:(?:0|[1-9]\d{0,2})(?:\.(?!$)|$)){4}$/;

/** Numeric IPv4 or IPv6 text; undefined for anything else (host names, zones, shortened IPv4). */
export const parseIp = (text: string): IpBytes | undefined => {
  if (text.length > 45 || text.includes('%') || (text.includes('.') && !STRICT_QUAD.test(text))) return undefined;
  const { IPv4, IPv6 } = ipaddr;
  const kind = text.includes(':') ? IPv6 : text.includes('.') ? IPv4 : undefined;
  return kind?.isValid(text) ? Uint8Array.from(kind.parse(text).toByteArray()) : undefined;
};

const formatIp6 = (bytes: IpBytes): string => {
  const text = ipaddr.fromByteArray([...bytes]) as ipaddr.IPv6;
  const zeros = bytes.findIndex((b) => b !== 0);
  // As inet_ntop: compatible and mapped addresses end in a dotted quad.
  if (zeros === 12 || zeros === 13) return `::${formatIp4(bytes.subarray(12))}`;
  if (text.isIPv4MappedAddress()) return `::ffff:${formatIp4(bytes.subarray(12))}`;
  return text.toRFC5952String();
};

const formatIp4 = (bytes: IpBytes): string => bytes.subarray(0, 4).join('.');

export const formatIp = (bytes: IpBytes): string => (bytes.length === 4 ? formatIp4(bytes) : formatIp6(bytes));
