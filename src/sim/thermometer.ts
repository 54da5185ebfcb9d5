import type { Seconds } from '../base/units.js';
import type { Host, Twin } from './host.js';
import type { TrueTime } from './queue.js';

/** Twin of the temperature sensor: read every `interval` seconds, as the daemon reads its file. */
export class SimThermometer implements Twin {
  constructor(
    private readonly interval: Seconds,
    private readonly temperature: (t: TrueTime) => number,
  ) {}

  start(host: Host): void {
    const read = (t: TrueTime): void => {
      host.post({ kind: 'temperature', value: this.temperature(t) });
      host.at(t + this.interval, { run: read });
    };
    host.at(this.interval, { run: read });
  }
}
