/**
 * cmdmon's 32-bit float: top 7 bits a signed exponent e, low 25 bits a signed coefficient c without hidden bit,
 * value c·2^(e−25). Resolution 6e-8…1.2e-7 of the value: good for offsets, never for epoch seconds.
 */
const COEF_BITS = 25;
const COEF_MAX = 2 ** 24 - 1;
const EXP_MAX = 63;
const EXP_MIN = -64;

export const decodeFloat = (word: number): number => {
  const exponent = word >> COEF_BITS;
  const coefficient = (word << 7) >> 7;
  return coefficient * 2 ** (exponent - COEF_BITS);
};

const pack = (exponent: number, coefficient: number): number =>
  (((exponent & 0x7f) << COEF_BITS) | (coefficient & 0x1ffffff)) >>> 0;

export const encodeFloat = (value: number): number => {
  const magnitude = Math.abs(value);
  if (Number.isNaN(value) || magnitude < 1e-100) return 0;
  const negative = value < 0;
  // The negative side of two's complement reaches one further.
  const limit = negative ? COEF_MAX + 1 : COEF_MAX;
  if (magnitude > 1e100) return pack(EXP_MAX, negative ? -limit : limit);
  let exponent = Math.trunc(Math.log2(magnitude) + 1);
  let coefficient = Math.trunc(magnitude * 2 ** (COEF_BITS - exponent) + 0.5);
  while (coefficient > limit) {
    coefficient = Math.floor(coefficient / 2);
    exponent++;
  }
  if (exponent > EXP_MAX) return pack(EXP_MAX, negative ? -limit : limit);
  if (exponent < EXP_MIN) {
    if (exponent + COEF_BITS < EXP_MIN) return 0;
    coefficient = Math.floor(coefficient / 2 ** (EXP_MIN - exponent));
    exponent = EXP_MIN;
  }
  return pack(exponent, negative ? -coefficient : coefficient);
};
