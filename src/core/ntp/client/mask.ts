import type { IpBytes } from '../../../base/ip.js';

/** The addresses of a network: those equal to `address` under `mask` (same length both). */
export interface AddressMask {
  readonly address: IpBytes;
  readonly mask: IpBytes;
}

export const matches = (match: AddressMask | undefined, address: IpBytes): boolean =>
  match === undefined ||
  (address.length === match.address.length &&
    address.every((byte, i) => (byte & match.mask[i]!) === (match.address[i]! & match.mask[i]!)));
