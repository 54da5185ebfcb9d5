import type { IpBytes } from '../../../base/ip.js';
import type { SourceMatch } from '../../report/place.js';

/** `address`: a number where there is none yet (`ID#…`). */
export const matches = (match: SourceMatch, address: IpBytes | number): boolean =>
  match === undefined ||
  match === address ||
  (typeof match !== 'number' &&
    typeof address !== 'number' &&
    address.length === match.address.length &&
    address.every((byte, i) => (byte & match.mask[i]!) === (match.address[i]! & match.mask[i]!)));
