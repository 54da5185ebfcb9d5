import { CodedError } from '../../base/errors.js';
import { diff, type Instant } from '../../base/time.js';
import type { RtcConfig } from '../../conf/config.js';
import { formatRtcFile, parseRtcFile, type RtcLine } from '../../core/rtc/file.js';
import type { Native } from '../../devices/native.js';
import { messageOf, plainReason } from '../../devices/retry.js';
import { RtcDevices, rtcKeepsUtc } from '../../devices/rtc.js';
import type { Event } from '../../engine/events.js';
import type { DeviceState } from '../../ports/device.js';
import type { Severity } from '../../ports/observer.js';
import type { RtcDevice } from '../../ports/rtc.js';
import type { Store } from '../../ports/store.js';
import type { RtcEffect } from './runtime.js';

export type Say = (severity: Severity, name: string, text: string) => void;

export interface RtcParts {
  readonly config: RtcConfig;
  readonly native: Native;
  readonly store: Store;
  readonly say: Say;
  readonly dispatch: (event: Event) => void;
}

/** The real-time clock of the daemon: where it is, whether it keeps UTC, and what its file remembers. */
export class Rtc {
  readonly utc: boolean;
  /** Nothing says whether it keeps UTC. */
  private readonly unsaid: boolean;
  private readonly devices: RtcDevices;
  private device: RtcDevice | undefined;
  private memory: RtcLine | undefined;

  constructor(private readonly parts: RtcParts) {
    const { config, native } = parts;
    this.devices = new RtcDevices(native);
    const said = config.hwclockfile === undefined ? undefined : rtcKeepsUtc(config.hwclockfile);
    this.unsaid = said === undefined && !config.rtconutc;
    this.utc = said ?? config.rtconutc;
    this.memory = this.readFile();
  }

  /** For the engine's start. */
  get line(): RtcLine | undefined {
    return this.memory;
  }

  /**
   * Option -s: by how much the clock lies behind the RTC (its known error taken off), s. Undefined: the RTC is not there,
   * does not know the time, or is behind `last`, which cannot be.
   */
  behind(now: Instant, last: Instant | undefined): number | undefined {
    const { config, say } = this.parts;
    const read = this.devices.read(config.rtcdevice, this.utc);
    if (read === undefined) return undefined;
    const { memory } = this;
    if (memory === undefined && config.rtcfile !== undefined) say('warn', 'rtc.file', 'No valid rtcfile coefficients');
    const fast = memory === undefined ? 0 : memory.fast + memory.gain * diff(read, memory.at);
    const behind = diff(read, now) - fast;
    if (last === undefined || diff(now, last) + behind >= 0) return behind;
    say('warn', 'rtc.old', 'RTC time before last driftfile modification (ignored)');
    return undefined;
  }

  /** Looks for the device, when there is a file; one that is not there is a state. */
  open(): void {
    const { config, dispatch } = this.parts;
    if (config.rtcfile === undefined) return;
    this.device = this.devices.openRtc(config.rtcdevice, this.utc, {
      onState: (state) => {
        this.tell(state);
        dispatch({ kind: 'rtc-device', state });
      },
      onUpdate: ({ time, rtc: utc }) => dispatch({ kind: 'rtc-update', time, utc }),
    });
  }

  private tell(state: DeviceState): void {
    const { config, say } = this.parts;
    if (state.kind === 'down') {
      say('error', 'rtc.device', `Could not open RTC device ${config.rtcdevice} : ${plainReason(state.reason)}`);
      say('error', 'rtc.driver', 'RTC driver could not be initialised');
    } else if (this.unsaid && config.hwclockfile !== undefined)
      say('warn', 'rtc.hwclockfile', `Could not read RTC LOCAL/UTC setting from ${config.hwclockfile}`);
  }

  /** Does what the engine wants. */
  apply(effect: RtcEffect): void {
    if (effect.kind === 'rtc-measure') this.device?.measure();
    else if (effect.kind === 'rtc-set') this.set(effect.time);
    else this.save(effect.line);
  }

  private set(time: Instant): void {
    try {
      this.device?.set(time);
    } catch (error) {
      this.parts.say('error', 'rtc.set', `Could not set RTC time : ${messageOf(error)}`);
    }
  }

  /** False: it could not be written, which has been told. */
  save(line: RtcLine): boolean {
    const { config, store, say } = this.parts;
    if (config.rtcfile === undefined) return true;
    try {
      store.writeAtomic(config.rtcfile, formatRtcFile(line));
      return true;
    } catch (error) {
      say('error', 'rtc.file', messageOf(error));
      return false;
    }
  }

  close(): void {
    this.device?.stop();
    this.device = undefined;
  }

  private readFile(): RtcLine | undefined {
    const { config, store, say } = this.parts;
    if (config.rtcfile === undefined) return undefined;
    try {
      const text = store.read(config.rtcfile);
      const line = text === undefined ? undefined : parseRtcFile(text);
      if (text !== undefined && line === undefined)
        say('warn', 'rtc.file', `Could not read coefficients from ${config.rtcfile}`);
      return line;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      say('warn', 'rtc.file', error.message);
      return undefined;
    }
  }
}
