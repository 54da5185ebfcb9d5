import type { IpBytes } from '../../base/ip.js';
import {
  encodeReply,
  encodeStatus,
  type ReplyValues,
  type RequestHeader,
  readRequestData,
  readRequestHeader,
} from '../../wire/cmdmon/packet.js';
import {
  MAX_REQUEST,
  MIN_REQUEST,
  OLDEST_TOLD_VERSION,
  STATUS,
  type Status,
  VERSION,
} from '../../wire/cmdmon/protocol.js';
import type { ReplyName } from '../../wire/cmdmon/replies.js';
import { REQUESTS, type RequestName, replyForLength, requestByCode } from '../../wire/cmdmon/requests.js';
import { READ_WRITE } from './commands.js';
import type { CmdmonContext, CmdmonPeer } from './context.js';
import { type Answer, type Handler, READ_ONLY } from './readonly.js';

export const isLoopback = (address: IpBytes): boolean =>
  address.length === 4
    ? address[0] === 127 && address[1] === 0 && address[2] === 0 && address[3] === 1
    : address.every((byte, i) => byte === (i === 15 ? 1 : 0));

/** May this peer be answered at all? This host may, others need `cmdallow`; the UNIX socket is guarded by its directory. */
const mayTalk = (peer: CmdmonPeer, context: CmdmonContext): boolean =>
  peer.transport === 'unix' || isLoopback(peer.address) || context.accessAllowed('cmd', peer.address);

const admitted = (peer: CmdmonPeer, context: CmdmonContext): boolean =>
  peer.transport === 'unix'
    ? context.countAccess(undefined, true)
    : context.countAccess(peer.address, isLoopback(peer.address));

/** Undefined: not for this peer. */
const findHandler = (name: RequestName, peer: CmdmonPeer, context: CmdmonContext): Handler<RequestName> | undefined => {
  const full = peer.transport === 'unix';
  const change = full ? READ_WRITE[name] : undefined;
  const look = full || context.openCommands.has(REQUESTS[name].code) ? READ_ONLY[name] : undefined;
  return (change ?? look) as Handler<RequestName> | undefined;
};

/** Older SERVER_STATS replies hold the same counters in 32 bits. */
const narrow = (values: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(values).map(([key, x]) => [key, typeof x === 'bigint' ? Number(BigInt.asUintN(32, x)) : x]),
  );

const encodeAnswer = (
  header: RequestHeader,
  name: RequestName,
  layout: ReplyName,
  answer: Answer<RequestName>,
): Uint8Array => {
  if (typeof answer === 'number') return encodeStatus(header, answer as Status);
  const older = name === 'SERVER_STATS' && layout !== REQUESTS[name].reply;
  const values = older ? narrow(answer as Readonly<Record<string, unknown>>) : answer;
  return encodeReply(header, layout, values as ReplyValues<ReplyName>);
};

const answerKnown = (
  bytes: Uint8Array,
  header: RequestHeader,
  peer: CmdmonPeer,
  context: CmdmonContext,
): Uint8Array => {
  const status = (code: Status): Uint8Array => encodeStatus(header, code);
  const name = requestByCode(header.command);
  if (name === undefined) return status(STATUS.INVALID);
  const layout = replyForLength(name, bytes.length);
  if (layout === undefined) return status(STATUS.BAD_PKT_LENGTH);
  const handler = findHandler(name, peer, context);
  if (handler === undefined) return status(STATUS.UNAUTH);
  return encodeAnswer(header, name, layout, handler(readRequestData(name, bytes) as never, context));
};

/**
 * One request datagram in, at most one reply datagram out, in chronyd's order of judgement. Undefined: no reply. Never
 * throws on whatever bytes; a reply is never longer than its request, so the door amplifies nothing.
 */
export const handleRequest = (bytes: Uint8Array, peer: CmdmonPeer, context: CmdmonContext): Uint8Array | undefined => {
  if (!mayTalk(peer, context)) return undefined;
  if (bytes.length < MIN_REQUEST || bytes.length > MAX_REQUEST) return undefined;
  const header = readRequestHeader(bytes);
  if (header === undefined) return undefined;
  if (!admitted(peer, context)) return undefined;
  if (header.version !== VERSION) {
    return header.version >= OLDEST_TOLD_VERSION ? encodeStatus(header, STATUS.BAD_PKT_VERSION) : undefined;
  }
  const reply = answerKnown(bytes, header, peer, context);
  return reply.length <= bytes.length ? reply : undefined;
};
