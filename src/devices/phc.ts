import { existsSync, readdirSync } from 'node:fs';
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

/** /dev/ptpN of a path or of a network interface's name. */
export const phcPath = (device: string): string => {
  if (device.startsWith('/')) return device;
  const dir = `/sys/class/net/${device}/device/ptp`;
  const clock = existsSync(dir) ? readdirSync(dir)[0] : undefined;
  if (clock === undefined) throw new CodedError('ERR_TB_DEVICE_MISSING', `interface ${device} has no PHC`);
  return `/dev/${clock}`;
};

type Method = 'precise' | 'extended' | 'basic';

/** The reading with the tightest bracket: whatever delayed it happened outside. */
export const tightest = (readings: readonly NativePhcReading[]): NativePhcReading =>
  readings.reduce((a, b) => (b.after - b.before < a.after - a.before ? b : a));

/** Reads a PHC against the system clock by the best method that the driver has. */
class PhcReader {
  private readonly phc: NativePhc;
  private method: Method;

  constructor(phc: NativePhc, options: PhcOptions) {
    this.phc = phc;
    this.method = phc.capabilities().crossTimestamping && !options.noCrossts ? 'precise' : 'extended';
  }

  read(): { readonly reading: NativePhcReading; readonly method: Method } {
    for (;;) {
      try {
        return { reading: this.take(), method: this.method };
      } catch (error) {
        if (this.method === 'basic') throw error;
        // ENOTTY, EOPNOTSUPP, EINVAL: the driver or the kernel lacks this one.
        this.method = this.method === 'precise' ? 'extended' : 'basic';
      }
    }
  }

  private take(): NativePhcReading {
    if (this.method === 'precise') return this.phc.offsetPrecise();
    const readings = this.method === 'extended' ? this.phc.offsetExtended(READINGS) : this.phc.offsetBasic(READINGS);
    return tightest(readings);
  }
}

const middle = (r: NativePhcReading): bigint => r.before + (r.after - r.before) / 2n;

/** PHCs as reference clocks: readings of the clock, or (extpps) stamps of a pulse converted through such readings. */
export class PhcDevices implements PhcOpener {
  private readonly native: Native;
  constructor(native: Native) {
    this.native = native;
  }

  openPhc(device: string, options: PhcOptions, pollMs: number, handlers: SampleHandlers): Device {
    return new Keeper(device, handlers, (lost) => {
      const path = phcPath(device);
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
    let last: NativePhcReading | undefined;
    const poll = (): void => {
      try {
        const { reading } = reader.read();
        last = reading;
        if (options.extpps) return;
        handlers.onReading({
          local: instant(middle(reading)),
          offset: nsToSeconds(reading.phc - middle(reading)),
          error: nsToSeconds(reading.after - reading.before) / 2,
          leap: 0,
          pulse: false,
        });
      } catch (error) {
        lost(error);
      }
    };
    poll();
    if (options.extpps) {
      if (options.pin >= 0) phc.pinFunction(options.pin, PIN_EXTTS, options.channel);
      phc.extts(options.channel, EXTTS.ENABLE | (options.clear ? EXTTS.FALLING : EXTTS.RISING));
      phc.startEvents(
        (channel, time) => {
          if (channel !== options.channel || last === undefined) return;
          // PHC time of the edge to system time, over the fraction of a poll since the last reading.
          const local = middle(last) + (time - last.phc);
          const error = nsToSeconds(last.after - last.before) / 2;
          const fraction = nsToSeconds(local % 1_000_000_000n);
          handlers.onReading({ local: instant(local), offset: -fraction, error, leap: 0, pulse: true });
        },
        (code) => lost(Object.assign(new Error(`${path}: ${code}`), { code })),
      );
    }
    const timer = setInterval(poll, pollMs);
    return {
      close: () => {
        clearInterval(timer);
        phc.close();
      },
    };
  }
}
