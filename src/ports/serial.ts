import type { Instant } from '../base/time.js';
import type { Device, DeviceHandlers } from './device.js';

export interface SerialHandlers extends DeviceHandlers {
  /**
   * Bytes as they came in. `arrival` = raw time at which the first byte of this chunk was seen by the kernel's tty
   * (stamped in the addon), never the time at which JavaScript got round to it.
   */
  onChunk(bytes: Uint8Array, arrival: Instant): void;
}

export interface SerialOpener {
  /** `baud` undefined: leave the port's speed as it is. */
  openSerial(path: string, baud: number | undefined, handlers: SerialHandlers): Device;
}
