/** A receiver's serial line in the guest: a pseudo terminal that can be unplugged, and the sentences on it. */
import { closeSync, rmSync, symlinkSync, writeSync } from 'node:fs';
import type { Lab } from './lab.js';

const BAUD = 9600;
/** After the second that it names. */
const LATE_NS = 150_000_000n;
const SECOND_NS = 1_000_000_000n;

/** A tty at a path of one's own; `unplug` hangs it up. */
export class Line {
  private master: number | undefined;
  /** What the kernel calls it. */
  tty = '';

  constructor(
    private readonly lab: Lab,
    private readonly link: string,
  ) {}

  plug(): void {
    const { masterFd, slavePath } = this.lab.native.openPty(BAUD);
    this.master = masterFd;
    this.tty = slavePath;
    rmSync(this.link, { force: true });
    symlinkSync(slavePath, this.link);
    this.lab.note(`${this.link} is plugged in`);
  }

  unplug(): void {
    if (this.master !== undefined) closeSync(this.master);
    this.master = undefined;
    rmSync(this.link, { force: true });
    this.lab.note(`${this.link} is unplugged`);
  }

  write(text: string): void {
    try {
      if (this.master !== undefined) writeSync(this.master, text);
    } catch {
      // Nobody reads: the line is full, and what is sent on a wire is lost then, too.
    }
  }
}

const two = (n: number): string => String(n).padStart(2, '0');

/** RMC of a UTC second, with its checksum. */
export const sentence = (utc: bigint): string => {
  const date = new Date(Number(utc / 1_000_000n));
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join('');
  const day = [date.getUTCDate(), date.getUTCMonth() + 1, date.getUTCFullYear() % 100].map(two).join('');
  const body = `GPRMC,${time}.00,A,4807.038,N,01131.000,E,0.0,0.0,${day},,,A`;
  const sum = [...body].reduce((x, c) => x ^ c.charCodeAt(0), 0);
  return `$${body}*${sum.toString(16).toUpperCase().padStart(2, '0')}\r\n`;
};

/** Says on `line` which second it is, once a second, until `stop`. */
export const speak = (lab: Lab, line: Line): { stop: () => void } => {
  let timer: NodeJS.Timeout;
  const next = (): void => {
    const { utc } = lab.now();
    const second = utc - (utc % SECOND_NS) + SECOND_NS;
    const wait = Number(second + LATE_NS - utc) / 1e6;
    timer = setTimeout(() => {
      line.write(sentence(second));
      next();
    }, wait);
  };
  next();
  return { stop: () => clearTimeout(timer) };
};
