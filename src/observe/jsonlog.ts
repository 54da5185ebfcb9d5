import type { Logger } from 'pino';
import { toIso } from '../base/time.js';
import type { Fact, Observer } from '../ports/observer.js';
import type { LineFile } from './linefile.js';
import { SEVERITY_LEVEL } from './severity.js';

/** Facts that are kept while pino is being loaded; a start says some tens. */
const MAX_WAITING = 1000;

const write = (logger: Logger, fact: Fact): void => {
  const record = {
    time: toIso(fact.at, 6),
    event: fact.name,
    ...(fact.fields === undefined ? {} : { fields: fact.fields }),
  };
  logger[fact.severity](record, fact.text);
};

/** pino with what a time daemon wants: the fact's own time, no host name, synchronous lines. */
async function createLogger(out: LineFile): Promise<Logger> {
  // Loaded here and not at the top: it is not wanted before the first answer to a client.
  const { pino } = await import('pino');
  return pino(
    {
      // Facts are sifted before they come here.
      level: 'trace',
      base: { pid: process.pid },
      timestamp: false,
      formatters: { level: (label) => ({ level: label }) },
    },
    // pino ends each record with a newline, LineFile adds its own.
    { write: (line: string) => out.write(line.trimEnd()) },
  );
}

/**
 * One JSON record a fact: `{"level","pid","time","event","fields","msg"}`. Facts that come before pino is loaded wait;
 * when more come than are kept, the newest are dropped and told of.
 */
export class JsonLog implements Observer {
  readonly #out: LineFile;
  readonly #minSeverity: number;
  #logger: Logger | undefined;
  #waiting: Fact[] = [];
  #lost = 0;
  /** Resolves when pino is loaded and what has waited is written. */
  readonly ready: Promise<void>;

  constructor(out: LineFile, minSeverity: number) {
    this.#out = out;
    this.#minSeverity = minSeverity;
    this.ready = createLogger(out).then((logger) => this.#start(logger));
  }

  fact(fact: Fact): void {
    if (SEVERITY_LEVEL[fact.severity] < this.#minSeverity) return;
    if (this.#logger !== undefined) write(this.#logger, fact);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(fact);
    else this.#lost++;
  }

  reopen(): void {
    this.#out.reopen();
  }

  /** What has waited in vain is written plainly: the reason of a failed start must not be lost. */
  close(): void {
    for (const { severity, at, name, text } of this.#waiting) {
      this.#out.write(JSON.stringify({ level: severity, time: toIso(at, 6), event: name, msg: text }));
    }
    this.#waiting = [];
    this.#out.close();
  }

  #start(logger: Logger): void {
    this.#logger = logger;
    for (const fact of this.#waiting) write(logger, fact);
    this.#waiting = [];
    if (this.#lost > 0)
      logger.warn({ event: 'log.lost', fields: { count: this.#lost } }, 'Log records were lost at start');
  }
}
