/**
 * NTP inside PTP event messages: network cards that stamp only PTP (IEEE 1588) stamp NTP, too, then. A message is a PTP
 * header (34 bytes), an origin timestamp (10) and one TLV that holds the NTP packet. Two forms are about, told apart by
 * the TLV: chrony up to 4.8 uses an experimental type, later ones an organisation extension (IANA's organisation id).
 */
export const PTP_EVENT_PORT = 319;

/** Forms of a message, each by the bytes that stand before the NTP packet. */
export const FRAMING = {
  /** No PTP message. */
  NONE: 0,
  /** chrony 4.2 to 4.8. */
  EXPERIMENTAL: 48,
  /** chrony 4.9. */
  ORGANISATION: 56,
} as const;

export type Framing = (typeof FRAMING)[keyof typeof FRAMING];

/** Byte offsets. */
const AT = {
  TYPE: 0,
  VERSION: 1,
  LENGTH: 2,
  DOMAIN: 4,
  MINOR_SDO: 5,
  FLAGS: 6,
  CORRECTION: 8,
  SEQUENCE: 30,
  TLV: 44,
} as const;
/** Offsets inside the TLV. */
const TLV = { TYPE: 0, LENGTH: 2, ORGANISATION: 4, BODY: 4 } as const;

/** Sync is 0. Either is an event message, which is stamped; anything else is not. */
const DELAY_REQ = 1;
const VERSION_2_0 = 0x02;
const VERSION_2_1 = 0x12;
const FLAG_UNICAST = 0x0400;
const TLV_EXPERIMENTAL = 0x2023;
const TLV_ORGANISATION = 0x0003;
/** The same, not to be forwarded by a boundary clock. */
const TLV_ORGANISATION_LOCAL = 0x8000;
/** 00-00-5E and subtype 00-00-01, as an upper and a lower part. */
const ORGANISATION_HI = 0x00005e00;
const ORGANISATION_LO = 0x0001;
/** Organisation, subtype and padding before the NTP packet. */
const ORGANISATION_BYTES = 8;
/** Bytes of the shortest NTP packet. */
const NTP_BYTES = 48;

/** Form of the datagram of `length` bytes at `at`: NONE unless it is NTP in a unicast event message of this domain. */
export const framingOf = (view: DataView, at: number, length: number, domain: number): Framing => {
  if (length < FRAMING.EXPERIMENTAL + NTP_BYTES || !isEvent(view, at, length, domain)) return FRAMING.NONE;
  const tlv = at + AT.TLV;
  const body = length - AT.TLV - TLV.BODY;
  if (view.getUint16(tlv + TLV.LENGTH) !== body) return FRAMING.NONE;
  const type = view.getUint16(tlv + TLV.TYPE);
  if (type === TLV_EXPERIMENTAL) return FRAMING.EXPERIMENTAL;
  if (type !== TLV_ORGANISATION && type !== TLV_ORGANISATION_LOCAL) return FRAMING.NONE;
  if (body < ORGANISATION_BYTES + NTP_BYTES) return FRAMING.NONE;
  const who = tlv + TLV.ORGANISATION;
  const known = view.getUint32(who) === ORGANISATION_HI && view.getUint16(who + 4) === ORGANISATION_LO;
  return known ? FRAMING.ORGANISATION : FRAMING.NONE;
};

const isEvent = (view: DataView, at: number, length: number, domain: number): boolean => {
  // The upper half of the first byte is the major SDO id, 0 here.
  if (view.getUint8(at + AT.TYPE) > DELAY_REQ) return false;
  const version = view.getUint8(at + AT.VERSION);
  const current = version === VERSION_2_0 || (version === VERSION_2_1 && view.getUint8(at + AT.MINOR_SDO) === 0);
  if (!current || view.getUint16(at + AT.LENGTH) !== length) return false;
  return view.getUint8(at + AT.DOMAIN) === domain && view.getUint16(at + AT.FLAGS) === FLAG_UNICAST;
};

/** What transparent clocks on the way have added, s: how long the message waited in them. */
export const correctionOf = (view: DataView, at: number): number =>
  (view.getInt32(at + AT.CORRECTION) * 4294967296 + view.getUint32(at + AT.CORRECTION + 4)) / 65536e9;

/**
 * Writes what stands before an NTP packet of `ntpBytes`: `framing` bytes, at `at`. `sequence`: u16; network cards and
 * their drivers tell the stamps of messages apart by it.
 */
export const putFraming = (
  view: DataView,
  at: number,
  framing: Framing,
  ntpBytes: number,
  domain: number,
  sequence: number,
): void => {
  for (let i = 0; i < framing; i += 4) view.setUint32(at + i, 0);
  if (framing === FRAMING.NONE) return;
  const length = framing + ntpBytes;
  view.setUint8(at + AT.TYPE, DELAY_REQ);
  view.setUint8(at + AT.VERSION, VERSION_2_0);
  view.setUint16(at + AT.LENGTH, length);
  view.setUint8(at + AT.DOMAIN, domain);
  view.setUint16(at + AT.FLAGS, FLAG_UNICAST);
  view.setUint16(at + AT.SEQUENCE, sequence & 0xffff);
  const tlv = at + AT.TLV;
  view.setUint16(tlv + TLV.LENGTH, length - AT.TLV - TLV.BODY);
  view.setUint16(tlv + TLV.TYPE, framing === FRAMING.EXPERIMENTAL ? TLV_EXPERIMENTAL : TLV_ORGANISATION);
  if (framing === FRAMING.EXPERIMENTAL) return;
  view.setUint32(tlv + TLV.ORGANISATION, ORGANISATION_HI);
  view.setUint16(tlv + TLV.ORGANISATION + 4, ORGANISATION_LO);
};
