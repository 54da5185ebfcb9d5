import { read, sizeOf, type Values, write } from './fields.js';
import { PACKET, REPLY_HEADER, REQUEST_HEADER, STATUS, type Status, VERSION } from './protocol.js';
import { REPLIES, type ReplyLayout, type ReplyName } from './replies.js';
import { REQUESTS, type RequestLayout, type RequestName, requestLength } from './requests.js';

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export interface RequestHeader {
  readonly version: number;
  readonly command: number;
  readonly sequence: number;
}

/** Undefined: not a cmdmon request. Needs at least 12 bytes; the version is left to the caller. */
export const readRequestHeader = (bytes: Uint8Array): RequestHeader | undefined => {
  if (bytes.length < REQUEST_HEADER || bytes[1] !== PACKET.REQUEST || bytes[2] !== 0 || bytes[3] !== 0)
    return undefined;
  const view = viewOf(bytes);
  return { version: bytes[0]!, command: view.getUint16(4), sequence: view.getUint32(8) };
};

export type RequestValues<N extends RequestName> = Values<RequestLayout<N>>;
export type ReplyValues<N extends ReplyName> = Values<ReplyLayout<N>>;

/** The caller has checked the length against `replyForLength`. */
export const readRequestData = <N extends RequestName>(name: N, bytes: Uint8Array): RequestValues<N> =>
  read(REQUESTS[name].data as RequestLayout<N>, viewOf(bytes), REQUEST_HEADER);

export const encodeRequest = <N extends RequestName>(
  name: N,
  values: RequestValues<N>,
  sequence: number,
  attempt = 0,
): Uint8Array => {
  const bytes = new Uint8Array(requestLength(name));
  const view = viewOf(bytes);
  bytes[0] = VERSION;
  bytes[1] = PACKET.REQUEST;
  view.setUint16(4, REQUESTS[name].code);
  view.setUint16(6, attempt);
  view.setUint32(8, sequence);
  write(REQUESTS[name].data as RequestLayout<N>, view, REQUEST_HEADER, values);
  return bytes;
};

const replyHeader = (
  request: RequestHeader,
  reply: ReplyName,
  status: Status,
): { bytes: Uint8Array; view: DataView } => {
  const bytes = new Uint8Array(REPLY_HEADER + sizeOf(REPLIES[reply].data));
  const view = viewOf(bytes);
  bytes[0] = VERSION;
  bytes[1] = PACKET.REPLY;
  view.setUint16(4, request.command);
  view.setUint16(6, REPLIES[reply].code);
  view.setUint16(8, status);
  view.setUint32(16, request.sequence);
  return { bytes, view };
};

export const encodeReply = <N extends ReplyName>(
  request: RequestHeader,
  reply: N,
  values: ReplyValues<N>,
): Uint8Array => {
  const { bytes, view } = replyHeader(request, reply, STATUS.SUCCESS);
  write(REPLIES[reply].data as ReplyLayout<N>, view, REPLY_HEADER, values);
  return bytes;
};

/** An acknowledgement or an error: no data. */
export const encodeStatus = (request: RequestHeader, status: Status): Uint8Array =>
  replyHeader(request, 'NULL', status).bytes;

export interface ReplyHeader {
  readonly version: number;
  readonly command: number;
  readonly reply: number;
  readonly status: number;
  readonly sequence: number;
}

const REPLY_BY_CODE = new Map<number, ReplyName>(
  (Object.keys(REPLIES) as ReplyName[]).map((n) => [REPLIES[n].code, n]),
);

/** Undefined: not a cmdmon reply, or shorter than its reply code promises. Whose it is, the caller checks. */
export const readReplyHeader = (bytes: Uint8Array): ReplyHeader | undefined => {
  if (bytes.length < REPLY_HEADER || bytes[1] !== PACKET.REPLY || bytes[2] !== 0 || bytes[3] !== 0) return undefined;
  const view = viewOf(bytes);
  const version = bytes[0]!;
  const status = view.getUint16(8);
  // A daemon of another version says so in a reply that still has this header.
  if (version !== VERSION && !(version >= 4 && status === STATUS.BAD_PKT_VERSION)) return undefined;
  const reply = view.getUint16(6);
  const name = REPLY_BY_CODE.get(reply);
  if (name !== undefined && bytes.length < REPLY_HEADER + sizeOf(REPLIES[name].data)) return undefined;
  return { version, command: view.getUint16(4), reply, status, sequence: view.getUint32(16) };
};

/** The caller has seen the reply's code in `readReplyHeader`. */
export const readReplyData = <N extends ReplyName>(reply: N, bytes: Uint8Array): ReplyValues<N> =>
  read(REPLIES[reply].data as ReplyLayout<N>, viewOf(bytes), REPLY_HEADER);
