import type { LogConfig } from '../../conf/config.js';
import type { Effect } from '../../engine/events.js';
import { ChronyFiles } from '../../observe/chronyfiles.js';

/** chrony's log files, fed with the engine's traces. */
export class TraceLogs {
  private readonly files: ChronyFiles | undefined;

  constructor(config: LogConfig, onProblem: (text: string) => void) {
    const { logdir, logbanner, log } = config;
    if (logdir !== undefined) this.files = new ChronyFiles({ logdir, logbanner, names: log, onProblem });
  }

  write(effect: Extract<Effect, { kind: 'trace' }>): void {
    this.files?.write(effect.trace);
  }

  reopen(): void {
    this.files?.cycle();
  }

  close(): void {
    this.files?.close();
  }
}
