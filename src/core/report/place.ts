/** How commands name NTP sources. */
import { formatIp, type IpBytes } from '../../base/ip.js';

/** The addresses that equal `address` under `mask` (same length both). */
export interface AddressMask {
  readonly address: IpBytes;
  readonly mask: IpBytes;
}

/** A network's sources, or the one with this number, which has no address yet; undefined = all. */
export type SourceMatch = AddressMask | number | undefined;

/** How chronyc writes the number that stands for the address of a source without one. */
export const placeText = (id: number): string => `ID#${String(id).padStart(10, '0')}`;

/** An address, or the number that stands for it. */
export const addressText = (address: IpBytes | number): string =>
  typeof address === 'number' ? placeText(address) : formatIp(address);
