import { closeSync, renameSync, rmSync, symlinkSync, writeSync } from 'node:fs';
import { Prng } from '../../base/prng.js';
import { add, diff, floorSeconds, fromUnix, type Instant, instant, NS_PER_S, toNs } from '../../base/time.js';
import type { Native, NativeShm } from '../../devices/native.js';
import type { ReceiverFault } from '../../sim/receiver/faults.js';
import { SIM_RECEIVER, SimReceiver } from '../../sim/receiver/receiver.js';
import type { DemoReceiverConfig, DemoReceiverControl } from './receiver-config.js';

const DEFAULT_BAUD = 38_400;
const DEFAULT_NOISE = 200e-9;
/** A second is planned so long before it begins: longer than a timer is ever late on an idle machine. */
const PLAN_AHEAD = 0.05;
/** The pulse's stamps are written a little after the second, as a reader of a real pulse would. */
const PULSE_WRITE_DELAY = 0.002;
/**
 * Line time handed over at once. A UART gives 16 bytes (4 ms at 38400), which is 30 wake-ups a burst; 60 ms is 2 to 8
 * and stays below the 0.1 s that the decoder takes for the end of a burst.
 */
const BATCH_SECONDS = 0.06;
/** −20: about 1 µs, what gpsd writes for a pulse. */
const PULSE_PRECISION = -20;

interface Planned {
  readonly at: Instant;
  readonly run: () => void;
}

/**
 * The simulated receiver on this machine: sentences on a pty, pulses in an NTP SHM segment, both derived from the
 * host's CLOCK_REALTIME, which it reads and never touches.
 */
export class DemoReceiver {
  private readonly receiver: SimReceiver;
  private readonly noise: Prng;
  private readonly shm: NativeShm;
  private pty: { masterFd: number; slavePath: string } | undefined;
  private planned: Planned[] = [];
  private timer: NodeJS.Timeout | undefined;
  private control: Required<DemoReceiverControl> = { fix: true, stop: false, pulse: true, hangup: false, faults: [] };

  constructor(
    private readonly native: Native,
    private readonly config: DemoReceiverConfig,
  ) {
    const prng = new Prng(config.seed ?? 1);
    const baud = config.baud ?? DEFAULT_BAUD;
    this.noise = prng.fork('pulse');
    this.receiver = new SimReceiver(
      {
        baud,
        latency: config.latency ?? SIM_RECEIVER.latency,
        jitter: config.jitter ?? SIM_RECEIVER.jitter,
        sentences: config.sentences ?? SIM_RECEIVER.sentences,
        batchBytes: Math.max(16, Math.min(256, Math.floor((baud / 10) * BATCH_SECONDS))),
      },
      prng.fork('burst'),
    );
    this.shm = new native.Shm(config.shm, 0o600, true);
  }

  /** Path of the tty now behind the link; undefined while unplugged. */
  get slavePath(): string | undefined {
    return this.pty?.slavePath;
  }

  start(): void {
    this.plug();
    this.plan(this.nextSecond());
  }

  stop(): void {
    clearTimeout(this.timer);
    this.planned = [];
    this.unplug();
    this.shm.remove();
    this.shm.close();
  }

  apply(control: DemoReceiverControl): void {
    this.control = { ...this.control, ...control };
    if (this.control.hangup) this.unplug();
    else this.plug();
  }

  private now(): Instant {
    return instant(this.native.clockGettime('realtime'));
  }

  private nextSecond(): Instant {
    return fromUnix(floorSeconds(add(this.now(), PLAN_AHEAD)) + 1n);
  }

  /** Read anew every second: a host clock that is stepped takes the receiver with it. */
  private secondAfter(second: Instant): Instant {
    const next = instant(second + NS_PER_S);
    const ahead = diff(next, this.now());
    return ahead > -PLAN_AHEAD && ahead <= 2 * PLAN_AHEAD ? next : this.nextSecond();
  }

  /** One second's pulse and burst, and the planning of the next. */
  private plan(second: Instant): void {
    const { fix, stop, pulse } = this.control;
    if (!stop && pulse && fix) this.at(add(second, PULSE_WRITE_DELAY), () => this.writePulse(second));
    const faults: readonly ReceiverFault[] = [...(fix ? [] : [{ kind: 'no-fix' } as const]), ...this.control.faults];
    const chunks = stop ? [] : this.receiver.burst({ utc: second }, faults);
    for (const chunk of chunks) this.at(add(second, chunk.delay), () => this.writeChunk(chunk.bytes));
    this.at(instant(second + NS_PER_S - toNs(PLAN_AHEAD)), () => this.plan(this.secondAfter(second)));
    this.arm();
  }

  private at(when: Instant, run: () => void): void {
    this.planned.push({ at: when, run });
    this.planned.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  }

  private arm(): void {
    clearTimeout(this.timer);
    const next = this.planned[0];
    if (next === undefined) return;
    // Never longer than a second: after a step of the clock the plan would otherwise wait for a time long gone.
    const wait = Math.min(1, Math.max(0, diff(next.at, this.now())));
    this.timer = setTimeout(() => this.wake(), Math.ceil(wait * 1000));
  }

  private wake(): void {
    const now = this.now();
    const far = this.planned.length > 0 && diff(this.planned[0]!.at, now) > 2;
    if (far) {
      this.planned = [];
      this.plan(this.nextSecond());
      return;
    }
    while (this.planned.length > 0 && this.planned[0]!.at <= now) this.planned.shift()!.run();
    this.arm();
  }

  private writePulse(second: Instant): void {
    const noise = toNs((this.config.noise ?? DEFAULT_NOISE) * this.noise.normal());
    this.shm.write({ clockTime: second, receiveTime: second + noise, leap: 0, precision: PULSE_PRECISION });
  }

  private writeChunk(bytes: Uint8Array): void {
    if (this.pty === undefined) return;
    try {
      writeSync(this.pty.masterFd, bytes);
    } catch {
      // Nobody reads and the tty's buffer is full: a serial line loses bytes then, too.
    }
  }

  private plug(): void {
    if (this.pty !== undefined) return;
    this.pty = this.native.openPty(this.config.baud ?? DEFAULT_BAUD);
    // Replaced in one step, so that the link never points at nothing.
    const next = `${this.config.link}.${process.pid}`;
    rmSync(next, { force: true });
    symlinkSync(this.pty.slavePath, next);
    renameSync(next, this.config.link);
  }

  private unplug(): void {
    if (this.pty === undefined) return;
    rmSync(this.config.link, { force: true });
    closeSync(this.pty.masterFd);
    this.pty = undefined;
  }
}
