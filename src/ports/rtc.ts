import type { Instant } from '../base/time.js';
import type { Seconds } from '../base/units.js';
import type { Device, DeviceHandlers } from './device.js';

/** A second of the real-time clock has begun. */
export interface RtcUpdate {
  /** Raw time of the middle of what is known of when that was. */
  readonly time: Instant;
  /** The second that began, UTC as far as the RTC knows it: whole. */
  readonly rtc: Instant;
  /** s: half the width of what is known; 0 by interrupt. */
  readonly error: Seconds;
}

export interface RtcHandlers extends DeviceHandlers {
  onUpdate(update: RtcUpdate): void;
}

/** A clock that counts whole seconds, also while the machine is off. */
export interface RtcDevice extends Device {
  /** Asks for one update; it comes some two seconds later, or never when the device goes. */
  measure(): void;
  /** Sets it to a whole second, now. Throws what the system says; ERR_TB_DEVICE_MISSING while it is not there. */
  set(time: Instant): void;
}

export interface RtcOpener {
  /** `utc`: it keeps UTC, not local time. */
  openRtc(path: string, utc: boolean, handlers: RtcHandlers): RtcDevice;
}
