import { fromUnix } from './time.js';

/** Version of this program; a test compares it with package.json. */
export const VERSION = '0.1.0';

/** 2026-11-21: no honest date lies before the program's own (week rollover, dead RTC batteries). Moved at each release. */
export const BUILD_DATE = fromUnix(1_795_219_200);
