import { writeSync } from 'node:fs';
import type { Native } from '../../devices/native.js';

/** Says "ready" to systemd (NOTIFY_SOCKET) and to s6 (`-N FD`). */
export const tellReady = (native: Native, readyFd: number | undefined): void => {
  native.sdNotify('READY=1');
  if (readyFd === undefined) return;
  try {
    writeSync(readyFd, '\n');
  } catch {
    // Whoever wanted to know is gone.
  }
};

/** systemd's watchdog: a sign of life at half the interval it asks for (WATCHDOG_USEC, µs). */
export class Watchdog {
  private readonly native: Native;
  constructor(native: Native) {
    this.native = native;
  }

  /** Returns the end of it. */
  start(): () => void {
    const usec = Number(process.env['WATCHDOG_USEC'] ?? 0);
    if (!(usec > 0)) return () => {};
    const timer = setInterval(() => void this.native.sdNotify('WATCHDOG=1'), usec / 2000);
    return () => clearInterval(timer);
  }
}
