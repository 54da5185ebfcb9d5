/** Figures of our own reports, for people. */

const UNITS = [
  [1, 's'],
  [1e3, 'ms'],
  [1e6, 'us'],
  [1e9, 'ns'],
  [1e12, 'ps'],
] as const;

const isNumber = (x: unknown): x is number => typeof x === 'number' && Number.isFinite(x);

/** Three digits and a unit: '171 ms', '-35.2 ns'; '-' for what is not known. */
export const quantity = (x: unknown): string => {
  if (!isNumber(x)) return '-';
  if (x === 0) return '0 s';
  const [scale, unit] = UNITS.find(([s]) => Math.abs(x) * s >= 1) ?? UNITS.at(-1)!;
  const scaled = x * scale;
  return `${Math.abs(scaled) >= 100 ? scaled.toFixed(0) : scaled.toPrecision(3)} ${unit}`;
};

/** '1.23e-10'; '-' for what is not known. */
export const scientific = (x: unknown): string => (isNumber(x) ? x.toExponential(2) : '-');

export const text = (x: unknown): string => (x === null || x === undefined ? '-' : String(x));
