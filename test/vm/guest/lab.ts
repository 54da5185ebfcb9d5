/** The guest's side: the kernel module, the daemon under test, what is asked of both. Runs as root in the machine. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { loadNative, type Native } from '../../../src/devices/native.js';
import type { DaemonName, Point, Settings, Verdict } from '../scenario.js';
import { chronyc, LOADER, startLogged, stop } from './programs.js';
import { Wire } from './wire.js';

const DIR = '/tmp/daemon';
const LOG = `${DIR}/log`;
const EVENTS = `${DIR}/events.jsonl`;
const CONF = `${DIR}/conf`;
const READY_S = 30;

/** The kernel's clock as adjtimex shows it. */
export interface Timex {
  readonly status: number;
  readonly inserting: boolean;
  readonly deleting: boolean;
  readonly unsynchronised: boolean;
  readonly maxerrorUs: number;
  /** What the kernel adds to the counter's rate. */
  readonly ppm: number;
  readonly tai: number;
}

export type Module = 'truetime' | 'truewire';
const parameters = (module: Module): string => `/sys/module/${module}/parameters`;

export interface Now {
  /** ns */
  readonly realtime: bigint;
  readonly utc: bigint;
  readonly phc: bigint;
  readonly raw: bigint;
}

export class Lab {
  readonly verdicts: Verdict[] = [];
  readonly native: Native = loadNative();
  private daemonProcess: ChildProcess | undefined;
  private seconds: ChildProcess | undefined;
  private wired: Wire | undefined;
  /** What the daemon was last started with. */
  config: readonly string[] = [];
  /** MONOTONIC_RAW, ns: the daemon's first start. */
  private startRaw = 0n;
  private startUtc = 0n;

  constructor(
    readonly daemon: DaemonName,
    /** Is the product's event log to be kept? */
    private readonly trace: boolean,
    /** What the daemon is always started with. */
    private readonly options: readonly string[],
  ) {
    mkdirSync(DIR, { recursive: true, mode: 0o700 });
    writeFileSync(LOG, '');
  }

  load(module: Module, settings: Settings): void {
    const words = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    execFileSync('insmod', [`/module/${module}.ko`, ...words]);
  }

  set(name: string, value: string | number, module: Module = 'truetime'): void {
    writeFileSync(`${parameters(module)}/${name}`, String(value));
  }

  /** Puts the cards in, and makes the namespace at the other end of the wire. */
  async connect(settings: Settings): Promise<void> {
    this.load('truewire', settings);
    this.wired = await Wire.make();
  }

  disconnect(): void {
    if (this.wired === undefined) return;
    this.note(`what chronyd at the other end said:\n${this.wired.peerLog()}`);
    this.wired.close();
  }

  get wire(): Wire {
    if (this.wired === undefined) throw new Error('the scenario has no wire');
    return this.wired;
  }

  now(): Now {
    const [realtime, utc, phc, raw] = readFileSync(`${parameters('truetime')}/now`, 'utf8')
      .trim()
      .split(' ')
      .map(BigInt);
    return { realtime: realtime!, utc: utc!, phc: phc!, raw: raw! };
  }

  /** CLOCK_REALTIME − true UTC, ns. */
  error(): number {
    const { realtime, utc } = this.now();
    return Number(realtime - utc);
  }

  /** Seconds since the daemon's first start. */
  elapsed(): number {
    return Number(this.now().raw - this.startRaw) / 1e9;
  }

  sleep(seconds: number): Promise<void> {
    return pause(seconds * 1000);
  }

  async until(elapsed: number): Promise<void> {
    const left = elapsed - this.elapsed();
    if (left > 0) await this.sleep(left);
  }

  /** Starts the coarse time that numbers the pulses. */
  startSeconds(): void {
    this.seconds = spawn('/seconds', { stdio: 'ignore' });
  }

  /** SIGUSR1: in the middle of a sample. */
  stopSeconds(signal?: NodeJS.Signals): void {
    this.seconds?.kill(signal);
  }

  async startDaemon(config: readonly string[], ...args: string[]): Promise<void> {
    this.config = config;
    const own = [`driftfile ${DIR}/drift`, `pidfile ${DIR}/pid`, `bindcmdaddress ${DIR}/sock`, 'cmdport 0'];
    if (this.trace && this.daemon === 'timeball') own.push(`eventlog ${EVENTS}`);
    writeFileSync(CONF, `${[...config, ...own].join('\n')}\n`);
    const command =
      this.daemon === 'chronyd' ? [...LOADER, '/peer/chronyd'] : ['/usr/bin/node', '/timeball/bin/timeballd'];
    if (this.startRaw === 0n) ({ raw: this.startRaw, utc: this.startUtc } = this.now());
    const child = startLogged(LOG, [...command, '-u', 'root', '-d', '-f', CONF, ...this.options, ...args]);
    this.daemonProcess = child;
    await this.waitFor(READY_S, () => child.exitCode !== null || this.ask('tracking') !== '');
    if (child.exitCode !== null) throw new Error(`the daemon ended with ${child.exitCode}`);
  }

  stopDaemon(): Promise<void> {
    return stop(this.daemonProcess);
  }

  get pid(): number {
    return this.daemonProcess?.pid ?? 0;
  }

  forgetDrift(): void {
    rmSync(`${DIR}/drift`, { force: true });
  }

  /** What the peer's client says; '' when the daemon does not answer. */
  readonly ask = (...words: string[]): string => chronyc(DIR, words);

  /** Rows of a report, split. */
  rows(...words: string[]): string[][] {
    const lines = this.ask('-c', ...words).split('\n');
    return lines.filter((line) => line !== '').map((line) => line.split(','));
  }

  /** Reference id of the selected source, '' when there is none. */
  selected(): string {
    return this.rows('sources').find((row) => row[1] === '*')?.[2] ?? '';
  }

  /** Letter of a source as chronyc shows it. */
  state(refid: string): string {
    return this.rows('sources').find((row) => row[2] === refid)?.[1] ?? '';
  }

  log(): string {
    return readFileSync(LOG, 'utf8');
  }

  events(): string | undefined {
    return existsSync(EVENTS) ? readFileSync(EVENTS, 'utf8') : undefined;
  }

  note(text: string): void {
    appendFileSync(LOG, `-- ${this.elapsed().toFixed(1)} s: ${text}\n`);
  }

  timex(): Timex {
    const t = this.native.clockAdjtime(0, { modes: 0 });
    return {
      status: t.status,
      inserting: (t.status & 0x10) !== 0,
      deleting: (t.status & 0x20) !== 0,
      unsynchronised: (t.status & 0x40) !== 0,
      maxerrorUs: Number(t.maxerror),
      ppm: (Number(t.tick) - 10000) * 100 + Number(t.freq) / 65536,
      tai: t.tai,
    };
  }

  check(text: string, ok: boolean, seen: string | number = ''): void {
    this.verdicts.push({ text, ok, seen: String(seen) });
  }

  /** Asks four times a second until it is so; false after `seconds`. */
  async waitFor(seconds: number, condition: () => boolean): Promise<boolean> {
    for (let i = 0; i < seconds * 4; i++) {
      if (condition()) return true;
      await this.sleep(0.25);
    }
    return false;
  }

  /** The kernel's record since the daemon's start. */
  points(): Point[] {
    const bytes = readFileSync('/dev/truetime');
    const points: Point[] = [];
    for (let at = 0; at + 16 <= bytes.length; at += 16) {
      const since = bytes.readBigInt64LE(at) - this.startUtc;
      if (since >= 0n) points.push([Number(since) / 1e9, Number(bytes.readBigInt64LE(at + 8))]);
    }
    return points;
  }
}
