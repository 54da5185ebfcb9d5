import { readdirSync, readFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Instant } from '../../base/time.js';
import { type DumpedSource, dumpFileName, formatDump, parseDump, type SourceDump } from '../../core/sources/dump.js';
import { messageOf } from '../../devices/retry.js';
import type { Store } from '../../ports/store.js';

/** Files of this directory that are histories: of reference clocks, and of NTP sources by their address. */
const DUMP_FILE = /^(refid:[0-9a-f]{8}|[0-9.]+|[0-9a-f:]+)\.dat$/;

/** Histories of sources in `dumpdir`, so that a restart need not measure everything anew. */
export class Dumps {
  constructor(
    private readonly dir: string | undefined,
    private readonly store: Store,
    private readonly warn: (text: string) => void,
  ) {}

  write(dumps: readonly SourceDump[]): void {
    if (this.dir === undefined) return;
    for (const dump of dumps) {
      try {
        this.store.writeAtomic(join(this.dir, dumpFileName(dump)), formatDump(dump));
      } catch (error) {
        this.warn(messageOf(error));
      }
    }
  }

  /** What a source's file says; undefined when there is none or it is of no use. */
  read(source: DumpedSource, now: Instant): SourceDump | undefined {
    if (this.dir === undefined) return undefined;
    let text: string;
    try {
      text = readFileSync(join(this.dir, dumpFileName(source)), 'latin1');
    } catch {
      return undefined;
    }
    const dump = parseDump(text, source, now);
    if (dump === undefined) this.warn(`Could not load dump file for ${source.name}`);
    return dump;
  }

  /** Histories are of one use: after a start they are old. */
  removeAll(): void {
    if (this.dir === undefined) return;
    try {
      for (const file of readdirSync(this.dir)) if (DUMP_FILE.test(file)) unlinkSync(join(this.dir, file));
    } catch {
      // No directory yet.
    }
  }
}
