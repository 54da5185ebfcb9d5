import { CodedError } from '../../base/errors.js';
import type { ReplyValues } from '../../wire/cmdmon/packet.js';
import { fixed } from './numbers.js';
import { sources, sourcestats } from './reports/sources.js';
import { tracking } from './reports/tracking.js';
import type { Command, Session } from './session.js';
import { SyntaxFault } from './syntax.js';
import { Refusal } from './talk.js';

const DEFAULT_INTERVAL_S = 1;
const MIN_INTERVAL_S = 0.1;
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const QUIT_KEYS: ReadonlySet<string> = new Set(['q', 'Q', '\u0003', '\u0004', '\u001b']);

type Stats = ReplyValues<'SERVER_STATS'>;

interface Counted {
  readonly atMs: number;
  readonly stats: Stats;
}

const rate = (
  now: Counted,
  before: Counted | undefined,
  key: 'ntpHits' | 'ntpDrops' | 'ntpInterleavedHits',
): string => {
  if (before === undefined) return '-';
  const seconds = (now.atMs - before.atMs) / 1000;
  return seconds > 0 ? fixed(Number(now.stats[key] - before.stats[key]) / seconds, 1) : '-';
};

const serverLines = (now: Counted, before: Counted | undefined): string =>
  `NTP server      : ${rate(now, before, 'ntpHits')} requests/s (${rate(now, before, 'ntpInterleavedHits')} interleaved, ` +
  `${rate(now, before, 'ntpDrops')} dropped), ${now.stats.ntpHits} since the start\n`;

/** Cuts what does not fit on the screen, and clears what stood there before. */
export const toScreen = (text: string, columns: number, rows: number): string => {
  const lines = text.split('\n').slice(0, Math.max(1, rows - 1));
  return `${HOME}${lines.map((line) => `${line.slice(0, Math.max(1, columns))}${CLEAR_LINE}`).join('\r\n')}${CLEAR_BELOW}`;
};

/** Asks for everything that is shown; each report may be refused (UDP) or be missing (an older daemon). */
class Looker {
  private captured = '';
  private readonly inner: Session;
  private before: Counted | undefined;

  constructor(session: Session) {
    const out = (text: string): void => {
      this.captured += text;
    };
    this.inner = { ...session, mode: 'text', io: { out, err: () => undefined } };
  }

  async look(): Promise<string> {
    this.captured = '';
    await this.part(() => sources(this.inner, { all: false, verbose: false }));
    this.captured += '\n';
    await this.part(() => sourcestats(this.inner, { all: false, verbose: false }));
    this.captured += '\n';
    await this.part(() => tracking(this.inner));
    await this.part(() => this.server());
    return this.captured;
  }

  private async server(): Promise<void> {
    const stats = await this.inner.talker.ask('SERVER_STATS', {});
    const now = { atMs: performance.now(), stats };
    this.captured += serverLines(now, this.before);
    this.before = now;
  }

  private async part(show: () => Promise<void>): Promise<void> {
    try {
      await show();
    } catch (error) {
      if (!(error instanceof Refusal) && !(error instanceof CodedError)) throw error;
      this.captured += `${error.message}\n`;
    }
  }
}

/** The next key that ends it, or the end of the interval. */
const waitKey = (ms: number): Promise<boolean> =>
  new Promise((resolve) => {
    const done = (quit: boolean): void => {
      clearTimeout(timer);
      process.stdin.off('data', onData);
      process.stdout.off('resize', onResize);
      resolve(quit);
    };
    const onData = (bytes: Buffer): void => {
      if (QUIT_KEYS.has(bytes.toString('latin1'))) done(true);
    };
    const onResize = (): void => done(false);
    const timer = setTimeout(() => done(false), ms);
    process.stdin.on('data', onData);
    process.stdout.on('resize', onResize);
  });

/** `watch [SECONDS]`: everything at a glance, drawn again and again; q ends it. Without a terminal: once. */
export const watch: Command = async (session, args) => {
  const seconds = args[0] === undefined ? DEFAULT_INTERVAL_S : Number(args[0]);
  if (!(seconds >= MIN_INTERVAL_S) || args.length > 1) throw new SyntaxFault('Invalid syntax for watch command');
  const looker = new Looker(session);
  const { stdin, stdout } = process;
  if (!stdout.isTTY || !stdin.isTTY) {
    session.io.out(await looker.look());
    return;
  }
  const leave = (): void => void stdout.write(LEAVE);
  // Whatever ends the process, the terminal is given back as it was.
  process.once('exit', leave);
  stdout.write(ENTER);
  stdin.setRawMode(true);
  stdin.resume();
  try {
    for (;;) {
      const text = await looker.look();
      const head = `timeball watch  ${new Date().toISOString().slice(0, 19).replace('T', ' ')} UTC    q: quit\n\n`;
      // A terminal that does not say its size says 0.
      stdout.write(toScreen(head + text, stdout.columns || 80, stdout.rows || 24));
      if (await waitKey(seconds * 1000)) return;
    }
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    process.off('exit', leave);
    leave();
  }
};
