/** Bytes to text, one character a byte (latin1), so that nothing is lost or replaced on the way to a strict parser. */
export const bytesToText = (bytes: Uint8Array, from = 0, to = bytes.length): string => {
  let s = '';
  for (let i = from; i < to; i++) s += String.fromCharCode(bytes[i]!);
  return s;
};

/** Text to bytes; characters above 0xff become '?'. */
export const textToBytes = (text: string): Uint8Array => {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    out[i] = c > 0xff ? 0x3f : c;
  }
  return out;
};

/** Two capital digits a byte. */
export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join('');

/** Bytes of pairs of hex digits in either case; undefined for anything else, and for nothing at all. */
export const fromHex = (text: string): Uint8Array | undefined => {
  if (text.length === 0 || text.length % 2 !== 0 || !/^[0-9a-f]+$/i.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
};
