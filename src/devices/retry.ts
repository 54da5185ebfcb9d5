import type { ErrorCode } from '../base/errors.js';
import { CodedError } from '../base/errors.js';
import type { Device, DeviceHandlers } from '../ports/device.js';

/** ms between attempts to open a device that is not there: quick at first, then patient. */
const DELAYS = [250, 500, 1000, 2000, 5000];

/** What an opened device must offer: a way to be closed. */
export interface Opened {
  close(): void;
}

/** errno names that mean "not there (yet)" and "may not". */
const MISSING = new Set(['ENOENT', 'ENXIO', 'ENODEV', 'ENOTDIR']);
const DENIED = new Set(['EACCES', 'EPERM', 'EBUSY', 'EAGAIN', 'EWOULDBLOCK']);
const UNSUPPORTED = new Set(['ENOTTY', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL']);

/** The public code for what the system said. */
export const codeOf = (error: unknown): ErrorCode => {
  if (error instanceof CodedError) return error.code;
  const code = (error as { code?: string }).code ?? '';
  if (MISSING.has(code)) return 'ERR_TB_DEVICE_MISSING';
  if (DENIED.has(code)) return 'ERR_TB_DEVICE_ACCESS';
  if (UNSUPPORTED.has(code)) return 'ERR_TB_DEVICE_UNSUPPORTED';
  return 'ERR_TB_DEVICE_FAILED';
};

export { plainReason } from '../base/errors.js';

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Keeps a device open for as long as it is wanted: a missing device is a state, never an error. `open` is called
 * again and again until it succeeds; `lost` (given to it) says that the device went away.
 */
export class Keeper implements Device {
  readonly name: string;
  private readonly open: (lost: (error: unknown) => void) => Opened | Promise<Opened>;
  private readonly handlers: DeviceHandlers;
  private opened: Opened | undefined;
  private timer: NodeJS.Timeout | undefined;
  private attempt = 0;
  private stopped = false;
  private reported: string | undefined;

  constructor(
    name: string,
    handlers: DeviceHandlers,
    open: (lost: (error: unknown) => void) => Opened | Promise<Opened>,
  ) {
    this.name = name;
    this.handlers = handlers;
    this.open = open;
    // Not inside the caller's constructor: handlers may not be ready yet.
    this.timer = setTimeout(() => void this.tryOpen(), 0);
  }

  stop(): void {
    this.stopped = true;
    if (this.timer !== undefined) clearTimeout(this.timer);
    this.close();
  }

  private async tryOpen(): Promise<void> {
    let lost = false;
    try {
      const opened = await this.open((error) => {
        if (lost) return;
        lost = true;
        this.close();
        this.down(error);
      });
      if (this.stopped || lost) {
        opened.close();
        return;
      }
      this.opened = opened;
      this.attempt = 0;
      this.reported = undefined;
      this.handlers.onState({ kind: 'up' });
    } catch (error) {
      if (!lost) this.down(error);
    }
  }

  private down(error: unknown): void {
    if (this.stopped) return;
    const reason = messageOf(error);
    // The same reason is told once, not at every attempt.
    if (reason !== this.reported) this.handlers.onState({ kind: 'down', code: codeOf(error), reason });
    this.reported = reason;
    const delay = DELAYS[Math.min(this.attempt++, DELAYS.length - 1)]!;
    this.timer = setTimeout(() => void this.tryOpen(), delay);
    this.timer.unref();
  }

  private close(): void {
    const opened = this.opened;
    this.opened = undefined;
    try {
      opened?.close();
    } catch {
      // A device that is gone may fail to close; nothing is left to do.
    }
  }
}
