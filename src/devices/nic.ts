import { CodedError } from '../base/errors.js';
import type { Native, NativeStampConfig, NativeStampProvider, NativeTsInfo } from './native.js';
import { chooseProvider, nameOf, providersOf } from './provider.js';
import { messageOf } from './retry.js';

/** SOF_TIMESTAMPING_* that a card must have: its own transmit stamps, and its clock's raw reading. */
const TX_HARDWARE = 1 << 0;
const RX_HARDWARE = 1 << 2;
const RAW_HARDWARE = 1 << 6;

/** HWTSTAMP_TX_ON, HWTSTAMP_FILTER_* (linux/net_tstamp.h). */
export const TX_ON = 1;
export const FILTER = { NONE: 0, ALL: 1, PTP_V2_L4_EVENT: 6, PTP_V2_EVENT: 12, NTP_ALL: 15 } as const;

export type RxFilter = 'none' | 'ntp' | 'ptp' | 'all';

/** What a card is to stamp when packets come in: the first of these that it has. */
const PREFERENCES: Readonly<Record<RxFilter, readonly number[]>> = {
  none: [],
  ntp: [FILTER.NTP_ALL],
  ptp: [FILTER.PTP_V2_L4_EVENT, FILTER.PTP_V2_EVENT],
  all: [FILTER.ALL],
};
const DEFAULT_PREFERENCE: readonly number[] = [FILTER.NTP_ALL, FILTER.ALL];

/** Why a card cannot stamp for us; undefined: it can. */
export const whyNot = (info: NativeTsInfo): string | undefined => {
  if ((info.flags & TX_HARDWARE) === 0 || (info.flags & RAW_HARDWARE) === 0)
    return 'the interface has no hardware stamps';
  if ((info.txTypes & (1 << TX_ON)) === 0) return 'the interface cannot stamp what it sends';
  return info.phcIndex < 0 ? 'the interface has no clock of its own' : undefined;
};

/** The receive filter to ask for; undefined: the one that was asked for by name is not offered. */
export const chooseFilter = (info: NativeTsInfo, wanted: RxFilter | undefined): number | undefined => {
  const offers = (filter: number): boolean =>
    (info.flags & RX_HARDWARE) !== 0 && (info.rxFilters & (1 << filter)) !== 0;
  const found = (wanted === undefined ? DEFAULT_PREFERENCE : PREFERENCES[wanted]).find(offers);
  return found ?? (wanted === undefined || wanted === 'none' ? FILTER.NONE : undefined);
};

/** What a card is told to do for us. */
export interface StampWish {
  readonly rxfilter: RxFilter | undefined;
  /** Words of a provider of stamps; none: the best. */
  readonly provider: readonly string[];
}

export interface Enabled {
  readonly phcIndex: number;
  /** Whose stamps are taken; undefined: the kernel does not tell. */
  readonly provider: NativeStampProvider | undefined;
  /** There are others. */
  readonly choice: boolean;
  readonly config: NativeStampConfig;
  /** Only packets that are sent are stamped. */
  readonly txOnly: boolean;
  /** The card was told now, and not before. */
  readonly changed: boolean;
}

const refusal = (reason: string): CodedError => new CodedError('ERR_TB_DEVICE_UNSUPPORTED', reason);

/** 2: stamps what is received, too (as it is wished); 1: only what is sent; 0: nothing, or not what is wished. */
const useOf = (info: NativeTsInfo, wanted: RxFilter | undefined): number => {
  if (whyNot(info) !== undefined) return 0;
  const filter = chooseFilter(info, wanted);
  return filter === undefined ? 0 : filter === FILTER.NONE ? 1 : 2;
};

/** Whose stamps an interface had best take; undefined: the kernel knows of none that will do. */
export const bestProvider = (
  all: readonly NativeStampProvider[],
  { rxfilter, provider }: StampWish,
  before?: NativeStampProvider,
): NativeStampProvider | undefined => chooseProvider(all, { words: provider, before, use: (p) => useOf(p, rxfilter) });

const refuseProvider = (
  native: Native,
  name: string,
  all: readonly NativeStampProvider[],
  { rxfilter, provider }: StampWish,
): never => {
  // An interface that is not there, or cannot stamp at all, has a better reason.
  if (all.length === 0)
    filterOf(
      coded(() => native.tsInfo(name)),
      rxfilter,
    );
  throw refusal(
    all.length === 0
      ? 'the kernel tells of no providers of its stamps (Linux 6.14 does)'
      : `the interface has no provider of stamps ${provider.join(',')} that will do: there is ${all.map(nameOf).join('; ')}`,
  );
};

/**
 * Tells a card to stamp. What is set already is left alone (then no privilege is needed, and nobody else's stamps are
 * disturbed); and where we have no use for receive stamps somebody else may: their filter stays. Of several providers of
 * stamps the best is taken, `before` while it is of use. Throws ERR_TB_DEVICE_UNSUPPORTED with the reason.
 */
export const enableStamping = (
  native: Native,
  name: string,
  wish: StampWish,
  before?: NativeStampProvider,
): Enabled => {
  const all = providersOf(native, name);
  const chosen = bestProvider(all, wish, before);
  if (chosen === undefined && wish.provider.length > 0) refuseProvider(native, name, all, wish);
  const choice = all.length > 1;
  if (chosen === undefined || chosen.inForce) return { ...tellInForce(native, name, wish), provider: chosen, choice };
  try {
    return { ...tellProvider(native, name, wish, chosen), choice };
  } catch (error) {
    if (wish.provider.length > 0) throw error;
  }
  // Many a driver cannot be told this way: then whose stamps are in force has to do.
  const enabled = tellInForce(native, name, wish);
  return { ...enabled, provider: providersOf(native, name).find((p) => p.inForce), choice };
};

type Told = Omit<Enabled, 'provider' | 'choice'>;

const filterOf = (info: NativeTsInfo, wanted: RxFilter | undefined): number => {
  const reason = whyNot(info);
  if (reason !== undefined) throw refusal(reason);
  const filter = chooseFilter(info, wanted);
  if (filter === undefined) throw refusal(`the interface has no receive filter ${wanted}`);
  return filter;
};

const coded = <T>(act: () => T): T => {
  try {
    return act();
  } catch (error) {
    throw error instanceof CodedError ? error : refusal(messageOf(error));
  }
};

const granted = (config: NativeStampConfig): NativeStampConfig => {
  if (config.txType !== TX_ON) throw refusal('the driver does not switch transmit stamps on');
  return config;
};

/** By the call that every kernel has. */
const tellInForce = (native: Native, name: string, { rxfilter: wanted }: StampWish): Told => {
  const info = coded(() => native.tsInfo(name));
  const filter = filterOf(info, wanted);
  const current = configOf(native, name);
  const rxFilter = filter === FILTER.NONE ? (current?.rxFilter ?? FILTER.NONE) : filter;
  const txOnly = filter === FILTER.NONE;
  const { phcIndex } = info;
  if (current?.txType === TX_ON && current.rxFilter === rxFilter)
    return { phcIndex, config: current, txOnly, changed: false };
  const config = coded(() => granted(native.setStampConfig(name, TX_ON, rxFilter)));
  return { phcIndex, config, txOnly, changed: true };
};

const tellProvider = (
  native: Native,
  name: string,
  { rxfilter: wanted }: StampWish,
  provider: NativeStampProvider,
): Omit<Enabled, 'choice'> => {
  const rxFilter = filterOf(provider, wanted);
  const { phcIndex, qualifier } = provider;
  const config = coded(() => granted(native.setStampProvider(name, phcIndex, qualifier, TX_ON, rxFilter)));
  return { phcIndex, provider, config, txOnly: rxFilter === FILTER.NONE, changed: true };
};

/** Undefined: the driver cannot tell. */
export const configOf = (native: Native, name: string): NativeStampConfig | undefined => {
  try {
    return native.stampConfig(name);
  } catch {
    return undefined;
  }
};
