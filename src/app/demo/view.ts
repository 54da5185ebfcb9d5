import { relative } from 'node:path';
import type { ReplyValues } from '../../wire/cmdmon/packet.js';
import { sources, sourcestats } from '../cli/reports/sources.js';
import { tracking } from '../cli/reports/tracking.js';
import type { Session } from '../cli/session.js';
import type { Talker } from '../cli/talk.js';
import type { RunDir } from './rundir.js';

const INTERVAL_MS = 1000;
/** Without a terminal: a full table so often, s. */
const PLAIN_EVERY = 15;
const FINAL_LOOKS = 5;
const SELECTED = 0;
const REFCLOCK = 2;
const UNSYNCHRONISED = 3;

const CLEAR = '\u001b[H\u001b[2J';
const BOLD = (text: string): string => `\u001b[1m${text}\u001b[0m`;

/** What one look at the daemon said. */
interface Look {
  readonly text: string;
  readonly synchronised: boolean;
  readonly selected: string;
  readonly summary: string;
}

const micro = (s: number): string =>
  s < 1e-6 ? `${(s * 1e9).toFixed(0)} ns` : s < 1e-3 ? `${(s * 1e6).toFixed(1)} us` : `${(s * 1e3).toFixed(1)} ms`;

const refclockName = (address: ReplyValues<'SOURCE_DATA'>['address']): string =>
  address instanceof Uint8Array ? String.fromCharCode(...address.filter((c) => c !== 0)) : '';

/** Live status: redrawn in a terminal, a table now and then elsewhere. Asks the daemon as chronyc would. */
export class View {
  private readonly dir: RunDir;
  private readonly session: Session;
  private readonly terminal = process.stdout.isTTY === true;
  private readonly started = process.hrtime.bigint();
  private readonly onKey: (key: string) => void;
  private captured = '';
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private notes: string[] = [];
  private lastPlain = -PLAIN_EVERY;
  private lastSelected = '';

  constructor(dir: RunDir, talker: Talker, onKey: (key: string) => void) {
    this.dir = dir;
    this.onKey = onKey;
    const out = (text: string): void => {
      this.captured += text;
    };
    const io = { out, err: () => {} };
    talker.timeoutMs = 500;
    talker.retries = 0;
    this.session = { talker, io, mode: 'text', ours: false, wide: false, naming: 'numeric', family: 0 };
  }

  start(): void {
    if (!this.terminal) process.stdout.write(this.commands());
    if (this.terminal && process.stdin.isTTY) {
      process.stdin.setRawMode(true);
      process.stdin.on('data', (bytes: Buffer) => this.onKey(bytes.toString('latin1')));
    }
    this.timer = setInterval(() => {
      this.looking ??= this.refresh().finally(() => {
        this.looking = undefined;
      });
    }, INTERVAL_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
    if (this.terminal && process.stdin.isTTY) {
      process.stdin.setRawMode(false);
      process.stdin.pause();
    }
  }

  note(text: string): void {
    const line = `[${this.seconds().toFixed(0)} s] ${text}`;
    this.notes = [...this.notes, line].slice(-5);
    if (!this.terminal) process.stdout.write(`${line}\n`);
  }

  /** The last table; true when the clock is synchronised to the pulses. */
  async final(): Promise<boolean> {
    clearInterval(this.timer);
    await this.looking;
    let look: Look | undefined;
    // On a busy machine one look may take too long.
    for (let i = 0; i < FINAL_LOOKS && look === undefined; i++) look = await this.look();
    if (look === undefined) return false;
    process.stdout.write(`\n${look.text}`);
    return look.synchronised && look.selected === 'PPS';
  }

  private seconds(): number {
    return Number(process.hrtime.bigint() - this.started) / 1e9;
  }

  private async refresh(): Promise<void> {
    const look = await this.look();
    if (look === undefined) return;
    if (look.selected !== this.lastSelected)
      this.note(look.selected === '' ? 'no source' : `selected ${look.selected}`);
    this.lastSelected = look.selected;
    const at = this.seconds();
    if (this.terminal) {
      const notes = this.notes.length > 0 ? `\n${this.notes.join('\n')}\n` : '';
      process.stdout.write(
        `${CLEAR}${BOLD('timeball demo')}  ${at.toFixed(0)} s  ${look.summary}\n\n${look.text}${notes}\n${this.commands()}\nu: unplug/plug in the receiver   q: quit\n`,
      );
    } else if (at - this.lastPlain >= PLAIN_EVERY) {
      this.lastPlain = at;
      process.stdout.write(`[${at.toFixed(0)} s] ${look.summary}\n${look.text}\n`);
    }
  }

  /** Undefined while the daemon does not answer (yet). */
  private async look(): Promise<Look | undefined> {
    try {
      this.captured = '';
      await sources(this.session, { all: false, verbose: false });
      this.captured += '\n';
      await sourcestats(this.session, { all: false, verbose: false });
      this.captured += '\n';
      await tracking(this.session);
      const text = this.captured;
      const t = await this.session.talker.ask('TRACKING', {});
      const bound = t.rootDelay / 2 + t.rootDispersion;
      const selected = await this.selectedName();
      const synchronised = t.leap !== UNSYNCHRONISED;
      const summary = synchronised ? `time is known to +/- ${micro(bound)}` : 'not synchronised yet';
      return { text, synchronised, selected, summary };
    } catch {
      return undefined;
    }
  }

  private async selectedName(): Promise<string> {
    const { count } = await this.session.talker.ask('N_SOURCES', {});
    for (let index = 0; index < count; index++) {
      const s = await this.session.talker.ask('SOURCE_DATA', { index });
      if (s.state === SELECTED && s.mode === REFCLOCK) return refclockName(s.address);
    }
    return '';
  }

  private commands(): string {
    const { socket, ntpPort } = this.dir;
    const own = relative(process.cwd(), process.argv[1] ?? '') || 'timeball';
    return [
      'Try, in another terminal:',
      `  chronyc -h ${socket} -n sources        (also: sourcestats, tracking, serverstats, clients)`,
      `  ${own} -h ${socket} tracking --json`,
      `  chronyd -Q -t 10 'server 127.0.0.1 port ${ntpPort} iburst'`,
      '',
    ].join('\n');
  }
}
