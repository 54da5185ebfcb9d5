import type { Args } from './args.js';
import type { RateLimit } from './config.js';
import { integer, type OptionTable, readOptions } from './optionwords.js';

const OPTIONS: OptionTable<RateLimit> = {
  interval: integer('interval', { min: -19, max: 12 }),
  burst: integer('burst', { min: 1, max: 255 }),
  leak: integer('leak', { min: 1, max: 4 }),
};

const WITH_KOD: OptionTable<RateLimit> = { ...OPTIONS, kod: integer('kod', { min: 0, max: 4 }) };

/** Options of the three rate limits; all have defaults, and only the NTP service can answer with a kiss of death. */
export const parseRateLimit = (args: Args, defaults: RateLimit, kod = false): RateLimit => {
  const out = { ...defaults };
  readOptions(args, kod ? WITH_KOD : OPTIONS, out);
  return out;
};
