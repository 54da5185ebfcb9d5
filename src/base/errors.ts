/**
 * The one table of public error codes. A code is part of the interface: it is documented in docs/errors.md
 * (a test keeps the two equal) and never changes its meaning.
 */
export const ERRORS = {
  ERR_TB_USAGE: 'the command line cannot be understood',
  ERR_TB_CONFIG: 'a directive in the configuration is wrong',
  ERR_TB_CONFIG_FILE: 'a configuration file cannot be read',
  ERR_TB_DEVICE_MISSING: 'a device is not there (yet); it is looked for again',
  ERR_TB_DEVICE_ACCESS: 'a device may not be opened by this user, or is held by another program',
  ERR_TB_DEVICE_FAILED: 'a device answered with an error',
  ERR_TB_DEVICE_UNSUPPORTED: 'a device or kernel lacks a needed capability',
  ERR_TB_SHM_LAYOUT: 'an NTP SHM segment has the wrong size, owner or mode',
  ERR_TB_DRIFT_FILE: 'the drift file holds no valid frequency and skew',
  ERR_TB_CLOCK_CONTROL: 'the kernel refused to adjust the clock',
  ERR_TB_ADDON: 'the native addon cannot be loaded',
  ERR_TB_SYSCALL: 'a system call failed',
  ERR_TB_SOCKET: 'a socket cannot be opened',
  ERR_TB_RUNNING: 'another instance is running',
  ERR_TB_PRIVILEGE: 'a needed privilege is missing',
  ERR_TB_REPLAY: 'an event log or trace cannot be read',
  ERR_TB_SCENARIO: 'there is no such scenario',
  ERR_TB_QUERY: 'a query to the daemon cannot be understood',
  ERR_TB_TALK: 'the daemon does not answer',
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** An error that a user or a program outside may meet. `message` is for people, `code` for programs. */
export class CodedError extends Error {
  override name = 'CodedError';
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** `ENOENT: No such file or directory, open '/dev/rtc'` in strerror(3)'s words alone, as chronyd ends its messages. */
export const plainReason = (reason: string): string => {
  const words = /^E[A-Z0-9]+: ([^,]+)/.exec(reason)?.[1];
  return words === undefined ? reason : words[0]!.toUpperCase() + words.slice(1);
};
