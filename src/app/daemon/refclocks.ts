import type { Instant } from '../../base/time.js';
import type { RefclockOptions } from '../../core/refclock/options.js';
import type { Native } from '../../devices/native.js';
import { PhcDevices } from '../../devices/phc.js';
import { PpsDevices } from '../../devices/pps.js';
import { RtcDevices } from '../../devices/rtc.js';
import { SerialDevices } from '../../devices/serial.js';
import { ShmDevices } from '../../devices/shm.js';
import { SockDevices } from '../../devices/sock.js';
import type { Event } from '../../engine/events.js';
import type { Device, DeviceHandlers } from '../../ports/device.js';
import type { SampleHandlers } from '../../ports/samples.js';
import { ReceiverDecoder } from '../../wire/receiver/decoder.js';

type Dispatch = (event: Event) => void;

/** ms of silence after which the last epoch of a burst is taken as complete. */
const BURST_GAP_MS = 250;

/** Opens the device of each reference clock and turns what it says into events. `source` = its index. */
export class RefclockDevices {
  private readonly devices: Device[];
  private readonly native: Native;
  private readonly dispatch: Dispatch;
  private readonly floor: Instant;

  /** `floor`: no honest date lies before it (build date). */
  constructor(options: readonly RefclockOptions[], native: Native, floor: Instant, dispatch: Dispatch) {
    this.native = native;
    this.dispatch = dispatch;
    this.floor = floor;
    this.devices = options.flatMap((o, source) => this.open(o, source) ?? []);
  }

  stop(): void {
    for (const device of this.devices) device.stop();
  }

  private open(o: RefclockOptions, source: number): Device | undefined {
    const pollMs = Math.max(1, 2 ** Math.min(o.dpoll, o.poll) * 1000);
    const has = (name: string): boolean => name in o.driverOptions;
    const value = (name: string, fallback: number): number => Number(o.driverOptions[name] ?? fallback);
    const samples = this.sampleHandlers(source);
    switch (o.driver) {
      case 'PPS':
        return new PpsDevices(this.native).openPps(o.parameter, has('clear') ? 'clear' : 'assert', {
          ...this.stateHandlers(source),
          onEdge: (edge) => this.dispatch({ kind: 'pulse', source, edge }),
        });
      case 'SHM': {
        const perm = Number.parseInt(o.driverOptions['perm'] ?? '0600', 8);
        return new ShmDevices(this.native).openShm(Number(o.parameter), perm, pollMs, samples);
      }
      case 'SOCK':
        return new SockDevices(this.native).openSock(o.parameter, samples);
      case 'PHC': {
        const phc = {
          noCrossts: has('nocrossts'),
          extpps: has('extpps'),
          pin: value('pin', 0),
          channel: value('channel', 0),
          clear: has('clear'),
        };
        return new PhcDevices(this.native).openPhc(o.parameter, phc, pollMs, samples);
      }
      case 'NMEA':
      case 'UBX':
        return this.openReceiver(o, source);
      case 'RTC':
        return new RtcDevices(this.native).openRefclock(o.parameter, has('utc'), pollMs, samples);
    }
  }

  private openReceiver(o: RefclockOptions, source: number): Device {
    const decoder = new ReceiverDecoder({
      now: this.floor,
      notBefore: this.floor,
      onPulseError: (foretold) => this.dispatch({ kind: 'pulse-error', source, foretold }),
    });
    const baud = o.driverOptions['baud'];
    const counted = new Map<string, number>();
    let quiet: NodeJS.Timeout | undefined;
    const tell = (messages: ReturnType<ReceiverDecoder['push']>): void => {
      for (const message of messages) this.dispatch({ kind: 'message', source, message });
      for (const [reason, total] of decoder.counters.rejects) {
        const count = total - (counted.get(reason) ?? 0);
        if (count > 0) this.dispatch({ kind: 'rejected', source, reason, count });
        counted.set(reason, total);
      }
    };
    return new SerialDevices(this.native).openSerial(o.parameter, baud === undefined ? undefined : Number(baud), {
      ...this.stateHandlers(source),
      onChunk: (bytes, arrival) => {
        tell(decoder.push(bytes, arrival));
        if (quiet !== undefined) clearTimeout(quiet);
        quiet = setTimeout(() => tell(decoder.end()), BURST_GAP_MS);
      },
    });
  }

  private stateHandlers(source: number): DeviceHandlers {
    return { onState: (state) => this.dispatch({ kind: 'device', source, state }) };
  }

  private sampleHandlers(source: number): SampleHandlers {
    return {
      ...this.stateHandlers(source),
      onReading: (reading) => this.dispatch({ kind: 'reading', source, reading }),
      onReject: (reason) => this.dispatch({ kind: 'rejected', source, reason, count: 1 }),
    };
  }
}
