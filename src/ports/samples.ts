import type { Instant } from '../base/time.js';
import type { Leap, Seconds } from '../base/units.js';
import type { Device, DeviceHandlers } from './device.js';

/** A complete reading of a reference: "when the local clock said `local`, the reference said `reference`". */
export interface ReferenceReading {
  /** Raw time of the local clock. */
  readonly local: Instant;
  /** Reference minus local, s: positive = the local clock is slow. */
  readonly offset: Seconds;
  /** Uncertainty that the reading itself carries (half a bracket for a PHC), s; 0 when unknown. */
  readonly error: Seconds;
  readonly leap: Leap;
  /** True: only the position inside the second means anything (SOCK pulse, PHC external time stamp). */
  readonly pulse: boolean;
}

export interface SampleHandlers extends DeviceHandlers {
  onReading(reading: ReferenceReading): void;
  /** Input that was there and was refused: counted by reason (`clash`, `stale`, `range`, `size`, `magic`, …). */
  onReject(reason: string): void;
}

export interface ShmOpener {
  /** NTP SHM unit; `pollMs`: how often it is looked at; `perm`: mode when the segment has to be created. */
  openShm(unit: number, perm: number, pollMs: number, handlers: SampleHandlers): Device;
}

export interface SockOpener {
  /** Creates the datagram socket at `path` and receives chrony SOCK samples. */
  openSock(path: string, handlers: SampleHandlers): Device;
}

export interface PhcOptions {
  /** Never use PTP_SYS_OFFSET_PRECISE. */
  readonly noCrossts: boolean;
  /** Time stamps of an external pulse instead of readings of the clock. */
  readonly extpps: boolean;
  readonly pin: number;
  readonly channel: number;
  readonly clear: boolean;
}

export interface PhcOpener {
  /** `device`: /dev/ptpN or the name of a network interface. */
  openPhc(device: string, options: PhcOptions, pollMs: number, handlers: SampleHandlers): Device;
}
