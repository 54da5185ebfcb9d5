import type { Ppm, Seconds } from '../../base/units.js';

export type RefclockDriver = 'PPS' | 'SHM' | 'SOCK' | 'PHC' | 'NMEA' | 'UBX' | 'RTC';

/** `refclock DRIVER PARAM[:opt…] [options]`, chrony's words and defaults (algorithms-notes 2); NMEA and UBX are ours. */
export interface RefclockOptions {
  readonly driver: RefclockDriver;
  /** Device path, unit number, socket path or interface, without the driver options. */
  readonly parameter: string;
  /** `:name=value` and `:flag` (value '') after the parameter. */
  readonly driverOptions: Readonly<Record<string, string>>;
  /** log2 s; 4. */
  readonly poll: number;
  /** log2 s; 0. Lowered to poll. */
  readonly dpoll: number;
  /** Text, up to 4 characters; empty = first three letters of the driver and the index digit(s). */
  readonly refid: string;
  /** Refid of the source that numbers this one's pulses; '' = none. */
  readonly lock: string;
  /** Hz; 1. */
  readonly rate: number;
  /** Pulses; 2. */
  readonly maxlockage: number;
  /** s; 0 = off. */
  readonly width: Seconds;
  /** Treat as pulse whatever the driver. */
  readonly pps: boolean;
  /** s, added to the measured offset; 0. */
  readonly offset: Seconds;
  /** True when `offset` was given: a learned latency is then not applied to this source. */
  readonly offsetGiven: boolean;
  /** s; 1e-9. For NMEA without the option: learned (see core/refclock). */
  readonly delay: Seconds;
  readonly delayGiven: boolean;
  /** 0. */
  readonly stratum: number;
  /** s; 0 = clock precision. */
  readonly precision: Seconds;
  /** s; 0 = off. */
  readonly maxdispersion: Seconds;
  /** Samples kept between polls; 64. */
  readonly filter: number;
  readonly prefer: boolean;
  readonly noselect: boolean;
  readonly trust: boolean;
  readonly require: boolean;
  readonly tai: boolean;
  readonly local: boolean;
  /** −1 = the global default. */
  readonly minsamples: number;
  readonly maxsamples: number;
  /** 100000. */
  readonly maxunreach: number;
}

/** Global words of chrony.conf that core needs (engine maps them from the configuration). */
export interface DisciplineOptions {
  /** s; undefined = never step. `limit` updates may step, negative = always. */
  readonly makestep: { readonly threshold: Seconds; readonly limit: number } | undefined;
  readonly maxslewratePpm: Ppm;
  readonly maxupdateskewPpm: Ppm;
  readonly maxdriftPpm: Ppm;
  readonly maxclockerrorPpm: Ppm;
  /** 3.0: also the time constant of the frequency steering in seconds. */
  readonly corrtimeratio: number;
  readonly maxchange: { readonly offset: Seconds; readonly start: number; readonly ignore: number } | undefined;
  readonly leapsecmode: 'system' | 'step' | 'slew' | 'ignore';
  /** s; the log line "System clock wrong by". */
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
  /** What authenticated NTP sources mean for the others; absent = ignore. */
  readonly authselectmode?: 'require' | 'prefer' | 'mix' | 'ignore';
}

export interface LocalOptions {
  readonly stratum: number;
  readonly orphan: boolean;
  readonly distance: Seconds;
  readonly activate: Seconds;
  readonly waitsynced: Seconds;
  readonly waitunsynced: Seconds;
}
