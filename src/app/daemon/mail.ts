import { type ChildProcess, spawn } from 'node:child_process';
import { hostname } from 'node:os';
import { type Instant, toIso } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';
import type { LogConfig } from '../../conf/config.js';
import type { Effect } from '../../engine/events.js';

/** Where sendmail(8) is, whichever mail system there is. */
const PROGRAMS = ['/usr/lib/sendmail', '/usr/sbin/sendmail'] as const;
/** ms. A mail system that hangs must not be remembered for ever. */
const PATIENCE = 30_000;

export interface MailOptions {
  readonly address: string;
  readonly threshold: Seconds;
  /** Paths that are tried, one after the other. */
  readonly programs?: readonly string[];
  readonly program: string;
  readonly warn: (text: string) => void;
}

/** Directive mailonchange: a mail when the clock was wrong by more than the threshold. */
export class MailOnChange {
  constructor(private readonly options: MailOptions) {}

  /** After every event. */
  look(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind !== 'fact' || effect.fact.name !== 'discipline.wrong') continue;
      const offset = Number(effect.fact.fields?.['offset']);
      if (Math.abs(offset) > this.options.threshold) this.send(this.text(effect.fact.at, offset), 0);
    }
  }

  private text(at: Instant, offset: Seconds): string {
    const { address, threshold, program } = this.options;
    return [
      `To: ${address}`,
      `Subject: ${program} reports change to system clock on node [${hostname()}]`,
      '',
      `At ${toIso(at, 0)} the system clock of ${hostname()} was found to be wrong by ${offset.toFixed(3)} seconds.`,
      `This is more than the ${threshold.toFixed(3)} seconds that mailonchange allows. ${program} is correcting it.`,
      '',
    ].join('\n');
  }

  private send(text: string, attempt: number): void {
    const { programs = PROGRAMS, address, warn } = this.options;
    const path = programs[attempt];
    if (path === undefined) {
      warn(`Could not send mail notification to user ${address}`);
      return;
    }
    let child: ChildProcess;
    try {
      // The address goes into the header only (-t): no word of the configuration ever reaches a shell.
      child = spawn(path, ['-t'], { stdio: ['pipe', 'ignore', 'ignore'], timeout: PATIENCE });
    } catch {
      this.send(text, attempt + 1);
      return;
    }
    child.once('error', () => this.send(text, attempt + 1));
    child.once('exit', (code) => {
      if (code !== 0) warn(`Could not send mail notification to user ${address}`);
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(text);
    child.unref();
  }
}

export const mailOnChange = (
  { mailonchange }: LogConfig,
  program: string,
  warn: (text: string) => void,
): MailOnChange | undefined => mailonchange && new MailOnChange({ ...mailonchange, program, warn });
