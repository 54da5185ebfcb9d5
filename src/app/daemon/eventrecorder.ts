import type { EngineConfig } from '../../engine/config.js';
import type { Effect, Event, Now } from '../../engine/events.js';
import { LineFile } from '../../observe/linefile.js';
import { encodeEntry, encodeHeader } from '../../sim/eventlog.js';

/** Writes what the engine was told, and a digest of what it answered: `timeball replay FILE --verify` runs it again. */
export class EventRecorder {
  private readonly file: LineFile;

  /** @throws CodedError ERR_TB_SYSCALL when the file cannot be opened. */
  constructor(path: string, config: EngineConfig) {
    this.file = LineFile.create(path);
    this.file.write(encodeHeader(config));
  }

  record(event: Event, effects: readonly Effect[], now: Now): void {
    this.file.write(encodeEntry(event, now, effects));
  }

  close(): void {
    this.file.close();
  }
}
