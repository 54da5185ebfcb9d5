/** Our own queries (control/query/door): what chrony's protocol cannot carry, from timeballd over its UNIX socket. */
import { randomBytes } from 'node:crypto';
import { CodedError } from '../../base/errors.js';
import type { Session } from './session.js';
import { SyntaxFault } from './syntax.js';

export type QueryName = 'tracking' | 'bound' | 'refclocks' | 'selectdata' | 'stability';
export type QueryData = Readonly<Record<string, unknown>>;

/** Pages of one list: more than there are sources. */
const MAX_PAGES = 1000;
/** ms; a daemon on this machine that knows the query answers in less, another one never. */
const PATIENCE_MS = 300;

const isObject = (value: unknown): value is QueryData =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const parse = (text: string): QueryData | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

/** One datagram there, one back; undefined when no timeballd answers on a UNIX socket. */
const exchange = async (
  session: Session,
  request: { readonly query: QueryName; readonly from?: number },
  tries: number,
): Promise<QueryData | undefined> => {
  const id = randomBytes(8).toString('hex');
  const bytes = new TextEncoder().encode(JSON.stringify({ timeball: 1, id, ...request }));
  const read = (reply: Uint8Array): QueryData | undefined => {
    const value = parse(new TextDecoder().decode(reply));
    return value?.['id'] === id ? value : undefined;
  };
  for (let attempt = 0; attempt < tries; attempt++) {
    const reply = await session.talker.query(bytes, read, PATIENCE_MS * 2 ** attempt);
    if (reply !== undefined) return reply;
  }
  return undefined;
};

const ask = async (session: Session, query: QueryName, from = 0): Promise<QueryData> => {
  const reply = await exchange(session, { query, from }, 1 + session.talker.retries);
  if (reply === undefined) throw new CodedError('ERR_TB_TALK', 'No timeballd answers on a UNIX socket (-h /PATH)');
  if (reply['ok'] === true && isObject(reply['data'])) return reply['data'];
  const why = typeof reply['text'] === 'string' ? reply['text'] : 'no reason given';
  throw new CodedError('ERR_TB_QUERY', `The daemon refuses the query: ${why}`);
};

/** A report of one object. */
export const askOne = (session: Session, query: 'bound' | 'tracking'): Promise<QueryData> => ask(session, query);

/** A report of a list, all pages; `head`: what stands beside the list on the first. */
export const askList = async (
  session: Session,
  query: 'refclocks' | 'selectdata' | 'stability',
): Promise<{ readonly head: QueryData; readonly items: readonly QueryData[] }> => {
  const head = await ask(session, query);
  const items: QueryData[] = [];
  let page = head;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    if (Array.isArray(page['items'])) items.push(...page['items'].filter(isObject));
    const next = page['next'];
    if (typeof next !== 'number' || next < items.length) break;
    page = await ask(session, query, next);
  }
  return { head, items };
};

/** The discipline's mode; undefined when the daemon is not ours. Asked once: chronyd stays silent, and that must not take long. */
export const modeOf = async (session: Session): Promise<string | undefined> => {
  const data = (await exchange(session, { query: 'tracking' }, 1))?.['data'];
  return isObject(data) && typeof data['mode'] === 'string' ? data['mode'] : undefined;
};

/** Reports of ours have no CSV: their lists within lists do not fit a line. */
export const refuseCsv = (session: Session): void => {
  if (session.mode === 'csv') throw new SyntaxFault('This report has no CSV form, use --json');
};
