/** What an NTP client in the guest makes of its server: its own error, and whose stamps it uses. */
import { quantileOf } from '../score.js';
import type { Lab } from './lab.js';

export type Ask = (...words: string[]) => string;

/** Lines `name : value` of a report. */
export class Report {
  private readonly lines: ReadonlyMap<string, string>;

  constructor(readonly text: string) {
    const pairs = text.split('\n').map((line) => line.split(/ *: */, 2) as [string, string | undefined]);
    this.lines = new Map(pairs.map(([name, value]) => [name.trim(), value?.trim() ?? '']));
  }

  get(name: string): string {
    return this.lines.get(name) ?? '';
  }

  count(name: string): number {
    return Number.parseInt(this.get(name), 10) || 0;
  }
}

export interface Spread {
  readonly median: number;
  readonly text: string;
}

/** Of ns. */
export const spread = (values: readonly number[]): Spread => {
  const at = (q: number): number => quantileOf(values, q);
  const text = `${at(0.5).toFixed(0)} ns, 90 % from ${at(0.05).toFixed(0)} to ${at(0.95).toFixed(0)} ns`;
  return { median: at(0.5), text };
};

/** What a daemon takes the system clock to be off by, ns: positive when it is slow. */
export const correction = (ask: Ask): number => Number(ask('-c', 'tracking').split(',')[4]) * 1e9;

/** Of a client, once a second, ns. */
export interface Errors {
  /** What the system clock shows after the daemon's correction, less what it should show. */
  readonly clock: number[];
  /**
   * The same after the correction that its latest exchange would make: the error of the served time, of four stamps and of
   * the way. The daemon's clock contains its filter besides, which here may have to follow a system clock that another daemon steers.
   */
  readonly exchange: number[];
}

/** `wrong`: what the system clock shows, less what it should show, ns. */
export const record = async (lab: Lab, seconds: number, ask: Ask, wrong: () => number): Promise<Errors> => {
  const seen: Errors = { clock: [], exchange: [] };
  for (let i = 0; i < seconds; i++) {
    const clock = wrong() + correction(ask);
    seen.clock.push(clock);
    // Counted from the corrected clock.
    seen.exchange.push(clock + Number.parseFloat(new Report(ask('ntpdata')).get('Offset')) * 1e9);
    await lab.sleep(1);
  }
  return seen;
};

/** `TX Hardware RX Kernel` */
export const stampedBy = (ask: Ask): string => {
  const report = new Report(ask('ntpdata'));
  return ['TX', 'RX'].map((way) => `${way} ${report.get(`${way} timestamping`)}`).join(' ');
};

export const checkWithin = (lab: Lab, text: string, { median, text: seen }: Spread, limit = 50, around = 0): void =>
  lab.check(text, Math.abs(median - around) <= limit, seen);

export const checkShare = (lab: Lab, text: string, part: number, all: number): void =>
  lab.check(
    `${text}: at least 99 % by the card`,
    part >= 0.99 * all && all > 0,
    `${((100 * part) / all).toFixed(2)} %`,
  );
