/**
 * The wire in the guest: wire0 is 10.9.0.1 here, wire1 is 10.9.0.2 in a network namespace of its own, where the peer's daemon
 * runs with the same system clock, which it does not touch (-x).
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { chronyc, LOADER, startLogged, stop } from './programs.js';

export const NEAR = '10.9.0.1';
export const FAR = '10.9.0.2';
const DIR = '/tmp/far';
const LOG = `${DIR}/log`;
const CONF = `${DIR}/conf`;
const READY_S = 10;

const ip = (...words: string[]): void => {
  execFileSync('ip', words);
};

export class Wire {
  private peer: ChildProcess | undefined;

  private constructor(
    /** A program that does nothing and owns the namespace. */
    private readonly holder: ChildProcess,
  ) {}

  static async make(): Promise<Wire> {
    mkdirSync(DIR, { recursive: true, mode: 0o700 });
    writeFileSync(LOG, '');
    const wire = new Wire(spawn('unshare', ['-n', 'sleep', '1000000'], { stdio: 'ignore' }));
    const own = readlinkSync('/proc/self/ns/net');
    for (let i = 0; i < 100 && readlinkSync(`/proc/${wire.pid}/ns/net`) === own; i++) await pause(20);
    ip('link', 'set', 'wire1', 'netns', String(wire.pid));
    wire.there('ip', 'link', 'set', 'lo', 'up');
    wire.there('ip', 'addr', 'add', `${FAR}/24`, 'dev', 'wire1');
    wire.there('ip', 'link', 'set', 'wire1', 'up');
    wire.up('wire0');
    return wire;
  }

  /** The interface on this side, by whatever name. */
  up(name: string): void {
    ip('link', 'set', name, 'up');
    spawnSync('ip', ['addr', 'add', `${NEAR}/24`, 'dev', name], { stdio: 'ignore' });
  }

  down(name: string): void {
    ip('link', 'set', name, 'down');
  }

  rename(from: string, to: string): void {
    ip('link', 'set', from, 'name', to);
  }

  /** What a program at the other end prints. */
  there(...words: string[]): string {
    return spawnSync('nsenter', this.entering(words), { encoding: 'utf8' }).stdout;
  }

  /** Starts a program at the other end, which prints into `log`. */
  spawnThere(log: string, ...words: string[]): ChildProcess {
    return startLogged(log, ['nsenter', ...this.entering(words)]);
  }

  /** chronyd at the other end. */
  async startPeer(...config: string[]): Promise<void> {
    const own = ['cmdport 0', `bindcmdaddress ${DIR}/sock`, `pidfile ${DIR}/pid`];
    writeFileSync(CONF, `${[...config, ...own].join('\n')}\n`);
    this.peer = this.spawnThere(LOG, ...LOADER, '/peer/chronyd', '-u', 'root', '-x', '-d', '-f', CONF);
    for (let i = 0; i < READY_S * 10 && this.askPeer('tracking') === ''; i++) await pause(100);
  }

  async stopPeer(): Promise<void> {
    const child = this.peer;
    this.peer = undefined;
    await stop(child);
  }

  /** What chronyc says of the daemon at the other end; '' when that does not answer. */
  readonly askPeer = (...words: string[]): string => chronyc(DIR, words);

  peerLog(): string {
    return readFileSync(LOG, 'utf8');
  }

  close(): void {
    this.peer?.kill();
    this.holder.kill();
  }

  private get pid(): number {
    return this.holder.pid!;
  }

  private entering(words: readonly string[]): string[] {
    return ['-t', String(this.pid), '-n', ...words];
  }
}
