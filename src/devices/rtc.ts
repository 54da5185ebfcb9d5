import { readFileSync } from 'node:fs';
import { CodedError } from '../base/errors.js';
import { add, floorSeconds, fromUnix, type Instant, instant, nsToSeconds } from '../base/time.js';
import type { Device } from '../ports/device.js';
import type { RtcDevice, RtcHandlers, RtcOpener } from '../ports/rtc.js';
import type { SampleHandlers } from '../ports/samples.js';
import type { Native, NativeRtc, NativeRtcUpdate } from './native.js';
import { Keeper } from './retry.js';

/** An RTC on local time: its date and time, counted as if they were UTC, to UTC. */
const fromLocal = (seconds: number): number => {
  const t = new Date(seconds * 1000);
  const [y, mo, d] = [t.getUTCFullYear(), t.getUTCMonth(), t.getUTCDate()];
  return new Date(y, mo, d, t.getUTCHours(), t.getUTCMinutes(), t.getUTCSeconds()).getTime() / 1000;
};

const toLocal = (seconds: number): number => {
  const t = new Date(seconds * 1000);
  const [y, mo, d] = [t.getFullYear(), t.getMonth(), t.getDate()];
  return Date.UTC(y, mo, d, t.getHours(), t.getMinutes(), t.getSeconds()) / 1000;
};

/** What an RTC's own seconds mean. */
export const rtcToUtc = (seconds: number, utc: boolean): Instant => fromUnix(utc ? seconds : fromLocal(seconds));

export const utcToRtc = (time: Instant, utc: boolean): number => {
  const seconds = Number(floorSeconds(time));
  return utc ? seconds : toLocal(seconds);
};

/**
 * hwclock(8) notes in the third line of its file whether the RTC keeps UTC. Undefined: the file does not say.
 */
export const rtcKeepsUtc = (hwclockFile: string): boolean | undefined => {
  try {
    const word = readFileSync(hwclockFile, 'latin1').slice(0, 4096).split('\n')[2]?.trim();
    return word === 'UTC' ? true : word === 'LOCAL' ? false : undefined;
  } catch {
    return undefined;
  }
};

interface Tick {
  /** Raw. */
  readonly time: Instant;
  readonly rtc: Instant;
  /** s */
  readonly error: number;
}

/** What the addon's thread saw, as the middle of what is known. */
const tickOf = (update: NativeRtcUpdate, utc: boolean): Tick => {
  const error = nsToSeconds(update.error) / 2;
  return { time: add(instant(update.time), -error), rtc: rtcToUtc(update.seconds, utc), error };
};

const lostBy = (path: string, code: string): Error => Object.assign(new Error(`${path}: ${code}`), { code });

/** Real-time clocks of the kernel (/dev/rtcN). */
export class RtcDevices implements RtcOpener {
  constructor(private readonly native: Native) {}

  /** What it says now, half a second added for the fraction that is not known; undefined: it is not there, or has lost the time. */
  read(path: string, utc: boolean): Instant | undefined {
    const rtc = this.tryOpen(path);
    try {
      return rtc === undefined ? undefined : add(rtcToUtc(rtc.read(), utc), 0.5);
    } catch {
      return undefined;
    } finally {
      rtc?.close();
    }
  }

  openRtc(path: string, utc: boolean, handlers: RtcHandlers): RtcDevice {
    let open: NativeRtc | undefined;
    // At once, while the process may: few systems let anybody but root open it.
    let early = this.tryOpen(path);
    const keeper = new Keeper(path, handlers, (lost) => {
      const rtc = early ?? new this.native.Rtc(path);
      early = undefined;
      rtc.start(
        (update) => handlers.onUpdate(tickOf(update, utc)),
        (code) => {
          open = undefined;
          lost(lostBy(path, code));
        },
      );
      open = rtc;
      return rtc;
    });
    return {
      name: path,
      measure: () => open?.request(),
      set: (time) => {
        if (open === undefined) throw new CodedError('ERR_TB_DEVICE_MISSING', `${path} is not there`);
        open.set(utcToRtc(time, utc));
      },
      stop: () => {
        early?.close();
        early = undefined;
        open = undefined;
        keeper.stop();
      },
    };
  }

  private tryOpen(path: string): NativeRtc | undefined {
    try {
      return new this.native.Rtc(path);
    } catch {
      return undefined;
    }
  }

  /** `refclock RTC`: every update asked for is a reading. */
  openRefclock(path: string, utc: boolean, pollMs: number, handlers: SampleHandlers): Device {
    const rtc = this.openRtc(path, utc, {
      onState: (state) => handlers.onState(state),
      onUpdate: ({ time, rtc: said, error }) =>
        handlers.onReading({ local: time, offset: nsToSeconds(said - time), error, leap: 0, pulse: false }),
    });
    const timer = setInterval(() => rtc.measure(), Math.max(1000, pollMs));
    timer.unref();
    return {
      name: path,
      stop: () => {
        clearInterval(timer);
        rtc.stop();
      },
    };
  }
}
