/**
 * The addon's whole surface. Only this file loads it. Native stamps, maps and moves bytes; it judges nothing.
 * Times are ns since 1970 (CLOCK_REALTIME) or since boot as bigint. Misuse throws TypeError; a failing system call
 * throws an Error with `code` = errno name ('ENODEV'), `errno` = number (positive), `syscall` = name. Use after close() is
 * misuse; closing again is not.
 * Whatever is started (start, startEvents, an Arrivals) holds the event loop and itself until stop() or close(); the end of
 * its worker stops it too. An exception of a listener becomes an uncaught one.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CodedError } from '../base/errors.js';

export type NativeClockName = 'realtime' | 'monotonic' | 'monotonic_raw' | 'boottime' | 'tai';

/** struct timex (clock_adjtime(2)); only fields that `modes` names are used on the way in, and those must be there. */
export interface Timex {
  modes: number;
  offset: bigint;
  freq: bigint;
  maxerror: bigint;
  esterror: bigint;
  status: number;
  constant: bigint;
  precision: bigint;
  tolerance: bigint;
  timeSec: bigint;
  /** µs, or ns with ADJ_NANO. */
  timeUsec: bigint;
  tick: bigint;
  tai: number;
  /** Return value: TIME_OK 0 … TIME_ERROR 5. */
  state: number;
  /** CLOCK_MONOTONIC when the kernel did it, ns, to 1 µs; undefined where it stepped the clock. */
  at: bigint;
}

export interface NativePpsParams {
  mode: number;
  /** ns */
  assertOffset: bigint;
  clearOffset: bigint;
}
export interface NativePpsInfo {
  assertSequence: number;
  clearSequence: number;
  assertTime: bigint;
  clearTime: bigint;
  mode: number;
}
export interface NativePps {
  capabilities(): number;
  getParams(): NativePpsParams;
  setParams(params: NativePpsParams): void;
  /** PPS_FETCH; 0 = return the last event at once; negative = wait for ever. Throws ETIMEDOUT. */
  fetch(timeoutMs: number): NativePpsInfo;
  /**
   * Starts the fetch thread: `onInfo` gets every new fetch result, `onError` an errno name; the thread ends after an error
   * other than ETIMEDOUT. Queue 64, drop oldest and count. stop() returns at once: nothing is reported any more, while the
   * thread itself ends up to 1.5 s later (nothing interrupts PPS_FETCH).
   */
  start(onInfo: (info: NativePpsInfo) => void, onError: (code: string) => void): void;
  dropped(): number;
  stop(): void;
  close(): void;
}

export interface NativePhcCaps {
  maxAdjPpb: number;
  nAlarm: number;
  nExtTs: number;
  nPerOut: number;
  pps: boolean;
  nPins: number;
  crossTimestamping: boolean;
  adjustPhase: boolean;
}
/** System clock before and after, PHC between, ns. For `precise` before === after. */
export interface NativePhcReading {
  before: bigint;
  phc: bigint;
  after: bigint;
}
export interface NativePhc {
  readonly clockId: number;
  capabilities(): NativePhcCaps;
  gettime(): bigint;
  offsetPrecise(): NativePhcReading;
  offsetExtended(samples: number): NativePhcReading[];
  offsetBasic(samples: number): NativePhcReading[];
  /** PTP_EXTTS_REQUEST2; the first ioctl where the kernel lacks it (before 5.4). flags: 1 enable, 2 rising, 4 falling, 8 strict. */
  extts(channel: number, flags: number): void;
  pinFunction(pin: number, func: number, channel: number): void;
  /** Queue 64, drop oldest. The thread ends after an error. */
  startEvents(onEvent: (channel: number, time: bigint) => void, onError: (code: string) => void): void;
  stopEvents(): void;
  close(): void;
}

/** ETHTOOL_GET_TS_INFO: SOF_TIMESTAMPING_*, /dev/ptpN (−1 = none), masks over HWTSTAMP_TX_* and HWTSTAMP_FILTER_*. */
export interface NativeTsInfo {
  flags: number;
  phcIndex: number;
  txTypes: number;
  rxFilters: number;
}
export interface NativeStampConfig {
  txType: number;
  rxFilter: number;
}
/** Whose hardware stamps an interface may have (Linux 6.14): its own, its PHY's, exact or not. */
export interface NativeStampProvider extends NativeTsInfo {
  /** HWTSTAMP_PROVIDER_QUALIFIER_*: 0 precise, 1 approximate. */
  qualifier: number;
  /** HWTSTAMP_SOURCE_*: 1 the interface itself, 2 a PHY, 0 not told. */
  source: number;
  /** Number of the PHY; −1 = none, or not told. */
  phyIndex: number;
  /** The kernel takes its stamps. */
  inForce: boolean;
}
export interface NativeLink {
  index: number;
  up: boolean;
  /** With a carrier. */
  running: boolean;
  speedMbps: number;
}

export interface NativeShmSample {
  mode: number;
  /** ns; assembled by the nsec/usec agreement rule (spec linux-time 6). */
  clockTime: bigint;
  receiveTime: bigint;
  leap: number;
  precision: number;
}
export interface NativeShm {
  /** Bytes, at least 96: a smaller one (80: a producer with 32-bit time_t) is refused with EINVAL. */
  readonly size: number;
  readonly uid: number;
  readonly mode: number;
  /**
   * Undefined: no valid sample. A string: refused ('clash', 'mode', 'range'). `consume` false: leave `valid` set (a monitor).
   * EACCES to consume or write where the segment's mode lets us only read.
   */
  read(consume: boolean): NativeShmSample | string | undefined;
  /** Writer side (mode 1: count, barrier, fields, barrier, count, valid). */
  write(sample: { clockTime: bigint; receiveTime: bigint; leap: number; precision: number }): void;
  /** Segments outlive processes: this one goes when the last has let go of it. Throws EPERM for somebody else's. */
  remove(): void;
  close(): void;
}

/** One arrival of bytes at a tty: stamped, not consumed. What lay in the buffer at the start is not one. */
export interface NativeArrival {
  realtime: bigint;
  monotonicRaw: bigint;
  /** Unread bytes in the tty's buffer just after (FIONREAD). */
  pending: number;
}
export interface NativeArrivals {
  /** Takes all stamps since the last call, oldest first. Queue 256, drop oldest and count. */
  take(): NativeArrival[];
  dropped(): number;
  close(): void;
}

export interface NativeDatagram {
  /** UNIX datagram socket bound at a path of at most 107 bytes (created; unlinked on close if it is still ours). */
  readonly path: string;
  /** `from` null: an unbound or abstract sender. Messages of up to 8192 bytes, longer ones dropped; queue 256, drop oldest; both counted. */
  start(onMessage: (bytes: Uint8Array, from: string | null) => void, onError: (code: string) => void): void;
  /** To a peer's path; returns false when it would block or the peer is gone (EAGAIN, ENOENT, ECONNREFUSED). */
  send(bytes: Uint8Array, to: string): boolean;
  dropped(): number;
  close(): void;
}

export interface NativeUdpOptions {
  family: 4 | 6;
  /** '' = any. IPv6 sockets are V6ONLY. */
  address: string;
  port: number;
  device?: string;
  reusePort?: boolean;
  /** With an empty address: sockets beside it, each bound to one of the host's addresses as they come and go (cheaper). */
  perAddress?: boolean;
  reuseAddress?: boolean;
  /** IP_FREEBIND, for addresses that are not there yet. */
  freeBind?: boolean;
  dscp?: number;
  receiveBufferBytes?: number;
  /**
   * SO_TIMESTAMPING flags to ask for; unsupported bits are dropped. 0 = SO_TIMESTAMPNS only. TX bits say what WANT_TX may ask
   * for, packet by packet; OPT_ID and OPT_TSONLY come with them.
   */
  timestamping?: number;
  /** With reusePort: a source address always meets the same one of this many sockets. 0 or 1: by address and port. */
  steerTo?: number;
  /**
   * Descriptors that the process was started with (socket activation): one that is a UDP socket bound to exactly this
   * family, address and port is used, by a duplicate, in place of a new socket. Others are left alone.
   */
  inherited?: readonly number[];
  /** u32 mixed into the address. */
  steerSeed?: number;
}
export interface NativeMacKey {
  /** 1…2^32−1. */
  id: number;
  /** As in a key file: 'MD5', 'SHA1', 'SHA256', …, 'SHA3-512', 'AES128', 'AES256'. */
  type: string;
  secret: Uint8Array;
}
/** A PacketTransport (ports/transport.ts) over real sockets, plus its waking and its facts. */
export interface NativeUdpSet {
  readonly slab: ArrayBuffer;
  readonly txStamps: ArrayBuffer;
  /** Bound port of each socket, in the order asked for. */
  readonly ports: number[];
  /** Flags granted, receive buffer granted. */
  readonly granted: { timestamping: number; receiveBufferBytes: number }[];
  /** eventfd: any thread may write to it (native.wake) to make receive() return. */
  readonly wakeFd: number;
  /**
   * A wait is cut at 1 s whatever was asked, so that a worker inside it can be terminated. Transmit stamps that come in while
   * it waits are kept for drainTxStamps (the oldest 256 are lost when nobody fetches them); they do not end the wait.
   */
  receive(timeoutMs: number): number;
  send(count: number): number;
  /** TXSTAMP_MAX: there may be more, call again. */
  drainTxStamps(): number;
  /** Packets lost to a full socket buffer (SO_RXQ_OVFL), summed. */
  overflows(): number;
  /** Replaces all keys; slots are indices of the list. Throws TypeError for a type that is not known or a wrong length. */
  setKeys(keys: readonly NativeMacKey[]): void;
  /** Constant time. False for a slot without a key, too. */
  verify(slot: number, key: number, macAt: number, macBytes: number): boolean;
  close(): void;
}

/** The RTC began the second `seconds` between `time` − `error` and `time`. */
export interface NativeRtcUpdate {
  /** CLOCK_REALTIME, ns. */
  time: bigint;
  /** Its date and time, counted as if they were UTC, s since 1970. */
  seconds: number;
  /** ns: 0 by interrupt, more where it has to be read again and again. */
  error: bigint;
}
/** A real-time clock (rtc(4)). One program at a time may have it open (EBUSY). */
export interface NativeRtc {
  /** s since 1970, as if its date and time were UTC. Throws EINVAL when it says that it has lost the time. */
  read(): number;
  /** Needs CAP_SYS_TIME. */
  set(seconds: number): void;
  /** Starts the thread that waits for updates; `onError` gets an errno name, and the thread has ended. */
  start(onUpdate: (update: NativeRtcUpdate) => void, onError: (code: string) => void): void;
  /** Asks for one update; it comes some two seconds later. Asking again meanwhile changes nothing. */
  request(): void;
  /** Waits for the thread, which looks up at once. */
  close(): void;
}

/** The system log (syslog(3)): facility daemon, `ident[pid]`. Never waits: a line that cannot be taken is lost. */
export interface NativeSyslog {
  /** `priority`: 0 emergency … 7 debug. False: the line is lost. */
  write(priority: number, text: string): boolean;
  close(): void;
}

/** Where a request goes, and from where. */
export interface NativeRequestOptions {
  /** Numeric, IPv4 or IPv6. */
  address: string;
  port: number;
  /** Undefined = any. */
  localAddress?: string | undefined;
  /** Undefined = a random one for each request. */
  localPort?: number | undefined;
  device?: string | undefined;
  dscp?: number | undefined;
  /** Runs a packet over loopback first, so that nothing is cold between the request's stamp and the wire. */
  warm?: boolean | undefined;
  /** Stamps of network cards are wanted, too. */
  hardware?: boolean | undefined;
}
/** A stamp of a network card, on its own clock. */
export interface NativeHardwareStamp {
  time: bigint;
  /** Index of the interface that has the clock; 0 = not known. */
  interface: number;
  /** Bytes of the frame without its check sequence; 0 = not known. */
  length: number;
}
/**
 * NTP requests, each from a connected socket of its own; one thread waits for stamps and replies. For each request the
 * listener of the transmit stamp is called (with the kernel's stamp, before the one of its replies; and with `hardware`, where
 * that is asked for, once the card's has come, which may be later). `ifindex`: by which it left, 0 = not known. `kernel` false: the stamp was read after the fact. Holds the event loop until close().
 */
export interface NativeUdpClients {
  /** Sends at once. `time`: the system clock just before; `local`: the address it leaves from. At most 4096 open ones (EMFILE). */
  request(bytes: Uint8Array, options: NativeRequestOptions): { id: number; time: bigint; local: string };
  /** Closes the request's socket; an unknown id is none. */
  forget(id: number): void;
  close(): void;
}

export interface Native {
  clockGettime(clock: NativeClockName | number): bigint;
  /** A clock and CLOCK_MONOTONIC at one moment, ns. */
  clockPair(clock: NativeClockName): { time: bigint; monotonic: bigint };
  clockGetres(clock: NativeClockName | number): bigint;
  /** ns: the least time between two readings of CLOCK_REALTIME that differ. */
  clockPrecision(): number;
  /** clock_adjtime(2) on REALTIME (0) or a PHC's clock id. */
  clockAdjtime(clockId: number, timex: Partial<Timex> & { modes: number }): Timex;
  Pps: new (path: string) => NativePps;
  Phc: new (path: string, write: boolean) => NativePhc;
  Shm: new (unit: number, perm: number, create: boolean) => NativeShm;
  /** Watches a dup of `fd` with edge-triggered epoll on a thread of its own. `onHangup`: once, the port is gone. */
  Arrivals: new (
    fd: number,
    onArrival?: () => void,
    onHangup?: () => void,
  ) => NativeArrivals;
  Datagram: new (path: string, options: { unlink: boolean; mode?: number }) => NativeDatagram;
  /**
   * `guard`: a word of shared memory; while it differs from what it was when receive() returned last nothing is sent
   * (TX_ERRNO ECANCELED).
   */
  UdpSet: new (
    sockets: NativeUdpOptions[],
    guard?: Int32Array,
  ) => NativeUdpSet;
  /** Opens and binds one UDP socket; its descriptor is the caller's to close (or to give to node:dgram). */
  openUdpSocket(options: NativeUdpOptions): number;
  Rtc: new (path: string) => NativeRtc;
  /** `path`: /dev/log. Throws ENOENT or ECONNREFUSED when nobody listens. */
  Syslog: new (
    path: string,
    ident: string,
  ) => NativeSyslog;
  UdpClients: new (
    onSent: (id: number, time: bigint, hardware: NativeHardwareStamp | undefined, ifindex: number) => void,
    onReply: (
      id: number,
      bytes: Uint8Array,
      time: bigint,
      kernel: boolean,
      hardware: NativeHardwareStamp | undefined,
    ) => void,
  ) => NativeUdpClients;
  /** H(secret ‖ message), or AES-CMAC: the whole digest. */
  ntpMac(type: string, secret: Uint8Array, message: Uint8Array): Uint8Array;
  wake(fd: number): void;
  /** For memory that is read at random: fewer misses of the table of pages. A hint. */
  preferHugePages(memory: Int32Array): void;
  slabLayout(): {
    slots: number;
    slotBytes: number;
    metaWords: number;
    meta: Record<string, number>;
    txStampWords: number;
    txStampMax: number;
  };
  /** sd_notify(3): false when NOTIFY_SOCKET is not set. */
  sdNotify(state: string): boolean;
  capabilities: {
    /** Effective capabilities of the calling thread by name ('sys_time'). */
    effective(): string[];
    /**
     * initgroups, setgid, setuid, keeping only the named capabilities. Ids change for the whole process; capabilities belong to
     * threads: the calling one and those it starts from now on keep the named ones, threads that run already keep none. So:
     * from the main thread, before the workers.
     */
    dropTo(uid: number, gid: number, keep: string[]): void;
  };
  /** mlockall, present and future; lifts RLIMIT_MEMLOCK first and throws EPERM where it may not (later allocations would fail). */
  lockMemory(): void;
  /** Memory that was freed goes back to the system, now and from now on (glibc keeps megabytes of a start otherwise). */
  returnFreedMemory(): void;
  /** SCHED_FIFO for the calling thread; threads that it starts are ordinary ones. */
  scheduleFifo(priority: number): void;
  /** pty for a simulated receiver: master fd (non-blocking, the caller closes it) and slave path, slave raw at `baud`. */
  openPty(baud: number): { masterFd: number; slavePath: string };
  /** Names and numbers of all interfaces of the network namespace. */
  interfaces(): { index: number; name: string }[];
  /** Throws ENODEV. `speedMbps` 0: not known. */
  linkInfo(interfaceName: string): NativeLink;
  /** What the card is told to stamp: HWTSTAMP_TX_* and HWTSTAMP_FILTER_*. Throws EOPNOTSUPP where the driver cannot tell, or stamp. */
  stampConfig(interfaceName: string): NativeStampConfig;
  /** Needs CAP_NET_ADMIN (EPERM); ERANGE: the card has no such filter. Returns what was granted, which may be more. */
  setStampConfig(interfaceName: string, txType: number, rxFilter: number): NativeStampConfig;
  /** All that an interface has; none where the kernel does not tell (before 6.14), or nothing stamps. Throws ENODEV. */
  stampProviders(interfaceName: string): NativeStampProvider[];
  /**
   * Takes the stamps of a provider and tells it what to stamp; the one before is told to stamp nothing. Needs CAP_NET_ADMIN
   * (EPERM). EOPNOTSUPP: kernel or driver cannot, ERANGE: it has no such filter. Returns what was granted.
   */
  setStampProvider(
    interfaceName: string,
    phcIndex: number,
    qualifier: number,
    txType: number,
    rxFilter: number,
  ): NativeStampConfig;
  /** Interface to its ethtool time-stamping facts (of the provider in force); throws ENODEV. */
  tsInfo(interfaceName: string): NativeTsInfo;
  /** /dev/cpu_dma_latency held at 0 until the returned function is called. */
  holdCpuLatency(): () => void;
}

let loaded: Native | undefined;

/** Loads the addon once a thread: build/Release first (a checkout), then the prebuilds of the package. node-gyp-build reads TIMEBALL_PREBUILD for another directory. */
export const loadNative = (): Native => {
  if (loaded !== undefined) return loaded;
  const require = createRequire(import.meta.url);
  const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
  try {
    loaded = require('node-gyp-build')(root) as Native;
  } catch (cause) {
    throw new CodedError('ERR_TB_ADDON', `cannot load the native addon below ${root}: ${(cause as Error).message}`, {
      cause,
    });
  }
  return loaded;
};
