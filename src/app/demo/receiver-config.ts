import type { ReceiverFault } from '../../sim/receiver/faults.js';
import type { SimSentence } from '../../sim/receiver/sentences.js';

/** What the demo's receiver process is told on its command line, as one JSON object. */
export interface DemoReceiverConfig {
  /** Symbolic link to the pty: stays the same when the receiver is unplugged and comes back as another tty. */
  readonly link: string;
  /** NTP SHM unit for the pulses; 64…255, so that no real one is overwritten. */
  readonly shm: number;
  /** Default 38400. */
  readonly baud?: number;
  /** Mean time from pulse to burst, s; default 0.12. */
  readonly latency?: number;
  /** Standard deviation of that from burst to burst, s; default 0.007. */
  readonly jitter?: number;
  /** Standard deviation of a pulse's receive stamp, s; default 200e-9. */
  readonly noise?: number;
  /** Default 1. */
  readonly seed?: number;
  readonly sentences?: readonly SimSentence[];
}

/** One line on the process's standard input. Each setting holds until it is changed. */
export interface DemoReceiverControl {
  /** False: no fix: void sentences and no pulses. */
  readonly fix?: boolean;
  /** True: says nothing and gives no pulses; the device stays. */
  readonly stop?: boolean;
  /** False: bursts go on, pulses do not. */
  readonly pulse?: boolean;
  /** True: unplugged: the tty hangs up and the link goes; false: plugged in again. */
  readonly hangup?: boolean;
  /** Faults of every burst from now on; [] ends them. */
  readonly faults?: readonly ReceiverFault[];
}

/** The process's one line on standard output, when the device is there. */
export interface DemoReceiverReady {
  readonly ready: true;
  readonly link: string;
  readonly slave: string;
  readonly shm: number;
}

const isObject = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v);

const optionalNumber = (v: unknown, low: number, high: number): boolean =>
  v === undefined || (typeof v === 'number' && v >= low && v <= high);

/** A reason in words, or the configuration. */
export const parseReceiverConfig = (text: string | undefined): DemoReceiverConfig | string => {
  let value: unknown;
  try {
    value = JSON.parse(text ?? '');
  } catch {
    return 'the argument is no JSON object';
  }
  if (!isObject(value)) return 'the argument is no JSON object';
  const { link, shm, baud, latency, jitter, noise, seed } = value;
  if (typeof link !== 'string' || link === '') return 'link: a path is needed';
  if (typeof shm !== 'number' || !Number.isInteger(shm) || shm < 64 || shm > 255) return 'shm: a unit from 64 to 255';
  if (!optionalNumber(baud, 1200, 1_000_000)) return 'baud: 1200 to 1000000';
  if (!optionalNumber(latency, 0, 1) || !optionalNumber(jitter, 0, 1)) return 'latency, jitter: 0 to 1 s';
  if (!optionalNumber(noise, 0, 0.1)) return 'noise: 0 to 0.1 s';
  if (!optionalNumber(seed, 0, Number.MAX_SAFE_INTEGER)) return 'seed: a number';
  return value as unknown as DemoReceiverConfig;
};

/** Undefined when the line is not a control message. */
export const parseReceiverControl = (line: string): DemoReceiverControl | undefined => {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? (value as DemoReceiverControl) : undefined;
  } catch {
    return undefined;
  }
};
