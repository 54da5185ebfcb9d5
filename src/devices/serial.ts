import { statSync } from 'node:fs';
import type { SerialPort as SerialPortClass } from 'serialport';
import { type Instant, instant } from '../base/time.js';
import type { Device } from '../ports/device.js';
import type { SerialHandlers, SerialOpener } from '../ports/serial.js';
import type { Native, NativeArrivals } from './native.js';
import { Keeper, type Opened } from './retry.js';

/** Baud rate when none is given: what most receivers speak after power-up. */
const DEFAULT_BAUD = 9600;

/** serialport's binding keeps the descriptor; the addon watches a dup of it. */
const descriptorOf = (port: SerialPortClass): number | undefined =>
  (port as unknown as { port?: { fd?: number | null } }).port?.fd ?? undefined;

/**
 * Receivers on serial ports. serialport opens, configures and reads (through the thread pool, up to tens of ms late);
 * the addon stamps the arrival of every chunk with edge-triggered epoll, so that the stamp is the kernel's.
 */
export class SerialDevices implements SerialOpener {
  private readonly native: Native;
  constructor(native: Native) {
    this.native = native;
  }

  openSerial(path: string, baud: number | undefined, handlers: SerialHandlers): Device {
    return new Keeper(path, handlers, async (lost) => {
      // serialport's errors have no code: ask the file system first.
      statSync(path);
      const { SerialPort } = await import('serialport');
      const port = await openPort(new SerialPort({ path, baudRate: baud ?? DEFAULT_BAUD, autoOpen: false }));
      return new OpenPort(this.native, port, handlers, lost);
    });
  }
}

const openPort = (port: SerialPortClass): Promise<SerialPortClass> =>
  new Promise((resolve, reject) => {
    port.open((error) => {
      if (error === null || error === undefined) return resolve(port);
      const code = /lock/i.test(error.message) ? 'EBUSY' : /permission/i.test(error.message) ? 'EACCES' : 'EIO';
      reject(Object.assign(error, { code }));
    });
  });

class OpenPort implements Opened {
  private readonly port: SerialPortClass;
  private readonly arrivals: NativeArrivals | undefined;
  private readonly native: Native;
  private closed = false;

  constructor(native: Native, port: SerialPortClass, handlers: SerialHandlers, lost: (error: unknown) => void) {
    this.native = native;
    this.port = port;
    const fd = descriptorOf(port);
    // A tty that hung up reads as end of file, over which serialport's read loops without an end and without a word.
    const hungUp = (): void => {
      if (!this.closed) lost(new Error('the line was hung up'));
    };
    this.arrivals = fd === undefined ? undefined : new native.Arrivals(fd, undefined, hungUp);
    port.on('data', (bytes: Buffer) => handlers.onChunk(bytes, this.arrival()));
    port.on('close', (error: unknown) => {
      if (!this.closed) lost(error ?? new Error('the port was closed'));
    });
    port.on('error', (error) => {
      if (!this.closed) lost(error);
    });
  }

  /** When the first byte of what is being delivered came in: the oldest stamp not yet used. */
  private arrival(): Instant {
    const first = this.arrivals?.take()[0];
    return instant(first?.realtime ?? this.native.clockGettime('realtime'));
  }

  close(): void {
    this.closed = true;
    this.arrivals?.close();
    if (this.port.isOpen) this.port.close(() => {});
  }
}
