/** linuxptp's ptp4l at both ends of the wire, and what its management client says. */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { LOADER, startLogged } from './programs.js';
import type { Wire } from './wire.js';

export const SOCKET = '/run/ptp4l';
const FAR_SOCKET = '/run/ptp4l-far';
const LOG = '/tmp/ptp4l';
const OPTIONS = ['-m', '-q'];

const PTP4L = [...LOADER, '/peer/ptp4l'];
const PMC = [...LOADER, '/peer/pmc', '-u', '-b', '0', '-i', '/run/pmc'];

/** On wire0, whose clock it may steer. */
export const startNear = (...options: string[]): ChildProcess => {
  rmSync(SOCKET, { force: true });
  return startLogged(LOG, [...PTP4L, '-i', 'wire0', ...OPTIONS, '--uds_address', SOCKET, ...options]);
};

/** On wire1, whose clock is true time and is not steered. */
export const startFar = (wire: Wire, ...options: string[]): ChildProcess => {
  rmSync(FAR_SOCKET, { force: true });
  const words = ['-i', 'wire1', ...OPTIONS, '--free_running', '1', '--uds_address', FAR_SOCKET, ...options];
  return wire.spawnThere(LOG, ...PTP4L, ...words);
};

/** What the ptp4l at the other end answers to a management message. */
export const askFar = (message: string): string => {
  const [program, ...words] = [...PMC, '-s', FAR_SOCKET, message];
  return spawnSync(program!, words, { encoding: 'utf8' }).stdout;
};

export const ptpLog = (): string => readFileSync(LOG, 'utf8');
