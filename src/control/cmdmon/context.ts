import type { IpBytes } from '../../base/ip.js';
import type { RefId } from '../../base/refid.js';
import type { Instant } from '../../base/time.js';
import type { Ppm, Seconds } from '../../base/units.js';
import type { SourceMatch } from '../../core/report/place.js';
import type {
  ActivityReport,
  AuthReport,
  ClientReport,
  IpText,
  ManualSampleReport,
  NtpDataReport,
  RtcReport,
  SelectOptions,
  SelectReport,
  ServerStatsReport,
  SmoothingReport,
  SourceReport,
  SourcestatsReport,
  TrackingReport,
  UnresolvedReport,
} from '../../core/report/reports.js';
import type { RequestValues } from '../../wire/cmdmon/packet.js';
import type { Status } from '../../wire/cmdmon/protocol.js';

/** Who sent a request. Whoever reaches the UNIX socket may do everything: its directory is the guard. */
export type CmdmonPeer = { readonly transport: 'unix' } | { readonly transport: 'udp'; readonly address: IpBytes };

/** The two access tables: the NTP service, and monitoring over UDP. */
export type AccessTable = 'ntp' | 'cmd';

export interface AccessChange {
  readonly table: AccessTable;
  readonly allow: boolean;
  /** Also removes more specific rules inside the subnet. */
  readonly all: boolean;
  /** Undefined: every address of both families. `bits` is within the family's range. */
  readonly subnet: { readonly address: IpBytes; readonly bits: number } | undefined;
}

/** The client log as a table of slots, some of them empty. */
export interface ClientTable {
  readonly size: number;
  at(index: number): ClientReport | undefined;
  /** Zeroes the hits and drops of one record. */
  reset(index: number): void;
}

/** The words of `local`. */
export interface LocalCommand {
  readonly stratum: number;
  readonly orphan: boolean;
  readonly distance: Seconds;
  readonly activate: Seconds;
  readonly waitsynced: Seconds;
  readonly waitunsynced: Seconds;
}

/** A reference clock by its refid, an NTP source by its address. */
export type SourceRef = { readonly refId: RefId } | { readonly address: IpText };

/** What may be changed of an NTP source that runs. */
export interface SourceChange {
  readonly minpoll?: number;
  readonly maxpoll?: number;
  readonly polltarget?: number;
  readonly minstratum?: number;
  readonly maxdelay?: Seconds;
  readonly maxdelayratio?: number;
  readonly maxdelaydevratio?: number;
}

/** What `settime` did; positive = the clock was fast. */
export interface SetTimeReport {
  readonly offsetFast: Seconds;
  readonly freqChangeFastPpm: Ppm;
  readonly freqFastPpm: Ppm;
}

/** What the daemon is told to do. */
export type DaemonCommand =
  /** STATUS.FAILED when the clock may not be stepped. */
  | { readonly name: 'makestep' }
  /** `limit` updates, negative = always. */
  | { readonly name: 'set-makestep'; readonly threshold: Seconds; readonly limit: number }
  | { readonly name: 'reselect-distance'; readonly distance: Seconds }
  | { readonly name: 'max-update-skew'; readonly skewPpm: Ppm }
  /** Undefined = off. */
  | { readonly name: 'local'; readonly options: LocalCommand | undefined }
  | { readonly name: 'manual'; readonly action: 'on' | 'off' | 'reset' }
  /** STATUS.BAD_SAMPLE: there is no such time. */
  | { readonly name: 'manual-delete'; readonly index: number }
  | { readonly name: 'change-frequency'; readonly freqFastPpm: Ppm }
  | { readonly name: 'change-offset'; readonly offsetFast: Seconds }
  | { readonly name: 'select-options'; readonly source: SourceRef; readonly change: Partial<SelectOptions> }
  | { readonly name: 'source-offset'; readonly source: SourceRef; readonly offset: Seconds }
  | { readonly name: 'smoothtime'; readonly action: 'reset' | 'activate' }
  /** STATUS.SOURCE_ALREADY_KNOWN, TOO_MANY_SOURCES. */
  | { readonly name: 'add-source'; readonly values: RequestValues<'ADD_SOURCE'> }
  | { readonly name: 'delete-source' /** Or `ID#…`. */; readonly address: IpText }
  /** Undefined: all NTP sources. */
  | { readonly name: 'online' | 'offline'; readonly match: SourceMatch }
  | { readonly name: 'burst'; readonly good: number; readonly total: number; readonly match: SourceMatch }
  | { readonly name: 'change-source'; readonly address: IpText; readonly change: SourceChange }
  /** STATUS.NO_RTC without one that is tracked; writertc: STATUS.BAD_RTC_FILE. */
  | { readonly name: 'trim-rtc' }
  | { readonly name: 'writertc' }
  | { readonly name: 'reselect' | 'cyclelogs' | 'rekey' | 'dump' | 'shutdown' }
  | { readonly name: 'refresh' | 'onoffline' | 'reload-sources' | 'reset-sources' };

/** The daemon as the command door sees it. Getters give the state of the moment, synchronously. */
export interface CmdmonContext {
  /** Request codes that may be asked over UDP (`opencommands`). */
  readonly openCommands: ReadonlySet<number>;
  /**
   * Counts one request as a command hit (also in the client log where there is an address); false when it is over
   * `cmdratelimit`, which never holds for `exempt` peers (UNIX socket, this host).
   */
  countAccess(address: IpBytes | undefined, exempt: boolean): boolean;
  accessAllowed(table: AccessTable, address: IpBytes): boolean;
  changeAccess(change: AccessChange): void;

  tracking(): TrackingReport;
  /** All sources in order of creation; the same order in the next two. */
  sources(): readonly SourceReport[];
  sourcestats(): readonly SourcestatsReport[];
  selectdata(): readonly SelectReport[];
  /** Names of NTP sources that have no address yet. */
  unresolved(): readonly UnresolvedReport[];
  activity(): ActivityReport;
  serverStats(): ServerStatsReport;
  /** Undefined: client logging is off. */
  clients(): ClientTable | undefined;
  /** As `authData`. */
  ntpData(address: IpBytes | number): NtpDataReport | undefined;
  /** By address, or by the number of a name without one. Undefined: there is no such NTP source. */
  authData(address: IpBytes | number): AuthReport | undefined;
  /** The name by which the configuration calls an NTP source; undefined: there is none at that address. */
  sourceName(address: IpBytes): string | undefined;
  /** Undefined: `smoothtime` is not configured. */
  smoothing(): SmoothingReport | undefined;
  /** Undefined: no real-time clock is tracked. */
  rtc(): RtcReport | undefined;
  /** Oldest first, at most 16. */
  manualList(): readonly ManualSampleReport[];
  /** STATUS.NOT_ENABLED without `manual`, STATUS.FAILED for a time that cannot be taken. */
  setTime(time: Instant): SetTimeReport | Status;
  /** Does it, now. STATUS.NOT_ENABLED for what this daemon cannot do: never a success that is none. */
  run(command: DaemonCommand): Status;
}
