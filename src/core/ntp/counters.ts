/**
 * What the packet plane counts, in shared memory: one writer (a worker), any reader. Doubles, because 32 bits would
 * wrap in hours at full rate and bigints would be allocated.
 */
export const COUNTER = {
  /** Packets taken from the sockets. */
  received: 0,
  /** Requests from allowed addresses that ask in a way that is answered. */
  hits: 1,
  /** Of those, dropped by a rate limit. */
  drops: 2,
  /** Not NTP: length, fields, mode, version, source. */
  malformed: 3,
  /** From an address that is not allowed. */
  denied: 4,
  /** With a MAC or NTS fields that cannot be verified. */
  unauthenticated: 5,
  interleaved: 6,
  /** Replies by kind of the receive and the transmit stamp that they carry. */
  daemonRx: 7,
  kernelRx: 8,
  hardwareRx: 9,
  daemonTx: 10,
  kernelTx: 11,
  hardwareTx: 12,
  /** Replies that the kernel refused to send. */
  sendErrors: 13,
  /** Transmit stamps that came back and fitted, and that did not. */
  txStamps: 14,
  txStampsLost: 15,
  /** Packets lost to full socket buffers (kernel's count). */
  overflows: 16,
  /** Batches received; received/batches is the mean fill. */
  batches: 17,
  /** Times the clock's correction jumped and the interleave ring was voided. */
  steps: 18,
  /** Requests dropped because they waited too long, or bear a stamp from before a step of the clock. */
  stale: 19,
  /** Requests with a good MAC. */
  authenticated: 20,
  /** Requests of mode 6 handed on, and those that were not (not allowed, too many). */
  control: 21,
  controlDropped: 22,
  /** Kisses of death (they count as drops, too). */
  kisses: 23,
  /** Packets of configured peers handed on, and those that were not (too many, not NTP). */
  peers: 24,
  peersDropped: 25,
  /** PTP messages with NTP inside, and what came to their port without (another domain, lengths that lie, real PTP). */
  ptpMessages: 26,
  ptpIgnored: 27,
  /** Stamps of network cards that could not be translated, or contradicted the kernel's: that was used. */
  hardwareUnused: 28,
} as const;

export const COUNTER_BYTES = 32 * 8;

export const newCounters = (buffer: SharedArrayBuffer): Float64Array => new Float64Array(buffer, 0, COUNTER_BYTES / 8);
