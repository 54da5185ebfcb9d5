import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { chmodSync, mkdirSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { formatIp } from '../../base/ip.js';
import { loadNative, type NativeDatagram } from '../../devices/native.js';

/** One way to the daemon. `receive` gives the next datagram, undefined when the time is over or the peer refused. */
export interface Endpoint {
  readonly label: string;
  /** False: it cannot be sent there, ever. */
  send(bytes: Uint8Array): Promise<boolean>;
  receive(timeoutMs: number): Promise<Uint8Array | undefined>;
  close(): void;
}

/** Datagrams that have come, and the one who waits for the next. An `undefined` wakes it empty-handed. */
class Inbox {
  private readonly items: (Uint8Array | undefined)[] = [];
  private waiting: ((bytes: Uint8Array | undefined) => void) | undefined;

  push(bytes: Uint8Array | undefined): void {
    if (this.waiting !== undefined) this.waiting(bytes);
    else if (this.items.length < 16) this.items.push(bytes);
  }

  next(timeoutMs: number): Promise<Uint8Array | undefined> {
    if (this.items.length > 0) return Promise.resolve(this.items.shift());
    return new Promise((resolve) => {
      const timer = setTimeout(() => finish(undefined), timeoutMs);
      const finish = (bytes: Uint8Array | undefined): void => {
        clearTimeout(timer);
        this.waiting = undefined;
        resolve(bytes);
      };
      this.waiting = finish;
    });
  }
}

/** Connected, so that "connection refused" ends the wait at once. */
export const openUdp = async (address: Uint8Array, port: number): Promise<Endpoint | undefined> => {
  const socket = createSocket(address.length === 4 ? 'udp4' : 'udp6');
  const inbox = new Inbox();
  socket.on('message', (bytes) => inbox.push(bytes));
  const connected = await new Promise<boolean>((resolve) => {
    socket.once('error', () => resolve(false));
    socket.connect(port, formatIp(address), () => resolve(true));
  });
  socket.removeAllListeners('error');
  socket.on('error', () => inbox.push(undefined));
  if (!connected) {
    socket.close();
    return undefined;
  }
  return {
    label: `${formatIp(address)}:${port}`,
    send: (bytes) => new Promise((resolve) => socket.send(bytes, (error) => resolve(!error))),
    receive: (timeoutMs) => inbox.next(timeoutMs),
    close: () => socket.close(),
  };
};

/** Where our own end of a UNIX socket is bound, so that the daemon can answer: private directories beside the daemon's. */
interface OwnEnd {
  readonly outer: string;
  readonly inner: string;
  readonly path: string;
}

const makeOwnEnd = (server: string): OwnEnd => {
  const outer = join(dirname(server), `chronyc.${process.pid}`);
  const inner = join(outer, randomBytes(8).toString('hex'));
  for (const directory of [outer, inner]) {
    mkdirSync(directory);
    // Whatever the umask: the daemon, perhaps another user, must be able to pass.
    chmodSync(directory, 0o711);
  }
  return { outer, inner, path: join(inner, 'sock') };
};

const remove = ({ outer, inner }: OwnEnd): void => {
  for (const directory of [inner, outer]) {
    try {
      rmdirSync(directory);
    } catch {
      // Somebody was there before us; nothing of ours is left in it.
    }
  }
};

const bindOwnEnd = (end: OwnEnd): NativeDatagram => {
  const socket = new (loadNative().Datagram)(end.path, { unlink: true });
  chmodSync(end.path, 0o666);
  return socket;
};

const isSocket = (path: string): boolean => {
  try {
    return statSync(path).isSocket();
  } catch {
    return false;
  }
};

export const openUnix = async (server: string): Promise<Endpoint | undefined> => {
  if (!isSocket(server)) return undefined;
  let end: OwnEnd | undefined;
  try {
    end = makeOwnEnd(server);
    const socket = bindOwnEnd(end);
    const own = end;
    const inbox = new Inbox();
    socket.start(
      (bytes) => inbox.push(bytes),
      () => inbox.push(undefined),
    );
    return {
      label: server,
      send: (bytes) => Promise.resolve(socket.send(bytes, server)),
      receive: (timeoutMs) => inbox.next(timeoutMs),
      close: () => {
        socket.close();
        remove(own);
      },
    };
  } catch {
    // Not ours to enter (another user), no addon: the next address is tried, as chronyc does.
    if (end !== undefined) remove(end);
    return undefined;
  }
};
