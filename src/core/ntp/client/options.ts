import type { Seconds } from '../../../base/units.js';

/** `server`, `pool`, `peer` with chrony's words and defaults (research of chrony.conf(5)); stands in conf as well. */
export interface NtpSourceOptions {
  readonly kind: 'server' | 'pool' | 'peer';
  /** As configured: a host name or an address. */
  readonly name: string;
  readonly port: number;
  /** log2 s; −7…24. */
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
  /** 0 = off. */
  readonly maxdelaydevratio: number;
  /** Quantile; 0 = off. */
  readonly maxdelayquant: number;
  /** 0 = the shortest seen. */
  readonly mindelay: Seconds;
  /** −0.5…0.5; 1 = learned. */
  readonly asymmetry: number;
  readonly offset: Seconds;
  /** −1 = the global value. */
  readonly minsamples: number;
  /** −1 = the global value. */
  readonly maxsamples: number;
  /** Samples; 0 = no filter. */
  readonly filter: number;
  readonly maxunreach: number;
  readonly connectivity: 'online' | 'offline' | 'auto_offline';
  readonly xleave: boolean;
  readonly polltarget: number;
  /** log2 s; 100 = never. */
  readonly presend: number;
  readonly minstratum: number;
  readonly version: number;
  readonly extfields: readonly number[];
  readonly copy: boolean;
  readonly family: 4 | 6 | undefined;
  readonly maxsources: number;
  readonly prefer: boolean;
  readonly noselect: boolean;
  readonly trust: boolean;
  readonly require: boolean;
}

/** Value of `asymmetry` that asks for learning it. */
export const LEARNED_ASYMMETRY = 1;
