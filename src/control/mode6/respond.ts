import {
  CONTROL_ERROR,
  CONTROL_OP,
  type ControlMessage,
  controlError,
  controlReply,
  parseControl,
} from '../../wire/ntp/control.js';
import {
  type Mode6Context,
  peerStatus,
  peerVariables,
  systemStatus,
  systemVariables,
  type Variables,
} from './variables.js';

const CRLF = '\r\n';
const LINE = 72;

/** Packets in answer to a request of mode 6: reads only; everything that would change something is a bad operation. */
export const respondMode6 = (request: Uint8Array, context: Mode6Context): readonly Uint8Array[] => {
  const message = parseControl(request);
  if (message === undefined) return [];
  if (message.op === CONTROL_OP.READ_STATUS) return readStatus(message, context);
  if (message.op === CONTROL_OP.READ_VARIABLES) return readVariables(message, context);
  return controlError(message, CONTROL_ERROR.BAD_OP);
};

/** Association 0: all associations with their status words; else the status of one. */
const readStatus = (message: ControlMessage, context: Mode6Context): Uint8Array[] => {
  const sources = context.sources();
  if (message.association !== 0) {
    const source = sources[message.association - 1];
    if (source === undefined) return controlError(message, CONTROL_ERROR.BAD_ASSOCIATION);
    return controlReply(message, peerStatus(source), new Uint8Array(0));
  }
  const data = new Uint8Array(4 * sources.length);
  const view = new DataView(data.buffer);
  for (const [i, s] of sources.entries()) {
    view.setUint16(4 * i, i + 1);
    view.setUint16(4 * i + 2, peerStatus(s));
  }
  return controlReply(message, systemStatus(context), data);
};

const readVariables = (message: ControlMessage, context: Mode6Context): Uint8Array[] => {
  const index = message.association - 1;
  const all = index < 0 ? systemVariables(context) : peerVariables(context, index);
  if (all === undefined) return controlError(message, CONTROL_ERROR.BAD_ASSOCIATION);
  const names = wanted(message.data);
  const some = names.length === 0 ? all : all.filter(([name]) => names.includes(name));
  if (some.length === 0) return controlError(message, CONTROL_ERROR.UNKNOWN_VARIABLE);
  const status = index < 0 ? systemStatus(context) : peerStatus(context.sources()[index]!);
  return controlReply(message, status, toText(some));
};

/** Names that are asked for, separated by commas; values that stand with them are not ours to take. */
const wanted = (data: Uint8Array): string[] =>
  String.fromCharCode(...data)
    .split(',')
    .map((item) => item.replace(/=.*/s, '').trim())
    .filter((name) => name !== '' && name !== '\0');

const toText = (variables: Variables): Uint8Array => {
  let text = '';
  let line = 0;
  for (const [i, [name, value]] of variables.entries()) {
    const item = `${name}=${value}`;
    const wraps = line + item.length > LINE;
    if (i > 0) text += wraps ? `,${CRLF}` : ', ';
    line = wraps ? item.length : line + item.length + 2;
    text += item;
  }
  return Uint8Array.from(`${text}${CRLF}`, (c) => c.charCodeAt(0));
};
