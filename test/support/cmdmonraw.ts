/** Datagrams of the command protocol as they are, for daemons side by side and for captures. */
import { createSocket } from 'node:dgram';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadNative } from '../../src/devices/native.js';
import {
  encodeReply,
  encodeRequest,
  encodeStatus,
  type ReplyValues,
  type RequestValues,
  readReplyData,
  readReplyHeader,
  readRequestHeader,
} from '../../src/wire/cmdmon/packet.js';
import type { Status } from '../../src/wire/cmdmon/protocol.js';
import { REPLIES, type ReplyName } from '../../src/wire/cmdmon/replies.js';
import type { RequestName } from '../../src/wire/cmdmon/requests.js';

export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

export type AskRaw = (request: Uint8Array, ms?: number) => Promise<Uint8Array | undefined>;

/** Over UDP, from an address of the loopback network. Undefined: no reply in time. */
export const udpAsker =
  (port: number, from = '127.0.0.1'): AskRaw =>
  (request, ms = 250) =>
    new Promise((resolve) => {
      const socket = createSocket('udp4');
      const end = (reply: Uint8Array | undefined): void => {
        clearTimeout(timer);
        socket.close();
        resolve(reply);
      };
      const timer = setTimeout(() => end(undefined), ms);
      socket.on('message', (bytes) => end(Uint8Array.from(bytes)));
      socket.on('error', () => end(undefined));
      socket.bind(0, from, () => socket.send(request, port, '127.0.0.1'));
    });

/** Over the UNIX socket. */
export const unixAsker =
  (server: string, dir: string): AskRaw =>
  async (request, ms = 1000) => {
    const socket = new (loadNative().Datagram)(join(dir, `ask-${process.pid}.sock`), { unlink: true, mode: 0o666 });
    try {
      let reply: Uint8Array | undefined;
      socket.start(
        (bytes) => {
          reply = bytes;
        },
        () => {},
      );
      socket.send(request, server);
      for (let waited = 0; waited < ms && reply === undefined; waited += 5) await sleep(5);
      return reply;
    } finally {
      socket.close();
    }
  };

/** Requests that change nothing, with data. */
export const QUESTIONS = [
  ['N_SOURCES', {}],
  ['SOURCE_DATA', { index: 0 }],
  ['SOURCE_DATA', { index: 1 }],
  ['SOURCE_DATA', { index: 7 }],
  ['TRACKING', {}],
  ['SOURCESTATS', { index: 0 }],
  ['SOURCESTATS', { index: 1 }],
  ['RTCREPORT', {}],
  ['ACTIVITY', {}],
  ['SMOOTHING', {}],
  ['MANUAL_LIST', {}],
  ['SERVER_STATS', {}],
  ['NTP_DATA', { address: Uint8Array.of(127, 0, 0, 1) }],
  ['NTP_DATA', { address: Uint8Array.of(192, 0, 2, 1) }],
  ['NTP_SOURCE_NAME', { address: Uint8Array.of(127, 0, 0, 1) }],
  ['AUTH_DATA', { address: Uint8Array.of(127, 0, 0, 1) }],
  ['CLIENT_ACCESSES', { firstIndex: 0, maxClients: 8, minHits: 0, reset: 0 }],
  ['SELECT_DATA', { index: 0 }],
  ['SELECT_DATA', { index: 1 }],
  ['ACCHECK', { address: Uint8Array.of(192, 0, 2, 1) }],
  ['CMDACCHECK', { address: Uint8Array.of(127, 0, 0, 1) }],
] as const satisfies readonly (readonly [RequestName, object])[];

export const questionBytes = ([name, values]: (typeof QUESTIONS)[number], sequence: number): Uint8Array =>
  encodeRequest(name, values as RequestValues<typeof name>, sequence);

const nameOf = (code: number): ReplyName | undefined =>
  (Object.keys(REPLIES) as ReplyName[]).find((name) => REPLIES[name].code === code);

/** The reply as we write it, from what we read in theirs. */
export const rewritten = (request: Uint8Array, reply: Uint8Array): Uint8Array => {
  const asked = readRequestHeader(request)!;
  const header = readReplyHeader(reply)!;
  const name = nameOf(header.reply)!;
  if (name === 'NULL') return encodeStatus(asked, header.status as Status);
  return encodeReply(asked, name, readReplyData(name, reply) as ReplyValues<typeof name>);
};
