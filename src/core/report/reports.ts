/**
 * Immutable views of the daemon's state, one for each report of the cmdmon protocol (shared by cmdmon, http, logs).
 * Signs: offset = positive when the local clock is slow (add to correct). A field whose name ends in `Fast` has
 * chrony's sign (positive = the local clock is ahead) and stands as chronyc prints it.
 */
import type { RefId } from '../../base/refid.js';
import type { Instant } from '../../base/time.js';
import type { Frequency, Leap, Ppm, Seconds, StampKind } from '../../base/units.js';

/** Text form of an IP address ('192.0.2.1', '2001:db8::1'); undefined for a reference clock. */
export type IpText = string;

export interface TrackingReport {
  readonly refId: RefId;
  /** Undefined: reference clock, local reference or not synchronised. */
  readonly address: IpText | undefined;
  /** Name of the reference for people: 'PPS0', '192.0.2.1', ''. */
  readonly name: string;
  /** 0 when not synchronised and no local reference. */
  readonly stratum: number;
  readonly leap: Leap;
  readonly referenceTime: Instant;
  /** Still to be added to the system (raw) clock; positive = slow of NTP time. */
  readonly currentCorrection: Seconds;
  /** Offset found at the last update, positive = the clock was slow (chronyc prints it with the other sign). */
  readonly lastOffset: Seconds;
  readonly rmsOffset: Seconds;
  /** Rate at which the system clock would be wrong if not corrected; positive = fast. */
  readonly frequencyFastPpm: Ppm;
  readonly residualFrequencyPpm: Ppm;
  readonly skewPpm: Ppm;
  readonly rootDelay: Seconds;
  readonly rootDispersion: Seconds;
  readonly lastUpdateInterval: Seconds;
  /** Beyond chrony: the discipline's mode. */
  readonly mode: 'reset' | 'converging' | 'tracking' | 'holdover' | 'local';
}

/** SOURCE_DATA states: the character that chronyc prints. */
export type SourceState = '*' | '?' | 'x' | '~' | '+' | '-';
export type SourceMode = 'client' | 'peer' | 'refclock';

export interface SourceReport {
  /** Text address, or the refid's text for a reference clock. */
  readonly name: string;
  readonly refId: RefId;
  readonly address: IpText | undefined;
  readonly mode: SourceMode;
  readonly state: SourceState;
  readonly stratum: number;
  readonly pollLog2: number;
  /** 8-bit register. */
  readonly reach: number;
  /** Seconds since the last sample; undefined = none yet. */
  readonly sinceSample: number | undefined;
  readonly lastOffsetMeasuredFast: Seconds;
  readonly lastOffsetFast: Seconds;
  readonly errorBound: Seconds;
}

/** A place for an NTP source whose name has no address yet; a pool has several. */
export interface UnresolvedReport {
  /** Stands for the address; never used twice. */
  readonly id: number;
  readonly name: string;
  readonly mode: 'client' | 'peer';
  /** The shortest that is configured. */
  readonly pollLog2: number;
  /** 0 = none. */
  readonly keyId: number;
  readonly configured: SelectOptions;
  /** It will be polled as soon as it has an address. */
  readonly online: boolean;
}

export interface SourcestatsReport {
  readonly name: string;
  readonly refId: RefId;
  readonly address: IpText | undefined;
  readonly samples: number;
  readonly runs: number;
  readonly spanS: number;
  readonly stdDev: Seconds;
  readonly residualFreqPpm: Ppm;
  readonly skewPpm: Ppm;
  readonly offsetFast: Seconds;
  readonly offsetError: Seconds;
}

/** State letters of chrony's selection (cmdmon 11.14). */
export type SelectState =
  | 'N'
  | 'M'
  | 's'
  | 'r'
  | 'd'
  | '~'
  | 'w'
  | 'S'
  | 'O'
  | 'T'
  | 'x'
  | 'W'
  | 'P'
  | 'U'
  | 'D'
  | 'L'
  | '+'
  | '*';

export interface SelectOptions {
  readonly noselect: boolean;
  readonly prefer: boolean;
  readonly trust: boolean;
  readonly require: boolean;
}

export interface SelectReport {
  readonly name: string;
  readonly refId: RefId;
  readonly address: IpText | undefined;
  readonly state: SelectState;
  readonly authenticated: boolean;
  readonly leap: Leap;
  readonly configured: SelectOptions;
  readonly effective: SelectOptions;
  readonly sinceSample: number;
  readonly score: number;
  /** Interval in which the source says the true offset lies (local fast sign, as chronyc prints it). */
  readonly lowLimitFast: Seconds;
  readonly highLimitFast: Seconds;
  /** The same state in words, with the figure that decided. */
  readonly reason: string;
}

export interface ActivityReport {
  readonly online: number;
  readonly offline: number;
  readonly burstOnline: number;
  readonly burstOffline: number;
  readonly unresolved: number;
}

export interface ServerStatsReport {
  readonly ntpHits: number;
  readonly nkeHits: number;
  readonly cmdHits: number;
  readonly ntpDrops: number;
  readonly nkeDrops: number;
  readonly cmdDrops: number;
  readonly logDrops: number;
  readonly ntpAuthHits: number;
  readonly ntpInterleavedHits: number;
  readonly ntpTimestamps: number;
  readonly ntpSpanSeconds: number;
  readonly daemonRx: number;
  readonly daemonTx: number;
  readonly kernelRx: number;
  readonly kernelTx: number;
  readonly hardwareRx: number;
  readonly hardwareTx: number;
}

export interface ClientReport {
  readonly address: IpText;
  readonly ntpHits: number;
  readonly nkeHits: number;
  readonly cmdHits: number;
  readonly ntpDrops: number;
  readonly nkeDrops: number;
  readonly cmdDrops: number;
  /** log2 s; 127 = unknown. */
  readonly ntpIntervalLog2: number;
  readonly nkeIntervalLog2: number;
  readonly cmdIntervalLog2: number;
  readonly ntpTimeoutIntervalLog2: number;
  /** Seconds since the last hit; 0xffffffff = never. */
  readonly lastNtpAgo: number;
  readonly lastNkeAgo: number;
  readonly lastCmdAgo: number;
}

/** The last valid measurement of one NTP source. */
export interface NtpDataReport {
  /** It has not answered yet: only the addresses and the counters mean anything. */
  readonly unheard?: true;
  readonly remoteAddress: IpText;
  readonly localAddress: IpText | undefined;
  readonly remotePort: number;
  readonly leap: Leap;
  readonly version: number;
  readonly mode: 'active' | 'passive' | 'server';
  readonly stratum: number;
  readonly pollLog2: number;
  readonly precisionLog2: number;
  readonly rootDelay: Seconds;
  readonly rootDispersion: Seconds;
  readonly refId: RefId;
  readonly referenceTime: Instant;
  readonly offset: Seconds;
  readonly peerDelay: Seconds;
  readonly peerDispersion: Seconds;
  readonly responseTime: Seconds;
  /** −0.5…0.5 */
  readonly jitterAsymmetry: number;
  /** Tests 1 2 3 5 6 7 A B C D in bits 9…0, 1 = passed. */
  readonly tests: number;
  readonly interleaved: boolean;
  readonly authenticated: boolean;
  readonly txSource: StampKind;
  readonly rxSource: StampKind;
  readonly totalTx: number;
  readonly totalRx: number;
  readonly totalValidRx: number;
  readonly totalGoodRx: number;
  readonly kernelTx: number;
  readonly kernelRx: number;
  readonly hardwareTx: number;
  readonly hardwareRx: number;
}

/** How an NTP source is authenticated. */
export interface AuthReport {
  readonly mode: 'none' | 'symmetric';
  /** 0 = none. */
  readonly keyId: number;
  /** Undefined: the key file has no such key. */
  readonly key: { readonly type: string; readonly bits: number } | undefined;
}

/** The real-time clock against ours (rtcdata). */
export interface RtcReport {
  /** Of the last measurement, cooked; undefined: there is none yet. */
  readonly referenceTime: Instant | undefined;
  readonly samples: number;
  readonly runs: number;
  readonly span: Seconds;
  /** RTC minus our time then. */
  readonly fast: Seconds;
  /** s/s; positive = the RTC gains. */
  readonly gain: Frequency;
}

/** How the time that clients are served is smoothed. */
export interface SmoothingReport {
  readonly active: boolean;
  readonly leapOnly: boolean;
  /** Served minus cooked time. */
  readonly offset: Seconds;
  /** Rate at which `offset` changes. */
  readonly freqPpm: Ppm;
  /** ppm/s. */
  readonly wanderPpm: Ppm;
  /** s since the last correction that was taken in. */
  readonly lastUpdateAgo: Seconds;
  /** s until served time is cooked time. */
  readonly remaining: Seconds;
}

/** One time set by hand (`settime`), the oldest first. Offsets positive = the clock was fast (chrony's sign). */
export interface ManualSampleReport {
  /** Cooked. */
  readonly when: Instant;
  /** After the corrections that were made since. */
  readonly slewedOffsetFast: Seconds;
  readonly originalOffsetFast: Seconds;
  /** Distance from the line through all of them. */
  readonly residual: Seconds;
}

/** What the manager knows of one reference clock, beyond chrony: `timeball receiver`, demo, dashboard. */
export interface RefclockReport {
  readonly name: string;
  readonly refId: RefId;
  readonly driver: string;
  readonly device: string;
  /** up, or why not, in words. */
  readonly deviceState: string;
  readonly lock: string | undefined;
  /** Is the number of the second known, and by whom. */
  readonly numbering: 'none' | 'message' | 'carried' | 'full';
  readonly numberingReason: string;
  /** Message latency against the pulse (learned), s; undefined when not learned. */
  readonly latencyMedian: Seconds | undefined;
  readonly latencySpread: Seconds | undefined;
  /** s/s over the last hour. */
  readonly latencyDrift: number | undefined;
  /** The `offset` that chrony would need. */
  readonly chronyOffset: Seconds | undefined;
  /** First byte of the burst to the end of the sentence that told the time, s (by the baud rate, or as seen). */
  readonly serialDelay?: Seconds | undefined;
  readonly samplesAccepted: number;
  /** Rejections by reason. */
  readonly rejected: Readonly<Record<string, number>>;
  readonly lastReason: string | undefined;
  readonly sinceMessage: Seconds | undefined;
  readonly sincePulse: Seconds | undefined;
  readonly sinceFix: Seconds | undefined;
  readonly jitter: Seconds | undefined;
  readonly satellitesUsed: number | undefined;
  readonly satellitesVisible: number | undefined;
}
