import { parseIp } from '../../base/ip.js';
import type { NtpSourceConfig } from '../../conf/config.js';
import type { FileAccess } from '../../conf/files.js';
import { readSourceDirs } from '../../conf/sourcedirs.js';
import type { Command, CommandAnswer } from '../../engine/events.js';
import type { Severity } from '../../ports/observer.js';
import { usable } from './ntpsupport.js';

export interface SourceFilesParts {
  readonly directories: readonly string[];
  readonly files: FileAccess;
  readonly command: (command: Command) => CommandAnswer;
  readonly say: (severity: Severity, text: string) => void;
  /** Tells what is wrong with the key that a source is to use; 0 = none. */
  readonly checkKey: (id: number) => void;
}

/** chronyd's words. */
const REASON: Partial<Record<CommandAnswer['outcome'], string>> = {
  'source-exists': 'Already in use',
  'too-many-sources': 'Too many sources',
};

/** The NTP sources of `sourcedir` directories: files that other programs write and change while the daemon runs. */
export class SourceFiles {
  /** What was taken from the files, by name; the text tells whether a line has changed. */
  private readonly taken = new Map<string, string>();

  constructor(private readonly parts: SourceFilesParts) {}

  /** Takes in what is new, drops what is gone; a changed line is a new source. */
  load(): void {
    const { directories, files, command, say } = this.parts;
    if (directories.length === 0) return;
    const { sources, problems } = readSourceDirs(directories, files);
    for (const problem of problems) say('warn', problem);
    const wanted = new Map<string, NtpSourceConfig>();
    const inUse = ` : ${REASON['source-exists']}`;
    for (const source of usable(sources, (text) => say('warn', text), inUse)) wanted.set(source.name, source);
    for (const [name, text] of this.taken) {
      const source = wanted.get(name);
      if (source !== undefined && JSON.stringify(source) === text) continue;
      if (command({ name: 'delete-source', source: name }).outcome === 'done') this.tell('Removed', name);
      this.taken.delete(name);
    }
    for (const [name, options] of wanted) {
      if (this.taken.has(name)) continue;
      const { outcome } = command({ name: 'add-ntp-source', options });
      if (outcome === 'done') {
        this.taken.set(name, JSON.stringify(options));
        this.parts.checkKey(options.key);
        this.tell('Added', name);
      } else say('warn', `Could not add source ${name} : ${REASON[outcome] ?? outcome}`);
    }
  }

  /** As chronyd, which says nothing of names: they are no sources yet. */
  private tell(what: 'Added' | 'Removed', name: string): void {
    if (parseIp(name) !== undefined) this.parts.say('info', `${what} source ${name}`);
  }
}
