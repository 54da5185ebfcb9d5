import { parseIp } from '../../../base/ip.js';
import { md5 } from '../../../base/md5.js';
import { REFID_UNSYNC, type RefId } from '../../../base/refid.js';

/** Reference id of a server at this address: the IPv4 address, or the start of the MD5 of the IPv6 address. */
export const refIdOfAddress = (address: string): RefId => {
  const bytes = parseIp(address);
  if (bytes === undefined) return REFID_UNSYNC;
  const id = bytes.length === 4 ? bytes : md5(bytes);
  return new DataView(id.buffer, id.byteOffset).getUint32(0);
};
