/** XOR of the characters between `$` and `*` (NMEA 0183, 5.3.1). */
export const nmeaChecksum = (body: string): number => {
  let sum = 0;
  for (let i = 0; i < body.length; i++) sum ^= body.charCodeAt(i);
  return sum & 0xff;
};

/** 8-bit Fletcher over class, id, length and payload (u-blox protocol): low byte ckA, high byte ckB. */
export const fletcher8 = (bytes: Uint8Array, from: number, to: number): number => {
  let a = 0;
  let b = 0;
  for (let i = from; i < to; i++) {
    a = (a + bytes[i]!) & 0xff;
    b = (b + a) & 0xff;
  }
  return (b << 8) | a;
};

const CRC24Q_POLYNOMIAL = 0x1864cfb;

const CRC24Q_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let crc = index << 16;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 0x800000) !== 0 ? (crc << 1) ^ CRC24Q_POLYNOMIAL : crc << 1;
  return crc & 0xffffff;
});

/** CRC-24Q of RTCM 10403 frames, start value 0. */
export const crc24q = (bytes: Uint8Array, from: number, to: number): number => {
  let crc = 0;
  for (let i = from; i < to; i++) crc = ((crc << 8) & 0xffffff) ^ CRC24Q_TABLE[(crc >>> 16) ^ bytes[i]!]!;
  return crc;
};
