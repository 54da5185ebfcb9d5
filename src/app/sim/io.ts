/** Where a command writes: the process's streams, or a test's. */
export interface Io {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

export const EXIT = { ok: 0, failed: 1, noData: 2, usage: 64, config: 78 } as const;
