import { readFileSync, statSync } from 'node:fs';
import type { Severity } from '../../ports/observer.js';
import { parseKeyFile, type SymmetricKey } from '../../wire/ntp/keyfile.js';

type Say = (severity: Severity, text: string) => void;

const OTHERS_MAY = [
  [0o004, 'readable'],
  [0o002, 'writable'],
] as const;
/** Bytes; chronyd's mark, too. */
const SHORTEST_SAFE = 10;

/** The symmetric keys of `keyfile`, read at start and again by `rekey`. */
export class Keys {
  private keys: readonly SymmetricKey[] = [];

  constructor(
    private readonly path: string | undefined,
    private readonly say: Say,
  ) {}

  get list(): readonly SymmetricKey[] {
    return this.keys;
  }

  /** Tells what is wrong with the key that a source is to use; 0 = none. */
  check(id: number): void {
    if (id === 0) return;
    const key = this.keys.find((k) => k.id === id);
    if (key === undefined) this.say('warn', `Key ${id} is missing`);
    else if (key.secret.length < SHORTEST_SAFE) this.say('warn', `Key ${id} is too short`);
  }

  /** A file that cannot be read is told; the keys of before stay in use then. */
  load(): void {
    const { path } = this;
    if (path === undefined) return;
    try {
      const text = readFileSync(path, 'latin1');
      const { mode } = statSync(path);
      const open = OTHERS_MAY.find(([bit]) => (mode & bit) !== 0);
      if (open !== undefined) this.say('warn', `World-${open[1]} permissions on ${path}`);
      const { keys, warnings } = parseKeyFile(text);
      for (const warning of warnings) this.say('warn', `${warning} in file ${path}`);
      this.keys = keys;
      this.say('info', `Loaded ${keys.length} symmetric keys`);
    } catch {
      this.say('warn', `Could not open keyfile ${path}`);
    }
  }
}
