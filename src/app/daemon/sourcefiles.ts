import type { NtpSourceConfig } from '../../conf/config.js';
import type { FileAccess } from '../../conf/files.js';
import { readSourceDirs } from '../../conf/sourcedirs.js';
import type { Command, CommandAnswer } from '../../engine/events.js';
import { usable } from './ntpsupport.js';

export interface SourceFilesParts {
  readonly directories: readonly string[];
  readonly files: FileAccess;
  readonly command: (command: Command) => CommandAnswer;
  readonly say: (text: string) => void;
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
    for (const problem of problems) say(problem);
    const wanted = new Map<string, NtpSourceConfig>();
    for (const source of usable(sources, say)) wanted.set(source.name, source);
    for (const [name, text] of this.taken) {
      const source = wanted.get(name);
      if (source !== undefined && JSON.stringify(source) === text) continue;
      command({ name: 'delete-source', source: name });
      this.taken.delete(name);
    }
    for (const [name, options] of wanted) {
      if (this.taken.has(name)) continue;
      const { outcome } = command({ name: 'add-ntp-source', options });
      if (outcome === 'done') this.taken.set(name, JSON.stringify(options));
      else say(`Could not add source ${name} : ${REASON[outcome] ?? outcome}`);
    }
  }
}
