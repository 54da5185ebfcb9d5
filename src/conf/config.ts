/**
 * What a configuration says, typed and with every default filled in. Words and defaults are chrony.conf(5)'s (4.8);
 * what chrony lacks is marked "ours". Directives whose effect is not there yet are stored here all the same, so that
 * the effect plugs in without touching the language.
 *
 * The interfaces RefclockOptions, DisciplineOptions, SelectionOptions and LocalOptions stand in core too
 * (src/core/refclock/options.ts): conf may not see core, so they are declared twice and a test keeps them equal.
 */
import type { Ppm, Seconds } from '../base/units.js';

export type RefclockDriver = 'PPS' | 'SHM' | 'SOCK' | 'PHC' | 'NMEA' | 'UBX' | 'RTC';

/** Selection options that every kind of source has. */
export interface SourceSelectOptions {
  readonly prefer: boolean;
  readonly noselect: boolean;
  readonly trust: boolean;
  readonly require: boolean;
}

export interface RefclockOptions extends SourceSelectOptions {
  readonly driver: RefclockDriver;
  readonly parameter: string;
  readonly driverOptions: Readonly<Record<string, string>>;
  /** log2 s. */
  readonly poll: number;
  /** log2 s, not above poll. */
  readonly dpoll: number;
  /** '' = made from the driver and its index. */
  readonly refid: string;
  /** '' = none. */
  readonly lock: string;
  /** Hz. */
  readonly rate: number;
  /** Pulses. */
  readonly maxlockage: number;
  /** 0 = off. */
  readonly width: Seconds;
  readonly pps: boolean;
  readonly offset: Seconds;
  readonly offsetGiven: boolean;
  readonly delay: Seconds;
  readonly delayGiven: boolean;
  readonly stratum: number;
  /** 0 = the clock's own. */
  readonly precision: Seconds;
  /** 0 = off. */
  readonly maxdispersion: Seconds;
  readonly filter: number;
  readonly tai: boolean;
  readonly local: boolean;
  /** −1 = the global value. */
  readonly minsamples: number;
  /** −1 = the global value. */
  readonly maxsamples: number;
  readonly maxunreach: number;
}

export type LeapsecMode = 'system' | 'step' | 'slew' | 'ignore';

export interface DisciplineOptions {
  /** Undefined = never step; negative limit = always. */
  readonly makestep: { readonly threshold: Seconds; readonly limit: number } | undefined;
  readonly maxslewratePpm: Ppm;
  readonly maxupdateskewPpm: Ppm;
  readonly maxdriftPpm: Ppm;
  readonly maxclockerrorPpm: Ppm;
  readonly corrtimeratio: number;
  readonly maxchange: { readonly offset: Seconds; readonly start: number; readonly ignore: number } | undefined;
  readonly leapsecmode: LeapsecMode;
  readonly logchange: Seconds;
  /** s; a correction beyond it goes out as a fact, too, for the mail. */
  readonly mailchange?: Seconds;
}

export interface SelectionOptions {
  readonly combinelimit: number;
  readonly maxdistance: Seconds;
  readonly maxjitter: Seconds;
  readonly minsources: number;
  readonly reselectdist: Seconds;
  readonly stratumweight: Seconds;
  readonly minstratum: number;
  readonly maxstratum: number;
  readonly minsamples: number;
  /** 0 = 64. */
  readonly maxsamples: number;
}

export interface LocalOptions {
  readonly stratum: number;
  readonly orphan: boolean;
  readonly distance: Seconds;
  readonly activate: Seconds;
  readonly waitsynced: Seconds;
  readonly waitunsynced: Seconds;
}

/** `server`, `pool`, `peer` with every per-source option. */
export interface NtpSourceConfig extends SourceSelectOptions {
  readonly kind: 'server' | 'pool' | 'peer';
  readonly name: string;
  readonly port: number;
  /** log2 s. */
  readonly minpoll: number;
  /** log2 s. */
  readonly maxpoll: number;
  readonly iburst: boolean;
  readonly burst: boolean;
  /** Key id; 0 = none. */
  readonly key: number;
  readonly nts: boolean;
  readonly ntsport: number;
  readonly certset: number;
  readonly maxdelay: Seconds;
  /** 0 = off. */
  readonly maxdelayratio: number;
  readonly maxdelaydevratio: number;
  /** Quantile; 0 = off. */
  readonly maxdelayquant: number;
  readonly mindelay: Seconds;
  /** −0.5…0.5; 1 = estimated. */
  readonly asymmetry: number;
  readonly offset: Seconds;
  /** −1 = the global value. */
  readonly minsamples: number;
  /** −1 = the global value. */
  readonly maxsamples: number;
  /** Samples; 0 = no filter. */
  readonly filter: number;
  readonly maxunreach: number;
  /** How the source starts and how it goes offline. */
  readonly connectivity: 'online' | 'offline' | 'auto_offline';
  readonly xleave: boolean;
  readonly polltarget: number;
  /** log2 s; 100 = never. */
  readonly presend: number;
  readonly minstratum: number;
  readonly version: number;
  /** Extension fields asked for, as numbers (0xF323, 0xF324). */
  readonly extfields: readonly number[];
  readonly copy: boolean;
  readonly family: 4 | 6 | undefined;
  /** Pools: how many of the addresses to keep. */
  readonly maxsources: number;
}

/** What an access rule is about. Host names are resolved by whoever applies the rule. */
export type Subnet =
  | { readonly kind: 'any' }
  | { readonly kind: 'net'; readonly family: 4 | 6; readonly address: string; readonly bits: number }
  /** `unknown`: what is fatal when there is no such host. */
  | { readonly kind: 'host'; readonly name: string; readonly unknown: string };

/** One `allow`/`deny` line; order matters. */
export interface AccessRule {
  readonly action: 'allow' | 'deny';
  /** With `all`, more specific rules inside the subnet are erased. */
  readonly all: boolean;
  readonly subnet: Subnet;
}

/** Token bucket. Intervals and leak are log2. */
export interface RateLimit {
  readonly interval: number;
  readonly burst: number;
  readonly leak: number;
  /** Only for NTP; 0 = no KoD. */
  readonly kod: number;
}

export interface HwTimestampConfig {
  /** Interface, or '*'. */
  readonly name: string;
  readonly minpoll: number;
  readonly maxpoll: number;
  readonly minsamples: number;
  readonly maxsamples: number;
  readonly precision: Seconds;
  readonly txcomp: Seconds;
  readonly rxcomp: Seconds;
  readonly nocrossts: boolean;
  /** Undefined = ntp if offered, else all, else none. */
  readonly rxfilter: 'none' | 'ntp' | 'ptp' | 'all' | undefined;
  /** Whose stamps, where the kernel offers several: mac, phy, phyN, ptpN, precise, approx; all must hold. Empty = the best. */
  readonly provider: readonly string[];
}

export interface SensorConfig {
  readonly sensor: string;
  readonly interval: Seconds;
}

export type TempcompConfig =
  | {
      readonly kind: 'quadratic';
      readonly sensor: string;
      readonly interval: Seconds;
      readonly t0: number;
      readonly k0: number;
      readonly k1: number;
      readonly k2: number;
    }
  | { readonly kind: 'points'; readonly sensor: string; readonly interval: Seconds; readonly file: string };

export interface ClockConfig {
  readonly driftfile: { readonly path: string; readonly interval: Seconds } | undefined;
  readonly rtcsync: boolean;
  readonly leapsectz: string | undefined;
  readonly leapseclist: string | undefined;
  /** Undefined = measured at start. */
  readonly clockprecision: Seconds | undefined;
  /** log2 s. */
  readonly fallbackdrift: { readonly min: number; readonly max: number } | undefined;
  readonly smoothtime: { readonly maxFreqPpm: Ppm; readonly maxWanderPpm: Ppm; readonly leaponly: boolean } | undefined;
  readonly tempcomp: TempcompConfig | undefined;
  /** A sensor whose meaning for the clock is learned. */
  readonly tempsensor: SensorConfig | undefined;
  readonly manual: boolean;
  readonly initstepslew: { readonly threshold: Seconds; readonly servers: readonly string[] } | undefined;
}

export interface RtcConfig {
  readonly rtcfile: string | undefined;
  readonly rtcdevice: string;
  /** 0 = off. */
  readonly rtcautotrim: Seconds;
  readonly rtconutc: boolean;
  readonly hwclockfile: string | undefined;
}

/** NTP as a server. */
export interface ServerConfig {
  /** 0 = no server. */
  readonly port: number;
  /** One of each family at most; undefined = any address. */
  readonly bindaddress4: string | undefined;
  readonly bindaddress6: string | undefined;
  readonly binddevice: string | undefined;
  readonly dscp: number;
  readonly access: readonly AccessRule[];
  /** Bytes. */
  readonly clientloglimit: number;
  readonly noclientlog: boolean;
  readonly ratelimit: RateLimit | undefined;
  readonly ntpsigndsocket: string | undefined;
  readonly broadcasts: readonly {
    readonly interval: Seconds;
    readonly address: string;
    readonly port: number;
  }[];
  /** Ours: workers that answer; 1. */
  readonly servethreads: number;
}

/** NTP as a client. */
export interface ClientConfig {
  /** undefined = a random port a request. */
  readonly acquisitionport: number | undefined;
  readonly bindacqaddress4: string | undefined;
  readonly bindacqaddress6: string | undefined;
  readonly bindacqdevice: string | undefined;
  readonly refresh: Seconds;
  readonly dumpdir: string | undefined;
  readonly sourcedirs: readonly string[];
  readonly authselectmode: 'require' | 'prefer' | 'mix' | 'ignore';
  readonly keyfile: string | undefined;
}

export interface HardwareConfig {
  readonly hwtimestamp: readonly HwTimestampConfig[];
  readonly hwtstimeout: Seconds;
  readonly maxtxbuffers: number;
  /** 0 = off. */
  readonly ptpport: number;
  readonly ptpdomain: number;
  /** ours */
  readonly ptp4l: readonly Ptp4lConfig[];
}

/** A running ptp4l. */
export interface Ptp4lConfig {
  /** Path of its Unix socket. */
  readonly socket: string;
  /** PTP domain that it speaks in. */
  readonly domain: number;
  /** It gives our time away: it is told what to announce. Else it receives time. */
  readonly grandmaster: boolean;
  /** PHC that is steered from our clock, by path or interface. */
  readonly phc: string | undefined;
  /** Bounds of the error, s, up to which holdover is clockClass 7, and 52. */
  readonly holdover: Seconds;
  readonly degraded: Seconds;
}

/** Reports that the network may be shown: all that there are. */
export type OpenCommand =
  | 'activity'
  | 'authdata'
  | 'clients'
  | 'manual'
  | 'ntpdata'
  | 'rtcdata'
  | 'selectdata'
  | 'serverstats'
  | 'smoothing'
  | 'sourcename'
  | 'sources'
  | 'sourcestats'
  | 'tracking';

export interface CommandConfig {
  /** 0 = no UDP port. */
  readonly cmdport: number;
  readonly bindcmdaddress4: string;
  readonly bindcmdaddress6: string;
  readonly bindcmddevice: string | undefined;
  /** Path of the Unix socket; undefined = none (`bindcmdaddress /`). */
  readonly socket: string | undefined;
  readonly access: readonly AccessRule[];
  readonly cmdratelimit: RateLimit | undefined;
  readonly opencommands: readonly OpenCommand[];
  /** Ours: dashboard and metrics; 0 = off. */
  readonly httpport: number;
  /** Ours: ClockBound's shared-memory file; undefined = none. */
  readonly clockboundfile: string | undefined;
}

export interface NtsConfig {
  readonly certs: readonly string[];
  readonly keys: readonly string[];
  readonly port: number;
  readonly processes: number;
  readonly maxconnections: number;
  readonly dumpdir: string | undefined;
  readonly ntpserver: string | undefined;
  readonly rotate: Seconds;
  readonly refresh: Seconds;
  /** AEAD numbers, in order of preference. */
  readonly aeads: readonly number[];
  readonly ratelimit: RateLimit | undefined;
  readonly trustedcerts: readonly { readonly set: number; readonly path: string }[];
  readonly nosystemcert: boolean;
  readonly nocerttimecheck: number;
}

export type LogName =
  | 'measurements'
  | 'rawmeasurements'
  | 'statistics'
  | 'selection'
  | 'tracking'
  | 'rtc'
  | 'refclocks'
  | 'tempcomp';

export interface LogConfig {
  readonly log: ReadonlySet<LogName>;
  readonly logdir: string | undefined;
  /** Entries between banners; 0 = none. */
  readonly logbanner: number;
  /** Ours: file that events are recorded in. */
  readonly eventlog: string | undefined;
  readonly mailonchange: { readonly address: string; readonly threshold: Seconds } | undefined;
}

export interface ProcessConfig {
  /** undefined = none (`pidfile /`). */
  readonly pidfile: string | undefined;
  /** undefined = stay who we are. */
  readonly user: string | undefined;
  /** 0 = leave as it is. */
  readonly schedPriority: number;
  readonly lockAll: boolean;
}

export interface Config {
  readonly sources: readonly NtpSourceConfig[];
  readonly refclocks: readonly RefclockOptions[];
  readonly selection: SelectionOptions;
  readonly discipline: DisciplineOptions;
  readonly local: LocalOptions | undefined;
  readonly clock: ClockConfig;
  readonly rtc: RtcConfig;
  readonly server: ServerConfig;
  readonly client: ClientConfig;
  readonly hardware: HardwareConfig;
  readonly command: CommandConfig;
  readonly nts: NtsConfig;
  readonly logging: LogConfig;
  readonly process: ProcessConfig;
  /** Lines for the log at start ("X directive is no longer supported", "Invalid lock refid X"). */
  readonly warnings: readonly string[];
}
