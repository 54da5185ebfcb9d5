/** An interval or an offset in seconds (float64). Never an epoch time: 238 ns resolution today. */
export type Seconds = number;

/** A relative frequency, dimensionless (s/s). Positive = the clock in question runs fast, or is made faster. */
export type Frequency = number;

/** A relative frequency in parts per million. Only at borders (configuration, reports, files). */
export type Ppm = number;

export const PPM = 1e-6;

/** Leap indicator as it stands in an NTP header (RFC 5905, 7.3): 3 = clock not synchronised. */
export type Leap = 0 | 1 | 2 | 3;

/** NTP version 4 limits (RFC 5905, 7.2). */
export const MAX_STRATUM = 16;

/** How a time stamp was taken; letters as chrony prints them (D, K, H). */
export type StampKind = 'daemon' | 'kernel' | 'hardware';
