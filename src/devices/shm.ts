import { CodedError } from '../base/errors.js';
import { instant, nsToSeconds } from '../base/time.js';
import type { Leap } from '../base/units.js';
import type { Device } from '../ports/device.js';
import type { SampleHandlers, ShmOpener } from '../ports/samples.js';
import type { Native, NativeShm } from './native.js';
import { Keeper } from './retry.js';

/** The first field a foreign segment can lie about: who may write to it. */
const checkOwner = (unit: number, shm: NativeShm): void => {
  const own = process.getuid?.() ?? 0;
  if (shm.uid !== 0 && shm.uid !== own) {
    throw new CodedError('ERR_TB_SHM_LAYOUT', `SHM unit ${unit} belongs to user ${shm.uid}`);
  }
};

/** NTP SHM segments, looked at every `pollMs`; a sample is consumed by clearing `valid`. */
export class ShmDevices implements ShmOpener {
  private readonly native: Native;
  constructor(native: Native) {
    this.native = native;
  }

  openShm(unit: number, perm: number, pollMs: number, handlers: SampleHandlers): Device {
    return new Keeper(`SHM ${unit}`, handlers, () => {
      const shm = this.open(unit, perm);
      const timer = setInterval(() => readOnce(shm, handlers), pollMs);
      return {
        close: () => {
          clearInterval(timer);
          shm.close();
        },
      };
    });
  }

  private open(unit: number, perm: number): NativeShm {
    let shm: NativeShm;
    try {
      shm = new this.native.Shm(unit, perm, true);
    } catch (error) {
      if ((error as { code?: string }).code !== 'EINVAL') throw error;
      const text = `SHM unit ${unit} has the wrong size (a 32-bit and a 64-bit program?)`;
      throw new CodedError('ERR_TB_SHM_LAYOUT', text, { cause: error });
    }
    try {
      checkOwner(unit, shm);
    } catch (error) {
      shm.close();
      throw error;
    }
    return shm;
  }
}

const readOnce = (shm: NativeShm, handlers: SampleHandlers): void => {
  const sample = shm.read(true);
  if (sample === undefined) return;
  if (typeof sample === 'string') {
    handlers.onReject(sample);
    return;
  }
  handlers.onReading({
    local: instant(sample.receiveTime),
    offset: nsToSeconds(sample.clockTime - sample.receiveTime),
    error: 0,
    leap: (sample.leap & 3) as Leap,
    pulse: false,
  });
};
