import type { IpBytes } from '../../../base/ip.js';

/** The addresses of a network: those equal to `address` under `mask` (same length both). */
export interface AddressMask {
  readonly address: IpBytes;
  readonly mask: IpBytes;
}

/** `address`: a number where there is none yet (`ID#…`). */
export const matches = (match: AddressMask | number | undefined, address: IpBytes | number): boolean =>
  match === undefined ||
  match === address ||
  (typeof match !== 'number' &&
    typeof address !== 'number' &&
    address.length === match.address.length &&
    address.every((byte, i) => (byte & match.mask[i]!) === (match.address[i]! & match.mask[i]!)));
