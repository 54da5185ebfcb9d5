/** Numbers as chronyc prints them: printf's rounding (ties to even) and its widths that change with the magnitude. */

/** printf `%.*f`: exact ties go to the even digit, which toFixed does not do; the sign of −0 is kept. */
export const fixed = (x: number, digits: number): string => {
  if (Object.is(x, -0)) return `-${(0).toFixed(digits)}`;
  if (!Number.isFinite(x) || Math.abs(x) >= 1e21) return String(x);
  const rounded = x.toFixed(digits);
  const exact = Math.abs(x).toFixed(100);
  const rest = exact.slice(exact.indexOf('.') + 1 + digits);
  if (!/^50*$/.test(rest)) return rounded;
  // A tie: take the neighbour whose last digit is even, by cutting instead of rounding.
  const cut = digits === 0 ? exact.slice(0, exact.indexOf('.')) : exact.slice(0, exact.indexOf('.') + 1 + digits);
  const even = Number(cut.at(-1)) % 2 === 0;
  const magnitude = even ? cut : rounded.replace('-', '');
  return x < 0 ? `-${magnitude}` : magnitude;
};

/** printf `%+.*f`. */
export const signed = (x: number, digits: number): string => {
  const s = fixed(x, digits);
  return s.startsWith('-') ? s : `+${s}`;
};

/** Units of an interval: each is used while the number stays below its limit. */
const UNITS: readonly { suffix: string; perSecond: number; limit: number; digits: number }[] = [
  { suffix: 'ns', perSecond: 1e9, limit: 9999.5, digits: 0 },
  { suffix: 'us', perSecond: 1e6, limit: 9999.5, digits: 0 },
  { suffix: 'ms', perSecond: 1e3, limit: 9999.5, digits: 0 },
  { suffix: 's', perSecond: 1, limit: 999.5, digits: 1 },
  { suffix: 's', perSecond: 1, limit: 99999.5, digits: 0 },
  { suffix: 'm', perSecond: 1 / 60, limit: 99999.5, digits: 0 },
  { suffix: 'h', perSecond: 1 / 3600, limit: 99999.5, digits: 0 },
  { suffix: 'd', perSecond: 1 / 86400, limit: 99999.5, digits: 0 },
  { suffix: 'y', perSecond: 1 / 31_536_000, limit: Infinity, digits: 0 },
];

const withUnit = (s: number, format: (x: number, digits: number) => string, width: number): string => {
  const unit = UNITS.find((u) => Math.abs(s * u.perSecond) < u.limit) ?? UNITS.at(-1)!;
  return `${format(s * unit.perSecond, unit.digits)}${unit.suffix}`.padStart(width);
};

/** Six columns: ` 4000ms`'s magnitude without sign. */
export const interval = (s: number): string => withUnit(Math.abs(s), fixed, 6);

/** Seven columns with sign. */
export const signedInterval = (s: number): string => withUnit(s, signed, 7);

/** An age in whole seconds, four columns; NEVER as '-'. */
export const age = (s: number): string => {
  if (s === 0xffffffff) return '   -';
  if (s < 1200) return String(s).padStart(4);
  const scaled = (unit: number, suffix: string): string => `${Math.trunc(s / unit)}${suffix}`.padStart(4);
  if (s < 36000) return scaled(60, 'm');
  if (s < 345600) return scaled(3600, 'h');
  return Math.trunc(s / 86400) > 999 ? scaled(86400 * 365, 'y') : scaled(86400, 'd');
};

/** A frequency in ppm, ten columns. */
export const frequency = (ppm: number): string => fixed(ppm, Math.abs(ppm) < 99999.5 ? 3 : 0).padStart(10);
export const signedFrequency = (ppm: number): string => signed(ppm, Math.abs(ppm) < 99999.5 ? 3 : 0).padStart(10);

/** log2 of an interval, two columns; 127 = unknown. */
export const log2Interval = (log2: number): string => (log2 === 127 ? ' -' : String(log2).padStart(2));
