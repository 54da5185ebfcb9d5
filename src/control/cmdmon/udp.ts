import { createSocket, type Socket } from 'node:dgram';
import { getSystemErrorMap } from 'node:util';
import { formatIp, type IpBytes, parseIp } from '../../base/ip.js';
import type { Door, DoorLog, RequestHandler } from './unix.js';

export interface UdpDoor extends Door {
  /** Addresses that are bound, as text with the port. */
  readonly bound: readonly string[];
}

const label = (address: IpBytes, port: number): string =>
  address.length === 4 ? `${formatIp(address)}:${port}` : `[${formatIp(address)}]:${port}`;

/** Opens a socket that hears one interface alone (directive bindcmddevice) and gives its descriptor. */
export type OpenOnDevice = (family: 4 | 6, address: string, port: number) => number;

const bind = (address: IpBytes, port: number, onDevice: OpenOnDevice | undefined): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const family = address.length === 4 ? 4 : 6;
    const socket = createSocket(family === 4 ? { type: 'udp4' } : { type: 'udp6', ipv6Only: true });
    const where = { port, address: formatIp(address) };
    const options = onDevice === undefined ? where : { fd: onDevice(family, where.address, port) };
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind(options, () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });

/** strerror(3)'s words, where there are any. */
const reasonOf = (error: unknown): string => {
  const { errno, message } = error as NodeJS.ErrnoException;
  const words = errno === undefined ? undefined : getSystemErrorMap().get(-Math.abs(errno))?.[1];
  return words === undefined ? message : words[0]!.toUpperCase() + words.slice(1);
};

const serve = (socket: Socket, handle: RequestHandler): void => {
  // Errors of single sends (a peer that is gone) come here; the next request is served all the same.
  socket.on('error', () => undefined);
  socket.on('message', (bytes, from) => {
    const address = parseIp(from.address.replace(/%.*$/, ''));
    if (address === undefined) return;
    const reply = handle(bytes, { transport: 'udp', address });
    if (reply !== undefined) socket.send(reply, from.port, from.address);
  });
};

/**
 * Opens UDP monitoring on each address (`bindcmdaddress`, `cmdport`; port 0 = off). An address that cannot be bound is
 * told and left out. Bound to single addresses, so that the kernel answers from the address that was asked.
 */
export const openUdpDoor = async (
  addresses: readonly IpBytes[],
  port: number,
  handle: RequestHandler,
  log: DoorLog,
  onDevice?: OpenOnDevice,
): Promise<UdpDoor> => {
  const sockets: Socket[] = [];
  const bound: string[] = [];
  for (const address of port === 0 ? [] : addresses) {
    try {
      const socket = await bind(address, port, onDevice);
      serve(socket, handle);
      sockets.push(socket);
      bound.push(label(address, port));
    } catch (error) {
      const text = `Could not open command socket on ${label(address, port)} : ${reasonOf(error)}`;
      log.observer.fact({ severity: 'error', name: 'cmdmon.udp.failed', text, at: log.now() });
    }
  }
  return {
    bound,
    close: () => {
      for (const socket of sockets) socket.close();
    },
  };
};
