/**
 * Our own door, for what chrony's protocol cannot carry: JSON datagrams on the command socket. A chronyc datagram begins
 * with its version (6), ours with `{`, so one socket serves both. It only looks, it changes nothing.
 *
 *   {"timeball":1,"query":"refclocks","id":7,"from":0}
 *   {"ok":true,"id":7,"data":{"items":[...],"next":null}}
 *   {"ok":false,"id":7,"code":"ERR_TB_QUERY","text":"..."}
 *
 * `id` comes back as it was sent. A list that does not fit goes on at `next`: ask again with it as `from`.
 */
import { CodedError } from '../../base/errors.js';
import type { QueryContext } from './context.js';
import {
  boundView,
  type Json,
  type JsonObject,
  noiseView,
  refclockView,
  selectView,
  seriesView,
  trackingView,
} from './views.js';

/** Version of this protocol. */
const VERSION = 1;
/** Bytes; the command sockets of this program take no longer datagrams. */
export const MAX_REPLY = 8192;
/** Of it, for what stands around the items. */
const ROOM = 1024;
const OPENING_BRACE = 0x7b;
const MAX_TEXT_ID = 64;

interface Answer {
  readonly head: JsonObject;
  readonly items?: readonly JsonObject[];
}

const QUERIES: Readonly<Record<string, (context: QueryContext) => Answer>> = {
  tracking: (c) => ({ head: trackingView(c.tracking()) }),
  bound: (c) => ({ head: boundView(c.bound()) }),
  refclocks: (c) => ({ head: {}, items: c.refclocks().map(refclockView) }),
  selectdata: (c) => ({ head: {}, items: c.selectdata().map(selectView) }),
  stability: (c) => {
    const { series, noise } = c.stability();
    return { head: { noise: noiseView(noise) }, items: series.map(seriesView) };
  },
};

/** Is this datagram for us? */
export const isQuery = (bytes: Uint8Array): boolean => bytes[0] === OPENING_BRACE;

const parse = (bytes: Uint8Array): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Falls to the error below: where the JSON is wrong helps nobody.
  }
  throw new CodedError('ERR_TB_QUERY', 'the query is not a JSON object');
};

/** What comes back with the reply: a number or a short text. */
const idOf = (id: unknown): Json => {
  if (typeof id === 'number') return id;
  return typeof id === 'string' && id.length <= MAX_TEXT_ID ? id : null;
};

const byteLength = (value: Json): number => new TextEncoder().encode(JSON.stringify(value)).length;

/** As many items as fit, from `from` on; one that is too large alone is left out and said to be. */
const page = (items: readonly JsonObject[], from: number, room: number): JsonObject => {
  const out: JsonObject[] = [];
  let left = room;
  let next = from;
  for (; next < items.length; next++) {
    const size = byteLength(items[next]!) + 1;
    const fits = size <= room;
    const item = fits ? items[next]! : { name: String(items[next]!['name']).slice(0, 64), tooLarge: true };
    const need = fits ? size : byteLength(item) + 1;
    if (need > left) break;
    out.push(item);
    left -= need;
  }
  return { items: out, next: next < items.length ? next : null };
};

const answer = (request: Readonly<Record<string, unknown>>, context: QueryContext): JsonObject => {
  const { timeball, query, from = 0 } = request;
  if (timeball !== VERSION) throw new CodedError('ERR_TB_QUERY', `"timeball" must be ${VERSION}`);
  if (typeof query !== 'string' || !Object.hasOwn(QUERIES, query)) {
    throw new CodedError('ERR_TB_QUERY', `there is no such query; there are ${Object.keys(QUERIES).join(', ')}`);
  }
  if (typeof from !== 'number' || !Number.isInteger(from) || from < 0) {
    throw new CodedError('ERR_TB_QUERY', '"from" must be a whole number');
  }
  const { head, items } = QUERIES[query]!(context);
  return items === undefined ? head : { ...head, ...page(items, from, MAX_REPLY - ROOM) };
};

/** One query in, one reply of at most MAX_REPLY bytes out. Never throws on whatever bytes. */
export const handleQuery = (bytes: Uint8Array, context: QueryContext): Uint8Array => {
  let id: Json = null;
  const encode = (reply: JsonObject): Uint8Array => new TextEncoder().encode(JSON.stringify(reply));
  try {
    const request = parse(bytes);
    id = idOf(request['id']);
    return encode({ ok: true, id, data: answer(request, context) });
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return encode({ ok: false, id, code: error.code, text: error.message });
  }
};
