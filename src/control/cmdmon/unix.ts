import { dirname } from 'node:path';
import type { Instant } from '../../base/time.js';
import type { Observer } from '../../ports/observer.js';
import type { CmdmonPeer } from './context.js';
import { type Owner, prepareSocketDirectory } from './directory.js';

/** The part of a UNIX datagram socket that the door needs (the addon's Datagram has this shape). */
export interface DatagramSocket {
  /** `from` is the sender's path; null: unbound, it cannot be answered. */
  start(onMessage: (bytes: Uint8Array, from: string | null) => void, onError: (code: string) => void): void;
  send(bytes: Uint8Array, to: string): boolean;
  close(): void;
}

/** Binds at a path; `unlink` removes a stale socket first. Throws an Error with an errno `code`. */
export type OpenDatagram = (path: string, options: { unlink: boolean }) => DatagramSocket;

/** handleRequest with its context bound. */
export type RequestHandler = (bytes: Uint8Array, peer: CmdmonPeer) => Uint8Array | undefined;

export interface Door {
  close(): void;
}

/** Where a door tells what happened to it. */
export interface DoorLog {
  readonly observer: Observer;
  now(): Instant;
}

const UNIX_PEER: CmdmonPeer = { transport: 'unix' };

const warn = ({ observer, now }: DoorLog, name: string, text: string): void =>
  observer.fact({ severity: 'warn', name, text, at: now() });

const serve = (socket: DatagramSocket, handle: RequestHandler, path: string, log: DoorLog): void =>
  socket.start(
    (bytes, from) => {
      const reply = from === null ? undefined : handle(bytes, UNIX_PEER);
      // A peer that is gone or does not read loses its reply; it asks again.
      if (reply !== undefined && from !== null) socket.send(reply, from);
    },
    (code) => warn(log, 'cmdmon.unix.failed', `Command socket ${path} failed (${code})`),
  );

/**
 * Opens the command socket: full access for whoever reaches it. Not fatal when that fails: told, and undefined.
 * `path` '/' turns it off (chrony). Call it after the change of user, so that the socket is the run-time user's.
 */
export const openUnixDoor = (
  path: string,
  owner: Owner,
  open: OpenDatagram,
  handle: RequestHandler,
  log: DoorLog,
): Door | undefined => {
  if (path === '/' || path === '') return undefined;
  const wrong = prepareSocketDirectory(dirname(path), owner);
  if (wrong !== undefined) {
    warn(log, 'cmdmon.unix.directory', wrong);
    warn(log, 'cmdmon.unix.disabled', `Disabled command socket ${path}`);
    return undefined;
  }
  try {
    const socket = open(path, { unlink: true });
    serve(socket, handle, path, log);
    return socket;
  } catch (error) {
    warn(log, 'cmdmon.unix.failed', `Could not open command socket on ${path} : ${(error as Error).message}`);
    return undefined;
  }
};
