import type { Device } from '../ports/device.js';
import type { SampleHandlers, SockOpener } from '../ports/samples.js';
import { decodeSock } from '../wire/refclock/sock.js';
import type { Native } from './native.js';
import { Keeper } from './retry.js';

/** Mode of the socket: the sender (gpsd, often root or in our group) must be able to write. */
const SOCKET_MODE = 0o660;

/** chrony SOCK: the daemon makes the socket, programs outside send one datagram a sample. */
export class SockDevices implements SockOpener {
  private readonly native: Native;
  constructor(native: Native) {
    this.native = native;
  }

  openSock(path: string, handlers: SampleHandlers): Device {
    return new Keeper(path, handlers, (lost) => {
      const socket = new this.native.Datagram(path, { unlink: true, mode: SOCKET_MODE });
      socket.start(
        (bytes) => {
          const sample = decodeSock(bytes);
          if (typeof sample === 'string') handlers.onReject(sample);
          else handlers.onReading({ ...sample, error: 0 });
        },
        (code) => lost(Object.assign(new Error(`${path}: ${code}`), { code })),
      );
      return socket;
    });
  }
}
