import { CodedError } from '../base/errors.js';
import { instant, nsToSeconds } from '../base/time.js';
import type { Device } from '../ports/device.js';
import type { PhcOpener, PhcOptions, SampleHandlers } from '../ports/samples.js';
import type { Native, NativePhc, NativePhcReading } from './native.js';
import { Keeper } from './retry.js';

/** Readings a poll, as chrony takes; 25 is what the ioctl can return at once. */
const READINGS = 25;
/** PTP_EXTTS_REQUEST flags. */
const EXTTS = { ENABLE: 1, RISING: 2, FALLING: 4, STRICT: 8 } as const;
const PIN_EXTTS = 1;
/** Two clocks differ by less than 1/5 in rate (a system clock slewed at its limit of 10 %, and more): else one was stepped. */
const MAX_RATE = 5n;

/** /dev/ptpN of a path or of a network interface's name: the one that stamps its packets, in the card or in its PHY. */
export const phcPath = (native: Pick<Native, 'tsInfo'>, device: string): string => {
  if (device.startsWith('/')) return device;
  const missing = (cause?: unknown): CodedError =>
    new CodedError('ERR_TB_DEVICE_MISSING', `interface ${device} has no PHC`, { cause });
  let index: number;
  try {
    index = native.tsInfo(device).phcIndex;
  } catch (error) {
    throw missing(error);
  }
  if (index < 0) throw missing();
  return `/dev/ptp${index}`;
};

/** errno of a cross time stamp that there is not. */
const LACKING = new Set(['ENOTTY', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL']);
/** errno of a device that is there but has no reading just now: its driver or its hardware is busy. */
const BUSY = new Set(['EBUSY', 'EAGAIN', 'EINTR', 'ETIMEDOUT']);
export const isBusy = (error: unknown): boolean => BUSY.has((error as { code?: string }).code ?? '');

/** Failed readings in a row after which the device counts as lost. */
const MAX_BUSY = 16;

type Method = 'precise' | 'extended' | 'basic';

/** The reading with the tightest bracket: whatever delayed it happened outside. */
export const tightest = (readings: readonly NativePhcReading[]): NativePhcReading =>
  readings.reduce((a, b) => (b.after - b.before < a.after - a.before ? b : a));

/** Reads a PHC against the system clock by the best method that the driver has. */
export class PhcReader {
  private readonly phc: NativePhc;
  private method: Method;

  constructor(phc: NativePhc, options: Pick<PhcOptions, 'noCrossts'>) {
    this.phc = phc;
    this.method = phc.capabilities().crossTimestamping && !options.noCrossts ? 'precise' : 'extended';
  }

  /** The best one. */
  read(): NativePhcReading {
    return tightest(this.readAll());
  }

  /** Those of one call, at least one. */
  readAll(): readonly NativePhcReading[] {
    for (;;) {
      try {
        return this.take();
      } catch (error) {
        // The driver or the kernel lacks this one; all else is an error, which another way of reading would only hide.
        if (this.method === 'basic' || !LACKING.has((error as { code?: string }).code ?? '')) throw error;
        this.method = this.method === 'precise' ? 'extended' : 'basic';
      }
    }
  }

  private take(): readonly NativePhcReading[] {
    if (this.method === 'precise') return [this.phc.offsetPrecise()];
    return this.method === 'extended' ? this.phc.offsetExtended(READINGS) : this.phc.offsetBasic(READINGS);
  }
}

const middle = (r: NativePhcReading): bigint => r.before + (r.after - r.before) / 2n;

/**
 * System time of PHC time `phc` between two readings. The PHC may run freely, tens of ppm off: with one reading alone the
 * stamp would carry that rate for up to a second (tens of µs). A clock that was stepped between them leaves the later one.
 */
export const systemTime = (phc: bigint, a: NativePhcReading, b: NativePhcReading): bigint => {
  const span = b.phc - a.phc;
  const change = middle(b) - middle(a);
  const excess = change > span ? change - span : span - change;
  if (span <= 0n || excess * MAX_RATE > span) return middle(b) + (phc - b.phc);
  return middle(b) + ((phc - b.phc) * change) / span;
};

/** A reading that fails because the device is busy is a reading less, not a device less; unless it goes on. */
class Patience {
  private failures = 0;
  constructor(
    private readonly handlers: SampleHandlers,
    private readonly lost: (error: unknown) => void,
  ) {}

  ended(): void {
    this.failures = 0;
  }

  around(read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!isBusy(error) || ++this.failures >= MAX_BUSY) this.lost(error);
      else this.handlers.onReject('busy');
    }
  }
}

/** PHCs as reference clocks: readings of the clock, or (extpps) stamps of a pulse converted through such readings. */
export class PhcDevices implements PhcOpener {
  private readonly native: Native;
  constructor(native: Native) {
    this.native = native;
  }

  openPhc(device: string, options: PhcOptions, pollMs: number, handlers: SampleHandlers): Device {
    return new Keeper(device, handlers, (lost) => {
      const path = phcPath(this.native, device);
      // Since Linux 6.15 pins and external time stamps want the device open for writing.
      const phc = new this.native.Phc(path, options.extpps);
      try {
        return this.run(phc, path, options, pollMs, handlers, lost);
      } catch (error) {
        phc.close();
        throw error;
      }
    });
  }

  private run(
    phc: NativePhc,
    path: string,
    options: PhcOptions,
    pollMs: number,
    handlers: SampleHandlers,
    lost: (error: unknown) => void,
  ): { close(): void } {
    const reader = new PhcReader(phc, options);
    if (options.extpps) return this.runEvents(phc, reader, path, options, handlers, lost);
    const busy = new Patience(handlers, lost);
    const poll = (): void => {
      const reading = reader.read();
      busy.ended();
      handlers.onReading({
        local: instant(middle(reading)),
        offset: nsToSeconds(reading.phc - middle(reading)),
        error: nsToSeconds(reading.after - reading.before) / 2,
        leap: 0,
        pulse: false,
      });
    };
    // A clock that cannot be read now is not open.
    poll();
    const timer = setInterval(() => busy.around(poll), pollMs);
    return {
      close: () => {
        clearInterval(timer);
        phc.close();
      },
    };
  }

  private runEvents(
    phc: NativePhc,
    reader: PhcReader,
    path: string,
    options: PhcOptions,
    handlers: SampleHandlers,
    lost: (error: unknown) => void,
  ): { close(): void } {
    if (options.pin >= 0) phc.pinFunction(options.pin, PIN_EXTTS, options.channel);
    phc.extts(options.channel, EXTTS.ENABLE | (options.clear ? EXTTS.FALLING : EXTTS.RISING));
    let last = reader.read();
    const busy = new Patience(handlers, lost);
    const onEvent = (time: bigint): void => {
      const reading = reader.read();
      busy.ended();
      const local = systemTime(time, last, reading);
      last = reading;
      const fraction = nsToSeconds(local % 1_000_000_000n);
      const error = nsToSeconds(reading.after - reading.before) / 2;
      handlers.onReading({ local: instant(local), offset: -fraction, error, leap: 0, pulse: true });
    };
    const whenWanted = (channel: number, time: bigint): void => {
      if (channel === options.channel) busy.around(() => onEvent(time));
    };
    phc.startEvents(whenWanted, (code) => lost(Object.assign(new Error(`${path}: ${code}`), { code })));
    return { close: () => phc.close() };
  }
}
