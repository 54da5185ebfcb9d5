import { CodedError } from '../base/errors.js';
import type { Native, NativeStampConfig, NativeTsInfo } from './native.js';
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

export interface Enabled {
  readonly phcIndex: number;
  readonly config: NativeStampConfig;
  /** Only packets that are sent are stamped. */
  readonly txOnly: boolean;
  /** The card was told now, and not before. */
  readonly changed: boolean;
}

/**
 * Tells a card to stamp. What is set already is left alone (then no privilege is needed, and nobody else's stamps are
 * disturbed); and where we have no use for receive stamps somebody else may: their filter stays. Throws
 * ERR_TB_DEVICE_UNSUPPORTED with the reason.
 */
export const enableStamping = (native: Native, name: string, wanted: RxFilter | undefined): Enabled => {
  const refuse = (reason: string): CodedError => new CodedError('ERR_TB_DEVICE_UNSUPPORTED', reason);
  let info: NativeTsInfo;
  try {
    info = native.tsInfo(name);
  } catch (error) {
    throw refuse(messageOf(error));
  }
  const reason = whyNot(info);
  if (reason !== undefined) throw refuse(reason);
  const filter = chooseFilter(info, wanted);
  if (filter === undefined) throw refuse(`the interface has no receive filter ${wanted}`);
  const current = configOf(native, name);
  const rxFilter = filter === FILTER.NONE ? (current?.rxFilter ?? FILTER.NONE) : filter;
  const txOnly = filter === FILTER.NONE;
  const { phcIndex } = info;
  if (current?.txType === TX_ON && current.rxFilter === rxFilter)
    return { phcIndex, config: current, txOnly, changed: false };
  try {
    const config = native.setStampConfig(name, TX_ON, rxFilter);
    if (config.txType !== TX_ON) throw refuse('the driver does not switch transmit stamps on');
    return { phcIndex, config, txOnly, changed: true };
  } catch (error) {
    throw error instanceof CodedError ? error : refuse(messageOf(error));
  }
};

/** Undefined: the driver cannot tell. */
export const configOf = (native: Native, name: string): NativeStampConfig | undefined => {
  try {
    return native.stampConfig(name);
  } catch {
    return undefined;
  }
};
