/** NTP control messages, mode 6 (RFC 9327, RFC 1305 appendix B): only what a read-only server needs. */
export const CONTROL_HEADER_BYTES = 12;
/** RFC 9327, 2: data of one packet. */
const FRAGMENT_BYTES = 468;

export const CONTROL_OP = { READ_STATUS: 1, READ_VARIABLES: 2 } as const;

/** Upper byte of the status word of an error. */
export const CONTROL_ERROR = { BAD_FORMAT: 2, BAD_OP: 3, BAD_ASSOCIATION: 4, UNKNOWN_VARIABLE: 5 } as const;

const RESPONSE = 0x80;
const ERROR = 0x40;
const MORE = 0x20;
const OP_MASK = 0x1f;
const MODE_CONTROL = 6;

export interface ControlMessage {
  readonly version: number;
  readonly op: number;
  readonly sequence: number;
  readonly association: number;
  readonly data: Uint8Array;
}

/** Undefined for what must get no answer: too short, a response, an error, a fragment, no mode 6. */
export const parseControl = (bytes: Uint8Array): ControlMessage | undefined => {
  if (bytes.length < CONTROL_HEADER_BYTES || (bytes[0]! & 7) !== MODE_CONTROL) return undefined;
  const version = (bytes[0]! >> 3) & 7;
  if ((bytes[1]! & (RESPONSE | ERROR | MORE)) !== 0 || version < 1 || version > 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint16(10);
  if (view.getUint16(8) !== 0 || CONTROL_HEADER_BYTES + count > bytes.length) return undefined;
  return {
    version,
    op: bytes[1]! & OP_MASK,
    sequence: view.getUint16(2),
    association: view.getUint16(6),
    data: bytes.subarray(CONTROL_HEADER_BYTES, CONTROL_HEADER_BYTES + count),
  };
};

const packet = (to: ControlMessage, bits: number, status: number, offset: number, data: Uint8Array): Uint8Array => {
  const out = new Uint8Array(CONTROL_HEADER_BYTES + Math.ceil(data.length / 4) * 4);
  const view = new DataView(out.buffer);
  out[0] = (to.version << 3) | MODE_CONTROL;
  out[1] = RESPONSE | bits | to.op;
  view.setUint16(2, to.sequence);
  view.setUint16(4, status);
  view.setUint16(6, to.association);
  view.setUint16(8, offset);
  view.setUint16(10, data.length);
  out.set(data, CONTROL_HEADER_BYTES);
  return out;
};

export const controlError = (to: ControlMessage, code: number): Uint8Array[] => [
  packet(to, ERROR, code << 8, 0, new Uint8Array(0)),
];

/** The packets of an answer: at least one. */
export const controlReply = (to: ControlMessage, status: number, data: Uint8Array): Uint8Array[] => {
  const out: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < data.length; at += FRAGMENT_BYTES) {
    const piece = data.subarray(at, at + FRAGMENT_BYTES);
    out.push(packet(to, at + FRAGMENT_BYTES < data.length ? MORE : 0, status, at, piece));
  }
  return out;
};
