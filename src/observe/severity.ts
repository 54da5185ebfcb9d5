import type { Severity } from '../ports/observer.js';

/** Order of severities, as the option -L counts them. */
export const SEVERITY_LEVEL: Readonly<Record<Severity, number>> = { debug: -1, info: 0, warn: 1, error: 2, fatal: 3 };

/** Priorities of syslog(3), as journald reads them from `<N>` at the start of a line. */
export const SYSLOG_PRIORITY: Readonly<Record<Severity, number>> = { debug: 7, info: 6, warn: 4, error: 3, fatal: 2 };
