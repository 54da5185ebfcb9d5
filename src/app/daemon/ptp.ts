import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { add, diffMono, type Instant, type Mono, nsToSeconds, toNs } from '../../base/time.js';
import type { Ptp4lConfig } from '../../conf/config.js';
import { correctionAt } from '../../core/clockview.js';
import { ClockQuality, type Condition, UNATTENDED } from '../../core/ptp/quality.js';
import { type PtpTime, ReceiverWatch, SILENT, samePtpTime } from '../../core/ptp/receiver.js';
import { PhcServo } from '../../core/ptp/servo.js';
import type { Native } from '../../devices/native.js';
import { SteeredPhc } from '../../devices/phcservo.js';
import { Ptp4l } from '../../devices/ptp4l.js';
import { messageOf } from '../../devices/retry.js';
import type { Engine } from '../../engine/engine.js';
import type { Event, Now } from '../../engine/events.js';
import type { Severity } from '../../ports/observer.js';
import type { GrandmasterSettings } from '../../wire/ptp/management.js';

export interface PtpParts {
  readonly links: readonly Ptp4lConfig[];
  readonly native: Native;
  readonly engine: Engine;
  /** Path of the command socket: ours are made beside it. */
  readonly commandSocket: string | undefined;
  readonly now: () => Now;
  readonly dispatch: (event: Event) => void;
  readonly say: (severity: Severity, name: string, text: string) => void;
}

/** ms between two looks at a PHC that is steered. */
const SERVO_MS = 1000;

/** Ties the daemon to running ptp4ls (directive ptp4l): what one that receives time knows, what one that gives it announces. */
export class PtpBridge {
  private readonly closers: (() => void)[] = [];
  private readonly times: PtpTime[] = [];

  constructor(private readonly parts: PtpParts) {}

  start(): void {
    for (const [i, link] of this.parts.links.entries()) {
      this.openLink(link, i);
      if (link.phc !== undefined) this.steer(link.phc);
    }
  }

  stop(): void {
    for (const close of this.closers) close();
  }

  private openLink(link: Ptp4lConfig, index: number): void {
    const { native, say, commandSocket } = this.parts;
    const quality = new ClockQuality({ holdover: link.holdover, degraded: link.degraded });
    const watch = new ReceiverWatch();
    let time = SILENT;
    let asked = false;
    let told: number | undefined;
    const ptp4l = new Ptp4l(native, {
      socket: link.socket,
      own: join(commandSocket === undefined ? tmpdir() : dirname(commandSocket), `ptp4l.${process.pid}.${index}`),
      domain: link.domain,
      port: process.pid & 0xffff,
      settings: link.grandmaster ? () => quality.settings(this.condition()) : undefined,
      farewell: { ...UNATTENDED, time: { ...UNATTENDED.time, utcOffset: this.utcOffset() } },
      onAnswer: (message) => watch.answer(message),
      onRound: () => {
        const next = watch.conclude();
        if (!samePtpTime(next, time) || !asked) this.changed(link, index, next);
        asked = true;
        time = next;
      },
      onSettings: (settings, refused) => {
        // The accuracy moves with the bound, all the time.
        const text = toldText(link, settings, refused);
        if (settings.clockClass !== told || refused) say(refused ? 'warn' : 'info', 'ptp.settings', text);
        told = settings.clockClass;
      },
      onFault: (reason) => say('error', 'ptp.socket', `No socket to talk with ptp4l : ${reason}`),
    });
    if (!link.grandmaster) this.parts.dispatch({ kind: 'ptp-time', time: SILENT });
    ptp4l.start();
    this.closers.push(() => ptp4l.stop());
  }

  private changed(link: Ptp4lConfig, index: number, time: PtpTime): void {
    this.parts.say(time.state === 'silent' ? 'warn' : 'info', 'ptp.state', stateText(link, time));
    if (link.grandmaster) return;
    this.times[index] = time;
    // Several of them: the first that follows somebody; they all count TAI.
    const known = this.times.filter((t) => t !== undefined);
    const best = known.find((t) => t.state === 'synchronised') ?? known[0]!;
    this.parts.dispatch({ kind: 'ptp-time', time: best });
  }

  private utcOffset(): number {
    return this.parts.engine.taiOffset(this.parts.now()).offset;
  }

  private condition(): Condition {
    const { engine, now } = this.parts;
    const at = now();
    const { mode, leap, stratum, rootDelay, rootDispersion } = engine.tracking(at);
    const { offset, valid } = engine.taiOffset(at);
    const bound = rootDelay / 2 + rootDispersion;
    return { mode, leap, stratum, bound, reference: engine.referenceKind(), utcOffset: offset, utcOffsetValid: valid };
  }

  /** Makes a PHC count TAI as our clock has it, for as long as that is synchronised; it runs on by itself while it is not. */
  private steer(device: string): void {
    let phc: SteeredPhc | undefined;
    let servo: PhcServo | undefined;
    let last: Mono | undefined;
    let fault = '';
    const close = (): void => {
      phc?.close();
      phc = undefined;
    };
    const look = (): void => {
      try {
        if (phc === undefined) {
          phc = new SteeredPhc(this.parts.native, device);
          servo = new PhcServo(phc.frequency(), phc.maxFrequency);
          this.parts.say('info', 'ptp.phc', `Steering ${phc.path} from the clock`);
          fault = '';
        }
        last = this.follow(phc, servo!, last);
      } catch (error) {
        const reason = messageOf(error);
        if (reason !== fault) this.parts.say('error', 'ptp.phc', `Could not steer ${device} : ${reason}`);
        fault = reason;
        close();
      }
    };
    const timer = setInterval(look, SERVO_MS);
    look();
    this.closers.push(() => {
      clearInterval(timer);
      close();
    });
  }

  private follow(phc: SteeredPhc, servo: PhcServo, last: Mono | undefined): Mono | undefined {
    const { engine, now, say } = this.parts;
    const at = now();
    if (engine.tracking(at).leap === 3) return undefined;
    const { raw, phc: reads } = phc.read();
    const cooked: Instant = add(raw, correctionAt(engine.clock.view, raw));
    const target = cooked + toNs(engine.taiOffset(at).offset);
    const interval = last === undefined ? 0 : diffMono(at.mono, last);
    const { step, freq } = servo.sample(nsToSeconds(reads - target), interval);
    phc.setFrequency(freq);
    if (step !== 0) {
      // To the nanosecond: seconds in a double would lose them over decades.
      phc.step(target - reads);
      say('info', 'ptp.phc', `Stepped ${phc.path} by ${step.toFixed(9)} seconds`);
    }
    return at.mono;
  }
}

const stateText = ({ socket }: Ptp4lConfig, t: PtpTime): string => {
  if (t.state === 'silent') return `ptp4l at ${socket} does not answer`;
  if (t.state === 'waiting') return `ptp4l at ${socket} answers, and follows no grandmaster`;
  const { grandmaster } = t;
  const whom = grandmaster === undefined ? '' : ` ${grandmaster.identity} (class ${grandmaster.clockClass})`;
  if (t.state === 'arbitrary') return `ptp4l at ${socket} follows${whom} on an arbitrary timescale : not used`;
  const offset = t.utcOffset === undefined ? 'which does not know UTC' : `TAI-UTC ${t.utcOffset} seconds`;
  return `ptp4l at ${socket} follows${whom}, ${offset}${t.traceable ? '' : ', not traceable'}`;
};

const toldText = ({ socket }: Ptp4lConfig, s: GrandmasterSettings, refused: boolean): string => {
  const what = `clockClass ${s.clockClass}, accuracy 0x${s.accuracy.toString(16)}`;
  return refused ? `ptp4l at ${socket} refuses ${what}` : `ptp4l at ${socket} announces ${what}`;
};
