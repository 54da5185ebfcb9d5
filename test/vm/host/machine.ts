/**
 * One run of the machine. Its time is counted in instructions (`-icount`), idle time is skipped: the figures do not depend
 * on what else this computer does, and ten minutes pass in one. Hardware virtualisation (KVM) cannot do that, so all is
 * emulated.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DaemonName, Result, Scenario } from '../scenario.js';
import type { Image } from './image.js';

/** An instruction takes 2^SHIFT ns. */
const SHIFT = 1;
/** Seconds of this computer's time until a machine is given up. */
const LIMIT_S = Number(process.env['TIMEBALL_VM_TIMEOUT'] ?? 400);
const DATE = '2027-03-01T00:00:00';

export interface Run {
  readonly scenario: Scenario;
  readonly daemon: DaemonName;
  /** The negative control of it. */
  readonly control?: boolean;
  /** Of the noise. */
  readonly seed: number;
  /** Keeps the event log of the product. */
  readonly trace: boolean;
}

const commandLine = ({ scenario, daemon, control, seed, trace }: Run): string =>
  [
    'console=ttyS0 quiet panic=-1 mitigations=off nokaslr random.trust_cpu=on net.ifnames=0 tsc=reliable no_timer_check',
    `lab.scenario=${scenario.name} lab.daemon=${daemon} lab.control=${control ? 1 : 0} lab.seed=${seed} lab.trace=${trace ? 1 : 0}`,
  ].join(' ');

const machineArgs = (image: Image, scenario: Scenario, words: string, console: string, out: string): string[] => [
  ...['-L', join(image.prefix, 'usr/share/qemu'), '-L', join(image.prefix, 'usr/share/seabios')],
  ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
  ...['-machine', 'q35', '-cpu', 'max', '-smp', '1', '-m', '1024', '-accel', 'tcg,thread=single'],
  ...['-icount', `shift=${SHIFT},sleep=off`, '-rtc', `base=${scenario.date ?? DATE},clock=vm`],
  ...['-kernel', image.kernel, '-initrd', image.initrd, '-append', words],
  ...['-serial', `file:${console}`, '-serial', `file:${out}`],
];

const tail = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8').slice(-2000) : '');

/** Boots, plays the scenario with the daemon, gives what the guest reports. Throws with the console's end otherwise. */
export const runMachine = async (image: Image, work: string, run: Run): Promise<Result> => {
  const folder = mkdtempSync(join(work, 'machine-'));
  const [console, out] = [join(folder, 'console'), join(folder, 'out')];
  const args = machineArgs(image, run.scenario, commandLine(run), console, out);
  const libraries = ['usr/lib', 'lib'].map((part) => join(image.prefix, part, 'x86_64-linux-gnu'));
  const env = { ...process.env, LD_LIBRARY_PATH: libraries.join(':') };
  const limit = ['-n', '10', 'timeout', String(LIMIT_S)];
  const child = spawn('nice', [...limit, image.qemu, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (piece: Buffer) => {
    said += piece.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  try {
    return JSON.parse(readFileSync(out, 'utf8')) as Result;
  } catch {
    throw new Error(`the machine ended with ${code} and without a result: ${said.slice(-500)}\n${tail(console)}`);
  }
};
