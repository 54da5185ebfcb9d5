import { fstatSync } from 'node:fs';
import { toIso } from '../base/time.js';
import type { Fact, Observer } from '../ports/observer.js';
import { JsonLog } from './jsonlog.js';
import { LineFile } from './linefile.js';
import { SEVERITY_LEVEL, SYSLOG_PRIORITY } from './severity.js';

export interface LogOptions {
  readonly format: 'text' | 'json';
  /** Log file (`-l`); undefined = stderr, or what stands for the system log there. */
  readonly file: string | undefined;
  /** Logging to the terminal was asked for (`-d`): time stamps, never the journal's form. */
  readonly toStderr: boolean;
  /** −1 debug … 3 fatal (`-L`). */
  readonly minSeverity: number;
  /** Connects to the system log; throws when nobody listens. */
  readonly openSyslog?: () => Syslog;
}

/** syslog(3). `priority`: 0 emergency … 7 debug. */
export interface Syslog {
  write(priority: number, text: string): boolean;
  close(): void;
}

/** Where facts become lines. */
export interface Log extends Observer {
  /** Command cyclelogs. @throws CodedError ERR_TB_SYSCALL when the file cannot be opened again; the old one is kept. */
  reopen(): void;
  close(): void;
}

/** Control characters would let a name from the network forge a line. */
const oneLine = (text: string): string => text.replace(/[\x00-\x1f\x7f]/g, '?');

/** chronyd's prefix for what ends the daemon. */
const FATAL_PREFIX = 'Fatal error : ';

const words = ({ severity, text }: Fact): string => (severity === 'fatal' ? FATAL_PREFIX : '') + oneLine(text);

type Format = (fact: Fact) => string;

/** `2026-11-21T01:02:03Z message`, in files and on the terminal. */
const stampedLine: Format = (fact) => `${toIso(fact.at, 0)} ${words(fact)}`;
/** The journal has its own time and takes the priority from the line. */
const journalLine: Format = (fact) => `<${SYSLOG_PRIORITY[fact.severity]}>${words(fact)}`;

class TextLog implements Log {
  readonly #out: LineFile;
  readonly #format: Format;
  readonly #minSeverity: number;

  constructor(out: LineFile, format: Format, minSeverity: number) {
    this.#out = out;
    this.#format = format;
    this.#minSeverity = minSeverity;
  }

  fact(fact: Fact): void {
    if (SEVERITY_LEVEL[fact.severity] >= this.#minSeverity) this.#out.write(this.#format(fact));
  }

  reopen(): void {
    this.#out.reopen();
  }

  close(): void {
    this.#out.close();
  }
}

/** Without `-d` and `-l`: as chronyd does. The system log has its own time and is told the severity. */
class SystemLog implements Log {
  readonly #syslog: Syslog;
  readonly #minSeverity: number;

  constructor(syslog: Syslog, minSeverity: number) {
    this.#syslog = syslog;
    this.#minSeverity = minSeverity;
  }

  fact(fact: Fact): void {
    const { severity } = fact;
    if (SEVERITY_LEVEL[severity] >= this.#minSeverity) this.#syslog.write(SYSLOG_PRIORITY[severity], words(fact));
  }

  reopen(): void {}

  close(): void {
    this.#syslog.close();
  }
}

const systemLog = (open: (() => Syslog) | undefined, minSeverity: number): SystemLog | undefined => {
  try {
    return open && new SystemLog(open(), minSeverity);
  } catch {
    // No system log here: stderr, then.
    return undefined;
  }
};

/** True when stderr is the journal's socket (systemd sets JOURNAL_STREAM to its device and inode). */
export function isJournal(stream: string | undefined, fd = 2): boolean {
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(fd);
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/**
 * Opens the daemon's log. Without `-d` and `-l` that is the system log, as chronyd's. Under systemd stderr is the journal,
 * which is as good and knows us by our unit; where there is no system log the lines go to stderr.
 */
export function openLog({ format, file, toStderr, minSeverity, openSyslog }: LogOptions): Log {
  const out = file === undefined ? LineFile.of(2) : LineFile.open(file);
  if (format === 'json') return new JsonLog(out, minSeverity);
  if (file !== undefined) return new TextLog(out, stampedLine, minSeverity);
  if (toStderr) return new TextLog(out, stampedLine, minSeverity);
  if (isJournal(process.env['JOURNAL_STREAM'])) return new TextLog(out, journalLine, minSeverity);
  return systemLog(openSyslog, minSeverity) ?? new TextLog(out, stampedLine, minSeverity);
}
