/**
 * `npm start`: the whole appliance without hardware. A simulated receiver (sentences on a pty, pulses through SHM) and
 * the real daemon with `-x`; the host's clock is read by both and touched by neither. Live status in the terminal.
 */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { fileURLToPath } from 'node:url';
import { DemoDaemon } from './daemon.js';
import { type DemoOptions, demoUsage, parseDemoArgs } from './options.js';
import { type ReceiverHandle, startReceiver } from './receiver.js';
import { prepareRunDir, type RunDir, removeRunDir } from './rundir.js';
import { View } from './view.js';

const EXIT = { OK: 0, FAILED: 1, USAGE: 64 } as const;

/** `npm start -- -f FILE …`: no demo, the daemon on a real configuration, in the foreground. */
const runDaemon = (args: readonly string[]): Promise<number> =>
  new Promise((resolve) => {
    const main = fileURLToPath(new URL('../../../../bin/timeballd', import.meta.url));
    const child = spawn(process.execPath, [main, '-d', ...args], { stdio: 'inherit' });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
    child.on('exit', (code) => resolve(code ?? EXIT.FAILED));
  });

/** Runs until the duration is over, a key or a signal ends it, or a part fails. Resolves to the exit status. */
class Demo {
  private readonly options: DemoOptions;
  private readonly daemon: DemoDaemon;
  private readonly view: View;
  private unplugged = false;
  private finish: (code: number) => void = () => {};

  constructor(
    options: DemoOptions,
    dir: RunDir,
    private readonly receiver: ReceiverHandle,
  ) {
    this.options = options;
    this.daemon = new DemoDaemon(dir, (text) => this.fail(text));
    this.view = new View(dir, this.daemon.talker, (key) => this.key(key));
  }

  async run(): Promise<number> {
    const done = new Promise<number>((resolve) => {
      this.finish = resolve;
    });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => this.finish(EXIT.OK));
    // Nobody reads on (`timeball demo | head`): daemon and receiver are not to be left behind.
    process.stdout.on('error', () => this.finish(EXIT.OK));
    process.on('SIGUSR1', () => this.toggleReceiver());
    const { duration, unplug } = this.options;
    const timers: NodeJS.Timeout[] = [];
    const after = (s: number, act: () => void): void => void timers.push(setTimeout(act, s * 1000));
    if (unplug !== undefined) for (const s of unplug) after(s, () => this.toggleReceiver());
    if (duration !== undefined) after(duration, () => void this.end());
    this.view.start();
    const code = await done;
    for (const timer of timers) clearTimeout(timer);
    await this.view.stop();
    await Promise.all([this.daemon.stop(), this.receiver.stop()]);
    return code;
  }

  /** The duration is over: was it synchronised to the pulses? */
  private async end(): Promise<void> {
    const ok = await this.view.final();
    this.finish(ok ? EXIT.OK : EXIT.FAILED);
  }

  private fail(text: string): void {
    this.view.note(text);
    this.finish(EXIT.FAILED);
  }

  private key(key: string): void {
    if (key === 'u') this.toggleReceiver();
    if (key === 'q' || key === '\u0003') this.finish(EXIT.OK);
  }

  private toggleReceiver(): void {
    this.unplugged = !this.unplugged;
    this.receiver.send({ hangup: this.unplugged, pulse: !this.unplugged });
    this.view.note(this.unplugged ? 'receiver unplugged' : 'receiver plugged in');
  }
}

/** The daemon would go on without the port, and nobody would see why it does not answer. */
const needPort = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const probe = createSocket('udp4');
    probe.once('error', () => reject(new Error(`another program has port ${port} (--ntp-port names another)`)));
    probe.bind(port, '127.0.0.1', () => probe.close(() => resolve()));
  });

export const demoMain = async (argv: readonly string[]): Promise<number> => {
  if (argv.includes('-f')) return runDaemon(argv);
  const options = parseDemoArgs(argv);
  if (typeof options === 'string') {
    process.stderr.write(`timeball demo: ${options}\n${demoUsage}`);
    return EXIT.USAGE;
  }
  if (options.help) {
    process.stdout.write(demoUsage);
    return EXIT.OK;
  }
  let dir: RunDir | undefined;
  try {
    await needPort(options.ntpPort);
    dir = prepareRunDir(options);
    const receiver = await startReceiver({ link: dir.gps, shm: dir.shm, baud: dir.baud, noise: options.noise });
    return await new Demo(options, dir, receiver).run();
  } catch (error) {
    process.stderr.write(`timeball demo: ${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.FAILED;
  } finally {
    if (dir !== undefined) removeRunDir(dir);
  }
};
