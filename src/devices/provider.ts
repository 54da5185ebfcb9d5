import type { Native, NativeStampProvider } from './native.js';

/** HWTSTAMP_PROVIDER_QUALIFIER_* and HWTSTAMP_SOURCE_* (Linux 6.14 and newer), as people say them. */
const QUALIFIERS = ['precise', 'approx'];
const MAC = 1;
const PHY = 2;

/** `ptp0 precise mac`; a PHY's is `phy` and `phy1`. Kernels that do not tell of the source say neither `mac` nor `phy`. */
export const wordsOf = ({ phcIndex, qualifier, source, phyIndex }: NativeStampProvider): string[] => {
  const words = [`ptp${phcIndex}`, QUALIFIERS[qualifier] ?? `qualifier-${qualifier}`];
  if (source === MAC) words.push('mac');
  if (source === PHY) words.push('phy');
  if (source === PHY && phyIndex >= 0) words.push(`phy${phyIndex}`);
  return words;
};

export const nameOf = (provider: NativeStampProvider): string => wordsOf(provider).join(' ');

export const isSame = (a: NativeStampProvider, b: NativeStampProvider | undefined): boolean =>
  a.phcIndex === b?.phcIndex && a.qualifier === b.qualifier;

/** None where the kernel does not tell of them, or may not be asked. */
export const providersOf = (native: Native, name: string): NativeStampProvider[] => {
  try {
    return native.stampProviders(name);
  } catch {
    return [];
  }
};

export interface Wish {
  /** Each word that is said narrows the choice. */
  readonly words: readonly string[];
  /** The one that we have: it stays while it is of use, so that no stamps are lost by going to and fro. */
  readonly before: NativeStampProvider | undefined;
  /** 0: cannot stamp for us; the more the better. */
  readonly use: (provider: NativeStampProvider) => number;
}

/** The best for us: what it can do, then how exact it is, then what is in force. Undefined: none will do. */
export const chooseProvider = (
  all: readonly NativeStampProvider[],
  { words, before, use }: Wish,
): NativeStampProvider | undefined => {
  const fit = all.filter((p) => use(p) > 0 && words.every((word) => wordsOf(p).includes(word)));
  const better = (a: NativeStampProvider, b: NativeStampProvider): number =>
    use(b) - use(a) || a.qualifier - b.qualifier || Number(b.inForce) - Number(a.inForce);
  return fit.find((p) => isSame(p, before)) ?? fit.sort(better)[0];
};
