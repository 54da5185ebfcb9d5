/** A reference id as the u32 that stands in the NTP header (RFC 5905, 7.3). */
export type RefId = number;

/** Local reference clock, 127.127.1.1 (chrony). */
export const REFID_LOCAL: RefId = 0x7f7f0101;
/** Time that is smoothed for clients, 127.127.1.255 (chrony). */
export const REFID_SMOOTH: RefId = 0x7f7f01ff;
/** Not synchronised. */
export const REFID_UNSYNC: RefId = 0;

/** Up to four ASCII characters, left-justified, zero-filled. */
export const refidFromText = (text: string): RefId => {
  let id = 0;
  for (let i = 0; i < 4; i++) id = (id << 8) | (i < text.length ? text.charCodeAt(i) & 0x7f : 0);
  return id >>> 0;
};

/** The printable characters of a refid, as chronyc prints a reference clock's name. */
export const refidToText = (id: RefId): string => {
  let text = '';
  for (let shift = 24; shift >= 0; shift -= 8) {
    const c = (id >>> shift) & 0xff;
    if (c >= 0x20 && c < 0x7f) text += String.fromCharCode(c);
  }
  return text;
};

export const refidToHex = (id: RefId): string => id.toString(16).toUpperCase().padStart(8, '0');
