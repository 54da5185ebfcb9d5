import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { makeDirectory } from '../../control/cmdmon/directory.js';
import { loadNative } from '../../devices/native.js';
import type { DemoOptions } from './options.js';

/** Paths of one run. */
export interface RunDir {
  readonly path: string;
  /** Remove it at the end. */
  readonly temporary: boolean;
  readonly config: string;
  readonly socket: string;
  readonly logs: string;
  readonly log: string;
  /** Link to the receiver's tty. */
  readonly gps: string;
  /** NTP SHM unit of the pulses. */
  readonly shm: number;
  readonly baud: number;
  readonly ntpPort: number;
}

const BAUD = 38_400;
const CONFIG_NAME = 'timeball.conf';
/**
 * Units from 64 on are nobody's; demos with different ports get different ones, and so do users: a segment outlives its
 * maker and is closed to others.
 */
const FIRST_UNIT = 64;
const UNITS = 192;

const configText = (
  dir: Omit<RunDir, 'temporary'>,
): string => `# A demo appliance: a simulated receiver, the real daemon.
# The receiver says which second it is ...
refclock NMEA ${dir.gps}:baud=${dir.baud} refid NMEA
# ... and the pulse says when the second begins (here through shared memory; on a real one: refclock PPS /dev/pps0).
refclock SHM ${dir.shm} refid PPS pps lock NMEA poll 2 prefer

makestep 0.1 3
driftfile ${dir.path}/drift

bindaddress 127.0.0.1
port ${dir.ntpPort}
allow 127.0.0.0/8

bindcmdaddress ${dir.socket}
cmdport 0
pidfile ${dir.path}/timeballd.pid
logdir ${dir.logs}
log tracking refclocks statistics
`;

/** Closed to others, as the daemon demands of its socket's directory. Only one that is the demo's own is changed. */
const makePrivate = (path: string): void => {
  if (!existsSync(path)) makeDirectory(path, 0o700);
  if ((statSync(path).mode & 0o077) === 0) return;
  const content = readdirSync(path);
  if (content.length > 0 && !content.includes(CONFIG_NAME))
    throw new Error(`${path} is not private and not empty: choose another run directory`);
  chmodSync(path, 0o700);
};

/** Makes the directory and writes the configuration. Throws an Error in words when it cannot be used. */
export const prepareRunDir = (options: DemoOptions): RunDir => {
  const path = options.dir === undefined ? mkdtempSync(join(tmpdir(), 'timeball-')) : resolve(options.dir);
  makePrivate(path);
  const dir = {
    path,
    config: join(path, CONFIG_NAME),
    socket: join(path, 'timeballd.sock'),
    logs: join(path, 'log'),
    log: join(path, 'log', 'timeballd.log'),
    gps: join(path, 'gps0'),
    shm: FIRST_UNIT + ((options.ntpPort + process.getuid!()) % UNITS),
    baud: BAUD,
    ntpPort: options.ntpPort,
  };
  mkdirSync(dir.logs, { recursive: true });
  writeFileSync(dir.config, configText(dir));
  return { ...dir, temporary: options.dir === undefined };
};

/** A shared memory segment outlives the processes that used it: this one is nobody else's. */
const removeSegment = (unit: number): void => {
  try {
    const shm = new (loadNative().Shm)(unit, 0o600, false);
    shm.remove();
    shm.close();
  } catch {
    // It never came into being.
  }
};

export const removeRunDir = (dir: RunDir): void => {
  removeSegment(dir.shm);
  if (dir.temporary) rmSync(dir.path, { recursive: true, force: true });
};
