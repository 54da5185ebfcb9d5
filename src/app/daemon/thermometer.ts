import { readFileSync } from 'node:fs';
import { CodedError } from '../../base/errors.js';
import type { SensorConfig, TempcompConfig } from '../../conf/config.js';
import {
  MIN_POINTS,
  parseTempcompPoints,
  parseTemperature,
  type TempcompPoint,
} from '../../core/discipline/tempcomp.js';
import { messageOf, plainReason } from '../../devices/retry.js';

/** Bytes: a sensor says one number, a table of points is short. */
const MAX_SIZE = 1 << 18;

/**
 * Points of the file that tempcomp names; undefined when it names none.
 * @throws CodedError ERR_TB_CONFIG_FILE, as chronyd ends at start
 */
export const readTempcompPoints = (config: TempcompConfig | undefined): readonly TempcompPoint[] | undefined => {
  if (config?.kind !== 'points') return undefined;
  let text: string;
  try {
    text = readFileSync(config.file, 'latin1').slice(0, MAX_SIZE);
  } catch (cause) {
    throw new CodedError('ERR_TB_CONFIG_FILE', `Could not open ${config.file} : ${plainReason(messageOf(cause))}`, {
      cause,
    });
  }
  const points = parseTempcompPoints(text);
  if (points === undefined) {
    throw new CodedError('ERR_TB_CONFIG_FILE', `Could not read tempcomp point from ${config.file}`);
  }
  if (points.length < MIN_POINTS) throw new CodedError('ERR_TB_CONFIG_FILE', `Not enough points in ${config.file}`);
  return points;
};

/** Reads the sensor of tempcomp or tempsensor every so often. */
export class Thermometer {
  private failed = false;

  constructor(
    private readonly config: SensorConfig,
    private readonly use: (temperature: number) => void,
    private readonly warn: (text: string) => void,
  ) {}

  /** Returns the way to end it. */
  start(): () => void {
    this.read();
    // Not faster than ten times a second, whatever the configuration says: a sensor is a slow thing.
    const timer = setInterval(() => this.read(), Math.max(100, this.config.interval * 1000));
    timer.unref();
    return () => clearInterval(timer);
  }

  read(): void {
    const temperature = this.temperature();
    if (temperature !== undefined) this.use(temperature);
    else if (!this.failed) this.warn(`Could not read temperature from ${this.config.sensor}`);
    this.failed = temperature === undefined;
  }

  private temperature(): number | undefined {
    try {
      return parseTemperature(readFileSync(this.config.sensor, 'latin1').slice(0, 64));
    } catch {
      return undefined;
    }
  }
}
