/** MD5 (RFC 1321): not for security, but the reference id of an IPv6 address is made with it (RFC 5905, 7.3). */
const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21] as const;
const SINES = Uint32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 4294967296));

const mix = (i: number, b: number, c: number, d: number): { f: number; g: number } => {
  if (i < 16) return { f: (b & c) | (~b & d), g: i };
  if (i < 32) return { f: (d & b) | (~d & c), g: (5 * i + 1) & 15 };
  if (i < 48) return { f: b ^ c ^ d, g: (3 * i + 5) & 15 };
  return { f: c ^ (b | ~d), g: (7 * i) & 15 };
};

export const md5 = (message: Uint8Array): Uint8Array => {
  const padded = new Uint8Array(((message.length + 72) >> 6) << 6);
  padded.set(message);
  padded[message.length] = 0x80;
  const words = new DataView(padded.buffer);
  words.setUint32(padded.length - 8, message.length << 3, true);
  words.setUint32(padded.length - 4, Math.floor(message.length / 0x20000000), true);
  const state = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  for (let at = 0; at < padded.length; at += 64) {
    let [a, b, c, d] = state as unknown as [number, number, number, number];
    for (let i = 0; i < 64; i++) {
      const { f, g } = mix(i, b, c, d);
      const sum = (a + f + SINES[i]! + words.getUint32(at + 4 * g, true)) | 0;
      const n = SHIFTS[((i >> 4) << 2) | (i & 3)]!;
      a = d;
      d = c;
      c = b;
      b = (b + ((sum << n) | (sum >>> (32 - n)))) | 0;
    }
    state.set([state[0]! + a, state[1]! + b, state[2]! + c, state[3]! + d]);
  }
  const out = new DataView(new ArrayBuffer(16));
  for (const [i, word] of state.entries()) out.setUint32(4 * i, word, true);
  return new Uint8Array(out.buffer);
};
