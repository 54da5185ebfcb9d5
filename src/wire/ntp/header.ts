/** The NTP header (RFC 5905, 7.3): byte offsets inside the packet; every field is big-endian. */
export const NTP_PORT = 123;
export const HEADER_BYTES = 48;

export const HEADER = {
  /** LI << 6 | VN << 3 | mode. */
  LVM: 0,
  STRATUM: 1,
  /** i8, log2 s. */
  POLL: 2,
  /** i8, log2 s. */
  PRECISION: 3,
  /** u16.16 s. */
  ROOT_DELAY: 4,
  ROOT_DISPERSION: 8,
  REFID: 12,
  /** NTP64 from here on. */
  REFERENCE: 16,
  ORIGIN: 24,
  RECEIVE: 32,
  TRANSMIT: 40,
} as const;

export const MODE = {
  RESERVED: 0,
  ACTIVE: 1,
  PASSIVE: 2,
  CLIENT: 3,
  SERVER: 4,
  BROADCAST: 5,
  CONTROL: 6,
  PRIVATE: 7,
} as const;

/** Not a mode: there is no answer to this packet. */
export const NO_REPLY = -1;

export const leapOf = (lvm: number): number => lvm >> 6;
export const versionOf = (lvm: number): number => (lvm >> 3) & 7;
export const modeOf = (lvm: number): number => lvm & 7;
export const packLvm = (leap: number, version: number, mode: number): number => (leap << 6) | (version << 3) | mode;

/**
 * Mode of the reply to a request, or NO_REPLY. Only versions 1 to 4 ask in a way that we answer. NTPv1 had no mode
 * field: its clients send 0 from a port of their own, its servers and peers sent 0 from port 123 (RFC 1059), and those
 * must not be answered, or two servers would talk for ever.
 */
export const replyMode = (version: number, mode: number, sourcePort: number): number => {
  if (version < 1 || version > 4) return NO_REPLY;
  if (mode === MODE.CLIENT) return MODE.SERVER;
  if (mode === MODE.ACTIVE) return MODE.PASSIVE;
  if (mode === MODE.RESERVED && version === 1 && sourcePort !== NTP_PORT) return MODE.SERVER;
  return NO_REPLY;
};
